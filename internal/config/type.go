package config

import (
	"errors"
	"reflect"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
)

// DecimalText is the type of decimals within the types of variables: their
// text, with which nothing can be computed here. Whoever evaluates makes values
// of its own type of it.
var DecimalText = cty.CapsuleWithOps("decimal", reflect.TypeFor[string](), &cty.CapsuleOps{
	RawEquals: func(a, b any) bool { return *a.(*string) == *b.(*string) },
	HashKey:   func(v any) string { return *v.(*string) },
	Equals:    func(a, b any) cty.Value { return cty.BoolVal(*a.(*string) == *b.(*string)) },
	ConversionTo: func(from cty.Type) func(cty.Value, cty.Path) (any, error) {
		if from != cty.String && from != cty.Number {
			return nil
		}
		return func(v cty.Value, path cty.Path) (any, error) {
			text := ""
			if from == cty.String {
				text = v.AsString()
			} else if plainNumbers(v) {
				text = v.AsBigFloat().Text('f', -1)
			}
			if !decimalText.MatchString(text) {
				return nil, path.NewError(errors.New("a decimal such as 1250.00 is required"))
			}
			return &text, nil
		}
	},
})

// typeOf reads a type, with what its objects may leave out. It is HCL's own
// language of types and the word decimal.
func typeOf(expr hcl.Expression) (cty.Type, *typeexpr.Defaults, bool) {
	switch hcl.ExprAsKeyword(expr) {
	case "string":
		return cty.String, nil, true
	case "number":
		return cty.Number, nil, true
	case "bool":
		return cty.Bool, nil, true
	case "any":
		return cty.DynamicPseudoType, nil, true
	case "decimal":
		return DecimalText, nil, true
	}
	call, diags := hcl.ExprCall(expr)
	if diags.HasErrors() || len(call.Arguments) != 1 {
		return cty.NilType, nil, false
	}
	switch arg := call.Arguments[0]; call.Name {
	case "list", "set", "map":
		of, inner, ok := typeOf(arg)
		if !ok {
			return cty.NilType, nil, false
		}
		t := map[string]func(cty.Type) cty.Type{"list": cty.List, "set": cty.Set, "map": cty.Map}[call.Name](of)
		return t, within(t, nil, map[string]*typeexpr.Defaults{"": inner}), true
	case "tuple":
		return tupleType(arg)
	case "object":
		return objectType(arg)
	}
	return cty.NilType, nil, false
}

func tupleType(expr hcl.Expression) (cty.Type, *typeexpr.Defaults, bool) {
	exprs, diags := hcl.ExprList(expr)
	if diags.HasErrors() {
		return cty.NilType, nil, false
	}
	types, children := make([]cty.Type, len(exprs)), map[string]*typeexpr.Defaults{}
	for i, e := range exprs {
		t, inner, ok := typeOf(e)
		if !ok {
			return cty.NilType, nil, false
		}
		types[i], children[strconv.Itoa(i)] = t, inner
	}
	t := cty.Tuple(types)
	return t, within(t, nil, children), true
}

func objectType(expr hcl.Expression) (cty.Type, *typeexpr.Defaults, bool) {
	pairs, diags := hcl.ExprMap(expr)
	if diags.HasErrors() {
		return cty.NilType, nil, false
	}
	types, unsaid, children := map[string]cty.Type{}, map[string]cty.Value{}, map[string]*typeexpr.Defaults{}
	var optional []string
	for _, p := range pairs {
		name, of := hcl.ExprAsKeyword(p.Key), p.Value
		if _, twice := types[name]; name == "" || twice {
			return cty.NilType, nil, false
		}
		var otherwise hcl.Expression
		if call, diags := hcl.ExprCall(of); !diags.HasErrors() && call.Name == "optional" {
			if n := len(call.Arguments); n != 1 && n != 2 {
				return cty.NilType, nil, false
			} else if n == 2 {
				otherwise = call.Arguments[1]
			}
			of = call.Arguments[0]
			optional = append(optional, name)
		}
		t, inner, ok := typeOf(of)
		if !ok {
			return cty.NilType, nil, false
		}
		types[name], children[name] = t, inner
		if otherwise != nil {
			v, diags := otherwise.Value(nil)
			if diags.HasErrors() {
				return cty.NilType, nil, false
			}
			if unsaid[name], ok = converted(v, t, inner); !ok {
				return cty.NilType, nil, false
			}
		}
	}
	t := cty.ObjectWithOptionalAttrs(types, optional)
	return t, within(t, unsaid, children), true
}

// within is nil where nothing in a type may be left out.
func within(t cty.Type, unsaid map[string]cty.Value, children map[string]*typeexpr.Defaults) *typeexpr.Defaults {
	for name, child := range children {
		if child == nil {
			delete(children, name)
		}
	}
	if len(unsaid) == 0 && len(children) == 0 {
		return nil
	}
	return &typeexpr.Defaults{Type: t, DefaultValues: unsaid, Children: children}
}
