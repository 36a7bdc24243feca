package eval

import (
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// The operators of expressions are HCL's with three differences: they compute
// with decimals exactly, they refuse numbers of absurd size, and == and !=
// refuse to compare what can never be equal. HCL fixes an operator when it
// parses, so [rewrite] puts ours in its place.
var operators = map[*hclsyntax.Operation]*hclsyntax.Operation{
	hclsyntax.OpEqual:              equality(true),
	hclsyntax.OpNotEqual:           equality(false),
	hclsyntax.OpGreaterThan:        comparison(stdlib.GreaterThanFunc, func(c int) bool { return c > 0 }),
	hclsyntax.OpGreaterThanOrEqual: comparison(stdlib.GreaterThanOrEqualToFunc, func(c int) bool { return c >= 0 }),
	hclsyntax.OpLessThan:           comparison(stdlib.LessThanFunc, func(c int) bool { return c < 0 }),
	hclsyntax.OpLessThanOrEqual:    comparison(stdlib.LessThanOrEqualToFunc, func(c int) bool { return c <= 0 }),
	hclsyntax.OpAdd:                arithmetic(stdlib.AddFunc, addDecimals),
	hclsyntax.OpSubtract:           arithmetic(stdlib.SubtractFunc, subtractDecimals),
	hclsyntax.OpMultiply:           arithmetic(stdlib.MultiplyFunc, multiplyDecimals),
	hclsyntax.OpDivide:             arithmetic(stdlib.DivideFunc, divideDecimals),
	hclsyntax.OpModulo:             arithmetic(stdlib.ModuloFunc, remainderDecimals),
	hclsyntax.OpNegate:             negation(),
}

// rewriting is held while expressions are changed, which happens when a scope
// is made or first sees them; afterwards they are only read.
var rewriting sync.Mutex

// rewrite puts our operators into an expression. Doing it again is harmless.
func rewrite(expr hclsyntax.Expression) {
	rewriting.Lock()
	defer rewriting.Unlock()
	hclsyntax.VisitAll(expr, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.BinaryOpExpr:
			if ours, ok := operators[n.Op]; ok {
				n.Op = ours
			}
		case *hclsyntax.UnaryOpExpr:
			if ours, ok := operators[n.Op]; ok {
				n.Op = ours
			}
		}
		return nil
	})
}

var operands = []function.Parameter{
	{Name: "a", Type: cty.DynamicPseudoType},
	{Name: "b", Type: cty.DynamicPseudoType},
}

var nullableOperands = []function.Parameter{
	{Name: "a", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true},
	{Name: "b", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true},
}

func isDecimal(args []cty.Value) bool {
	for _, a := range args {
		if a.Type() == Decimal {
			return true
		}
	}
	return false
}

// isNumeric tells whether a type can take part in arithmetic, strings as
// everywhere in HCL where they are numbers.
func isNumeric(t cty.Type) bool {
	return t == cty.Number || t == cty.String || t == Decimal || t == cty.DynamicPseudoType
}

func checkNumeric(args []cty.Value) error {
	for i, a := range args {
		if !isNumeric(a.Type()) {
			return function.NewArgErrorf(i, "a number or a decimal is required, not %s", a.Type().FriendlyName())
		}
	}
	return nil
}

// decimals takes both sides of an operator as decimals.
func decimals(args []cty.Value) (x, y *decimal, err error) {
	if x, err = toDecimal(args[0]); err != nil {
		return nil, nil, function.NewArgError(0, err)
	}
	if y, err = toDecimal(args[1]); err != nil {
		return nil, nil, function.NewArgError(1, err)
	}
	return x, y, nil
}

// numbers converts operands as HCL does, within bounds.
func numbers(args []cty.Value) ([]cty.Value, error) {
	out := make([]cty.Value, len(args))
	for i, a := range args {
		n, err := convert.Convert(a, cty.Number)
		if err == nil {
			err = boundNumber(n)
		}
		if err != nil {
			return nil, function.NewArgError(i, err)
		}
		out[i] = n
	}
	return out, nil
}

