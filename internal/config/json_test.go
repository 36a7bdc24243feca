package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/config"
)

func parseJSON(text string) (*config.Config, []string) {
	cfg, diags := config.Parse([]config.Source{{Name: "x.ops.hcl.json", Bytes: []byte(text)}})
	var said []string
	for _, d := range diags {
		at := "-"
		if d.Subject != nil {
			at = string(d.Subject.SliceBytes([]byte(text)))
		}
		said = append(said, fmt.Sprintf("%s: %s [%s]", d.Summary, d.Detail, at))
	}
	return cfg, said
}

// The two syntaxes declare the same, down to the trees of their expressions.
func TestJSONIsTheSameLanguage(t *testing.T) {
	t.Parallel()
	native, diags := config.Load([]string{"testdata/valid/stale.ops.hcl"})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	twin, diags := config.Load([]string{"testdata/json/stale.ops.hcl.json"})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	d := cmp.Diff(native, twin,
		cmpopts.IgnoreTypes(hcl.Range{}), cmpopts.IgnoreFields(config.Config{}, "Sources"), cmpopts.IgnoreUnexported(config.Variable{}),
		cmp.Comparer(func(a, b cty.Value) bool {
			return a == cty.NilVal && b == cty.NilVal || a != cty.NilVal && b != cty.NilVal && a.RawEquals(b)
		}),
		cmp.Comparer(func(a, b cty.Type) bool { return a.Equals(b) }),
		cmp.Transformer("tree", func(e hcl.Expression) string { return tree(reflect.ValueOf(&e)) }))
	if d != "" {
		t.Errorf("the twins differ (-native +JSON):\n%s", d)
	}
}

// tree prints a syntax tree without its places. The key of an object is the
// same with and without quotes.
func tree(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return "nil"
		}
		if k, ok := v.Interface().(*hclsyntax.ObjectConsKeyExpr); ok {
			key, _ := k.Value(nil)
			return key.GoString()
		}
		if op, ok := v.Interface().(*hclsyntax.Operation); ok {
			return fmt.Sprintf("%p", op)
		}
		return tree(v.Elem())
	case reflect.Slice:
		var out []string
		for i := range v.Len() {
			out = append(out, tree(v.Index(i)))
		}
		return "[" + strings.Join(out, " ") + "]"
	case reflect.Struct:
		switch x := v.Interface().(type) {
		case hcl.Range:
			return ""
		case cty.Value:
			return x.GoString()
		}
		out := v.Type().Name() + "{"
		for f, x := range v.Fields() {
			if f.IsExported() {
				out += f.Name + "=" + tree(x) + " "
			}
		}
		return out + "}"
	}
	return fmt.Sprint(v.Interface())
}

// Every reference within a string is where it says it is, whatever stands
// escaped before it.
func TestJSONPlaces(t *testing.T) {
	t.Parallel()
	text := `{"locals": {"a": 1, "b": "é\n\"\t\u00e9\ud83d\ude00${local.a}\\ ${upper("` + `\"é\"` + `")} ${local.a + local.a}",
	"c": "${[for x in [1]: x + local.a]}${{\"k\" = local.a}.k}%{if \"\\\"\" == \"x\"}${local.a}%{endif} ${local.a[\"é\"]}"}}`
	text = strings.Replace(text, `upper("\"é\"")`, `upper(\"é\")`, 1)
	cfg, said := parseJSON(text)
	if len(said) > 0 {
		t.Fatal(said)
	}
	seen := 0
	for _, name := range []string{"b", "c"} {
		for _, r := range cfg.Locals[name].Expr.Variables() {
			seen++
			if got := string(r.SourceRange().SliceBytes([]byte(text))); got != "local.a" && got != `local.a[\"é\"]` {
				t.Errorf("%s: a reference to local.a is said to be at %q", name, got)
			}
			start := r.SourceRange().Start
			before := text[:start.Byte]
			line := before[strings.LastIndexByte(before, '\n')+1:]
			if want := (hcl.Pos{Byte: start.Byte, Line: 1 + strings.Count(before, "\n"), Column: 1 + len([]rune(line))}); start != want {
				t.Errorf("%s: a reference is said to be at %v and is at %v", name, start, want)
			}
		}
	}
	if seen != 7 {
		t.Errorf("%d references were looked at", seen)
	}
}

