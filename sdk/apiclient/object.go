package apiclient

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/internal/members"
)

// An Object holds a JSON object's members under their exact names.
//
// A struct would not do for an answer that decides about money: encoding/json
// matches names without regard to case and lets the last of two equal names
// win, while an answer that says its state twice says nothing.
type Object map[string]json.RawMessage

// Object is the answer's body as one JSON object. Anything else, also an
// object that has a member twice, proves nothing: the error is [sdk.Unknown].
func (r *Response) Object() (Object, error) {
	o, err := ParseObject(r.Body)
	if err != nil {
		return nil, sdk.Unknown("no_json", "the answer is not the JSON object it should be")
	}
	return o, nil
}

var (
	errNotAnObject = errors.New("not one JSON object")
	errTwice       = errors.New("a member appears twice")
	errNotAList    = errors.New("not a list of objects")
)

// ParseObject reads one JSON object with nothing behind it. The objects within
// it are read when they are asked for.
func ParseObject(b []byte) (Object, error) {
	if !json.Valid(b) {
		return nil, errNotAnObject
	}
	if members.Trim(b)[0] != '{' {
		return nil, errNotAnObject
	}
	o := make(Object, 8)
	for name, value := range members.Of(b) {
		if _, twice := o[name]; twice {
			return nil, errTwice
		}
		o[name] = value
	}
	return o, nil
}

// Text returns a member that is a string; "" where it is missing or is
// anything else.
func (o Object) Text(name string) string {
	s, _ := members.Text(o[name])
	return s
}

// Decimal returns a member that is a number, written as one or as a string,
// with the digits that it came with. Missing and null give "".
func (o Object) Decimal(name string) (sdk.Decimal, error) {
	var d sdk.Decimal
	raw, there := o[name]
	if !there {
		return "", nil
	}
	err := json.Unmarshal(raw, &d)
	return d, err
}

// Whole returns a member that is a whole number without a sign, as text; ""
// where it is missing or is anything else. Ids are often such numbers.
func (o Object) Whole(name string) string {
	raw := string(o[name])
	if raw == "" || len(raw) > 19 || strings.Trim(raw, "0123456789") != "" {
		return ""
	}
	return raw
}

// Number is [Object.Whole] as a number, 0 where there is none: of a month, a
// year or a count.
func (o Object) Number(name string) int64 {
	n, err := strconv.ParseInt(o.Whole(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Object returns a member that is an object; an empty one, in which nothing is
// found, where it is missing or null or anything else.
func (o Object) Object(name string) Object {
	inner, err := ParseObject(o[name])
	if err != nil {
		return Object{}
	}
	return inner
}

// Objects returns a member that is a list of objects; nil where it is missing
// or null.
func (o Object) Objects(name string) ([]Object, error) {
	raw := o.Raw(name)
	if raw == nil {
		return nil, nil
	}
	var each []json.RawMessage
	if json.Unmarshal(raw, &each) != nil {
		return nil, errNotAList
	}
	list := make([]Object, 0, len(each))
	for _, m := range each {
		inner, err := ParseObject(m)
		if err != nil {
			return nil, err
		}
		list = append(list, inner)
	}
	return list, nil
}

// Raw returns a member as it came; nil where it is missing or null.
func (o Object) Raw(name string) json.RawMessage {
	if string(o[name]) == "null" {
		return nil
	}
	return o[name]
}
