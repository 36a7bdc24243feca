package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/internal/members"
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
// its call's can be relied on. Live state and result must be JSON objects, as
// those that [Stream.Receive] returns are.
func (s *Shapes) Hold(c *Call, a Answer) Answer {
	if a.Outcome != sdk.OutcomeDone {
		return a
	}
	of, document, what := s.result, a.Result, "result"
	if c.Verb == Read {
		of, document, what = s.live, a.Live, "live state"
	}
	switch err := of.fits(document); {
	case err != nil:
		a.Outcome, a.Code = sdk.OutcomeUnknown, "malformed_answer"
		a.Reason = fmt.Sprintf("the provider's %s is not what its schema says: %s. This is a bug in the provider", what, err)
	case s.another(of, c, document):
		a.Outcome, a.Code, a.Reason = sdk.OutcomeFatal, "wrong_id", "the answer is for another thing than the one that was asked about"
	default:
		return a
	}
	a.Live, a.Result, a.Settled = nil, nil, sdk.SettledCantTell
	return a
}

// another tells whether a document is for another thing than the call.
func (s *Shapes) another(of shape, c *Call, document []byte) bool {
	if s.id == "" || of.id == "" {
		return false
	}
	id := named(document, of.id)
	return id != "" && id != named(c.Arguments, s.id)
}

func idOf(attributes []sdk.Attribute) string {
	for _, a := range attributes {
		if a.Role == "id" {
			return a.Name
		}
	}
	return ""
}

// named is the thing that a document names.
func named(document []byte, attribute string) (id string) {
	for name, value := range members.Of(document) {
		if name == attribute {
			id, _ = members.Text(value)
		}
	}
	return id
}

// A shape is the attributes of one kind of answer.
type shape struct {
	id string
	attributes
}

func newShape(of []sdk.Attribute) shape {
	s := shape{id: idOf(of)}
	for _, a := range of {
		f := newForm(a.Type)
		f.required, f.decimal, f.integer = a.Required, a.Decimal, a.Integer
		s.add(a.Name, f)
	}
	return s
}

// attributes are those of an object.
type attributes struct {
	index map[string]int
	names []string
	forms []form
}

func (all *attributes) add(name string, f form) {
	if all.index == nil {
		all.index = make(map[string]int)
	}
	all.index[name] = len(all.names)
	all.names, all.forms = append(all.names, name), append(all.forms, f)
}

// A form is a type of cty's notation, compiled.
type form struct {
	kind                       string // string, bool, number, dynamic, list, map or object
	elem                       *form  // of list and map
	attributes                 attributes
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
		for _, name := range slices.Sorted(maps.Keys(types)) {
			of := newForm(types[name])
			of.required = !slices.Contains(optional, name)
			f.attributes.add(name, of)
		}
	}
	return f
}

// fits tells what is wrong with an object. It names attributes and never values.
func (all *attributes) fits(object []byte) error {
	given := make([]bool, len(all.forms))
	for name, value := range members.Of(object) {
		n, ok := all.index[name]
		switch {
		case !ok:
			return errors.New("it has an attribute that isn't there")
		case given[n]:
			return fmt.Errorf("it has %q twice", name)
		}
		if members.Null(value) {
			continue // as if it weren't there
		}
		given[n] = true
		if err := all.forms[n].fits(value); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
	}
	for n := range all.forms {
		if all.forms[n].required && !given[n] {
			return fmt.Errorf("it lacks %q", all.names[n])
		}
	}
	return nil
}

func (f *form) fits(raw []byte) error {
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
			for _, e := range elements {
				if err := f.elem.within(e); err != nil {
					return err
				}
			}
		}
	case "map":
		if right = first == '{'; right {
			for _, e := range members.Of(raw) {
				if err := f.elem.within(e); err != nil {
					return err
				}
			}
		}
	case "object":
		if right = first == '{'; right {
			return f.attributes.fits(raw)
		}
	default:
		return nil
	}
	if !right {
		return fmt.Errorf("it is not of the type %s", f.kind)
	}
	return nil
}

// within is fits of an element, which may be missing.
func (f *form) within(raw []byte) error {
	if members.Null(raw) {
		return nil
	}
	if err := f.fits(raw); err != nil {
		return fmt.Errorf("in it: %w", err)
	}
	return nil
}
