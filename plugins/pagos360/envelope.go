package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/bulkrunner/runner/sdk"
)

// An object holds a JSON object's members under their exact names.
//
// A struct would not do: encoding/json matches names without regard to case
// and lets the last of two equal names win, while an answer that says its state
// twice says nothing.
type object map[string]json.RawMessage

var errNotAnObject = errors.New("not one JSON object")

func decodeObject(b []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errNotAnObject
	}
	o := make(object, 8)
	for d.More() {
		t, err := d.Token()
		name, isName := t.(string)
		if err != nil || !isName {
			return nil, errNotAnObject
		}
		if _, twice := o[name]; twice {
			return nil, fmt.Errorf("a member appears twice")
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, errNotAnObject
		}
		o[name] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, errNotAnObject
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errNotAnObject
	}
	return o, nil
}

// text returns a member that is a string; "" where it is missing or is
// anything else.
func (o object) text(name string) string {
	var s string
	if json.Unmarshal(o[name], &s) != nil {
		return ""
	}
	return s
}

// decimal returns a member that is a number, with the digits that it came
// with: amounts are JSON floats here, and never pass through one of ours.
// Missing and null give "".
func (o object) decimal(name string) (sdk.Decimal, error) {
	var d sdk.Decimal
	raw, there := o[name]
	if !there {
		return "", nil
	}
	err := json.Unmarshal(raw, &d)
	return d, err
}

// whole returns a member that is a whole number without a sign, as text; ""
// where it is missing or is anything else. Ids are such numbers.
func (o object) whole(name string) string {
	raw := string(o[name])
	if raw == "" || len(raw) > 19 || strings.Trim(raw, "0123456789") != "" {
		return ""
	}
	return raw
}

// number is whole as a number, 0 where there is none: of a month, a year or a
// count.
func (o object) number(name string) int64 {
	n, err := strconv.ParseInt(o.whole(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// object returns a member that is an object; an empty one where it isn't.
func (o object) object(name string) object {
	inner, err := decodeObject(o[name])
	if err != nil {
		return object{}
	}
	return inner
}

// raw returns a member as it came; nil where it is missing or null.
func (o object) raw(name string) json.RawMessage {
	if string(o[name]) == "null" {
		return nil
	}
	return o[name]
}

// objects returns a member that is an array of objects.
func (o object) objects(name string) (list []object, ok bool) {
	var raws []json.RawMessage
	if json.Unmarshal(o[name], &raws) != nil || raws == nil {
		return nil, false
	}
	for _, raw := range raws {
		inner, err := decodeObject(raw)
		if err != nil {
			return nil, false
		}
		list = append(list, inner)
	}
	return list, true
}