func TestJSONRefusals(t *testing.T) {
	t.Parallel()
	const head = `{"provider": {"pay": {}}, "list": {"csv": {"stale": {"path": "x.csv", "key": "id"}}}, `
	operation := func(members string) string {
		return head + `"operation": {"pay_cancel": {"stale": {` + members + `}}}}`
	}
	tests := map[string]struct {
		text string
		want string // of the only message: its words, and what it is about
	}{
		"empty":                 {"", "unexpected end of JSON"},
		"cut":                   {`{"locals": {"a": 1}`, "unexpected end of JSON"},
		"not JSON":              {`{"locals": {a: 1}}`, "invalid character 'a'"},
		"comment":               {"{\n// no\n}", "invalid character '/'"},
		"two values":            {`{} {}`, "after top-level value"},
		"a number":              {`5`, "Not an object: A file"},
		"null":                  {`null`, "Not an object"},
		"array of numbers":      {`[{}, 5]`, "[5]"},
		"repeated block":        {`{"locals": {"a": 1}, "locals": {"b": 2}}`, `Repeated name: "locals" stands already at x.ops.hcl.json:1`},
		"repeated argument":     {`{"locals": {"a": 1, "a": 2}}`, `Repeated name: "a" stands already`},
		"repeated by an escape": {`{"locals": {"a": 1, "\u0061": 2}}`, `["\u0061"]`},
		"repeated in a value":   {`{"locals": {"a": {"b": 1, "b": 2}}}`, `Repeated name: "b"`},
		"repeated over objects": {`{"locals": [{"a": 1}, {"a": 2}]}`, `The local value "a" is declared already`},
		"repeated in one block": {operation(`"for_each": "list.csv.stale", "limits": [{"max_items": 1}, {"max_items": 2}]`), `Repeated block`},
		"half a pair":           {`{"locals": {"a": "\ud800"}}`, `["\ud800"]`},
		"no such block":         {`{"operations": {}}`, `Did you mean "operation"?`},
		"label left out":        {`{"list": {"csv": {"path": "x.csv"}}}`, `Not an object`},
		"block of a number":     {operation(`"for_each": "list.csv.stale", "limits": 5`), `Not an object`},
		"invalid label":         {`{"variable": {"a b": {}}}`, `Invalid name: The name of a variable begins`},
		"invalid argument":      {`{"locals": {"a b": 1}}`, `Invalid name: The name of an argument`},
		"unknown argument":      {`{"variable": {"a": {"typ": "string"}}}`, `Did you mean "type"? ["typ"]`},
		"missing argument":      {`{"list": {"csv": {"stale": {"key": "id"}}}}`, `The argument "path" is required here. Add it. [{]`},
		"broken template":       {`{"locals": {"a": "\"${local.}"}}`, `Invalid attribute name`},
		"unknown reference":     {`{"locals": {"a": "\"${lokal.b}"}}`, `Did you mean "local.b"? [lokal.b]`},
		"reference in template": {operation(`"for_each": "${list.csv.stale}"`), `for_each names a list without ${ }`},
		"no reference":          {operation(`"for_each": "list csv stale"`), `["list csv stale"]`},
		"deep reference":        {operation(`"for_each": "` + strings.Repeat("(", 1000) + `"`), `for_each names a list without ${ }`},
		"no type":               {`{"variable": {"a": {"type": "${string}"}}}`, `It is written without ${ }`},
		"no type of column":     {`{"list": {"csv": {"stale": {"path": "x.csv", "columns": {"amount": "decimel"}}}}}`, `Did you mean decimal?`},
		"computed too early":    {`{"runner": {"required_version": "${local.v}"}}`, `Value must be written out`},
		"bare reference":        {operation(`"for_each": "list.csv.stale", "order": "each.value.order_id"`), `write "${each.value.order_id}". If the text itself is meant, write "${\"each.value.order_id\"}". ["each.value.order_id"]`},
		"local knot":            {`{"locals": {"a": "${local.b}", "b": "${local.a}"}}`, `local.a → local.b → local.a`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, said := parseJSON(test.text)
			if len(said) != 1 || !strings.Contains(said[0], test.want) {
				t.Errorf("said %q, want one with %q", said, test.want)
			}
		})
	}
}

