package eval

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// Decimals within other types are as exact as those that stand alone.
func TestNestedDecimals(t *testing.T) {
	t.Parallel()
	const types = `
variable "list" {
  type    = list(decimal)
  default = ["0.10", "0.20", 1250.5]
}
variable "map" {
  type    = map(decimal)
  default = { COP = "12345678901234567890.05" }
}
variable "object" {
  type    = object({ amount = decimal, fee = optional(decimal, "1.50"), note = optional(decimal) })
  default = { amount = "10.00" }
}
variable "deep" {
  type    = list(object({ totals = map(tuple([string, decimal])) }))
  default = [{ totals = { a = ["x", "0.10"] } }]
}
variable "set" {
  type    = set(decimal)
  default = ["1.0", "1.00", "2"]
}
variable "none" {
  type    = list(decimal)
  default = []
}
`
	for expr, want := range map[string]string{
		`"${var.list[0] + var.list[1]}"`:                 "0.30",
		`"${sum(var.list)}"`:                             "1250.80",
		`"${var.list[2]}"`:                               "1250.5",
		`"${var.map.COP * 2}"`:                           "24691357802469135780.10",
		`"${var.object.amount}"`:                         "10.00",
		`"${var.object.amount + var.object.fee}"`:        "11.50",
		`"${var.object.note == null ? "none" : "some"}"`: "none",
		`"${var.deep[0].totals.a[1] * 3}"`:               "0.30",
		`"${length(var.set)}"`:                           "2",
		`"${length(var.none)}"`:                          "0",
		`jsonencode(var.object)`:                         `{"amount":"10.00","fee":"1.50","note":null}`,
		`"${var.list[0] == 0.1 ? "equal" : "not"}"`:      "equal",
	} {
		t.Run(expr, func(t *testing.T) {
			t.Parallel()
			s := scopeOf(t, types+"locals { x = "+expr+" }", nil)
			v, diags := s.Value(s.cfg.Locals["x"].Expr)
			if diags.HasErrors() {
				t.Fatal(words(diags))
			}
			if got, err := plainText(v); err != nil || got != want {
				t.Errorf("got %#v, want %s", v, want)
			}
		})
	}
}

// What a plan stores of variables is what apply makes of it again.
func TestNestedDecimalsAreStored(t *testing.T) {
	t.Parallel()
	const src = `
variable "v" { type = object({ amounts = list(decimal), by = map(decimal), none = optional(list(decimal)) }) }
locals { x = "${sum(var.v.amounts)} ${var.v.by.COP}" }
`
	given := map[string]Given{"v": {Text: `{ amounts = ["0.10", "0.20"], by = { COP = "1250.00" } }`, Origin: "--var v"}}
	s := scopeOf(t, src, given)
	stored, withheld := s.Variables()
	if want := `{"v":{"amounts":["0.10","0.20"],"by":{"COP":"1250.00"},"none":null}}`; string(stored) != want || len(withheld) > 0 {
		t.Fatalf("stored %s", stored)
	}
	again, err := StoredVariables(s.cfg, stored)
	if err != nil {
		t.Fatal(err)
	}
	s = scopeOf(t, src, again)
	if v, diags := s.Value(s.cfg.Locals["x"].Expr); diags.HasErrors() || v.AsString() != "0.30 1250.00" {
		t.Errorf("got %#v %s", v, words(diags))
	}
}

func TestNestedDecimalsAreJudged(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`["1,50"]`: "1250.00", `["1e5"]`: "1250.00", `[true]`: "decimal", `["x"]`: "1250.00", `[" 1"]`: "1250.00", `[[]]`: "decimal",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			_, diags := NewScope(parse(t, `variable "v" { type = list(decimal) }`), map[string]Given{"v": {Text: text, Origin: "--var v"}}, now)
			if !strings.Contains(words(diags), want) {
				t.Errorf("got %q, want %q", words(diags), want)
			}
		})
	}
}

// What a guard will ask for is kept with its decimals, however deep.
func TestKeptDecimals(t *testing.T) {
	t.Parallel()
	d := func(s string) cty.Value {
		v, err := DecimalVal(s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for want, v := range map[string]cty.Value{
		`{"object":{"amount":{"decimal":"10.00"},"name":"x"}}`: cty.ObjectVal(map[string]cty.Value{"amount": d("10.00"), "name": cty.StringVal("x")}),
		`{"tuple":[{"decimal":"0.10"},{"decimal":"0.20"}]}`:    cty.TupleVal([]cty.Value{d("0.10"), d("0.20")}),
		`{"tuple":[]}`: cty.ListValEmpty(Decimal),
		`{"object":{"a":{"tuple":[{"decimal":"1"},null,{"type":"bool","value":true}]}}}`: cty.ObjectVal(map[string]cty.Value{"a": cty.TupleVal([]cty.Value{d("1"), cty.NullVal(Decimal), cty.True})}),
	} {
		got := appendKept(nil, v)
		if string(got) != want || !json.Valid(got) {
			t.Errorf("got %s, want %s", got, want)
		}
		back, err := readKept(got)
		if err != nil {
			t.Fatal(err)
		}
		if again := appendKept(nil, back); v.LengthInt() > 0 && string(again) != want {
			t.Errorf("%s is read as %#v", want, back)
		}
	}
}
