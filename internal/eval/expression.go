package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/rows"
	"github.com/bulkrunner/runner/sdk"
)

// expression is an expression that has been checked and is ready to be
// evaluated for one row after another.
type expression struct {
	syntax    hclsyntax.Expression
	measured  hclsyntax.Expression
	base      *hcl.EvalContext
	in        string
	columns   []int // the columns that it names, by their place; all where it names each.value whole
	names     []string
	whole     bool // names each.value whole
	key, row  bool // names each.key, each.row
	live      []string
	sensitive bool      // a secret is within its sight
	static    cty.Value // what it gives where the row is unknown
	quick     quick     // the same compiled to closures, where that is certain
}

// expression checks an expression and evaluates it once with an unknown row:
// what is wrong whatever the row says is found here, before any row is read.
func (s *Scope) expression(expr hcl.Expression, see sight) (*expression, diag.List) {
	syntax := s.syntaxOf(expr)
	diags := s.check(syntax, see)
	if diags.HasErrors() {
		return nil, inBlock(diags, see.in)
	}
	base, sensitive, d := s.context(syntax)
	if diags = append(diags, d...); diags.HasErrors() {
		return nil, diags
	}
	e := &expression{syntax: syntax, measured: stepOf(syntax), base: base, in: see.in, sensitive: sensitive}
	e.look(see)
	ctx := base
	if e.seesRow() || len(e.live) > 0 {
		ctx = base.NewChild()
		ctx.Variables = map[string]cty.Value{"each": e.unknownEach(see), "live": unknownLive(e.live, see.live)}
	}
	steps := int64(maxSteps)
	if !e.constant() {
		steps = maxStepsRow
	}
	v, hd := protect(e.measured, ctx, newMeter(steps, &s.allowance))
	diags = append(diags, tell(hd, sensitive, see.in)...)
	if e.static = v; diags.HasErrors() {
		return nil, diags
	}
	return e, diags
}

// look notes what the expression names.
func (e *expression) look(see sight) {
	for _, t := range hclsyntax.Variables(e.syntax) {
		name, _ := attribute(t, 1)
		switch {
		case t.RootName() == "live":
			if !slices.Contains(e.live, name) {
				e.live = append(e.live, name)
			}
		case t.RootName() != "each":
		case name == "key":
			e.key = true
		case name == "row":
			e.row = true
		case name == "value":
			column, whole := attribute(t, 2)
			e.whole = e.whole || whole
			if !whole && !slices.Contains(e.names, column) {
				e.names = append(e.names, column)
			}
		}
	}
	for i, c := range see.columns {
		if e.whole || slices.Contains(e.names, c.Name) {
			e.columns = append(e.columns, i)
		}
	}
}

func (e *expression) seesRow() bool {
	return e.whole || e.key || e.row || len(e.names) > 0
}

// constant tells whether the expression gives the same for every row.
func (e *expression) constant() bool { return !e.seesRow() && len(e.live) == 0 }

func (e *expression) unknownEach(see sight) cty.Value {
	value := cty.DynamicVal
	if !see.open {
		columns := make(map[string]cty.Value, len(e.columns))
		for _, i := range e.columns {
			c := see.columns[i]
			t, ok := see.types[c.Name]
			if !ok {
				t = columnType(c.Type)
			}
			columns[c.Name] = cty.UnknownVal(t)
		}
		value = cty.ObjectVal(columns)
	}
	return cty.ObjectVal(map[string]cty.Value{
		"value": value,
		"key":   cty.UnknownVal(cty.String).RefineNotNull(),
		"row":   cty.UnknownVal(cty.Number).RefineNotNull(),
	})
}

func columnType(t rows.Type) cty.Type {
	switch t {
	case rows.String:
		return cty.String
	case rows.Decimal:
		return Decimal
	case rows.Number:
		return cty.Number
	case rows.Bool:
		return cty.Bool
	}
	return cty.DynamicPseudoType
}

func unknownLive(names []string, attrs []sdk.Attribute) cty.Value {
	m := make(map[string]cty.Value, len(names))
	for _, a := range attrs {
		if !slices.Contains(names, a.Name) {
			continue
		}
		m[a.Name] = cty.UnknownVal(attributeType(a))
		if a.Sensitive {
			m[a.Name] = m[a.Name].Mark(Sensitive)
		}
	}
	return cty.ObjectVal(m)
}

