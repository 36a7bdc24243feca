package eval

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/card"
	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/rows"
	"github.com/bulkrunner/runner/sdk"
)

// A Program is an operation's expressions made ready for its rows.
//
// Where and Item work in memory that belongs to the program, so that a row
// costs few allocations: each goroutine needs a [Program.Clone] of its own.
// Judge and LiveAmount may be called from any number at once.
type Program struct {
	columns   []rows.Column
	where     *expression // nil lets every row through
	key       *expression // nil takes keyColumn
	keyColumn int
	arguments []argument
	money     *money
	state     *expression
	guards    []guard
	fallback  *sdk.DefaultGuard // nil where there is none or the file dropped it
	live      []*rule
	kept      kept
	secret    []bool // by column: it gives a secret argument
	ids       []bool // by column: it is said to hold ids, never card numbers; nil where no row is looked at for them

	frame   frame
	scratch []byte
}

// argument is an argument of the operation and where its value comes from.
type argument struct {
	*rule
	keep     keeping
	expr     *expression // nil when the file doesn't give it
	constant []byte      // its JSON where no row changes it
	absent   bool        // constant, and left out
}

// A keeping is in which form an argument may be kept until it is sent.
type keeping uint8

const (
	keepPlain   keeping = iota
	keepSealed          // encrypted: what is sensitive
	keepNothing         // in no form: what the provider calls write-only
)

// WriteOnly names the arguments that apply takes from the list again, since no
// file may hold them.
func (p *Program) WriteOnly() []string { return p.keptAs(keepNothing) }

// Sensitive names the arguments that are sensitive whatever the row says.
func (p *Program) Sensitive() []string { return p.keptAs(keepSealed) }

// SecretsOfRows tells whether a column gives a secret argument.
func (p *Program) SecretsOfRows() bool {
	return slices.ContainsFunc(p.arguments, func(a argument) bool {
		return a.keep != keepPlain && a.expr != nil && len(a.expr.columns) > 0
	})
}

func (p *Program) keptAs(k keeping) (names []string) {
	for _, a := range p.arguments {
		if a.keep == k {
			names = append(names, a.Name)
		}
	}
	return names
}

// HasMoney tells whether the file says what items are worth.
func (p *Program) HasMoney() bool {
	return p.money != nil && (!p.money.byRole || slices.ContainsFunc(p.arguments, func(a argument) bool { return a.Role == "amount" && a.expr != nil }))
}

// Clone makes a program for another goroutine.
func (p *Program) Clone() *Program {
	c := *p
	c.frame = frame{columns: p.columns}
	c.scratch = nil
	return &c
}

// Where tells whether the operation is meant for the row.
func (p *Program) Where(row rows.Row) (bool, *Problem) {
	if p.where == nil {
		return true, nil
	}
	f := &p.frame
	f.row = row
	if p.where.key {
		f.key, _ = p.makeKey(f)
	}
	if q := p.where.quick.truth; q != nil {
		if yes, ok := q(f); ok {
			return yes, nil
		}
	}
	v, diags := p.where.value(f)
	if diags.HasErrors() {
		return false, p.where.blame(f, diags[0])
	}
	v, _ = v.Unmark()
	if v.Type() != cty.Bool || v.IsNull() || !v.IsKnown() {
		return false, p.where.problem(f, "Condition is not a bool", "The condition must give true or false for every row.")
	}
	return v.True(), nil
}

// Key is the row's key alone. With a problem it is what the row says for one,
// as far as it could be read.
func (p *Program) Key(row rows.Row) (string, *Problem) {
	p.frame.row = row
	return p.makeKey(&p.frame)
}

// KeyColumn is the column that the key comes from, "" where it is made of
// several or of none.
func (p *Program) KeyColumn() string {
	switch {
	case p.key == nil:
		return p.columns[p.keyColumn].Name
	case len(p.key.columns) == 1:
		return p.columns[p.key.columns[0]].Name
	}
	return ""
}

// Item evaluates all of a row's expressions and tells everything that is wrong
// with it, not only the first.
func (p *Program) Item(row rows.Row) (Item, []*Problem) {
	f := &p.frame
	f.row = row
	var item Item
	key, problem := p.makeKey(f)
	var problems []*Problem
	if problem != nil {
		problems = append(problems, problem)
	}
	item.Key, f.key = key, key

	b := append(p.scratch[:0], '{')
	worth := worth{}
	for i := range p.arguments {
		a := &p.arguments[i]
		start := len(b)
		if start > 1 {
			b = append(b, ',')
		}
		b = append(b, a.name...)
		from := len(b)
		var absent bool
		var keep keeping
		if b, absent, keep, problem = a.append(b, f); problem != nil {
			problems = append(problems, problem)
			absent = true
		}
		switch {
		case absent:
			b = b[:start]
		case keep != keepPlain && a.Role != "":
			problems = append(problems, a.expr.problem(f, errSensitive.summary, errSensitive.detail))
			b = b[:start]
		case keep == keepSealed:
			item.Sensitive, b = appendMember(item.Sensitive, a.name, b[from:]), b[:start]
		case keep == keepNothing:
			item.WriteOnly, b = appendMember(item.WriteOnly, a.name, b[from:]), b[:start]
		case a.expr != nil && !a.expr.constant() && card.Possible(b[from:]):
			if problem := p.cardless(strconv.Quote(a.Name), string(b[from:]), a.expr.columns); problem != nil {
				problems = append(problems, problem)
			}
		}
		if keep == keepPlain && !absent && p.money != nil && a.Role != "" {
			worth.note(a.rule, b[from:])
		}
	}
	item.Sensitive, item.WriteOnly = closeObject(item.Sensitive), closeObject(item.WriteOnly)
	b = append(b, '}')
	p.scratch = b
	item.Arguments = bytes.Clone(b)

	if p.money != nil {
		var more []*Problem
		item.Amount, item.Currency, more = p.money.of(f, worth)
		problems = append(problems, more...)
	}
	if p.state != nil {
		v, problem := p.state.string(f)
		if problem != nil {
			problems = append(problems, problem)
		}
		item.State = v
	}
	item.Context = p.kept.write(f)
	if problem := p.cardless("The key", item.Key, p.keyColumns()); problem != nil {
		problems = append(problems, problem)
	}
	for _, i := range p.kept.columns {
		if problem := p.cardless("What a guard looks at", f.text(i), []int{i}); problem != nil {
			problems = append(problems, problem)
		}
	}
	return item, problems
}

