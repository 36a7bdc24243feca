package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"
)

// decode reads a JSON object into a struct. Its errors name the attribute and
// never the value, which may be a card number.
func decode[T any](raw json.RawMessage) (T, error) {
	var v, plain T
	if decodePlain(raw, &plain) {
		return plain, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, blame(reflect.TypeFor[T](), raw)
	}
	return v, nil
}

// decodeStrict is decode that also refuses attributes it doesn't know. It is
// slower, and for what a person wrote or a plan is about to show.
func decodeStrict[T any](raw json.RawMessage) (T, error) {
	var v, plain T
	if decodePlain(raw, &plain) {
		return plain, nil
	}
	d := strictDecoders.Get().(*strictDecoder)
	d.in.Reset(raw)
	if err := d.Decode(&v); err != nil {
		return v, blame(reflect.TypeFor[T](), raw)
	}
	if _, err := d.Token(); err != io.EOF {
		return v, errNotObject
	}
	if len(raw) <= mostKept {
		d.in.Reset(nil)
		strictDecoders.Put(d)
	}
	return v, nil
}

// A strictDecoder decodes one object after another, as long as each is whole
// and nothing stands behind it. Making one costs as much as it decodes.
type strictDecoder struct {
	*json.Decoder
	in bytes.Reader
}

// mostKept bounds what the buffers of decoders hold on to.
const mostKept = 16 << 10

var strictDecoders = sync.Pool{New: func() any {
	d := new(strictDecoder)
	d.Decoder = json.NewDecoder(&d.in)
	d.DisallowUnknownFields()
	return d
}}

var errNotObject = errors.New("the arguments are not one JSON object")

// blame finds the attribute that could not be decoded by trying each alone.
// The decoder's own error won't do: it repeats numbers, and leaves the name to
// whoever wrote UnmarshalJSON.
func blame(t reflect.Type, raw json.RawMessage) error {
	var given map[string]json.RawMessage
	if json.Unmarshal(raw, &given) != nil {
		return errNotObject
	}
	fields, err := fieldsOf(t)
	if err != nil {
		return err
	}
	for _, f := range fields {
		value, ok := given[f.name]
		if !ok {
			continue
		}
		delete(given, f.name)
		if json.Unmarshal(value, reflect.New(f.typ).Interface()) == nil {
			continue
		}
		return fmt.Errorf("attribute %q is not %s", f.name, wanted(f.typ))
	}
	for name := range given {
		return fmt.Errorf("attribute %q is not known", name)
	}
	return errNotObject
}

func wanted(t reflect.Type) string {
	t = indirect(t)
	switch {
	case t == decimalType:
		return "a decimal number such as 1250.00"
	case t == timeType:
		return "a time such as 2026-11-01T00:00:00Z"
	case isInteger(t):
		return "a whole number that fits"
	case t.Kind() == reflect.String:
		return "a string"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Float64, t.Kind() == reflect.Float32:
		return "a number"
	case t.Kind() == reflect.Slice:
		return "a list of the elements it wants"
	default:
		return "an object of the attributes it wants"
	}
}