func TestJSONForms(t *testing.T) {
	t.Parallel()
	const head = `"provider": {"pay": [{}, {"alias": "second"}]}, "list": [{"csv": [{"a": {"path": "x.csv", "key": "id"}}]}, {"csv": {"b": {"path": "x.csv", "key": "id"}}}]`
	for name, text := range map[string]string{
		"array of files":  `[{"//": 5, "locals": {"a": 1}}, {"locals": {"b": "${local.a}"}}]`,
		"no blocks":       `{"list": null, "operation": [], "variable": {}}`,
		"byte order mark": "\ufeff" + `{"locals": {"a": "${local.b}", "b": 1}}`,
		"Windows":         "{\r\n\"locals\": {\r\n\"a\": 1}}\r\n",
		"instances": `{` + head + `, "operation": {"pay_cancel": {"x": {"for_each": "list.csv.a", "provider": "pay.second"},
			"y": {"for_each": "list.csv.b", "depends_on": ["operation.pay_cancel.x"], "guard": [{"condition": true}, {"condition": false}]}}}}`,
		"types":        `{"variable": {"a": {"type": "list(object({x = number}))", "default": [{"x": 1}]}, "b": {"type": "decimal", "default": 10.50}}}`,
		"meant":        `{"locals": {"a": "${\"var.a\"}", "b": "var.a or so", "c": "each.", "d": "live"}}`,
		"dollars":      `{"locals": {"a": "$5 for 100 %, $${b} and %%{c}"}}`,
		"type of them": `{` + head + `, "operation": {"pay_cancel": {"x": {"for_each": "list.csv.a", "type": "(not an expression", "columns": "("}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, said := parseJSON(text); len(said) > 0 {
				t.Error(said)
			}
		})
	}
}

// Not parallel: the files are large.
func TestHostileJSON(t *testing.T) {
	upTo := func(s string) string { return strings.Repeat(s, 1_000_000/len(s)) }
	local := func(s string) string { return `{"locals": {"a": ` + s + `}}` }
	for name, text := range map[string]string{
		"arrays":         upTo("["),
		"objects":        upTo(`{"a":`),
		"blocks":         `{"operation": ` + upTo(`{"a":`),
		"closers":        upTo("]"),
		"elements":       local("[" + upTo("1,") + "1]"),
		"number":         local("1e100000000"),
		"digits":         local(upTo("9")),
		"last number":    upTo("9"),
		"large":          local(`"` + strings.Repeat("x", 2_000_000) + `"`),
		"templates":      local(`"` + upTo("${") + `"`),
		"quotes":         local(`"` + upTo(`${\"`) + `"`),
		"sum":            local(`"${1` + upTo("+1") + `}"`),
		"splat":          local(`"${x` + upTo("[*]") + `}"`),
		"number within":  local(`"${1e100000000}"`),
		"key":            local(`{"` + upTo("${(") + `": 1}`),
		"backslashes":    local(`"` + upTo(`\\`)),
		"nul":            upTo("\x00"),
		"nul in a name":  `{"\u0000": {}}`,
		"repeated":       "{" + upTo(`"a":1,`) + `"a":1}`,
		"references":     local("[" + strings.Repeat(`"${var.a}",`, 50_000) + "1]"),
		"open string":    local(`"` + upTo("x")),
		"latin-1":        local("\"Jos\xe9\""),
		"utf-16":         "\xff\xfe{\x00}\x00",
		"mismatched":     upTo("{]"),
		"blank":          upTo(" "),
		"many templates": local("[" + strings.Repeat(`"%{",`, 50_000) + "1]"),
	} {
		t.Run(name, func(t *testing.T) {
			runtime.GC()
			began := time.Now()
			_, diags := config.Parse([]config.Source{{Name: "x.ops.hcl.json", Bytes: []byte(text)}})
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
			if !diags.HasErrors() {
				t.Fatal("accepted")
			}
			for _, d := range diags {
				if d.Subject == nil && d.Summary != "Too many problems" {
					t.Errorf("%s: no line and column", d.Summary)
				}
			}
		})
	}
}

// FuzzParseJSON holds that no file makes Parse panic, that every range it gives
// lies in its file, and that a file it accepts is one for encoding/json and for
// HCL's own parser, with the same values.
func FuzzParseJSON(f *testing.F) {
	b, err := os.ReadFile("testdata/json/stale.ops.hcl.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	for _, seed := range []string{`[]`, `{"locals": {"a": "\ud83d\ude00${local.b}\"", "b": {"c${1}": [1.5, null, true]}}}`, "\ufeff{}", `{"variable": {"a": {"type": "list(string)"}}}`, `{"locals": {"a": [1.50, -2e3, "é\u00e9", {"x${1 + 1}": "$${y}"}, "%{if true}z%{endif}", "${[1, 2]}", "a${2}b"], "//": 1, "b": "${{ k = \"v\" }.k}"}}`, `{"x": "\u`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		inside := func(r hcl.Range) {
			if r.Filename != "x.ops.hcl.json" || r.Start.Byte < 0 || r.End.Byte > len(b) || r.Start.Byte > r.End.Byte || r.Start.Line < 1 || r.Start.Column < 1 {
				t.Errorf("%v doesn't lie in a file of %d bytes", r, len(b))
			}
		}
		cfg, diags := config.Parse([]config.Source{{Name: "x.ops.hcl.json", Bytes: b}})
		for _, d := range diags {
			if d.Summary == "" || d.Detail == "" || d.Subject == nil && d.Summary != "Too many problems" {
				t.Errorf("a message without words or place: %+v", d)
			}
			if d.Subject != nil {
				inside(*d.Subject)
			}
		}
		for _, l := range cfg.Locals {
			for _, v := range l.Expr.Variables() {
				inside(v.SourceRange())
			}
		}
		if diags.HasErrors() {
			return
		}
		text := []byte(strings.TrimPrefix(string(b), "\ufeff"))
		if !json.Valid(text) {
			t.Error("it is not JSON")
		}
		theirs, hd := hcljson.Parse(text, "x")
		if hd.HasErrors() {
			t.Fatalf("HCL refuses it: %s", hd)
		}
		c, _, _ := theirs.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "locals"}}})
		for _, block := range c.Blocks {
			attrs, _ := block.Body.JustAttributes()
			for name, a := range attrs {
				ctx := &hcl.EvalContext{}
				want, wrong := a.Expr.Value(ctx)
				got, hd := cfg.Locals[name].Expr.Value(ctx)
				if wrong.HasErrors() != hd.HasErrors() || !wrong.HasErrors() && !got.RawEquals(want) {
					t.Errorf("local.%s is %#v (%v), and for HCL %#v (%v)", name, got, hd, want, wrong)
				}
			}
		}
	})
}
