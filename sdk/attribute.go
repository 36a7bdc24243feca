package sdk

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// attributesOf derives the attributes of a struct type. Answers (live states
// and results) may hold what the API sent as it came; configuration and
// arguments, which people write, have types.
func attributesOf(t reflect.Type, answer bool) ([]Attribute, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%s is not a struct", t)
	}
	fields, err := fieldsOf(t)
	if err != nil {
		return nil, err
	}
	attributes := make([]Attribute, 0, len(fields))
	for _, f := range fields {
		a, err := attributeOf(f, answer)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.goes, err)
		}
		attributes = append(attributes, a)
	}
	return attributes, nil
}

func attributeOf(f field, answer bool) (Attribute, error) {
	n, err := notation(f.typ, answer, nil)
	if err != nil {
		return Attribute{}, err
	}
	t, base := f.tag, indirect(f.typ)
	a := Attribute{
		Name: f.name, Type: n, Doc: f.doc,
		Decimal: base == decimalType, Integer: t.integer || isInteger(base),
		Required: t.required, Sensitive: t.sensitive || t.writeOnly, WriteOnly: t.writeOnly,
		OneOf: t.oneOf, MinLength: t.min, MaxLength: t.max, Pattern: t.pattern,
		Role: t.role, Exponent: t.exponent,
	}
	kind := string(n)
	text := kind == `"string"` && !a.Decimal
	switch {
	case a.Integer && kind != `"number"` && !a.Decimal:
		return a, fmt.Errorf("integer is for numbers and decimals")
	case !text && (t.min != 0 || t.max != 0 || t.pattern != ""):
		return a, fmt.Errorf("min, max and pattern count characters and are for strings")
	case len(t.oneOf) > 0 && kind != `"string"` && kind != `"number"`:
		return a, fmt.Errorf("oneof is for strings and numbers")
	case t.role == "amount" && !a.Decimal && !a.Integer:
		return a, fmt.Errorf("an amount is an sdk.Decimal, or an integer with an exponent: no float touches it")
	case t.role != "" && t.role != "amount" && !text:
		return a, fmt.Errorf("role=%s is for strings", t.role)
	case t.exponent != 0 && t.role != "amount":
		return a, fmt.Errorf("exponent is for role=amount")
	}
	if t.fallback != nil {
		if a.Default, err = fallback(a, *t.fallback); err != nil {
			return a, err
		}
	}
	return a, nil
}

// fallback turns the text of a default into JSON of the attribute's type.
func fallback(a Attribute, s string) (json.RawMessage, error) {
	if len(a.OneOf) > 0 && !slices.Contains(a.OneOf, s) {
		return nil, fmt.Errorf("default %q is not among oneof", s)
	}
	switch kind := string(a.Type); {
	case a.Decimal:
		if _, err := ParseDecimal(s); err != nil {
			return nil, fmt.Errorf("default %q: %w", s, err)
		}
		return json.Marshal(s)
	case kind == `"string"`:
		return json.Marshal(s)
	case kind == `"bool"` && (s == "true" || s == "false"):
		return json.RawMessage(s), nil
	case kind == `"number"`:
		if _, err := strconv.ParseInt(s, 10, 64); err == nil {
			return json.RawMessage(s), nil
		}
		if _, err := ParseDecimal(s); err == nil && !a.Integer {
			return json.RawMessage(s), nil
		}
	}
	return nil, fmt.Errorf("default %q is not of the attribute's type", s)
}

var (
	decimalType = reflect.TypeFor[Decimal]()
	rawType     = reflect.TypeFor[json.RawMessage]()
	timeType    = reflect.TypeFor[time.Time]()
)

// notation writes a Go type in cty's JSON notation. above are the structs that
// it lies in, since a type that holds itself has no end.
func notation(t reflect.Type, answer bool, above []reflect.Type) (json.RawMessage, error) {
	t = indirect(t)
	switch t {
	case decimalType, timeType:
		return json.RawMessage(`"string"`), nil
	case rawType:
		if !answer {
			return nil, fmt.Errorf("json.RawMessage has no type to check against: it is for live states and results")
		}
		return json.RawMessage(`"dynamic"`), nil
	}
	switch kind := t.Kind(); {
	case kind == reflect.String:
		return json.RawMessage(`"string"`), nil
	case kind == reflect.Bool:
		return json.RawMessage(`"bool"`), nil
	case isInteger(t), kind == reflect.Float64, kind == reflect.Float32:
		return json.RawMessage(`"number"`), nil
	case kind == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return collection("list", t.Elem(), answer, above)
	case kind == reflect.Map && t.Key().Kind() == reflect.String:
		return collection("map", t.Elem(), answer, above)
	case kind == reflect.Struct:
		return object(t, answer, above)
	}
	return nil, fmt.Errorf("type %s can't be an attribute: use string, bool, a number, sdk.Decimal, a struct, or a slice or map of those", t)
}

func collection(name string, elem reflect.Type, answer bool, above []reflect.Type) (json.RawMessage, error) {
	inner, err := notation(elem, answer, above)
	if err != nil {
		return nil, err
	}
	return json.Marshal([]any{name, inner})
}

func object(t reflect.Type, answer bool, above []reflect.Type) (json.RawMessage, error) {
	if slices.Contains(above, t) {
		return nil, fmt.Errorf("type %s holds itself", t)
	}
	fields, err := fieldsOf(t)
	if err != nil {
		return nil, err
	}
	attributes := map[string]json.RawMessage{}
	var optional []string
	for _, f := range fields {
		for _, w := range f.tag.words {
			if w != "required" {
				return nil, fmt.Errorf("%s: %q is for attributes at the top; inside an object only required is known", f.goes, w)
			}
		}
		if attributes[f.name], err = notation(f.typ, answer, append(above, t)); err != nil {
			return nil, fmt.Errorf("%s: %w", f.goes, err)
		}
		if !f.tag.required {
			optional = append(optional, f.name)
		}
	}
	if len(optional) == 0 {
		return json.Marshal([]any{"object", attributes})
	}
	return json.Marshal([]any{"object", attributes, optional})
}

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

func isInteger(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return false
}
