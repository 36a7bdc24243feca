package eval

import (
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/rows"
)

// quick is an expression compiled to closures over the row, ten times as fast
// as evaluating it. Nil where its shape isn't one that is certain.
//
// A closure either gives exactly the value that HCL would, or reports false,
// and then HCL is asked: for null, for an error and its message, for anything
// out of the ordinary. An expression that a secret is within sight of is never
// compiled, so no mark can be lost. FuzzQuick holds the two against each other.
type quick struct {
	text  func(*frame) (string, bool)
	truth func(*frame) (bool, bool)
}

func compileQuick(e *expression, columns []rows.Column) quick {
	if e.sensitive || e.static.ContainsMarked() || e.constant() || columns == nil {
		return quick{}
	}
	q := quickener{base: e.base, columns: columns}
	n, ok := q.node(e.syntax)
	if !ok {
		return quick{}
	}
	return quick{text: n.asText(), truth: n.truth}
}

// A kind is the type of what a node gives.
type kind uint8

const (
	kindText kind = iota
	kindDecimal
	kindNumber
	kindBool
)

// node is a compiled part of an expression. Numbers are carried as text too,
// such as plainDecimal accepts, and compared digit by digit.
type node struct {
	kind  kind
	text  func(*frame) (string, bool) // nil for kindBool
	truth func(*frame) (bool, bool)   // nil for others
	fixed *string                     // the text, where no row changes it
}

func (n node) numeric() bool { return n.kind == kindDecimal || n.kind == kindNumber }

// asText is the node as a string. A number's text is only the string that HCL
// would make of it where it has no superfluous zeros.
func (n node) asText() func(*frame) (string, bool) {
	if n.kind != kindNumber {
		return n.text
	}
	return func(f *frame) (string, bool) {
		s, ok := n.text(f)
		return s, ok && shortest(s)
	}
}

func shortest(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, fraction, point := strings.Cut(s, ".")
	return (len(whole) == 1 || whole[0] != '0') && (!point || fraction[len(fraction)-1] != '0') && s != "0" || s == "0"
}

// quickener compiles the nodes of one expression.
type quickener struct {
	base    *hcl.EvalContext
	columns []rows.Column
}

func (q quickener) node(expr hclsyntax.Expression) (node, bool) {
	if n, ok := q.fixed(expr); ok {
		return n, true
	}
	switch e := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		return q.node(e.Expression)
	case *hclsyntax.TemplateWrapExpr:
		return q.node(e.Wrapped)
	case *hclsyntax.ScopeTraversalExpr:
		return q.traversal(e.Traversal)
	case *hclsyntax.TemplateExpr:
		return q.template(e)
	case *hclsyntax.ConditionalExpr:
		return q.conditional(e)
	case *hclsyntax.BinaryOpExpr:
		return q.binary(e)
	case *hclsyntax.UnaryOpExpr:
		if n, ok := q.node(e.Val); ok && e.Op == hclsyntax.OpLogicalNot && n.kind == kindBool {
			return truthNode(func(f *frame) (bool, bool) {
				yes, ok := n.truth(f)
				return !yes, ok
			}), true
		}
	case *hclsyntax.FunctionCallExpr:
		return q.call(e)
	}
	return node{}, false
}

// fixed evaluates what no row changes once and for all.
func (q quickener) fixed(expr hclsyntax.Expression) (node, bool) {
	v, ok := q.constant(expr)
	if !ok {
		return node{}, false
	}
	switch v.Type() {
	case cty.Bool:
		yes := v.True()
		return truthNode(func(*frame) (bool, bool) { return yes, true }), true
	case cty.String:
		return fixedNode(kindText, v.AsString()), true
	case Decimal:
		return fixedNode(kindDecimal, DecimalText(v)), true
	case cty.Number:
		if text, err := numberText(v); err == nil && plainDecimal(text) {
			return fixedNode(kindNumber, text), true
		}
	}
	return node{}, false
}

