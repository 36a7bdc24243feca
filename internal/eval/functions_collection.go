package eval

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

var lengthFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType}},
	Type: func(args []cty.Value) (cty.Type, error) {
		t := args[0].Type()
		if t == cty.String || t == cty.DynamicPseudoType || t.IsTupleType() || t.IsObjectType() || t.IsCollectionType() {
			return cty.Number, nil
		}
		return cty.NilType, errors.New("a string, list, set, map, tuple or object is required")
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		switch t := args[0].Type(); {
		case t == cty.String:
			return stdlib.Strlen(args[0])
		case t.IsObjectType():
			return cty.NumberIntVal(int64(len(t.AttributeTypes()))), nil
		}
		return args[0].Length(), nil
	},
})

// quantifier makes alltrue and anytrue: found tells whether a value decides.
func quantifier(decisive bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Bool)}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			for it := args[0].ElementIterator(); it.Next(); {
				_, v := it.Element()
				if !v.IsKnown() {
					return cty.UnknownVal(cty.Bool), nil
				}
				if v.IsNull() {
					return cty.NilVal, errors.New("an element is null")
				}
				if v.True() == decisive {
					return cty.BoolVal(decisive), nil
				}
			}
			return cty.BoolVal(!decisive), nil
		},
	})
}

var (
	allTrueFunc = quantifier(false)
	anyTrueFunc = quantifier(true)
)

// coalesceFunc passes over "" as well as null, as Terraform's does.
var coalesceFunc = function.New(&function.Spec{
	VarParam: &function.Parameter{Name: "values", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true, AllowMarked: true},
	Type: func(args []cty.Value) (cty.Type, error) {
		if len(args) == 0 {
			return cty.NilType, errors.New("at least one argument is required")
		}
		t := cty.NilType
		for _, a := range args {
			plain, _ := a.Unmark()
			switch at := plain.Type(); {
			case plain.IsKnown() && plain.IsNull(), at == cty.DynamicPseudoType:
				if at == cty.DynamicPseudoType && !plain.IsKnown() {
					return cty.DynamicPseudoType, nil
				}
			case t == cty.NilType:
				t = at
			case !t.Equals(at):
				return cty.NilType, errors.New("all arguments must have the same type")
			}
		}
		if t == cty.NilType {
			return cty.DynamicPseudoType, nil
		}
		return t, nil
	},
	Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
		var marks []cty.ValueMarks
		for _, a := range args {
			plain, m := a.Unmark()
			marks = append(marks, m)
			if !plain.IsKnown() {
				return cty.UnknownVal(t).WithMarks(marks...), nil
			}
			if plain.IsNull() || plain.Type() == cty.String && plain.AsString() == "" {
				continue
			}
			return plain.WithMarks(marks...), nil
		}
		return cty.NilVal, errors.New("no argument is neither null nor \"\"")
	},
})

// elementsOf makes the functions that look for a value in a list. They refuse
// what could never be found, as == does.
func elementsOf(result cty.Type, answer func(at int) (cty.Value, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "list", Type: cty.DynamicPseudoType},
			{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true},
		},
		Type: func(args []cty.Value) (cty.Type, error) {
			list, value := args[0], args[1]
			t := list.Type()
			switch {
			case t == cty.DynamicPseudoType:
			case t.IsListType() || t.IsSetType():
				return result, comparable(cty.UnknownVal(t.ElementType()), value)
			case t.IsTupleType():
				var err error
				for _, e := range t.TupleElementTypes() {
					if err = comparable(cty.UnknownVal(e), value); err == nil {
						break
					}
				}
				return result, err
			default:
				return cty.NilType, function.NewArgErrorf(0, "a list, set or tuple is required")
			}
			return result, nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			i := 0
			for it := args[0].ElementIterator(); it.Next(); i++ {
				_, v := it.Element()
				if !v.IsWhollyKnown() || !args[1].IsWhollyKnown() {
					return cty.UnknownVal(result), nil
				}
				if comparable(v, args[1]) != nil {
					continue
				}
				equal, err := equalValues(v, args[1])
				if err != nil {
					return cty.NilVal, err
				}
				if equal.True() {
					return answer(i)
				}
			}
			return answer(-1)
		},
	})
}

