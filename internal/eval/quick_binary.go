package eval

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// wanted says which results of a comparison make an operator true.
var wanted = map[*hclsyntax.Operation]func(int) bool{
	operators[hclsyntax.OpEqual]:              func(c int) bool { return c == 0 },
	operators[hclsyntax.OpNotEqual]:           func(c int) bool { return c != 0 },
	operators[hclsyntax.OpLessThan]:           func(c int) bool { return c < 0 },
	operators[hclsyntax.OpLessThanOrEqual]:    func(c int) bool { return c <= 0 },
	operators[hclsyntax.OpGreaterThan]:        func(c int) bool { return c > 0 },
	operators[hclsyntax.OpGreaterThanOrEqual]: func(c int) bool { return c >= 0 },
}

// A computation is an operator on decimals, and the same on short ones.
type computation struct {
	decimals decimalOp
	short    func(x, y short) (short, bool)
}

// computed are the operators that compute a decimal. Division is left to HCL,
// for what can't be divided.
var computed = map[*hclsyntax.Operation]*computation{
	operators[hclsyntax.OpAdd]:      {addDecimals, short.plus},
	operators[hclsyntax.OpSubtract]: {subtractDecimals, short.minus},
	operators[hclsyntax.OpMultiply]: {multiplyDecimals, short.times},
}

func (q quickener) binary(e *hclsyntax.BinaryOpExpr) (node, bool) {
	a, okA := q.node(e.LHS)
	b, okB := q.node(e.RHS)
	if !okA || !okB {
		return node{}, false
	}
	equality := e.Op == operators[hclsyntax.OpEqual] || e.Op == operators[hclsyntax.OpNotEqual]
	holds := wanted[e.Op]
	switch {
	case a.kind == kindBool && b.kind == kindBool:
		return logic(e.Op, a, b, holds, equality)
	case a.numeric() && b.numeric() && (a.kind == kindDecimal || b.kind == kindDecimal) && computed[e.Op] != nil:
		return calculate(a, b, computed[e.Op]), true
	case holds == nil || a.kind == kindBool || b.kind == kindBool:
		return node{}, false
	case a.numeric() && b.numeric():
		return compare(a, b, compareDecimalText, holds), true
	case a.kind == kindText && b.kind == kindText && equality:
		return compare(a, b, strings.Compare, holds), true
	}
	return node{}, false
}

// logic is && and || as HCL has them: a side that decides does so whatever
// becomes of the other.
func logic(op *hclsyntax.Operation, a, b node, holds func(int) bool, equality bool) (node, bool) {
	decisive := false
	switch {
	case op == hclsyntax.OpLogicalAnd:
	case op == hclsyntax.OpLogicalOr:
		decisive = true
	case equality:
		return truthNode(func(f *frame) (bool, bool) {
			x, okX := a.truth(f)
			y, okY := b.truth(f)
			return (x == y) == holds(0), okX && okY
		}), true
	default:
		return node{}, false
	}
	return truthNode(func(f *frame) (bool, bool) {
		x, ok := a.truth(f)
		if !ok || x == decisive {
			return x, ok
		}
		return b.truth(f)
	}), true
}

func compare(a, b node, by func(x, y string) int, holds func(int) bool) node {
	return truthNode(func(f *frame) (bool, bool) {
		x, ok := a.text(f)
		if !ok {
			return false, false
		}
		y, ok := b.text(f)
		if !ok {
			return false, false
		}
		return holds(by(x, y)), true
	})
}

// calculate computes with two numbers of which one at least is a decimal.
func calculate(a, b node, op *computation) node {
	textX, textY := a.asText(), b.asText()
	return node{kind: kindDecimal, text: func(f *frame) (string, bool) {
		x, okX := textX(f)
		y, okY := textY(f)
		if !okX || !okY {
			return "", false
		}
		if text, ok := calculateShort(x, y, op.short); ok {
			return text, true
		}
		dx, errX := parseDecimal(x)
		dy, errY := parseDecimal(y)
		if errX != nil || errY != nil {
			return "", false
		}
		v, err := op.decimals(dx, dy)
		if err != nil {
			return "", false
		}
		text := DecimalText(v)
		return text, plainDecimal(text)
	}}
}
