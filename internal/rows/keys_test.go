package rows

import (
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

func TestCheckKey(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"A-001": "", "00123": "", "12E4567": "", "1E5": "", "José 日本": "", "a b": "", "4e+2": "",
		"": "Missing key", " a": "Invisible", "a ": "Invisible", "a\u00a0b": "Invisible", "a\u200bb": "Invisible",
		"a\tb": "Invisible", "a\nb": "Invisible", "\u202eabc": "Invisible", "\ufeffa": "Invisible", "a\x7f": "Invisible",
		"1.23E+15": "Excel", "1,23E+15": "Excel", "4.1111E+15": "Excel",
		strings.Repeat("x", 512): "", strings.Repeat("x", 513): "too long",
	} {
		summary, detail := CheckKey(key)
		if want == "" && summary != "" || want != "" && !strings.Contains(summary, want) || (detail == "") != (want == "") {
			t.Errorf("%q: got %q %q, want %q", key, summary, detail, want)
		}
	}
}

func TestInline(t *testing.T) {
	t.Parallel()
	object := func(pairs ...any) cty.Value {
		m := map[string]cty.Value{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i].(string)] = pairs[i+1].(cty.Value)
		}
		return cty.ObjectVal(m)
	}
	one, a := cty.NumberIntVal(1), cty.StringVal("A")
	for name, test := range map[string]struct {
		columns map[string]Type
		values  []cty.Value
		want    string
	}{
		"good":            {values: []cty.Value{object("id", a, "n", one), object("id", a, "n", cty.True)}},
		"none":            {},
		"lacks":           {values: []cty.Value{object("id", a, "n", one), object("id", a)}, want: "Row 2: All rows must have the same attributes as the first. This one lacks n."},
		"more":            {values: []cty.Value{object("id", a), object("id", a, "n", one)}, want: "The first lacks n."},
		"not an object":   {values: []cty.Value{a}, want: "must be an object"},
		"null":            {values: []cty.Value{cty.NullVal(cty.EmptyObject)}, want: "must be an object"},
		"sensitive":       {values: []cty.Value{object("id", a.Mark("x"))}, want: "can't hold secrets"},
		"declared":        {columns: map[string]Type{"m": Decimal}, values: []cty.Value{object("n", one)}, want: `Did you mean "n"?`},
		"not a decimal":   {columns: map[string]Type{"n": Decimal}, values: []cty.Value{object("n", cty.StringVal("1,5"))}, want: "write it as 1.5"},
		"declared string": {columns: map[string]Type{"n": String}, values: []cty.Value{object("n", one)}, want: "put it in double quotes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			r, err := Inline{"list.inline.x", test.columns, test.values}.Open(t.Context())
			if err == nil {
				var bad []*Problem
				_, bad, err = read(r)
				for _, p := range bad {
					got = append(got, p.Detail)
				}
			}
			if err != nil {
				got = append(got, err.Error())
			}
			if test.want == "" && (len(got) > 0 || !strings.HasPrefix(r.Digest(), "sha256:")) || test.want != "" && !strings.Contains(strings.Join(got, " "), test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestInlineDigest(t *testing.T) {
	t.Parallel()
	digest := func(v cty.Value) string {
		r, err := Inline{"x", nil, []cty.Value{v}}.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := read(r); err != nil {
			t.Fatal(err)
		}
		return r.Digest()
	}
	text, number := cty.ObjectVal(map[string]cty.Value{"a": cty.StringVal("1")}), cty.ObjectVal(map[string]cty.Value{"a": cty.NumberIntVal(1)})
	if digest(text) == digest(number) || digest(text) != digest(text) {
		t.Error("the digest must tell 1 from \"1\", and nothing else")
	}
}
