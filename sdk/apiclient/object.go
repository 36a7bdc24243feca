package apiclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/bulkrunner/runner/sdk"
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
	// From here on b is known to be JSON, so what ends a value is easily seen.
	b = bytes.TrimLeft(b, space)
	if b[0] != '{' {
		return nil, errNotAnObject
	}
	o := make(Object, 8)
	for b = bytes.TrimLeft(b[1:], space); b[0] != '}'; {
		n := valueLength(b)
		name := text(b[:n])
		if _, twice := o[name]; twice {
			return nil, errTwice
		}
		b = bytes.TrimLeft(b[n:], space) // :
		b = bytes.TrimLeft(b[1:], space) // the value
		n = valueLength(b)
		o[name] = b[:n:n]
		if b = bytes.TrimLeft(b[n:], space); b[0] == ',' {
			b = bytes.TrimLeft(b[1:], space)
		}
	}
	return o, nil
}

const space = " \t\r\n"

// valueLength is how long the value is with which valid JSON begins.
func valueLength(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(b)
}

// text is a JSON string's text, "" of anything else.
func text(raw []byte) (s string) {
	if n := len(raw); n >= 2 && raw[0] == '"' && !bytes.ContainsFunc(raw, func(r rune) bool { return r == '\\' || r == utf8.RuneError }) {
		return string(raw[1 : n-1])
	}
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// Text returns a member that is a string; "" where it is missing or is
// anything else.
func (o Object) Text(name string) string { return text(o[name]) }

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
	var members []json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return nil, errNotAList
	}
	list := make([]Object, 0, len(members))
	for _, m := range members {
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
