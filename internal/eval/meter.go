package eval

import (
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// What evaluating may cost, in steps: one for each part of an expression each
// time that it is computed, and one for each value and each 32 bytes of text
// within what it gives. A million steps are some two seconds and 100 MiB.
const (
	maxSteps      = 1 << 19
	maxStepsRow   = 1 << 17 // of an expression for one row
	maxStepsScope = 1 << 21 // of all that no row changes, together
	stepBytes     = 32
	longText      = 4 << 10 // what a row's text has beyond costs a step for each longBytes
	longBytes     = 512
	maxNesting    = 100 // lists and objects within one another: what looks at a value recurses, and remembers its way
)

// A meter bounds one evaluation. A few lines of an operation file can ask for
// more than any machine has: forty locals, each the one before it twice, or
// loops in loops. HCL knows no bound, so the parts of an expression are
// [step] values, which ask the meter before they are computed and say after it
// what they gave.
type meter struct {
	steps int64 // that it began with
	left  int64
	total *allowance // nil for what a row changes
	over  *hcl.Diagnostic
	noted map[*step]cty.Value // arguments of the calls under way whose cost depends on them
}

// An allowance is shared by all that is computed of one configuration before
// its rows are read: each of a hundred thousand locals may be cheap.
type allowance struct {
	sync.Mutex
	left int64
	over *hcl.Diagnostic
}

func newMeter(steps int64, total *allowance) *meter {
	return &meter{steps: steps, left: steps, total: total}
}

// charge tells whether there was enough left. What is beyond the bound is told
// once, where it was met first.
func (m *meter) charge(n int64, at hcl.Range) bool {
	if m.over != nil {
		return false
	}
	if m.left -= n; m.left < 0 {
		m.over = tooMuch(at, fmt.Sprintf("Computing this takes more than %d steps: its loops go on for too long, or its values are too large.", m.steps))
		return false
	}
	if m.total == nil {
		return true
	}
	m.total.Lock()
	defer m.total.Unlock()
	if m.total.left -= n; m.total.left < 0 {
		if m.total.over == nil {
			m.total.over = tooMuch(at, fmt.Sprintf("Up to here, all that is computed before the rows are read takes more than %d steps together.", maxStepsScope))
		}
		m.over = m.total.over
		return false
	}
	return true
}

// refuse ends the evaluation because of what a step gave.
func (m *meter) refuse(s *step, summary, detail string) (cty.Value, hcl.Diagnostics) {
	m.over = &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: s.plain.Range().Ptr()}
	return cty.DynamicVal, hcl.Diagnostics{m.over}
}

const tooMuchSummary = "Expression computes too much"

func tooMuch(at hcl.Range, why string) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  tooMuchSummary,
		Detail:   why + " Go through fewer elements; what has many rows belongs in a list, whose rows are computed one by one.",
		Subject:  &at,
	}
}

// A step is a part of an expression that is measured.
type step struct {
	hclsyntax.Expression                      // whose parts are steps
	plain                hclsyntax.Expression // as the file has it
	call                 *call                // whose last argument it is; nil for all else
	note                 bool                 // the meter keeps its value for the call that it is an argument of
}

// Variables are those of the expression: HCL looks for them by the types of
// nodes, and a step hides those.
func (s *step) Variables() []hcl.Traversal { return s.plain.Variables() }

func (s *step) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	m := meterOf(ctx)
	if m == nil {
		return s.Expression.Value(ctx)
	}
	if !m.charge(1, s.plain.Range()) {
		return cty.DynamicVal, hcl.Diagnostics{m.over}
	}
	v, diags := s.Expression.Value(ctx)
	if m.over != nil {
		return cty.DynamicVal, hcl.Diagnostics{m.over} // and none of those that follow from it
	}
	if plain, _ := v.Unmark(); isText(plain) && len(plain.AsString()) > maxText {
		return m.refuse(s, "Text is too long", "This gives a text of more than 1 MiB, the most that a value may have. What has many rows belongs in a list.")
	}
	size, deep := sizeOf(v, m.left, m.total == nil)
	if deep {
		return m.refuse(s, "Value is nested too deeply", fmt.Sprintf("This gives a value of more than %d lists and objects within one another. Keep its parts as local values of their own.", maxNesting))
	}
	if !m.charge(size, s.plain.Range()) {
		return cty.DynamicVal, hcl.Diagnostics{m.over}
	}
	if s.note {
		if m.noted == nil {
			m.noted = make(map[*step]cty.Value)
		}
		m.noted[s] = v
	}
	if s.call != nil && !m.charge(s.call.cost(m, v), s.call.plain.Range()) {
		return cty.DynamicVal, hcl.Diagnostics{m.over}
	}
	return v, diags
}

