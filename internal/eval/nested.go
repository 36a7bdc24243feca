package eval

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/config"
)

// replaced is a type with one type in it made another.
func replaced(t, from, to cty.Type) cty.Type {
	switch {
	case t == from:
		return to
	case t.IsListType():
		return cty.List(replaced(t.ElementType(), from, to))
	case t.IsSetType():
		return cty.Set(replaced(t.ElementType(), from, to))
	case t.IsMapType():
		return cty.Map(replaced(t.ElementType(), from, to))
	case t.IsTupleType():
		types := make([]cty.Type, t.Length())
		for i, e := range t.TupleElementTypes() {
			types[i] = replaced(e, from, to)
		}
		return cty.Tuple(types)
	case t.IsObjectType():
		types := make(map[string]cty.Type)
		for n, a := range t.AttributeTypes() {
			types[n] = replaced(a, from, to)
		}
		return cty.Object(types)
	}
	return t
}

// exactly makes decimals of the texts that a variable's type says are such,
// wherever they stand in its value.
func exactly(v cty.Value) (cty.Value, error) {
	t := v.Type()
	to := replaced(t, config.DecimalText, Decimal)
	switch {
	case t.Equals(to):
		return v, nil
	case v.IsNull():
		return cty.NullVal(to), nil
	case !v.IsKnown():
		return cty.UnknownVal(to), nil
	case t == config.DecimalText:
		return DecimalVal(*v.EncapsulatedValue().(*string))
	case t.IsMapType() || t.IsObjectType():
		m := make(map[string]cty.Value)
		for n, e := range v.AsValueMap() {
			var err error
			if m[n], err = exactly(e); err != nil {
				return cty.NilVal, err
			}
		}
		switch {
		case t.IsObjectType():
			return cty.ObjectVal(m), nil
		case len(m) == 0:
			return cty.MapValEmpty(to.ElementType()), nil
		}
		return cty.MapVal(m), nil
	}
	var all []cty.Value
	for _, e := range v.AsValueSlice() {
		e, err := exactly(e)
		if err != nil {
			return cty.NilVal, err
		}
		all = append(all, e)
	}
	switch {
	case t.IsTupleType():
		return cty.TupleVal(all), nil
	case t.IsListType() && len(all) == 0:
		return cty.ListValEmpty(to.ElementType()), nil
	case t.IsListType():
		return cty.ListVal(all), nil
	case len(all) == 0:
		return cty.SetValEmpty(to.ElementType()), nil
	}
	return cty.SetVal(all), nil
}
