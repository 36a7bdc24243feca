package eval

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/card"
	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/rows"
	"github.com/bulkrunner/runner/sdk"
)

// compiler gathers what is wrong with an operation while it is compiled.
type compiler struct {
	*Scope
	op      *config.Operation
	schema  *sdk.OperationSchema
	row     sight // of expressions that see the row
	program *Program
	diags   diag.List
}

// Compile makes an operation's expressions ready and finds all that is wrong
// with them whatever the rows say.
//
// Nil columns say that the list isn't at hand, as when a run is applied from
// its file alone: names of columns are believed, and only [Program.Judge] and
// [Program.LiveAmount] may be called. So it is with an inline list of no rows.
// A scope for validation judges the other expressions even so.
func (s *Scope) Compile(op *config.Operation, columns []rows.Column, schema *sdk.OperationSchema) (*Program, diag.List) {
	return s.compile(op, sight{columns: columns}, schema)
}

func (s *Scope) compile(op *config.Operation, row sight, schema *sdk.OperationSchema) (*Program, diag.List) {
	columns := row.columns
	c := &compiler{Scope: s, op: op, schema: schema, program: &Program{columns: columns}, row: row}
	c.program.frame.columns = columns
	c.row.in, c.row.each, c.row.key, c.row.open = operationIn(op), true, true, columns == nil
	c.guards()
	if columns != nil || s.unvalued {
		c.key()
		c.where()
		c.arguments()
		c.money()
		if op.RehearseState != nil {
			c.program.state = c.text(op.RehearseState, "state")
		}
	}
	c.program.kept = c.keep()
	c.secretColumns()
	if list := c.cfg.Lists[op.ForEach]; list != nil && list.Provider == "" {
		c.program.ids = make([]bool, len(columns))
		for i, column := range columns {
			c.program.ids[i] = list.Columns[column.Name].Type == "id"
		}
	}
	if c.diags.HasErrors() {
		return nil, unique(c.diags)
	}
	return c.program, unique(c.diags)
}

// unique drops repetitions: what is wrong with a local is told by everyone who
// names it.
func unique(diags diag.List) diag.List {
	var out diag.List
	for _, d := range diags {
		if !slices.ContainsFunc(out, func(e diag.Diagnostic) bool {
			return e.Summary == d.Summary && e.Detail == d.Detail && e.In == d.In && (e.Subject == d.Subject || e.Subject != nil && d.Subject != nil && *e.Subject == *d.Subject)
		}) {
			out = append(out, d)
		}
	}
	return out
}

func (c *compiler) report(d diag.Diagnostic) {
	if d.In == "" {
		d.In = c.row.in
	}
	c.diags = append(c.diags, d)
}

// expr compiles an expression of the row; nil when it is wrong.
func (c *compiler) expr(expr hcl.Expression, see sight) *expression {
	e, diags := c.expression(expr, see)
	c.diags = append(c.diags, diags...)
	if diags.HasErrors() {
		return nil
	}
	e.quick = compileQuick(e, see.columns)
	return e
}

// text compiles an expression that must give a string which may be stored.
func (c *compiler) text(expr hcl.Expression, what string) *expression {
	see := c.row
	see.key = what != "key"
	e := c.expr(expr, see)
	if e == nil {
		return nil
	}
	if e.static.ContainsMarked() {
		c.report(diag.Diagnostic{Summary: "Sensitive value would be stored", Detail: fmt.Sprintf("The %s of an item is kept in the run file and shown, so it can't be a sensitive value.", what), Subject: expr.Range().Ptr()})
		return nil
	}
	if t := e.static.Type(); t != cty.String && t != cty.DynamicPseudoType {
		c.report(diag.Diagnostic{Summary: "Value is not a string", Detail: fmt.Sprintf("The %s of an item is a string, and this gives %s.", what, t.FriendlyName()), Subject: expr.Range().Ptr()})
		return nil
	}
	return e
}

func (c *compiler) key() {
	if c.op.Key != nil {
		if c.program.key = c.text(c.op.Key, "key"); c.program.key != nil && c.program.key.constant() {
			c.report(diag.Diagnostic{Summary: "Key is the same for every row", Detail: "The key must tell rows apart: name a column, as in key = each.value.order_id.", Subject: c.op.Key.Range().Ptr()})
		}
		return
	}
	if c.op.FedBy() != "" {
		c.program.keyColumn = feedKey
		return
	}
	list := c.cfg.Lists[c.op.ForEach]
	if list == nil || list.Key == nil {
		c.report(diag.Diagnostic{Summary: "No key", Detail: "Nothing says which column names a row. Add key = \"COLUMN\" to the list, or key = each.value.COLUMN to the operation.", Subject: c.op.Range.Ptr()})
		return
	}
	in := fmt.Sprintf("list %q %q", list.Type, list.Name)
	v, diags := c.value(list.Key, in)
	c.diags = append(c.diags, diags...)
	if diags.HasErrors() {
		return
	}
	if v.IsMarked() || v.Type() != cty.String || v.IsNull() || !v.IsKnown() {
		c.report(diag.Diagnostic{Summary: "Invalid key", Detail: "The key of a list is a column's name in double quotes.", Subject: list.Key.Range().Ptr(), In: in})
		return
	}
	if c.row.open {
		return
	}
	var names []string
	for i, col := range c.row.columns {
		if col.Name == v.AsString() {
			c.program.keyColumn = i
			if col.Type != rows.String && col.Type != rows.Any {
				c.report(diag.Diagnostic{Summary: "Key is not a string", Detail: fmt.Sprintf("The column %q names the rows and is declared otherwise than as a string. Keys are strings, so that leading zeros survive: take it out of columns.", col.Name), Subject: list.Key.Range().Ptr(), In: in})
			}
			return
		}
		names = append(names, col.Name)
	}
	detail := fmt.Sprintf("The list's key is %q, and it has no such column.%s", v.AsString(), suggest(v.AsString(), names, "columns"))
	if list.Type == "csv" && len(names) == 1 { // most often a title, or a comment
		detail += " If that is not the header, header_row says which line is, and comment which lines are left out."
	}
	c.report(diag.Diagnostic{Summary: "Unknown column", Detail: detail, Subject: list.Key.Range().Ptr(), In: in})
}