// attributeType is the type of an attribute's values in expressions.
func attributeType(a sdk.Attribute) cty.Type {
	if a.Decimal {
		return Decimal
	}
	var t cty.Type
	if err := json.Unmarshal(a.Type, &t); err != nil {
		return cty.DynamicPseudoType
	}
	return t
}

// value evaluates the expression for a frame.
func (e *expression) value(f *frame) (cty.Value, diag.List) {
	if e.constant() {
		return e.static, nil
	}
	ctx := e.base.NewChild()
	ctx.Variables = map[string]cty.Value{"each": f.each(e)}
	v, hd := protect(e.measured, ctx, newMeter(maxStepsRow, nil))
	return v, tell(hd, e.sensitive || v.ContainsMarked(), e.in)
}

// protect evaluates an expression of [stepOf] within the meter's bound, and
// turns a panic of the library into a diagnostic. A panic's text may hold
// values, so it isn't repeated.
func protect(expr hcl.Expression, ctx *hcl.EvalContext, m *meter) (v cty.Value, diags hcl.Diagnostics) {
	defer func() {
		if recover() != nil {
			v = cty.DynamicVal
			diags = hcl.Diagnostics{{
				Severity: hcl.DiagError,
				Summary:  "Expression can't be evaluated",
				Detail:   unanswered,
				Subject:  expr.Range().Ptr(),
			}}
		}
	}()
	v, diags = expr.Value(m.context(ctx))
	if m.over != nil { // also where try or can has hidden it
		return cty.DynamicVal, hcl.Diagnostics{m.over}
	}
	return v, diags
}

const unanswered = "The expression language has no answer for these values, most often because one of them is null where a value is needed. Test it first, as in: each.value.x != null ? … : …."

// tell makes our diagnostics of HCL's. Where a secret is within sight the
// detail is left out: functions quote what they were given.
func tell(hd hcl.Diagnostics, sensitive bool, in string) diag.List {
	if len(hd) == 0 {
		return nil
	}
	out := inBlock(diag.FromHCL(hd), in)
	for i := range out {
		if why, ok := strings.CutPrefix(out[i].Detail, "Error during operation: "); ok {
			out[i].Summary, out[i].Detail = "Impossible operation", "This can't be computed: "+why
		}
		if strings.Contains(out[i].Detail, "panic in function implementation") {
			out[i].Detail = unanswered // not a stack trace with values in it
		}
		if unset, ok := unsetIn(hd[i]); ok {
			out[i].Summary = "Environment variable is not set"
			out[i].Detail = fmt.Sprintf("env(%q) has no value here: set %s in the environment of the command.", unset.name, unset.name)
			continue
		}
		if sensitive && out[i].Summary != tooMuchSummary {
			out[i].Detail = "The expression can't be evaluated. The reason isn't shown, because a sensitive value is involved and might be part of it."
		}
	}
	return out
}

// unsetIn finds the environment variable for want of which a function failed.
func unsetIn(d *hcl.Diagnostic) (unset unsetError, ok bool) {
	if call, is := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d); is {
		ok = errors.As(call.FunctionCallError(), &unset)
	}
	return unset, ok
}

func inBlock(diags diag.List, in string) diag.List {
	for i := range diags {
		if diags[i].In == "" {
			diags[i].In = in
		}
	}
	return diags
}

// problem makes a problem of one expression. Where a single column is to blame
// it names it.
func (e *expression) problem(f *frame, summary, detail string) *Problem {
	return e.blame(f, diag.Diagnostic{Summary: summary, Detail: detail, Subject: e.syntax.Range().Ptr(), In: e.in})
}

func (e *expression) blame(f *frame, d diag.Diagnostic) *Problem {
	if len(e.columns) == 1 && !e.whole {
		i := e.columns[0]
		d.Row = &diag.Row{Column: f.columns[i].Name}
		if !e.sensitive {
			d.Row.Value = shorten(f.text(i))
		}
	}
	return &Problem{d}
}