func arithmetic(number function.Function, exactly decimalOp) *hclsyntax.Operation {
	f := function.New(&function.Spec{
		Params: operands,
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := checkNumeric(args); err != nil {
				return cty.NilType, err
			}
			switch {
			case isDecimal(args):
				return Decimal, nil
			case args[0].Type() == cty.DynamicPseudoType, args[1].Type() == cty.DynamicPseudoType:
				return cty.DynamicPseudoType, nil
			}
			return cty.Number, nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if isDecimal(args) {
				x, y, err := decimals(args)
				if err != nil {
					return cty.NilVal, err
				}
				return exactly(x, y)
			}
			n, err := numbers(args)
			if err != nil {
				return cty.NilVal, err
			}
			v, err := number.Call(n)
			if err == nil {
				err = boundNumber(v)
			}
			return v, err
		},
	})
	return &hclsyntax.Operation{Impl: f, Type: cty.DynamicPseudoType}
}

func comparison(number function.Function, holds func(int) bool) *hclsyntax.Operation {
	f := function.New(&function.Spec{
		Params: operands,
		Type: func(args []cty.Value) (cty.Type, error) {
			return cty.Bool, checkNumeric(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if isDecimal(args) {
				x, y, err := decimals(args)
				if err != nil {
					return cty.NilVal, err
				}
				return cty.BoolVal(holds(x.val.Cmp(&y.val))), nil
			}
			n, err := numbers(args)
			if err != nil {
				return cty.NilVal, err
			}
			return number.Call(n)
		},
	})
	return &hclsyntax.Operation{Impl: f, Type: cty.Bool}
}

func negation() *hclsyntax.Operation {
	f := function.New(&function.Spec{
		Params: operands[:1],
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := checkNumeric(args); err != nil {
				return cty.NilType, err
			}
			if t := args[0].Type(); t == Decimal || t == cty.DynamicPseudoType {
				return t, nil
			}
			return cty.Number, nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if isDecimal(args) {
				zero := &decimal{}
				return subtractDecimals(zero, args[0].EncapsulatedValue().(*decimal))
			}
			n, err := numbers(args)
			if err != nil {
				return cty.NilVal, err
			}
			return stdlib.NegateFunc.Call(n)
		},
	})
	return &hclsyntax.Operation{Impl: f, Type: cty.DynamicPseudoType}
}

// equality refuses to compare values of different known types: a CSV column is
// a string, and each.value.code == 5 would quietly match nothing. Anything may
// be held against null.
func equality(want bool) *hclsyntax.Operation {
	f := function.New(&function.Spec{
		Params: nullableOperands,
		Type: func(args []cty.Value) (cty.Type, error) {
			return cty.Bool, comparable(args[0], args[1])
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			equal, err := equalValues(args[0], args[1])
			if err != nil || !equal.IsKnown() || want {
				return equal, err
			}
			return equal.Not(), nil
		},
	})
	return &hclsyntax.Operation{Impl: f, Type: cty.Bool}
}

func comparable(a, b cty.Value) error {
	x, y := a.Type(), b.Type()
	switch {
	case x == cty.DynamicPseudoType, y == cty.DynamicPseudoType, x.Equals(y):
		return nil
	case a.IsKnown() && a.IsNull(), b.IsKnown() && b.IsNull():
		return nil
	case x == Decimal && y == cty.Number, x == cty.Number && y == Decimal:
		return nil
	case x.IsPrimitiveType() || y.IsPrimitiveType() || x.IsCapsuleType() || y.IsCapsuleType():
	default:
		if t, _ := convert.UnifyUnsafe([]cty.Type{x, y}); t != cty.NilType {
			return nil
		}
	}
	return fmt.Errorf("%s can never equal %s; convert one side, or write the literal as the other side has it (\"5\" for a string, 5 for a number)",
		x.FriendlyName(), y.FriendlyName())
}

func equalValues(a, b cty.Value) (cty.Value, error) {
	if a.IsNull() || b.IsNull() {
		return cty.BoolVal(a.IsNull() && b.IsNull()), nil
	}
	if !a.Type().Equals(b.Type()) && isDecimal([]cty.Value{a, b}) {
		x, y, err := decimals([]cty.Value{a, b})
		if err != nil {
			return cty.NilVal, err
		}
		return cty.BoolVal(x.val.Cmp(&y.val) == 0), nil
	}
	if !a.Type().Equals(b.Type()) {
		t, _ := convert.UnifyUnsafe([]cty.Type{a.Type(), b.Type()})
		if t == cty.NilType {
			return cty.NilVal, errors.New("values of these types can't be compared")
		}
		var err error
		if a, err = convert.Convert(a, t); err != nil {
			return cty.NilVal, err
		}
		if b, err = convert.Convert(b, t); err != nil {
			return cty.NilVal, err
		}
	}
	return a.Equals(b), nil
}
