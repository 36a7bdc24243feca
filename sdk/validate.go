package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// metaArguments are the words of an operation block that belong to the
// language, so that no operation can have an argument of that name.
var metaArguments = []string{
	"for_each", "key", "where", "provider", "depends_on", "max_in_flight", "guard", "default_guard", "money",
	"limits", "canary", "retry", "abort", "rate_limit", "rehearse", "lifecycle",
}

// providerArguments are the words of a provider block that belong to the
// language.
var providerArguments = []string{"alias", "rate_limit", "max_in_flight", "timeout"}

// listArguments are the words of a list block that belong to the language.
var listArguments = []string{"key", "columns", "on_invalid", "provider", "where", "rows", "path"}

var (
	providerName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
	semantic     = regexp.MustCompile(`^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
)

// Validate judges whether a schema can be used. The runner asks it of every
// schema that comes in, whoever wrote the provider.
func (s *Schema) Validate() error {
	if !providerName.MatchString(s.Name) {
		return fmt.Errorf("name %q is not made of lower-case letters and digits", s.Name)
	}
	if !semantic.MatchString(s.Version) {
		return fmt.Errorf("version %q is not a semantic version such as 1.0.0", s.Version)
	}
	if s.RateLimit.RequestsPerSecond < 0 || s.RateLimit.MaxInFlight < 0 {
		return errors.New("the rate limit is negative")
	}
	if err := validAttributes("configuration attribute", s.Config, providerArguments); err != nil {
		return err
	}
	for _, a := range s.Config {
		if a.WriteOnly {
			return fmt.Errorf("configuration attribute %q is write_only, which is for arguments: say sensitive", a.Name)
		}
	}
	seen := map[string]bool{}
	for i := range s.Operations {
		o := &s.Operations[i]
		if seen[o.Name] {
			return fmt.Errorf("operation %q is there twice", o.Name)
		}
		seen[o.Name] = true
		if err := o.validate(); err != nil {
			return fmt.Errorf("operation %q: %w", o.Name, err)
		}
	}
	clear(seen)
	for i := range s.Lists {
		l := &s.Lists[i]
		if seen[l.Name] {
			return fmt.Errorf("list %q is there twice", l.Name)
		}
		seen[l.Name] = true
		if err := l.validate(); err != nil {
			return fmt.Errorf("list %q: %w", l.Name, err)
		}
	}
	return nil
}

func (l *ListSchema) validate() error {
	if !lowerSnake.MatchString(l.Name) {
		return errors.New("the name is not in lower_snake_case")
	}
	if err := validAttributes("filter attribute", l.Filter, listArguments); err != nil {
		return err
	}
	if err := validAttributes("row attribute", l.Row, nil); err != nil {
		return err
	}
	for _, a := range append(slices.Clone(l.Filter), l.Row...) {
		if a.Sensitive || a.WriteOnly {
			return fmt.Errorf("attribute %q is sensitive: what a list asks for and what it brings is stored", a.Name)
		}
	}
	for _, a := range l.Row {
		if a.Name == l.Key && string(a.Type) == `"string"` && !a.Decimal {
			return nil
		}
	}
	return fmt.Errorf("the key %q is no attribute of a row that is a string", l.Key)
}

func (o *OperationSchema) validate() error {
	if !lowerSnake.MatchString(o.Name) {
		return errors.New("the name is not in lower_snake_case")
	}
	if o.Kind != KindMutation && o.Kind != KindQuery {
		return fmt.Errorf("kind %q is neither mutation nor query", o.Kind)
	}
	if o.Resend != ResendManual && o.Resend != ResendAuto {
		return fmt.Errorf("resend %q is neither auto nor empty", o.Resend)
	}
	if o.Settles && !o.Reads {
		return errors.New("it can tell settled only from a read, and has none")
	}
	if o.SettleAfter < 0 {
		return errors.New("settle_after is negative")
	}
	if o.Keyed != nil && (o.Keyed.Lives <= 0 || o.Kind != KindMutation) {
		return errors.New("keyed is for mutations, and says for how long a key lives")
	}
	if g := o.DefaultGuard; g != nil {
		if !slices.ContainsFunc(o.Live, func(a Attribute) bool { return a.Name == g.Attribute }) {
			return fmt.Errorf("the default guard asks for %q, which is no attribute of the live state", g.Attribute)
		}
		if len(g.Allowed) == 0 {
			return errors.New("the default guard allows nothing")
		}
	}
	for _, of := range []struct {
		what       string
		attributes []Attribute
		taken      []string
	}{{"argument", o.Arguments, metaArguments}, {"live attribute", o.Live, nil}, {"result attribute", o.Result, nil}} {
		if err := validAttributes(of.what, of.attributes, of.taken); err != nil {
			return err
		}
	}
	return nil
}

func validAttributes(what string, attributes []Attribute, taken []string) error {
	seen := map[string]bool{}
	for _, a := range attributes {
		switch {
		case !lowerSnake.MatchString(a.Name):
			return fmt.Errorf("%s %q is not in lower_snake_case", what, a.Name)
		case slices.Contains(taken, a.Name):
			return fmt.Errorf("%s %q has the name of a meta-argument: rename it", what, a.Name)
		case seen[a.Name]:
			return fmt.Errorf("%s %q is there twice", what, a.Name)
		case a.Role != "" && !slices.Contains(roles, a.Role):
			return fmt.Errorf("%s %q has the unknown role %q", what, a.Name, a.Role)
		case a.Role != "" && seen["role "+a.Role]:
			return fmt.Errorf("%s %q is the second with role %s", what, a.Name, a.Role)
		case a.MinLength < 0 || a.MaxLength < 0 || a.Exponent < 0 || a.Exponent > 30:
			return fmt.Errorf("%s %q has a length or exponent out of range", what, a.Name)
		case a.Default != nil && !json.Valid(a.Default):
			return fmt.Errorf("%s %q has a default that is not JSON", what, a.Name)
		}
		if err := validType(a.Type, 0); err != nil {
			return fmt.Errorf("%s %q: %w", what, a.Name, err)
		}
		if _, err := regexp.Compile(a.Pattern); err != nil {
			return fmt.Errorf("%s %q: the pattern is not a regular expression", what, a.Name)
		}
		seen[a.Name] = true
		if a.Role != "" {
			seen["role "+a.Role] = true
		}
	}
	return nil
}

var errType = errors.New("the type is not in cty's notation")

// validType reads cty's type notation. Depth is bounded, since who reads it
// after us recurses too.
func validType(raw json.RawMessage, depth int) error {
	if depth > 20 {
		return errors.New("the type is nested too deeply")
	}
	var name string
	if json.Unmarshal(raw, &name) == nil {
		if slices.Contains([]string{"string", "bool", "number", "dynamic"}, name) {
			return nil
		}
		return errType
	}
	var parts []json.RawMessage
	if json.Unmarshal(raw, &parts) != nil || len(parts) < 2 || json.Unmarshal(parts[0], &name) != nil {
		return errType
	}
	switch {
	case len(parts) == 2 && (name == "list" || name == "set" || name == "map"):
		return validType(parts[1], depth+1)
	case len(parts) <= 3 && name == "object":
		var attributes map[string]json.RawMessage
		if json.Unmarshal(parts[1], &attributes) != nil {
			return errType
		}
		for n, t := range attributes {
			if !lowerSnake.MatchString(n) {
				return fmt.Errorf("attribute %q of an object is not in lower_snake_case", n)
			}
			if err := validType(t, depth+1); err != nil {
				return err
			}
		}
		var optional []string
		if len(parts) == 3 && json.Unmarshal(parts[2], &optional) != nil {
			return errType
		}
		for _, n := range optional {
			if _, ok := attributes[n]; !ok {
				return errType
			}
		}
		return nil
	}
	return errType
}
