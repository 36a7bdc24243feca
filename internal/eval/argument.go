package eval

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/bulkrunner/runner/internal/rows"
	"github.com/bulkrunner/runner/sdk"
)

// A rule is an attribute of a schema, ready to judge values and write them
// down.
type rule struct {
	sdk.Attribute
	typ     cty.Type
	pattern *regexp.Regexp
	name    []byte // in JSON, with its colon
}

func newRule(a sdk.Attribute) (*rule, error) {
	r := &rule{Attribute: a}
	name, _ := json.Marshal(a.Name)
	r.name = append(name, ':')
	if err := json.Unmarshal(a.Type, &r.typ); err != nil {
		return nil, fmt.Errorf("read the type of the attribute %q: %w", a.Name, err)
	}
	if a.Pattern != "" {
		var err error
		if r.pattern, err = regexp.Compile(`^(?:` + a.Pattern + `)$`); err != nil {
			return nil, fmt.Errorf("read the pattern of the attribute %q: %w", a.Name, err)
		}
	}
	return r, nil
}

// A fault is what is wrong with a value; its zero value is nothing.
type fault struct{ summary, detail string }

var (
	noFault      = fault{}
	errSensitive = fault{"Sensitive value would be stored",
		"Keys, amounts and currencies of items are kept in the run file and shown, so they can't be sensitive values."}
)

// appendMarked is append for a value that may be sensitive, and tells whether
// it is.
func (r *rule) appendMarked(b []byte, v cty.Value) (out []byte, absent, sensitive bool, f fault) {
	if sensitive = v.ContainsMarked(); sensitive {
		v, _ = v.UnmarkDeep()
		hidden := *r
		hidden.Sensitive = true
		r = &hidden
	}
	out, absent, f = r.append(b, v)
	return out, absent, sensitive, f
}

// append writes a value's JSON at the end of b; the value has no marks. Absent tells that there is
// none: null, for an argument that may be left out.
func (r *rule) append(b []byte, v cty.Value) (out []byte, absent bool, f fault) {
	if !v.IsWhollyKnown() {
		return b, false, fault{"Value isn't known", fmt.Sprintf("%s has no value yet.", r.Name)}
	}
	if v.IsNull() {
		if r.Required {
			return b, false, r.missing()
		}
		return b, true, noFault
	}
	var text string
	switch {
	case r.Decimal:
		d, err := toDecimal(v)
		if err != nil {
			return b, false, r.invalid("decimal", v, decimalFault(v, err))
		}
		if _, err := sdk.ParseDecimal(d.text); err != nil {
			return b, false, fault{"Invalid decimal", fmt.Sprintf("%s has more digits than can be sent: round it, as in round(x, 2).", r.Name)}
		}
		return r.appendText(b, d.text)
	case r.Integer:
		text, f = r.integer(v)
		if f != noFault {
			return b, false, f
		}
		return append(b, text...), false, r.judge(text)
	case r.typ == cty.String:
		if text, f = r.text(v); f != noFault {
			return b, false, f
		}
		return r.appendText(b, text)
	}
	return r.appendOther(b, v)
}

// appendText judges and writes a string.
func (r *rule) appendText(b []byte, text string) ([]byte, bool, fault) {
	if f := r.judge(text); f != noFault {
		return b, false, f
	}
	return appendString(b, text), false, noFault
}

func (r *rule) text(v cty.Value) (string, fault) {
	switch v.Type() {
	case cty.String:
		return v.AsString(), noFault
	case cty.Number, Decimal:
		s, err := plainText(v)
		if err != nil {
			return "", fault{"Invalid string", fmt.Sprintf("%s: %s.", r.Name, err)}
		}
		return s, noFault
	}
	return "", fault{"Invalid string", fmt.Sprintf("%s must be a string, and the expression gives %s.", r.Name, v.Type().FriendlyName())}
}

func (r *rule) integer(v cty.Value) (string, fault) {
	text, err := "", error(nil)
	if t := v.Type(); t.IsPrimitiveType() && t != cty.Bool || t == Decimal {
		text, err = plainText(v)
	}
	whole, fraction, _ := strings.Cut(text, ".")
	digits := strings.TrimPrefix(whole, "-")
	if text == "" && v.Type() == cty.String {
		return "", fault{"Missing value", fmt.Sprintf("%s is blank and must be a whole number.", r.Name)}
	}
	if err != nil || digits == "" || strings.Trim(digits, "0123456789") != "" || strings.Trim(fraction, "0") != "" || strings.HasSuffix(text, ".") {
		return "", r.invalid("whole number", v, "write digits only")
	}
	digits = strings.TrimLeft(digits, "0")
	switch {
	case len(digits) > 18:
		return "", r.invalid("whole number", v, "it has more than 18 digits; an id belongs in a string")
	case digits == "":
		return "0", noFault
	case whole[0] == '-':
		return "-" + digits, noFault
	}
	return digits, noFault
}

