package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/bulkrunner/runner/sdk"
)

// Shapes are what the answers to the calls of one operation look like, by its
// schema. What looks otherwise is no success: it may be another operation's
// answer, or another thing's.
type Shapes struct {
	id           string // the argument that names the thing; "" where none does
	live, result shape
}

// NewShapes returns the shapes of a schema that was judged to be usable.
func NewShapes(o *sdk.OperationSchema) *Shapes {
	return &Shapes{id: idOf(o.Arguments), live: newShape(o.Live), result: newShape(o.Result)}
}

// Hold returns the answer to a call as far as it can be believed. One that
// doesn't look as the schema says becomes unknown. One that names another
// thing than it was asked about becomes fatal, since then no answer's being
// its call's can be relied on.
func (s *Shapes) Hold(c *Call, a Answer) Answer {
	if a.Outcome != sdk.OutcomeDone {
		return a
	}
	of, document, what := s.result, a.Result, "result"
	if c.Verb == Read {
		of, document, what = s.live, a.Live, "live state"
	}
	id, err := of.check(document)
	switch {
	case err != nil:
		a.Outcome, a.Code = sdk.OutcomeUnknown, "malformed_answer"
		a.Reason = fmt.Sprintf("the provider's %s is not what its schema says: %s. This is a bug in the provider", what, err)
	case id != "" && s.id != "" && id != argument(c.Arguments, s.id):
		a.Outcome, a.Code, a.Reason = sdk.OutcomeFatal, "wrong_id", "the answer is for another thing than the one that was asked about"
	default:
		return a
	}
	a.Live, a.Result, a.Settled = nil, nil, sdk.SettledCantTell
	return a
}

func idOf(attributes []sdk.Attribute) string {
	for _, a := range attributes {
		if a.Role == "id" {
			return a.Name
		}
	}
	return ""
}

func argument(arguments []byte, name string) (value string) {
	var given map[string]json.RawMessage
	if json.Unmarshal(arguments, &given) == nil {
		_ = json.Unmarshal(given[name], &value)
	}
	return value
}

// A shape is the attributes of one kind of answer.
type shape struct {
	id    string
	forms map[string]form
}

func newShape(attributes []sdk.Attribute) shape {
	s := shape{id: idOf(attributes), forms: make(map[string]form, len(attributes))}
	for _, a := range attributes {
		f := newForm(a.Type)
		f.required, f.decimal, f.integer = a.Required, a.Decimal, a.Integer
		s.forms[a.Name] = f
	}
	return s
}

// check returns the id that a document names. Its errors name attributes and
// never values.
func (s *shape) check(document []byte) (id string, err error) {
	given := map[string]json.RawMessage{}
	if len(document) > 0 && json.Unmarshal(document, &given) != nil {
		return "", errors.New("it is no JSON object")
	}
	if err := fits(s.forms, given); err != nil {
		return "", err
	}
	if raw, ok := given[s.id]; ok {
		_ = json.Unmarshal(raw, &id)
	}
	return id, nil
}

// A form is a type of cty's notation, compiled.
type form struct {
	kind                       string // string, bool, number, dynamic, list, map or object
	elem                       *form  // of list and map
	attributes                 map[string]form
	required, decimal, integer bool
}

// newForm reads a type that was judged before. What can't be read allows
// anything.
func newForm(raw json.RawMessage) form {
	f := form{kind: "dynamic"}
	var parts []json.RawMessage
	if json.Unmarshal(raw, &f.kind) == nil || json.Unmarshal(raw, &parts) != nil || len(parts) < 2 || json.Unmarshal(parts[0], &f.kind) != nil {
		return f
	}
	switch f.kind {
	case "list", "set":
		elem := newForm(parts[1])
		f.kind, f.elem = "list", &elem
	case "map":
		elem := newForm(parts[1])
		f.elem = &elem
	case "object":
		var types map[string]json.RawMessage
		var optional []string
		_ = json.Unmarshal(parts[1], &types)
		if len(parts) > 2 {
			_ = json.Unmarshal(parts[2], &optional)
		}
		f.attributes = make(map[string]form, len(types))
		for name, t := range types {
			of := newForm(t)
			of.required = true
			f.attributes[name] = of
		}
		for _, name := range optional {
			of := f.attributes[name]
			of.required = false
			f.attributes[name] = of
		}
	}
	return f
}

// fits tells what is wrong with the attributes of an object.
func fits(forms map[string]form, given map[string]json.RawMessage) error {
	for name, raw := range given {
		f, ok := forms[name]
		if !ok {
			return errors.New("it has an attribute that isn't there")
		}
		if string(raw) == "null" {
			continue // as if it weren't there
		}
		if err := f.fits(raw); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
	}
	for name, f := range forms {
		if raw, ok := given[name]; f.required && (!ok || string(raw) == "null") {
			return fmt.Errorf("it lacks %q", name)
		}
	}
	return nil
}

func (f *form) fits(raw json.RawMessage) error {
	first := raw[0]
	var right bool
	switch f.kind {
	case "string":
		right = first == '"'
		if right && f.decimal {
			var text string
			_ = json.Unmarshal(raw, &text)
			_, err := sdk.ParseDecimal(text)
			right = err == nil
		}
	case "bool":
		right = first == 't' || first == 'f'
	case "number":
		right = (first == '-' || first >= '0' && first <= '9') && !(f.integer && strings.ContainsAny(string(raw), ".eE"))
	case "list":
		var elements []json.RawMessage
		if right = first == '[' && json.Unmarshal(raw, &elements) == nil; right {
			return f.each(elements)
		}
	case "map", "object":
		var given map[string]json.RawMessage
		if right = first == '{' && json.Unmarshal(raw, &given) == nil; right && f.kind == "object" {
			return fits(f.attributes, given)
		}
		for _, e := range given {
			if err := f.each([]json.RawMessage{e}); err != nil {
				return err
			}
		}
	default:
		return nil
	}
	if !right {
		return fmt.Errorf("it is not of the type %s", f.kind)
	}
	return nil
}

func (f *form) each(elements []json.RawMessage) error {
	for _, e := range elements {
		if string(e) == "null" {
			continue
		}
		if err := f.elem.fits(e); err != nil {
			return fmt.Errorf("in it: %w", err)
		}
	}
	return nil
}