// The meter travels as a variable that no expression can name.
const meterName = "\x00meter"

var meterType = cty.Capsule("meter", reflect.TypeFor[meter]())

func (m *meter) context(parent *hcl.EvalContext) *hcl.EvalContext {
	ctx := parent.NewChild()
	ctx.Variables = map[string]cty.Value{meterName: cty.CapsuleVal(meterType, m)}
	return ctx
}

func meterOf(ctx *hcl.EvalContext) *meter {
	for ; ctx != nil; ctx = ctx.Parent() {
		if v, ok := ctx.Variables[meterName]; ok {
			return v.EncapsulatedValue().(*meter)
		}
	}
	return nil
}

// sizeOf counts the values within a value, and its text in parts of 32 bytes.
// It counts what stands in several places each time, since all that looks at a
// value looks so. Counting ends at most. Deep tells of a value that is nested
// beyond maxNesting. What a row changes is gone with it, so its long texts cost
// little: an argument may be as large as a message, 16 MiB.
func sizeOf(v cty.Value, most int64, row bool) (n int64, deep bool) {
	c := counter{most: most, row: row}
	c.value(v, 0)
	return c.n, c.deep
}

type counter struct {
	n, most int64
	row     bool
	deep    bool
}

// enough tells whether there is nothing more to find out.
func (c *counter) enough(depth int) bool {
	c.deep = c.deep || depth > maxNesting
	return c.deep || c.n > c.most
}

func (c *counter) value(v cty.Value, depth int) {
	if c.enough(depth) {
		return
	}
	v, _ = v.Unmark()
	t := v.Type()
	c.n++
	switch {
	case !v.IsKnown() || v.IsNull() || t.IsCollectionType() && v.LengthInt() == 0:
		c.typ(t, depth)
	case t == cty.String:
		c.n += c.textSize(v.AsString())
	case t == cty.Number:
		c.n++
	case t.IsListType() || t.IsSetType() || t.IsTupleType():
		for it := v.ElementIterator(); !c.enough(depth) && it.Next(); {
			_, e := it.Element()
			c.value(e, depth+1)
		}
	case t.IsMapType() || t.IsObjectType():
		for it := v.ElementIterator(); !c.enough(depth) && it.Next(); {
			k, e := it.Element()
			c.n += int64(len(k.AsString())) / stepBytes
			c.value(e, depth+1)
		}
	}
}

// textSize is what a text costs. One that may be taken for a number costs the
// square of its digits, as reading it would.
func (c *counter) textSize(s string) int64 {
	n := int64(len(s))
	if c.row && n > longText && strings.Trim(s[:longText], "+-.0123456789eE") != "" {
		return longText/stepBytes + (n-longText)/longBytes
	}
	if n > 1000 && strings.Trim(s, "+-.0123456789eE") == "" {
		return n/stepBytes + n*n>>15
	}
	return n / stepBytes
}

// typ counts a type whose values aren't there to be counted.
func (c *counter) typ(t cty.Type, depth int) {
	if c.enough(depth) {
		return
	}
	c.n++
	switch {
	case t.IsCollectionType():
		c.typ(t.ElementType(), depth+1)
	case t.IsTupleType():
		for _, e := range t.TupleElementTypes() {
			c.typ(e, depth+1)
		}
	case t.IsObjectType():
		for _, e := range t.AttributeTypes() {
			c.typ(e, depth+1)
		}
	}
}
