package eval

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// parse makes a configuration of one file's text.
func parse(t testing.TB, src string) *config.Config {
	t.Helper()
	cfg, diags := config.Parse([]config.Source{{Name: "test.ops.hcl", Bytes: []byte(src)}})
	for _, d := range diags {
		if d.Severity == diag.Error {
			t.Fatalf("parse: %s: %s", d.Summary, d.Detail)
		}
	}
	return cfg
}

func scopeOf(t testing.TB, src string, given map[string]Given, options ...Option) *Scope {
	t.Helper()
	s, diags := NewScope(parse(t, src), given, now, options...)
	if diags.HasErrors() {
		t.Fatalf("new scope: %s", words(diags))
	}
	return s
}

// words are all of a list's messages.
func words(diags diag.List) string {
	var b strings.Builder
	for _, d := range diags {
		b.WriteString(d.Summary + ": " + d.Detail + "\n")
	}
	return b.String()
}

// evaluate evaluates an expression as a local of a file.
func evaluate(t *testing.T, expr string) (cty.Value, diag.List) {
	t.Helper()
	cfg := parseLoose(t, expr)
	s, diags := NewScope(cfg, nil, now)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	return s.Value(s.cfg.Locals["x"].Expr)
}

func TestVariables(t *testing.T) {
	t.Parallel()
	const src = `
variable "name" { type = string }
variable "amount" { type = decimal }
variable "count" {
  type    = number
  default = 3
  validation {
    condition     = var.count < 10
    error_message = "count is ${var.count}, and must be below 10."
  }
}
variable "tags" {
  type    = list(string)
  default = []
}
variable "secret" {
  type      = string
  sensitive = true
  default   = "hush-hush"
  validation {
    condition     = length(var.secret) > 4
    error_message = "not long enough: ${var.secret}"
  }
}
`
	for name, test := range map[string]struct {
		given map[string]Given
		want  string // Variables
		err   string // part of a message
	}{
		"all": {
			given: map[string]Given{"name": {Text: `007 "x"`}, "amount": {Text: "10.50"}, "tags": {Text: `["a", "b"]`}},
			want:  `{"amount":"10.50","count":3,"name":"007 \"x\"","tags":["a","b"]}`,
		},
		"required":      {given: map[string]Given{"amount": {Text: "1"}}, err: "--var name=…"},
		"how":           {given: map[string]Given{"amount": {Text: "1"}}, err: "RUNNER_VAR_name"},
		"not a decimal": {given: map[string]Given{"name": {Text: "x"}, "amount": {Text: "1,5", Origin: "--var amount"}}, err: "--var amount is not a decimal"},
		"unknown":       {given: map[string]Given{"name": {Text: "x"}, "amount": {Text: "1"}, "amuont": {Text: "1", Origin: "--var amuont"}}, err: `Did you mean "amount"?`},
		"environment passes": {
			given: map[string]Given{"name": {Text: "x"}, "amount": {Text: "1"}, "other": {Text: "1", Environment: true}},
			want:  `{"amount":"1","count":3,"name":"x","tags":[]}`,
		},
		"validation": {given: map[string]Given{"name": {Text: "x"}, "amount": {Text: "1"}, "count": {Text: "12"}}, err: "count is 12, and must be below 10."},
		"huge":       {given: map[string]Given{"name": {Text: "x"}, "amount": {Text: "1"}, "count": {Text: "1e100000000"}}, err: "a number may have"},
		"huge text":  {given: map[string]Given{"name": {Text: "x"}, "amount": {Text: "1"}, "count": {Text: `"1e100000000"`}}, err: "too large"},
		"deep":       {given: map[string]Given{"name": {Text: "x"}, "amount": {Text: "1"}, "tags": {Text: strings.Repeat("[", 100_000)}}, err: "nested"},
		"function":   {given: map[string]Given{"name": {Text: "x"}, "amount": {Text: "1"}, "count": {Text: "max(1, 2)"}}, err: "plain value"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, diags := NewScope(parse(t, src), test.given, now)
			if test.err != "" {
				if !diags.HasErrors() || !strings.Contains(words(diags), test.err) {
					t.Fatalf("got %q, want an error with %q", words(diags), test.err)
				}
				return
			}
			if diags.HasErrors() {
				t.Fatal(words(diags))
			}
			got, withheld := s.Variables()
			if string(got) != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if diff := cmp.Diff([]string{"secret"}, withheld); diff != "" {
				t.Error(diff)
			}
			again, err := StoredVariables(s.cfg, got)
			if err != nil {
				t.Fatal(err)
			}
			second, diags := NewScope(s.cfg, again, now)
			if diags.HasErrors() {
				t.Fatal(words(diags))
			}
			if values, _ := second.Variables(); string(values) != string(got) {
				t.Errorf("stored and read again: %s, want %s", values, got)
			}
		})
	}
}