func (c *compiler) where() {
	if c.op.Where == nil {
		return
	}
	c.program.where = c.expr(c.op.Where, c.row)
	if e := c.program.where; e != nil {
		c.wantBool(e, "where")
	}
}

func (c *compiler) wantBool(e *expression, what string) bool {
	t := e.static.Type()
	if t != cty.Bool && t != cty.DynamicPseudoType {
		advice := "Compare it with something, as in each.value.status == \"PENDIENTE\"."
		if t == cty.String && config.IsJSON(e.syntax.Range().Filename) {
			advice = "In JSON an expression stands within ${ }."
		}
		c.report(diag.Diagnostic{Summary: "Condition is not a bool", Detail: fmt.Sprintf("%s must be true or false, and this gives %s. %s", what, t.FriendlyName(), advice), Subject: e.syntax.Range().Ptr()})
		return false
	}
	return true
}

// arguments compiles the arguments in the schema's order.
func (c *compiler) arguments() {
	if c.schema == nil {
		return
	}
	var names []string
	for _, a := range c.schema.Arguments {
		names = append(names, a.Name)
		c.argument(a)
	}
	for _, n := range sortedKeys(c.op.Arguments) {
		if !slices.Contains(names, n) {
			c.report(diag.Diagnostic{Summary: "Unknown argument", Detail: fmt.Sprintf("%s has no argument %q.%s", c.op.Type, n, suggest(n, names, "arguments")), Subject: c.op.Arguments[n].NameRange.Ptr()})
		}
	}
}

func (c *compiler) argument(attr sdk.Attribute) {
	r, err := newRule(attr)
	if err != nil {
		c.report(diag.Diagnostic{Summary: "Invalid schema", Detail: fmt.Sprintf("This is a bug in the provider of %s: %s.", c.op.Type, err), Subject: c.op.TypeRange.Ptr()})
		return
	}
	arg := argument{rule: r, absent: true}
	given, ok := c.op.Arguments[attr.Name]
	if !ok {
		if len(attr.Default) > 0 && string(attr.Default) != "null" {
			arg.constant, arg.absent = attr.Default, false
		} else if attr.Required {
			c.report(diag.Diagnostic{Summary: "Missing argument", Detail: fmt.Sprintf("%s needs the argument %q%s. Add: %s = …", c.op.Type, attr.Name, aside(attr.Doc), attr.Name), Subject: c.op.Range.Ptr()})
			return
		}
		c.program.arguments = append(c.program.arguments, arg)
		return
	}
	e := c.expr(given.Expr, c.row)
	if e == nil {
		return
	}
	arg.expr = e
	subject := given.Expr.Range().Ptr()
	switch {
	case attr.WriteOnly:
		arg.keep = keepNothing
	case attr.Sensitive || e.static.ContainsMarked():
		arg.keep = keepSealed
	}
	if arg.keep != keepPlain {
		e.sensitive = true // whatever is wrong with a row's value, the value isn't shown
		if attr.Role != "" {
			c.report(diag.Diagnostic{Summary: errSensitive.summary, Detail: errSensitive.detail, Subject: subject})
			return
		}
	}
	if e.constant() {
		if why := c.exposed(given.Expr, e.static); arg.keep != keepPlain && why != "" && !c.rehearse {
			c.report(diag.Diagnostic{Summary: "Secret in the sources", Detail: fmt.Sprintf("%q is a secret. %s", attr.Name, why), Subject: subject})
			return
		}
		b, absent, _, f := r.appendMarked(nil, e.static)
		if f != noFault {
			detail := card.Mask(f.detail)
			c.report(diag.Diagnostic{Summary: f.summary, Detail: detail, Subject: subject, Secret: detail != f.detail})
		}
		if number := card.First(string(b)); arg.keep == keepPlain && !absent && number != "" {
			d := cardFound(strconv.Quote(attr.Name), number, "have a column of the list bring it, and say that the column holds ids.")
			d.Subject, d.Secret = subject, true
			c.report(d)
			return
		}
		arg.constant, arg.absent = b, absent
	} else if why := r.never(e.static.Type()); why != "" {
		c.report(diag.Diagnostic{Summary: "Invalid type of an argument", Detail: fmt.Sprintf("%q must be a %s, and this gives %s.", attr.Name, why, e.static.Type().FriendlyName()), Subject: subject})
	}
	c.program.arguments = append(c.program.arguments, arg)
}

// never names the type that an attribute needs where a value of type t can't
// be one whatever it says.
func (r *rule) never(t cty.Type) string {
	scalar := t == cty.String || t == cty.Number || t == Decimal
	switch {
	case t == cty.DynamicPseudoType:
	case r.Decimal && !scalar:
		return "decimal"
	case r.Integer && !scalar:
		return "whole number"
	case r.typ == cty.String && !scalar:
		return "string"
	case r.typ == cty.Number && t == cty.Bool, r.typ == cty.Bool && t != cty.Bool && t != cty.String,
		!r.typ.IsPrimitiveType() && scalar, r.typ.IsPrimitiveType() && !t.IsPrimitiveType() && t != Decimal:
		return r.typ.FriendlyName()
	}
	return ""
}

func aside(doc string) string {
	if doc == "" {
		return ""
	}
	return " (" + strings.TrimRight(doc, ".") + ")"
}
