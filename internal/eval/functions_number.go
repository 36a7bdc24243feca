package eval

import (
	"errors"

	"github.com/cockroachdb/apd/v3"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// numberFunc extends a function of one number to decimals.
func numberFunc(number function.Function, exactly func(*apd.Decimal) (cty.Value, error), result cty.Type) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "number", Type: cty.DynamicPseudoType}},
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := checkNumeric(args); err != nil {
				return cty.NilType, err
			}
			switch {
			case result != cty.NilType:
				return result, nil
			case args[0].Type() == Decimal:
				return Decimal, nil
			}
			return cty.Number, nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if args[0].Type() == Decimal {
				return exactly(&args[0].EncapsulatedValue().(*decimal).val)
			}
			n, err := numbers(args)
			if err != nil {
				return cty.NilVal, err
			}
			return number.Call(n)
		},
	})
}

func rounded(rounding apd.Rounder) func(*apd.Decimal) (cty.Value, error) {
	c := *exact
	c.Rounding = rounding
	return func(x *apd.Decimal) (cty.Value, error) {
		var d apd.Decimal
		if _, err := c.Quantize(&d, x, 0); err != nil {
			return cty.NilVal, errLong
		}
		return decimalOf(&d), nil
	}
}

var (
	absFunc = numberFunc(stdlib.AbsoluteFunc, func(x *apd.Decimal) (cty.Value, error) {
		var d apd.Decimal
		d.Abs(x)
		return decimalOf(&d), nil
	}, cty.NilType)
	ceilFunc   = numberFunc(stdlib.CeilFunc, rounded(apd.RoundCeiling), cty.NilType)
	floorFunc  = numberFunc(stdlib.FloorFunc, rounded(apd.RoundFloor), cty.NilType)
	signumFunc = numberFunc(stdlib.SignumFunc, func(x *apd.Decimal) (cty.Value, error) {
		return cty.NumberIntVal(int64(x.Sign())), nil
	}, cty.Number)

	maxFunc = extremeFunc(stdlib.MaxFunc, func(c int) bool { return c > 0 })
	minFunc = extremeFunc(stdlib.MinFunc, func(c int) bool { return c < 0 })
)

// manyFunc extends a function of many numbers to decimals: as soon as one is
// a decimal, all are taken as decimals.
func manyFunc(spec function.Spec, elements func([]cty.Value) ([]cty.Value, bool), number func([]cty.Value) (cty.Value, error), exactly func([]*decimal) (cty.Value, error)) function.Function {
	spec.Type = func(args []cty.Value) (cty.Type, error) {
		all, known := elements(args)
		if !known {
			return cty.DynamicPseudoType, nil
		}
		if err := checkNumeric(all); err != nil {
			return cty.NilType, errors.New("numbers or decimals are required")
		}
		if isDecimal(all) {
			return Decimal, nil
		}
		for _, v := range all {
			if v.Type() == cty.DynamicPseudoType {
				return cty.DynamicPseudoType, nil
			}
		}
		return cty.Number, nil
	}
	spec.Impl = func(args []cty.Value, t cty.Type) (cty.Value, error) {
		all, _ := elements(args)
		for _, v := range all {
			if !v.IsKnown() {
				return cty.UnknownVal(t), nil
			}
			if v.IsNull() {
				return cty.NilVal, errors.New("an element is null")
			}
		}
		if !isDecimal(all) {
			n, err := numbers(all)
			if err != nil {
				return cty.NilVal, err
			}
			return number(n)
		}
		ds := make([]*decimal, len(all))
		for i, v := range all {
			var err error
			if ds[i], err = toDecimal(v); err != nil {
				return cty.NilVal, err
			}
		}
		return exactly(ds)
	}
	return function.New(&spec)
}

func extremeFunc(number function.Function, better func(int) bool) function.Function {
	return manyFunc(
		function.Spec{VarParam: &function.Parameter{Name: "numbers", Type: cty.DynamicPseudoType}},
		func(args []cty.Value) ([]cty.Value, bool) { return args, true },
		func(n []cty.Value) (cty.Value, error) { return number.Call(n) },
		func(ds []*decimal) (cty.Value, error) {
			best := ds[0]
			for _, d := range ds[1:] {
				if better(d.val.Cmp(&best.val)) {
					best = d
				}
			}
			return cty.CapsuleVal(Decimal, best), nil
		})
}

var sumFunc = manyFunc(
	function.Spec{Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}}},
	func(args []cty.Value) ([]cty.Value, bool) {
		if !args[0].IsKnown() {
			return nil, false
		}
		if t := args[0].Type(); !t.IsListType() && !t.IsSetType() && !t.IsTupleType() {
			return []cty.Value{cty.EmptyObjectVal}, true
		}
		return args[0].AsValueSlice(), true
	},
	func(n []cty.Value) (cty.Value, error) {
		total := cty.Zero
		for _, v := range n {
			total = total.Add(v)
		}
		return total, nil
	},
	func(ds []*decimal) (cty.Value, error) {
		total := cty.CapsuleVal(Decimal, &decimal{text: "0"})
		for _, d := range ds {
			var err error
			if total, err = addDecimals(total.EncapsulatedValue().(*decimal), d); err != nil {
				return cty.NilVal, err
			}
		}
		return total, nil
	})

var toDecimalFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true}},
	Type: func(args []cty.Value) (cty.Type, error) {
		return Decimal, checkNumeric(args)
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return convert.Convert(args[0], Decimal) },
})

// places takes the last argument of round and divide.
func places(v cty.Value, arg int) (int32, error) {
	n, accuracy := v.AsBigFloat().Int64()
	if accuracy != 0 || n < 0 || n > 30 {
		return 0, function.NewArgErrorf(arg, "a whole number from 0 to 30 is required")
	}
	return int32(n), nil
}

var roundFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "number", Type: cty.DynamicPseudoType}, {Name: "places", Type: cty.Number}},
	Type:   func(args []cty.Value) (cty.Type, error) { return Decimal, checkNumeric(args[:1]) },
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		x, err := toDecimal(args[0])
		if err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		n, err := places(args[1], 1)
		if err != nil {
			return cty.NilVal, err
		}
		return roundDecimal(&x.val, n)
	},
})

var divideFunc = function.New(&function.Spec{
	Params: append(operands[:2:2], function.Parameter{Name: "places", Type: cty.Number}),
	Type:   func(args []cty.Value) (cty.Type, error) { return Decimal, checkNumeric(args[:2]) },
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		x, y, err := decimals(args)
		if err != nil {
			return cty.NilVal, err
		}
		n, err := places(args[2], 2)
		if err != nil {
			return cty.NilVal, err
		}
		return divideRounded(x, y, n)
	},
})