func TestSecretsStayOutOfMessages(t *testing.T) {
	t.Parallel()
	const secret = "hunter22-hunter22"
	for name, src := range map[string]string{
		"parseint":   `parseint(var.s, 10)`,
		"regex":      `regex("^x$", var.s)`,
		"timecmp":    `timecmp(var.s, timestamp())`,
		"derived":    `tonumber(upper(var.s))`,
		"index":      `{ a = 1 }[var.s]`,
		"arithmetic": `var.s + 1`,
		"local":      `local.t + 1`,
		"jsondecode": `jsondecode(var.s)`,
		"formatdate": `formatdate(var.s, timestamp())`,
		"format":     `format("%d", var.s)`,
		"object key": `{ (var.s) = var.s, (var.s) = 2 }.x`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scopeOf(t, "variable \"s\" {\n type = string\n sensitive = true\n}\nlocals {\n t = var.s\n x = "+src+"\n}\n", map[string]Given{"s": {Text: secret}})
			_, diags := s.Value(s.cfg.Locals["x"].Expr)
			if !diags.HasErrors() {
				t.Fatal("no error")
			}
			if strings.Contains(strings.ToLower(words(diags)), secret) {
				t.Errorf("the secret is in %q", words(diags))
			}
		})
	}
	_, diags := NewScope(parse(t, `
variable "s" {
  type      = string
  sensitive = true
  validation {
    condition     = length(var.s) < 3
    error_message = "bad: ${var.s}"
  }
}`), map[string]Given{"s": {Text: secret}}, now)
	if !diags.HasErrors() || strings.Contains(words(diags), secret) {
		t.Errorf("validation: %q", words(diags))
	}
}

// A text that stands in the sources is stored with them, whatever marks it.
func TestSensitiveHidesNoSource(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		expr    string
		exposed bool
	}{
		"literal":            {`sensitive("hunter22")`, true},
		"local":              {`local.secret`, true},
		"open variable":      {`sensitive(var.open)`, true},
		"sensitive variable": {`sensitive(var.closed)`, false},
		"file":               {`sensitive(file("scope_test.go"))`, false},
		"variable alone":     {`var.closed`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scopeOf(t, "variable \"open\" { type = string }\nvariable \"closed\" {\n type = string\n sensitive = true\n}\nlocals {\n secret = sensitive(\"hunter22\")\n x = "+test.expr+"\n}\n",
				map[string]Given{"open": {Text: "o"}, "closed": {Text: "c"}})
			expr := s.cfg.Locals["x"].Expr
			v, diags := s.Value(expr)
			if diags.HasErrors() {
				t.Fatal(words(diags))
			}
			if why := s.exposed(expr, v); (why != "") != test.exposed {
				t.Errorf("exposed: %q, want %t", why, test.exposed)
			}
		})
	}
}

