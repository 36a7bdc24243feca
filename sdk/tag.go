package sdk

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A tag is a field's `runner` tag, taken apart. The language is documented on
// [Provider].
type tag struct {
	required, sensitive, writeOnly, integer bool
	fallback                                *string
	oneOf                                   []string
	min, max                                int
	role                                    string
	exponent                                int
	pattern                                 string
	words                                   []string // all that were used, for refusals
}

func parseTag(s string) (tag, error) {
	var t tag
	for s != "" {
		var word string
		if strings.HasPrefix(s, "pattern=") {
			word, s = s, "" // the rest, commas and all
		} else {
			word, s, _ = strings.Cut(s, ",")
		}
		name, value, valued := strings.Cut(word, "=")
		if slices.Contains(t.words, name) {
			return t, fmt.Errorf("the tag says %q twice", name)
		}
		t.words = append(t.words, name)
		if err := t.set(name, value, valued); err != nil {
			return t, err
		}
	}
	switch {
	case t.required && t.fallback != nil:
		return t, fmt.Errorf("the tag says both required and default")
	case t.fallback != nil && (t.sensitive || t.writeOnly):
		return t, fmt.Errorf("a sensitive attribute has no default: it would stand in the provider's documentation")
	case t.max != 0 && t.min > t.max:
		return t, fmt.Errorf("min=%d is more than max=%d", t.min, t.max)
	}
	return t, nil
}

func (t *tag) set(name, value string, valued bool) (err error) {
	flags := map[string]*bool{"required": &t.required, "sensitive": &t.sensitive, "write_only": &t.writeOnly, "integer": &t.integer}
	if flag, ok := flags[name]; ok {
		if valued {
			return fmt.Errorf("%q takes no value", name)
		}
		*flag = true
		return nil
	}
	switch name {
	case "default":
		t.fallback = &value
	case "oneof":
		t.oneOf = strings.Split(value, "|")
	case "min":
		t.min, err = count(name, value)
	case "max":
		t.max, err = count(name, value)
	case "exponent":
		t.exponent, err = count(name, value)
	case "role":
		t.role = value
		if !slices.Contains(roles, value) {
			return fmt.Errorf("role %q is none of %s", value, strings.Join(roles, ", "))
		}
	case "pattern":
		t.pattern = value
		_, err = regexp.Compile(value)
	default:
		return fmt.Errorf("the tag says %q, which is no word of the tag language", name)
	}
	if err == nil && !valued {
		return fmt.Errorf("%q needs a value", name)
	}
	return err
}

func count(name, value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s=%s is not a whole number", name, value)
	}
	return n, nil
}

var roles = []string{"amount", "currency", "status", "id"}

// A field is one attribute of a Go struct.
type field struct {
	name string // of the attribute
	goes string // of the Go field, for errors
	typ  reflect.Type
	tag  tag
	doc  string
}

// fieldsOf lists the attributes that encoding/json knows of a struct, in the
// order of the source.
func fieldsOf(t reflect.Type) ([]field, error) {
	var all []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
			inner, err := fieldsOf(f.Type)
			if err != nil {
				return nil, err
			}
			all = append(all, inner...)
			continue
		}
		if !f.IsExported() || name == "-" {
			continue
		}
		at := t.String() + "." + f.Name
		switch {
		case name == "":
			return nil, fmt.Errorf("%s has no json tag to name its attribute", at)
		case !lowerSnake.MatchString(name):
			return nil, fmt.Errorf("%s: attribute name %q is not in lower_snake_case", at, name)
		case slices.Contains(strings.Split(options, ","), "string"):
			return nil, fmt.Errorf("%s: the json option \"string\" is not supported", at)
		}
		parsed, err := parseTag(f.Tag.Get("runner"))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		all = append(all, field{name, at, f.Type, parsed, f.Tag.Get("doc")})
	}
	return all, nil
}

var lowerSnake = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