func (r *rule) appendOther(b []byte, v cty.Value) ([]byte, bool, fault) {
	plain, err := decimalsAsText(v)
	if err == nil {
		if err = boundDeep(plain); err == nil {
			plain, err = convert.Convert(plain, r.typ)
		}
	}
	if err == nil {
		err = boundDeep(plain)
	}
	if err != nil {
		return b, false, r.invalid(r.typ.FriendlyName(), v, err.Error())
	}
	j, err := ctyjson.Marshal(plain, r.typ)
	if err != nil {
		return b, false, r.invalid(r.typ.FriendlyName(), v, err.Error())
	}
	if r.typ.IsPrimitiveType() {
		text, _ := plainText(plain)
		return append(b, j...), false, r.judge(text)
	}
	return append(b, j...), false, noFault
}

// judge holds a text against the rules of its attribute.
func (r *rule) judge(text string) fault {
	if text == "" && r.Required {
		return r.missing()
	}
	if len(r.OneOf) > 0 && !slices.Contains(r.OneOf, text) {
		return fault{"Value not allowed", fmt.Sprintf("%s is %s; it must be one of %s.%s", r.Name, r.show(text), strings.Join(r.OneOf, ", "), didYouMean(text, r.OneOf))}
	}
	if r.MinLength > 0 || r.MaxLength > 0 {
		n := len(text)
		if n >= r.MinLength {
			n = characters(text)
		}
		if n < r.MinLength {
			return fault{"Value too short", fmt.Sprintf("%s is %s with %d characters; it must have at least %d.", r.Name, r.show(text), n, r.MinLength)}
		}
		if r.MaxLength > 0 && n > r.MaxLength {
			return fault{"Value too long", fmt.Sprintf("%s is %s with %d characters; it may have at most %d.", r.Name, r.show(text), n, r.MaxLength)}
		}
	}
	if r.pattern != nil && !r.pattern.MatchString(text) {
		return fault{"Value has the wrong form", fmt.Sprintf("%s is %s; it must match the pattern %s.", r.Name, r.show(text), r.Pattern)}
	}
	return noFault
}

// missingValue is the summary of what misses a value that it must have.
const missingValue = "Missing value"

func (r *rule) missing() fault {
	return fault{missingValue, fmt.Sprintf("%s is required and has no value here: fill it in, or leave the row out with where.", r.Name)}
}

func (r *rule) show(text string) string {
	if r.Sensitive || r.WriteOnly {
		return "(sensitive)"
	}
	return quoted(text)
}

func (r *rule) invalid(what string, v cty.Value, why string) fault {
	value := ""
	if t := v.Type(); t.IsPrimitiveType() || t == Decimal {
		if s, err := plainText(v); err == nil && !strings.HasPrefix(why, `"`) {
			value = r.show(s) + " "
		}
	}
	if strings.HasPrefix(why, `"`) {
		if r.Sensitive || r.WriteOnly {
			why = "it is not written as one"
		}
		return fault{"Invalid " + what, fmt.Sprintf("%s must be a %s. %s", r.Name, what, why)}
	}
	return fault{"Invalid " + what, fmt.Sprintf("%s must be a %s, and %sis none: %s.", r.Name, what, value, why)}
}

// decimalFault says why a value is no decimal and how to write it.
func decimalFault(v cty.Value, err error) string {
	if v.Type() != cty.String {
		return err.Error()
	}
	if v.AsString() == "" {
		return "it is blank"
	}
	return rows.DecimalHint(v.AsString())
}

// appendString writes a JSON string as encoding/json does without HTML
// escaping.
func appendString(b []byte, s string) []byte {
	plain := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7F {
			plain = false
			break
		}
	}
	if plain {
		b = append(b, '"')
		b = append(b, s...)
		return append(b, '"')
	}
	var buf strings.Builder
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s)
	return append(b, strings.TrimSuffix(buf.String(), "\n")...)
}