func TestLocals(t *testing.T) {
	t.Parallel()
	s := scopeOf(t, `
variable "d" { default = "2026-11-01" }
locals {
  cutoff = "${var.d}T00:00:00Z"
  before = timecmp(local.cutoff, timestamp()) < 0
  at     = timestamp()
}`, nil)
	for name, want := range map[string]cty.Value{
		"cutoff": cty.StringVal("2026-11-01T00:00:00Z"), "before": cty.True, "at": cty.StringVal("2026-11-20T12:00:00Z"),
	} {
		got, diags := s.Value(s.cfg.Locals[name].Expr)
		if diags.HasErrors() || !got.RawEquals(want) {
			t.Errorf("%s: got %#v %s, want %#v", name, got, words(diags), want)
		}
	}
}

func TestRehearse(t *testing.T) {
	t.Parallel()
	s := scopeOf(t, "variable \"hash\" {\n type = string\n sensitive = true\n}\n", nil, Rehearse())
	secrets := s.Secrets()
	if len(secrets) != 1 || !strings.HasPrefix(secrets[0], "rehearsal-") || len(secrets[0]) < 20 {
		t.Errorf("got %q", secrets)
	}
}

// In a rehearsal an environment variable that isn't set has a generated value,
// one and the same each time, and is as secret as a real one.
func TestRehearseEnvironment(t *testing.T) {
	t.Setenv("RUNNER_TEST_SET", "real")
	s := scopeOf(t, "locals {\n a = env(\"RUNNER_TEST_UNSET\")\n b = \"${env(\"RUNNER_TEST_UNSET\")}\"\n other = env(\"RUNNER_TEST_OTHER\")\n set = env(\"RUNNER_TEST_SET\")\n}\n", nil, Rehearse())
	text := func(name string) string {
		t.Helper()
		v, diags := s.Value(s.cfg.Locals[name].Expr)
		plain, marks := v.Unmark()
		if diags.HasErrors() || len(marks) == 0 {
			t.Fatalf("%s: %#v %s", name, v, words(diags))
		}
		return plain.AsString()
	}
	if a, b, other, set := text("a"), text("b"), text("other"), text("set"); a != b || a == other || !s.Generated("x:"+a+"@y") || set != "real" || s.Generated(set) {
		t.Errorf("got %q, %q, %q, %q", a, b, other, set)
	}
	if !slices.Contains(s.Secrets(), text("a")) {
		t.Error("it isn't among the secrets")
	}
	if diff := cmp.Diff([]string{"RUNNER_TEST_OTHER", "RUNNER_TEST_UNSET"}, s.MadeUp()); diff != "" {
		t.Error(diff)
	}
}

// TestUnsetEnvironment: what isn't set is told by its name, unless that is a
// secret; for a judgement alone it need not be set.
func TestUnsetEnvironment(t *testing.T) {
	t.Parallel()
	const src = "locals {\n plain = env(\"RUNNER_TEST_UNSET\")\n within = \"x-${local.plain}\"\n secret = env(sensitive(\"RUNNER_TEST_HUSH\"))\n}\n"
	s, unvalued := scopeOf(t, src, nil), scopeOf(t, src, nil, Validate())
	for name, want := range map[string]string{
		"plain":  "Environment variable is not set: env(\"RUNNER_TEST_UNSET\") has no value here: set RUNNER_TEST_UNSET in the environment of the command.\n",
		"within": "Environment variable is not set: env(\"RUNNER_TEST_UNSET\") has no value here: set RUNNER_TEST_UNSET in the environment of the command.\n",
		"secret": "Error in function call: The expression can't be evaluated. The reason isn't shown, because a sensitive value is involved and might be part of it.\n",
	} {
		if _, diags := s.Value(s.cfg.Locals[name].Expr); words(diags) != want {
			t.Errorf("%s: %s", name, words(diags))
		}
		v, diags := unvalued.Value(unvalued.cfg.Locals[name].Expr)
		if plain, marks := v.Unmark(); diags.HasErrors() || plain.IsKnown() || len(marks) == 0 {
			t.Errorf("%s, for a judgement: %#v %s", name, v, words(diags))
		}
	}
}

