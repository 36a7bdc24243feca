package eval

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/bulkrunner/runner/internal/config"
)

// An expression gives what HCL itself makes of it, marks and all. It may be
// refused where HCL has an answer: for its cost, or for the size of a number.
// Of == and != ours are in both, which differ on purpose, and of the others
// where decimals are made, of which HCL knows nothing.
func FuzzExpression(f *testing.F) {
	for expr := range expressions {
		f.Add(expr)
	}
	for _, expr := range append(quickly, slowly...) {
		f.Add(expr)
	}
	for _, expr := range []string{
		`[for k, v in each.value : "${k}=${v}" if v != null]`, `{ for v in local.list : v => upper(v)... }`, `local.map["a"] + local.number * 3 - 1 / 4 % 3`,
		`"%{ for v in local.list ~} ${v} %{ endfor ~}x%{ if local.yes }${local.secret}%{ else }y%{ endif }"`, `local.object.tags[*].n`, `local.object.tags.*.n`,
		`try(local.none.x, local.object.missing, "z")`, `local.yes ? local.list : [local.secret]`, `!local.yes || local.number >= 3 && local.text < "5"`,
		`sensitive(local.list)[0]`, `-local.number == -12.5`, `merge(local.map, { (local.text) = local.secret })`, `<<-E
    a
      ${local.text}
  E
`,
	} {
		f.Add(expr)
	}
	values := map[string]cty.Value{
		"text": cty.StringVal("A-001"), "number": cty.MustParseNumberVal("12.5"), "yes": cty.True, "none": cty.NullVal(cty.DynamicPseudoType),
		"list": cty.ListVal([]cty.Value{cty.StringVal("a"), cty.StringVal("b")}), "map": cty.MapVal(map[string]cty.Value{"a": cty.NumberIntVal(1)}),
		"object": cty.ObjectVal(map[string]cty.Value{"tags": cty.TupleVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"n": cty.Zero}), cty.EmptyObjectVal})}),
		"secret": cty.StringVal("hush").Mark(Sensitive), "cutoff": cty.StringVal("2026-11-01T00:00:00Z"),
	}
	each := cty.ObjectVal(map[string]cty.Value{
		"value": cty.ObjectVal(map[string]cty.Value{"order_id": cty.StringVal("A-001"), "status": cty.StringVal("PENDIENTE"), "note": cty.NullVal(cty.String), "open": cty.True}),
		"key":   cty.StringVal("A-001"), "row": cty.NumberIntVal(7),
	})
	parse := func(src string) hclsyntax.Expression {
		e, diags := hclsyntax.ParseExpression([]byte(src), "test.ops.hcl", hcl.InitialPos)
		if diags.HasErrors() {
			return nil
		}
		return e
	}
	scope, _ := NewScope(&config.Config{}, nil, now)
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > 300 || boundSource([]byte(src)) != "" || strings.Contains(src, "env") || strings.Contains(src, "file") {
			t.Skip()
		}
		ours, theirs := parse(src), parse(src)
		if ours == nil {
			t.Skip()
		}
		ctx := &hcl.EvalContext{Variables: map[string]cty.Value{"local": cty.ObjectVal(values), "each": each}, Functions: scope.functionsIn("test.ops.hcl")}
		rewrite(ours)
		got, diags := protect(stepOf(ours), ctx, newMeter(maxStepsRow, nil))
		if diags.HasErrors() && (diags[0].Summary == tooMuchSummary || strings.Contains(diags[0].Detail, errHuge.Error())) {
			return
		}
		decimals := strings.Contains(src, "decimal") || strings.Contains(src, "divide") || strings.Contains(src, "round")
		if decimals {
			rewrite(theirs)
		}
		hclsyntax.VisitAll(theirs, func(n hclsyntax.Node) hcl.Diagnostics {
			if b, ok := n.(*hclsyntax.BinaryOpExpr); ok && !decimals && (b.Op == hclsyntax.OpEqual || b.Op == hclsyntax.OpNotEqual) {
				b.Op = operators[b.Op]
			}
			return nil
		})
		want, wrong := func() (v cty.Value, diags hcl.Diagnostics) {
			defer func() {
				if recover() != nil {
					diags = hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "panic"}}
				}
			}()
			return theirs.Value(ctx)
		}()
		if diags.HasErrors() != wrong.HasErrors() {
			t.Fatalf("%s: we say %v, HCL %v", src, diags, wrong)
		}
		if !diags.HasErrors() && !got.RawEquals(want) {
			t.Fatalf("%s: we say %#v, HCL %#v", src, got, want)
		}
	})
}

