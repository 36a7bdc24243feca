package eval

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/rows"
)

// quickly are expressions that must be compiled; a change that loses one costs
// every plan.
var quickly = []string{
	`each.value.order_id`, `each.value["order_id"]`, `each.key`, `(each.value.amount)`, `"${each.value.amount}"`,
	`"x-${each.value.order_id}-${each.value.amount}-${each.row}"`,
	`each.value.status == "PENDIENTE"`, `"PENDIENTE" != each.value.status`, `each.value.status == each.value.note`,
	`each.value.status == "PENDIENTE" && timecmp(each.value.created_at, local.cutoff) < 0`,
	`timecmp(each.value.created_at, timestamp()) >= 0 || each.value.open`,
	`!each.value.open`, `each.value.open == true`, `each.value.open != false`,
	`each.value.amount > 12.5`, `each.value.amount == 12.50`, `each.value.amount <= todecimal(each.value.note)`,
	`each.value.amount + 1`, `each.value.amount * 1.10`, `each.value.count * each.value.amount - 0.5`, `each.value.amount * each.value.amount > 150`,
	`each.value.count == 3`, `each.value.count < each.value.amount`, `each.row >= 5`,
	`tonumber(each.value.note) > 5`, `tostring(each.value.count)`,
	`lower(each.value.status)`, `upper("${each.value.note}ß")`, `trimspace(each.value.note)`, `sha256(each.value.order_id)`,
	`startswith(each.value.order_id, "A-")`, `endswith(each.value.order_id, each.value.note)`, `strcontains(each.value.note, "é")`,
	`contains(["PENDIENTE", "REGISTRADO"], each.value.status)`,
	`each.value.open ? each.value.order_id : "none"`, `each.value.amount > 5 ? each.value.open : each.value.status == ""`,
	`each.value.open && startswith(each.value.note, "x") || each.value.count > 2`,
}

// slowly are left to HCL, and must be all the same right.
var slowly = []string{
	`each.value.note == null`, `each.value.amount / 3`, `each.value.note + 1`, `[each.value.note]`, `each.value.open ? null : each.value.note`,
	`try(tonumber(each.value.note), 0) > 3`, `each.value.note < 5`, `"x${each.value.open}"`, `max(each.value.amount, 5)`,
}

var rowTexts = []string{"", "A-001", "PENDIENTE", "12.50", "12.5", "-0", "0.0", "007", "1e5", "5", "true", "2026-10-01T00:00:00Z", "2026-11-20T13:00:00+01:00", "José", "Jose\u0301", "ß", " x ", "\u0301x"}

func compileOne(t testing.TB, expr string) (*expression, []rows.Column) {
	t.Helper()
	e, hd := hclsyntax.ParseExpression([]byte(expr), "test.ops.hcl", hcl.InitialPos)
	if hd.HasErrors() {
		return nil, nil
	}
	cutoff, _ := hclsyntax.ParseExpression([]byte(`"2026-11-01T00:00:00Z"`), "test.ops.hcl", hcl.InitialPos)
	s, _ := NewScope(&config.Config{Locals: map[string]*config.Local{"cutoff": {Name: "cutoff", Expr: cutoff}}}, nil, now)
	x, diags := s.expression(e, sight{in: "test", each: true, key: true, columns: columns})
	if diags.HasErrors() {
		return nil, nil
	}
	x.quick = compileQuick(x, columns)
	return x, columns
}

// agree holds the closures of an expression against HCL for one row, and tells
// whether the closures had an answer.
func agree(t testing.TB, x *expression, columns []rows.Column, r rows.Row) bool {
	t.Helper()
	f := &frame{row: r, columns: columns, key: r.Text[0]}
	answered := false
	v, diags := x.value(f)
	fail := func(quick any) {
		t.Helper()
		t.Fatalf("row %q: closures say %q, HCL %#v %s", r.Text, quick, v, words(diags))
	}
	if x.quick.truth != nil {
		if yes, ok := x.quick.truth(f); ok {
			answered = true
			if diags.HasErrors() || v.Type() != cty.Bool || v.IsNull() || !v.IsKnown() || v.IsMarked() || v.True() != yes {
				fail(yes)
			}
		}
	}
	if x.quick.text != nil {
		if text, ok := x.quick.text(f); ok {
			answered = true
			if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.IsMarked() {
				fail(text)
			}
			if want, err := plainText(v); err != nil || want != text || v.Type() == cty.Bool {
				fail(text)
			}
		}
	}
	return answered
}

// checked is a row that the reader would let through.
func checked(texts ...string) (rows.Row, bool) {
	for i, c := range columns {
		switch {
		case texts[i] == "":
		case c.Type == rows.Bool && texts[i] != "true" && texts[i] != "false":
			return rows.Row{}, false
		case (c.Type == rows.Decimal || c.Type == rows.Number) && !plainDecimal(texts[i]):
			return rows.Row{}, false
		}
	}
	return row(texts...), true
}