func (q quickener) constant(expr hclsyntax.Expression) (cty.Value, bool) {
	for _, t := range hclsyntax.Variables(expr) {
		if r := t.RootName(); r == "each" || r == "live" {
			return cty.NilVal, false
		}
	}
	v, hd := protect(stepOf(expr), q.base, newMeter(maxStepsRow, nil))
	if hd.HasErrors() || !v.IsWhollyKnown() || v.ContainsMarked() || v.IsNull() {
		return cty.NilVal, false
	}
	return v, true
}

func fixedNode(k kind, text string) node {
	return node{kind: k, fixed: &text, text: func(*frame) (string, bool) { return text, true }}
}

func truthNode(f func(*frame) (bool, bool)) node { return node{kind: kindBool, truth: f} }

func (q quickener) traversal(t hcl.Traversal) (node, bool) {
	if t.RootName() != "each" {
		return node{}, false
	}
	what, whole := attribute(t, 1)
	switch {
	case whole:
	case what == "key" && len(t) == 2:
		return node{kind: kindText, text: func(f *frame) (string, bool) { return composed(f.key), true }}, true
	case what == "row" && len(t) == 2:
		return node{kind: kindNumber, text: func(f *frame) (string, bool) { return strconv.FormatInt(f.row.Number, 10), true }}, true
	case what == "value" && len(t) == 3:
		name, whole := attribute(t, 2)
		for i, c := range q.columns {
			if !whole && c.Name == name {
				return column(i, c.Type)
			}
		}
	}
	return node{}, false
}

// column reads a column of a list of text. An empty one of another type is
// null, which is left to HCL.
func column(i int, t rows.Type) (node, bool) {
	read := func(f *frame) (string, bool) {
		if f.row.Text == nil || f.null(i) {
			return "", false
		}
		return f.row.Text[i], true
	}
	number := func(f *frame) (string, bool) {
		s, ok := read(f)
		return s, ok && plainDecimal(s)
	}
	switch t {
	case rows.String:
		return node{kind: kindText, text: func(f *frame) (string, bool) {
			s, ok := read(f)
			return composed(s), ok
		}}, true
	case rows.Decimal:
		return node{kind: kindDecimal, text: number}, true
	case rows.Number:
		return node{kind: kindNumber, text: number}, true
	case rows.Bool:
		return truthNode(func(f *frame) (bool, bool) {
			s, ok := read(f)
			return s == "true", ok && (s == "true" || s == "false")
		}), true
	}
	return node{}, false
}

// composed is a string as cty keeps it: accented letters as one character.
func composed(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return cty.NormalizeString(s)
		}
	}
	return s
}

func (q quickener) template(e *hclsyntax.TemplateExpr) (node, bool) {
	parts := make([]func(*frame) (string, bool), len(e.Parts))
	for i, p := range e.Parts {
		n, ok := q.node(p)
		if !ok || n.kind == kindBool {
			return node{}, false
		}
		parts[i] = n.asText()
	}
	return node{kind: kindText, text: func(f *frame) (string, bool) {
		var room [8]string
		texts := room[:0]
		for _, p := range parts {
			s, ok := p(f)
			if !ok {
				return "", false
			}
			texts = append(texts, s)
		}
		return composed(strings.Join(texts, "")), true
	}}, true
}

func (q quickener) conditional(e *hclsyntax.ConditionalExpr) (node, bool) {
	c, okC := q.node(e.Condition)
	a, okA := q.node(e.TrueResult)
	b, okB := q.node(e.FalseResult)
	if !okC || !okA || !okB || c.kind != kindBool || a.kind != b.kind {
		return node{}, false
	}
	if a.kind == kindBool {
		return truthNode(func(f *frame) (bool, bool) {
			yes, ok := c.truth(f)
			if !ok {
				return false, false
			}
			if yes {
				return a.truth(f)
			}
			return b.truth(f)
		}), true
	}
	return node{kind: a.kind, text: func(f *frame) (string, bool) {
		yes, ok := c.truth(f)
		if !ok {
			return "", false
		}
		if yes {
			return a.text(f)
		}
		return b.text(f)
	}}, true
}
