package config_test

import (
	"strings"
	"testing"

	"github.com/bulkrunner/runner/internal/config"
)

// Objects may leave out what their type calls optional.
func TestOptionalAttributes(t *testing.T) {
	t.Parallel()
	const kind = "object({ a = string, b = optional(number, 5), c = optional(list(object({ d = optional(string, \"x\") })), [{}]), e = optional(bool) })"
	cfg := parse(t, "variable \"v\" {\n type = list("+kind+")\n default = [{ a = 1 }, { a = 2, b = \"7\", c = [] }]\n}\n")
	const want = `cty.ListVal([]cty.Value{` +
		`cty.ObjectVal(map[string]cty.Value{"a":cty.StringVal("1"), "b":cty.NumberIntVal(5), "c":cty.ListVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"d":cty.StringVal("x")})}), "e":cty.NullVal(cty.Bool)}), ` +
		`cty.ObjectVal(map[string]cty.Value{"a":cty.StringVal("2"), "b":cty.NumberIntVal(7), "c":cty.ListValEmpty(cty.Object(map[string]cty.Type{"d":cty.String})), "e":cty.NullVal(cty.Bool)})})`
	v := cfg.Variables["v"]
	if got := v.Default.GoString(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if !v.Default.Type().Equals(v.Type) {
		t.Errorf("the default is a %#v and the variable a %#v", v.Default.Type(), v.Type)
	}
	for text, want := range map[string]string{
		"object({ a = optional(string, var.b) })":                            "Value must be written out",
		"object({ a = optional(list(number), [for x in [1, 2] : [x, x]]) })": "Value must be written out",
		"object({ a = optional(number, \"1e100000000\") })":                  "Invalid type",
		"object({ a = optional(number, \"x\") })":                            "Invalid type",
		"optional(string)": "Invalid type",
	} {
		_, diags := config.Parse([]config.Source{{Name: "x.ops.hcl", Bytes: []byte("variable \"v\" {\n type = " + text + "\n}\n")}})
		if got := strings.Join(summaries(diags), ", "); got != want {
			t.Errorf("%s: said %q, want %q", text, got, want)
		}
	}
}
