package eval

import (
	"strings"
	"testing"
	"time"
)

// What a few words may ask for, each in a few milliseconds at most.
func TestEvaluationIsBounded(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		`[for a in range(1000) : [for b in range(1000) : 1]]`:                                                                             tooMuchSummary,
		`{for a in range(1000) : a => {for b in range(1000) : b => 1}}`:                                                                   tooMuchSummary,
		`"%{for a in range(1000)}%{for b in range(1000)}x%{endfor}%{endfor}"`:                                                             tooMuchSummary,
		`[for a in range(1000) : range(1000)[*]]`:                                                                                         tooMuchSummary,
		`[for a in range(1000) : "x" if contains(range(1000), a)]`:                                                                        tooMuchSummary,
		`try([for a in range(1000) : [for b in range(1000) : 1]], 1)`:                                                                     tooMuchSummary,
		`can([for a in range(1000) : [for b in range(1000) : 1]])`:                                                                        tooMuchSummary,
		`distinct([for a in setproduct(range(100), range(40)) : "${a[0]}-${a[1]}"])`:                                                      tooMuchSummary,
		`regexall("(a?){300}x", join("", [for a in range(1000) : "aaaaaaaaaaaaaaaaaaaa"]))`:                                               tooMuchSummary,
		`regexall(["(a?){300}x", join("", [for a in range(1000) : "aaaaaaaaaaaaaaaaaaaa"])]...)`:                                          tooMuchSummary,
		`join(join("", [for a in range(1000) : "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]), range(1000))`:                                   tooMuchSummary,
		`formatlist("%999d%999d%999d%999d%999d%999d%999d%999d%999d%999d%999d%999d%999d%999d%999d%999d%999d%999d%999d%999d", range(1000))`: tooMuchSummary,
		`jsondecode("[${join(",", [for a in range(1000) : join(",", range(300))])}]")`:                                                    tooMuchSummary,
		`csvdecode("a\n${join("\n", [for a in range(1000) : join("\n", range(300))])}")`:                                                  tooMuchSummary,
		`tonumber(join("", [for a in range(1000) : "11111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"]))`: tooMuchSummary,
		`"${join("", [for a in range(1000) : "${a}${format("%999d", a)}"])}${join("", [for a in range(1000) : format("%999d", a)])}"`:                                                                                                                                                     "Text is too long",
		`[` + strings.Repeat("[", 60) + strings.Repeat("[", 41) + strings.Repeat("]", 101) + `]`:                                                                                                                                                                                          "Value is nested too deeply",
	} {
		t.Run(expr[:min(len(expr), 60)], func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			_, diags := evaluate(t, expr)
			if !strings.Contains(words(diags), want) {
				t.Errorf("got %q, want %q", words(diags), want)
			}
			if took := time.Since(start); took > time.Minute {
				t.Errorf("took %s", took)
			}
		})
	}
}

// What people write is far from the bounds.
func TestEvaluationHasRoom(t *testing.T) {
	t.Parallel()
	for _, expr := range []string{
		`length([for a in range(1000) : "order-${a}" if a % 2 == 0]) == 500`,
		`length({for row in csvdecode("id,amount\n${join("\n", [for a in setproduct(range(50), range(60)) : "${a[0]}-${a[1]},1250.00"])}") : row.id => row.amount}) == 3000`,
		`contains(split("\n", join("\n", [for a in setproduct(range(100), range(50)) : "${a[0]}-${a[1]}"])), "99-49")`,
		`length(distinct([for a in range(1000) : a % 10])) == 10`,
		`length(regexall("[0-9]{4}", join(",", range(1000)))) == 0`,
	} {
		t.Run(expr, func(t *testing.T) {
			t.Parallel()
			if v, diags := evaluate(t, expr); diags.HasErrors() || !v.True() {
				t.Errorf("got %#v %s", v, words(diags))
			}
		})
	}
}

// All that no row changes has one bound together.
func TestLocalsHaveOneBoundTogether(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		b.WriteString("locals { " + name + " = [for a in range(250) : [for b in range(1000) : b]] }\n")
	}
	s := scopeOf(t, b.String(), nil)
	var last string
	for _, name := range sortedKeys(s.cfg.Locals) {
		_, diags := s.Value(s.cfg.Locals[name].Expr)
		last = words(diags)
	}
	if !strings.Contains(last, tooMuchSummary) || !strings.Contains(last, "together") {
		t.Errorf("got %q", last)
	}
}