// A variables file has the values that HCL and JSON themselves find in it, and
// what is written to one is read as it was.
func FuzzVariablesFile(f *testing.F) {
	for _, src := range []string{
		"a = 1\nb = \"x\"\n", "a = [1, \"x\", true, null]\n", "a = { b = { \"c d\" = 1.50 } }\n", "# x\na = -1.5e3\n", "a = <<E\nx\ny\nE\n", "a = \"\\u00e9 $${x} %%{y}\"\n", "a = 1 + 1\n",
		"\ufeffa = 1\r\n", "a = [for x in [1] : x]\n", "a = {\n  b = 1\n  c = [\n    2,\n  ]\n}\n",
	} {
		f.Add([]byte(src), false)
	}
	for _, src := range []string{`{"a": 1}`, `{"a": "${x}"}`, `{"a": ["é\u00e9", 1.50, true, null, {"b": {}}]}`, "\ufeff{}", `{"a": 1e3, "b": -0}`, `{"//": 1, "a b": 2}`} {
		f.Add([]byte(src), true)
	}
	f.Fuzz(func(t *testing.T, src []byte, isJSON bool) {
		name := "x.opsvars.hcl"
		if isJSON {
			name += ".json"
		}
		given, diags := parseVars(src, name)
		for _, d := range diags {
			if d.Detail == "" || d.Subject != nil && (d.Subject.Filename != name || d.Subject.End.Byte > len(src)) {
				t.Fatalf("%q: %+v", src, d)
			}
		}
		if diags.HasErrors() {
			return
		}
		theirs := map[string]cty.Value{}
		if isJSON {
			typ, err := ctyjson.ImpliedType([]byte(strings.TrimPrefix(string(src), "\ufeff")))
			if err != nil {
				t.Fatalf("%q is accepted: %v", src, err)
			}
			v, err := ctyjson.Unmarshal([]byte(strings.TrimPrefix(string(src), "\ufeff")), typ)
			if err != nil {
				t.Fatalf("%q is accepted: %v", src, err)
			}
			theirs = v.AsValueMap()
			delete(theirs, "//")
		} else {
			file, hd := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
			if hd.HasErrors() {
				t.Fatalf("%q is accepted: %v", src, hd)
			}
			for n, a := range file.Body.(*hclsyntax.Body).Attributes {
				if theirs[n], hd = a.Expr.Value(nil); hd.HasErrors() {
					t.Fatalf("%q is accepted: %v", src, hd)
				}
			}
		}
		if len(given) != len(theirs) {
			t.Fatalf("%q: we have %d values, they %d", src, len(given), len(theirs))
		}
		written := hclwrite.NewEmptyFile()
		for _, n := range sortedKeys(given) {
			g := given[n]
			if g.Range == nil || g.Range.End.Byte > len(src) || g.Range.Filename != name || g.Value.ContainsMarked() || !g.Value.IsWhollyKnown() {
				t.Fatalf("%q: %s is %+v", src, n, g)
			}
			if !g.Value.RawEquals(theirs[n]) {
				t.Fatalf("%q: %s is %#v here and %#v there", src, n, g.Value, theirs[n])
			}
			written.Body().SetAttributeValue(n, g.Value)
		}
		again, diags := parseVars(written.Bytes(), "again.opsvars.hcl")
		if diags.HasErrors() || len(again) != len(given) {
			t.Fatalf("%q, written from %q: %s", written.Bytes(), src, words(diags))
		}
		for n, g := range again {
			if !g.Value.RawEquals(given[n].Value) {
				t.Fatalf("%q, written from %q: %s is %#v and was %#v", written.Bytes(), src, n, g.Value, given[n].Value)
			}
		}
	})
}