var (
	containsFunc = elementsOf(cty.Bool, func(at int) (cty.Value, error) { return cty.BoolVal(at >= 0), nil })
	indexFunc    = elementsOf(cty.Number, func(at int) (cty.Value, error) {
		if at < 0 {
			return cty.NilVal, errors.New("the list doesn't hold the value")
		}
		return cty.NumberIntVal(int64(at)), nil
	})
)

// oneFunc is the way from a list that a condition filtered to what it found.
var oneFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
	Type: func(args []cty.Value) (cty.Type, error) {
		switch t := args[0].Type(); {
		case t == cty.DynamicPseudoType:
			return t, nil
		case t.IsListType() || t.IsSetType():
			return t.ElementType(), nil
		case t.IsTupleType():
			switch t.Length() {
			case 0:
				return cty.DynamicPseudoType, nil
			case 1:
				return t.TupleElementType(0), nil
			}
			return cty.NilType, errManyForOne(t.Length())
		}
		return cty.NilType, function.NewArgErrorf(0, "a list, set or tuple is required")
	},
	Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
		switch n := args[0].LengthInt(); n {
		case 0:
			return cty.NullVal(t), nil
		case 1:
			it := args[0].ElementIterator()
			it.Next()
			_, v := it.Element()
			return v, nil
		default:
			return cty.NilVal, errManyForOne(n)
		}
	},
})

func errManyForOne(n int) error {
	return function.NewArgErrorf(0, "one element or none is required, and there are %d", n)
}

var transposeFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "map", Type: cty.Map(cty.List(cty.String))}},
	Type:   function.StaticReturnType(cty.Map(cty.List(cty.String))),
	Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
		if !args[0].IsWhollyKnown() {
			return cty.UnknownVal(t), nil
		}
		turned := make(map[string][]cty.Value)
		for key, list := range args[0].AsValueMap() {
			if list.IsNull() {
				return cty.NilVal, function.NewArgErrorf(0, "the list of %q is null", key)
			}
			for _, v := range list.AsValueSlice() {
				if v.IsNull() {
					return cty.NilVal, function.NewArgErrorf(0, "an element of %q is null", key)
				}
				turned[v.AsString()] = append(turned[v.AsString()], cty.StringVal(key))
			}
		}
		if len(turned) == 0 {
			return cty.MapValEmpty(cty.List(cty.String)), nil
		}
		out := make(map[string]cty.Value, len(turned))
		for v, keys := range turned {
			slices.SortFunc(keys, func(a, b cty.Value) int { return strings.Compare(a.AsString(), b.AsString()) })
			out[v] = cty.ListVal(keys)
		}
		return cty.MapVal(out), nil
	},
})

// matchKeysFunc compares as == does, so keys of another type are refused
// rather than never found.
var matchKeysFunc = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "values", Type: cty.List(cty.DynamicPseudoType)},
		{Name: "keys", Type: cty.List(cty.DynamicPseudoType)},
		{Name: "wanted", Type: cty.List(cty.DynamicPseudoType)},
	},
	Type: func(args []cty.Value) (cty.Type, error) {
		if k, w := args[1].Type(), args[2].Type(); k.IsListType() && w.IsListType() {
			if err := comparable(cty.UnknownVal(k.ElementType()), cty.UnknownVal(w.ElementType())); err != nil {
				return cty.NilType, function.NewArgError(2, err)
			}
		}
		return args[0].Type(), nil
	},
	Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
		if !args[0].IsKnown() || !args[1].IsWhollyKnown() || !args[2].IsWhollyKnown() {
			return cty.UnknownVal(t), nil
		}
		values, keys, wanted := args[0].AsValueSlice(), args[1].AsValueSlice(), args[2].AsValueSlice()
		if len(values) != len(keys) {
			return cty.NilVal, errors.New("the list of values and the list of keys must be of one length")
		}
		var out []cty.Value
		for i, k := range keys {
			for _, w := range wanted {
				equal, err := equalValues(k, w)
				if err != nil {
					return cty.NilVal, err
				}
				if equal.True() {
					out = append(out, values[i])
					break
				}
			}
		}
		if len(out) == 0 {
			return cty.ListValEmpty(t.ElementType()), nil
		}
		return cty.ListVal(out), nil
	},
})

// characters counts what a person would: code points, which is what APIs mean
// by a length.
func characters(s string) int { return utf8.RuneCountInString(s) }