func TestQuickAgreesWithHCL(t *testing.T) {
	t.Parallel()
	for i, expr := range append(quickly, slowly...) {
		t.Run(expr, func(t *testing.T) {
			t.Parallel()
			x, columns := compileOne(t, expr)
			if x == nil {
				t.Fatal("not compiled at all")
			}
			if got := x.quick.text != nil || x.quick.truth != nil; got != (i < len(quickly)) {
				t.Errorf("compiled to closures: %v", got)
			}
			answers := 0
			for n := range 3000 {
				pick := func(k int) string { return rowTexts[(n*(2*k+7)+n/len(rowTexts)+k*5)%len(rowTexts)] }
				if r, ok := checked(pick(0), pick(1), pick(2), pick(3), pick(4), pick(5), pick(6)); ok && agree(t, x, columns, r) {
					answers++
				}
			}
			for _, r := range []rows.Row{stale, row("A-001", "PENDIENTE", "2026-10-01T00:00:00Z", "6", "12.50", "3", "true")} {
				if agree(t, x, columns, r) {
					answers++
				}
			}
			if i < len(quickly) && answers == 0 {
				t.Error("the closures never had an answer")
			}
		})
	}
}

func FuzzQuick(f *testing.F) {
	for _, e := range append(quickly, slowly...) {
		f.Add(e, "A-001", "PENDIENTE", "2026-10-01T00:00:00Z", "x", "12.50", "3", "true")
	}
	f.Fuzz(func(t *testing.T, expr, a, b, c, d, e, g, h string) {
		for _, s := range []string{a, b, c, d, e, g, h} {
			if strings.ToValidUTF8(s, "") != s {
				t.Skip()
			}
		}
		if len(expr) > 200 || boundSource([]byte(expr)) != "" || strings.Contains(expr, "env") || strings.Contains(expr, "file") {
			t.Skip()
		}
		r, ok := checked(a, b, c, d, e, g, h)
		if !ok {
			t.Skip()
		}
		x, columns := compileOne(t, expr)
		if x == nil {
			return
		}
		agree(t, x, columns, r)
	})
}

func TestCloneIsForAnotherGoroutine(t *testing.T) {
	t.Parallel()
	p := compile(t, "  order = \"${each.value.order_id}\"\n  amount = each.value.amount + 1\n  where = each.value.open")
	done := make(chan error)
	for w := range 4 {
		go func(p *Program) {
			for i := range 200 {
				id := fmt.Sprintf("W%d-%d", w, i)
				r := row(id, "", "", "", "1", "", "true")
				yes, problem := p.Where(r)
				item, problems := p.Item(r)
				if want := fmt.Sprintf(`{"order":"%s","amount":"2","days":30}`, id); !yes || problem != nil || len(problems) > 0 || string(item.Arguments) != want {
					done <- fmt.Errorf("got %s, want %s", item.Arguments, want)
					return
				}
			}
			done <- nil
		}(p.Clone())
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// What a row costs: nothing where it is left out, and what is kept of it where
// it isn't. It is alone, since it counts what the whole process allocates.
func TestRowAllocates(t *testing.T) {
	p := compile(t, "  order = \"X-${each.value.order_id}\"\n  amount = each.value.amount\n  where = each.value.status == \"PENDIENTE\" && timecmp(each.value.created_at, local.cutoff) < 0")
	other := stale
	other.Text = slices.Clone(stale.Text)
	for i, c := range stale.Text {
		if c == "PENDIENTE" {
			other.Text[i] = "PAGADA"
		}
	}
	for name, test := range map[string]struct {
		row  rows.Row
		most float64
	}{"left out": {other, 0}, "kept": {stale, 7}} {
		if got := testing.AllocsPerRun(100, func() {
			if yes, _ := p.Where(test.row); yes {
				p.Item(test.row)
			}
		}); got > test.most || got < test.most/2 {
			t.Errorf("a row that is %s takes %.1f allocations, of %.0f", name, got, test.most)
		}
	}
}

func BenchmarkItem(b *testing.B) {
	for name, body := range map[string]string{
		"closures": "  order = \"X-${each.value.order_id}\"\n  amount = each.value.amount\n  where = each.value.status == \"PENDIENTE\" && timecmp(each.value.created_at, local.cutoff) < 0",
		"HCL":      "  order = \"X-${try(each.value.order_id)}\"\n  amount = try(each.value.amount)\n  where = try(each.value.status) == \"PENDIENTE\" && timecmp(each.value.created_at, local.cutoff) < 0",
	} {
		b.Run(name, func(b *testing.B) {
			p := compile(b, body)
			b.ReportAllocs()
			for b.Loop() {
				if yes, problem := p.Where(stale); !yes || problem != nil {
					b.Fatal(problem)
				}
				if _, problems := p.Item(stale); len(problems) > 0 {
					b.Fatal(problems)
				}
			}
		})
	}
}

// A list as a plan meets it: read, filtered, and half of it kept.
func BenchmarkPlanRow(b *testing.B) {
	var s strings.Builder
	s.WriteString("order_id,status,created_at,note,amount,count,open\n")
	for i := range 100_000 {
		fmt.Fprintf(&s, "A-%07d,%s,2026-10-01T00:00:00Z,web,%d.50,%d,true\n", i, []string{"PENDIENTE", "PAGADA"}[i%2], i, i)
	}
	path := filepath.Join(b.TempDir(), "list.csv")
	if err := os.WriteFile(path, []byte(s.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	p := compile(b, "  order = \"X-${each.value.order_id}\"\n  amount = each.value.amount\n  where = each.value.status == \"PENDIENTE\" && timecmp(each.value.created_at, local.cutoff) < 0")
	for b.Loop() {
		r, err := rows.CSV{File: rows.File{Source: "list.csv", Path: path}, Columns: map[string]rows.Type{"amount": rows.Decimal, "count": rows.Number, "open": rows.Bool}}.Open(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for {
			row, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			if yes, _ := p.Where(row); yes {
				p.Item(row)
			}
		}
		r.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/row")
}
