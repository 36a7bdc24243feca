package sdk

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// texts are the attributes of a struct that are mere text, by their names. The
// arguments of most operations are made of these, and encoding/json takes ten
// times as long for them as there is to do.
type texts []text

type text struct {
	name  string
	field int
}

var textsOf sync.Map // texts by reflect.Type

// decodePlain decodes an object of such attributes into v, a struct's pointer. It
// reports false where encoding/json has to be asked: for attributes of other
// types, names it doesn't know, and texts with anything but ASCII that stands for
// itself. What v holds then is worth nothing.
func decodePlain(raw json.RawMessage, v any) bool {
	t := reflect.TypeOf(v).Elem()
	known, ok := textsOf.Load(t)
	if !ok {
		known, _ = textsOf.LoadOrStore(t, findTexts(t))
	}
	to := reflect.ValueOf(v).Elem()
	if len(raw) == 0 || raw[0] != '{' {
		return false
	}
	for raw = raw[1:]; ; raw = raw[1:] {
		name, rest, ok := cutPlain(raw)
		if !ok || len(rest) == 0 || rest[0] != ':' {
			return false
		}
		value, rest, ok := cutPlain(rest[1:])
		if !ok || len(rest) == 0 || !known.(texts).set(to, name, value) {
			return false
		}
		if raw = rest; raw[0] == '}' {
			return len(raw) == 1
		}
		if raw[0] != ',' {
			return false
		}
	}
}

// cutPlain cuts a string that needs no decoding off what raw begins with.
func cutPlain(raw []byte) (text, rest []byte, ok bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return nil, nil, false
	}
	for i, c := range raw[1:] {
		switch {
		case c == '"':
			return raw[1 : i+1], raw[i+2:], true
		case c < ' ' || c > '~' || c == '\\':
			return nil, nil, false
		}
	}
	return nil, nil, false
}

func (all texts) set(to reflect.Value, name, value []byte) bool {
	for _, t := range all {
		if t.name == string(name) {
			to.Field(t.field).SetString(string(value))
			return true
		}
	}
	return false
}

func findTexts(t reflect.Type) (all texts) {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && !f.Anonymous && f.Type == reflect.TypeFor[string]() && name != "" && name != "-" && options == "" {
			all = append(all, text{name, i})
		}
	}
	return all
}