func TestReadVarFile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ path, src, err string }{
		"hcl":      {path: "a.hcl", src: "a = \"x\"\nb = [1, 2]\nc = -5\n"},
		"json":     {path: "a.json", src: `{"a": "x", "b": [1, 2], "c": -5}`},
		"text":     {path: "a.json", src: `{"a": "x", "b": "${no}", "c": -5}`},
		"twice":    {path: "a.json", src: `{"a": "x", "a": "y"}`, err: "stands already"},
		"arrays":   {path: "a.json", src: strings.Repeat("[", 1000), err: "More than 100"},
		"name":     {path: "a.hcl", src: "a = b\n", err: "plain value"},
		"function": {path: "a.hcl", src: "a = env(\"HOME\")\n", err: "without functions"},
		"deep":     {path: "a.hcl", src: "a = " + strings.Repeat("(", 1000), err: "nested"},
		"block":    {path: "a.hcl", src: "a {}\n", err: "No blocks"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given, diags := parseVars([]byte(test.src), test.path)
			if test.err != "" {
				if !diags.HasErrors() || !strings.Contains(words(diags), test.err) {
					t.Fatalf("got %q, want %q", words(diags), test.err)
				}
				return
			}
			if diags.HasErrors() || !given["a"].Value.RawEquals(cty.StringVal("x")) || !given["c"].Value.RawEquals(cty.NumberIntVal(-5)) {
				t.Errorf("got %#v %s", given, words(diags))
			}
		})
	}
}

// parseLoose makes a configuration whose local is an expression that
// configurations may already refuse when they are read.
func parseLoose(t *testing.T, expr string) *config.Config {
	t.Helper()
	e, hd := hclsyntax.ParseExpression([]byte(expr), "test.ops.hcl", hcl.InitialPos)
	if hd.HasErrors() {
		t.Fatal(hd)
	}
	return &config.Config{Locals: map[string]*config.Local{"x": {Name: "x", Expr: e}}}
}

func TestFunctionsAreDocumented(t *testing.T) {
	t.Parallel()
	list := Functions()
	if len(list) < 60 {
		t.Fatalf("only %d functions", len(list))
	}
	s := scopeOf(t, "", nil)
	known := s.functionsIn("test.ops.hcl")
	last := ""
	for _, f := range list {
		if _, ok := known[f.Name]; !ok {
			t.Errorf("%s is listed and can't be called", f.Name)
		}
		if !strings.HasPrefix(f.Signature, f.Name+"(") || !strings.HasSuffix(f.Doc, ".") || f.Name <= last {
			t.Errorf("%+v", f)
		}
		last = f.Name
	}
	if len(known) != len(list) {
		t.Errorf("%d can be called, %d are listed", len(known), len(list))
	}
}

// Expressions in JSON files must have our operators too.
func TestJSONSyntax(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`"${todecimal(\"0.1\") + 0.2}"`: "0.3",
		`["a", {"k": "x${1 + 1}"}]`:     "",
		`"${\"5\" == 5}"`:               "can never equal",
		`"${1e100000000}"`:              "exponent",
		`"plain"`:                       "plain",
		`5`:                             "5",
		`"${nosuch}"`:                   "names nothing",
	} {
		cfg, diags := config.Parse([]config.Source{{Name: "test.ops.hcl.json", Bytes: []byte(`{"locals": {"x": ` + src + `}}`)}})
		v := cty.DynamicVal
		if !diags.HasErrors() {
			s, _ := NewScope(cfg, nil, now)
			v, diags = s.Value(cfg.Locals["x"].Expr)
		}
		got := words(diags)
		if !diags.HasErrors() && (v.Type().IsPrimitiveType() || v.Type() == Decimal) {
			got, _ = plainText(v)
		}
		if !strings.Contains(got, want) || want == "" && diags.HasErrors() {
			t.Errorf("%s: got %q, want %q", src, got, want)
		}
	}
}

func TestSecretsAreNeverCompiledAway(t *testing.T) {
	t.Parallel()
	p := compile(t, "  order = each.value.order_id\n  where = each.value.status == var.secret")
	if p.where.quick.truth != nil {
		t.Error("an expression that sees a secret was compiled to closures")
	}
}