// appendMember writes a member of an object that is begun with its first one.
func appendMember(object, name, value []byte) []byte {
	if object == nil {
		object = append(object, '{')
	} else {
		object = append(object, ',')
	}
	return append(append(object, name...), value...)
}

func closeObject(object []byte) []byte {
	if object == nil {
		return nil
	}
	return append(object, '}')
}

// append writes the argument's JSON, and tells in which form it may be kept.
func (a *argument) append(b []byte, f *frame) (out []byte, absent bool, keep keeping, problem *Problem) {
	if a.expr == nil || a.expr.constant() {
		return append(b, a.constant...), a.absent, a.keep, nil
	}
	if q := a.expr.quick.text; q != nil {
		if text, ok := q(f); ok {
			if out, ok := a.appendQuick(b, text); ok {
				return out, false, a.keep, nil
			}
		}
	}
	v, diags := a.expr.value(f)
	if diags.HasErrors() {
		return b, false, a.keep, a.expr.blame(f, diags[0])
	}
	out, absent, sensitive, fault := a.rule.appendMarked(b, v)
	if fault != noFault {
		return b, false, a.keep, a.expr.problem(f, fault.summary, fault.detail)
	}
	if keep = a.keep; sensitive && keep == keepPlain {
		keep = keepSealed
	}
	return out, absent, keep, nil
}

// appendQuick writes a text where that is all there is to do; whatever needs a
// second look goes the long way.
func (r *rule) appendQuick(b []byte, text string) ([]byte, bool) {
	if text == "" || r.Integer || !r.Decimal && r.typ != cty.String {
		return b, false
	}
	if r.Decimal && !plainDecimal(text) {
		return b, false
	}
	if r.judge(text) != noFault {
		return b, false
	}
	return appendString(b, text), true
}

func (p *Program) makeKey(f *frame) (string, *Problem) {
	var text string
	if p.key == nil {
		if f.row.Text != nil && f.columns[p.keyColumn].Type != rows.Any {
			text = composed(f.row.Text[p.keyColumn])
		} else if v := f.column(p.keyColumn); !v.IsNull() {
			if v.Type() != cty.String {
				name := f.columns[p.keyColumn].Name
				return "", &Problem{diag.Diagnostic{Summary: "Key is not a string", Detail: "The column " + name + " names the row, so it must be a string in every row: put it in double quotes.", Row: &diag.Row{Column: name}}}
			}
			text = v.AsString()
		}
		if summary, detail := rows.CheckKey(text); summary != "" {
			return text, &Problem{diag.Diagnostic{Summary: summary, Detail: detail, Row: &diag.Row{Column: f.columns[p.keyColumn].Name, Value: shorten(text)}}}
		}
		return text, nil
	}
	text, problem := p.key.string(f)
	if problem != nil {
		return "", problem
	}
	if summary, detail := rows.CheckKey(text); summary != "" {
		return text, p.key.problem(f, summary, detail)
	}
	return text, nil
}

// string evaluates an expression that must give a string; null is "".
func (e *expression) string(f *frame) (string, *Problem) {
	if q := e.quick.text; q != nil && e.static.Type() == cty.String {
		if text, ok := q(f); ok {
			return text, nil
		}
	}
	v, diags := e.value(f)
	if diags.HasErrors() {
		return "", e.blame(f, diags[0])
	}
	if v.ContainsMarked() {
		return "", e.problem(f, errSensitive.summary, errSensitive.detail)
	}
	switch {
	case v.IsNull():
		return "", nil
	case v.Type() != cty.String || !v.IsKnown():
		return "", e.problem(f, "Value is not a string", "The expression must give a string for every row; it gives "+v.Type().FriendlyName()+" here.")
	}
	return v.AsString(), nil
}

// plainDecimal tells whether a text is a decimal as it stands.
func plainDecimal(s string) bool {
	_, err := sdk.ParseDecimal(s)
	return err == nil
}

func operationIn(op *config.Operation) string {
	return "operation \"" + op.Type + "\" \"" + op.Name + "\""
}
