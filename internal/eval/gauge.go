package eval

import (
	"fmt"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/diag"
)

// gauge evaluates settings: values that no row changes, each within its range.
// Its methods return the value that holds where the file says none.
type gauge struct {
	*Scope
	in    string
	diags diag.List
}

func (g *gauge) fail(summary, detail string, expr hcl.Expression) {
	g.diags = append(g.diags, diag.Diagnostic{Summary: summary, Detail: detail, Subject: expr.Range().Ptr(), In: g.in})
}

// known evaluates a setting. Settings are stored and shown, so they can't be
// secrets.
func (g *gauge) known(expr hcl.Expression) (cty.Value, bool) {
	v, diags := g.value(expr, g.in)
	g.diags = append(g.diags, diags...)
	switch {
	case diags.HasErrors():
		return cty.NilVal, false
	case v.ContainsMarked():
		g.fail("Sensitive value would be stored", "This setting is kept in the run file and shown, so it can't be a sensitive value.", expr)
		return cty.NilVal, false
	case g.unvalued && !v.IsWhollyKnown():
		return cty.NilVal, false
	case v.IsNull() || !v.IsWhollyKnown():
		g.fail("Setting without a value", "This setting has no value. Leave it out to have its default.", expr)
		return cty.NilVal, false
	}
	return v, true
}

func (g *gauge) whole(expr hcl.Expression, name string, least, most, otherwise int64) int64 {
	if expr == nil {
		return otherwise
	}
	v, ok := g.known(expr)
	if !ok {
		return otherwise
	}
	n, ok := wholeNumber(v)
	if !ok || n < least || n > most {
		want := fmt.Sprintf("from %d to %d", least, most)
		if most == maxCount {
			want = fmt.Sprintf("of at least %d", least)
		}
		g.fail("Invalid setting", fmt.Sprintf("%s must be a whole number %s.", name, want), expr)
		return otherwise
	}
	return n
}

func wholeNumber(v cty.Value) (int64, bool) {
	if v.IsNull() || !v.IsKnown() || v.Type() != cty.Number {
		return 0, false
	}
	f := v.AsBigFloat()
	if !f.IsInt() || f.MantExp(nil) > 62 {
		return 0, false
	}
	n, _ := f.Int64()
	return n, true
}

func (g *gauge) number(expr hcl.Expression, name string) (float64, bool) {
	v, ok := g.known(expr)
	if !ok {
		return 0, false
	}
	if v.Type() != cty.Number {
		g.fail("Invalid setting", name+" must be a number, without quotes.", expr)
		return 0, false
	}
	f, _ := v.AsBigFloat().Float64()
	return f, true
}

// share is a part of a whole, above 0 and at most 1; 0 where it isn't said.
func (g *gauge) share(expr hcl.Expression, name, instead string) float64 {
	if expr == nil {
		return 0
	}
	f, ok := g.number(expr, name)
	if ok && (f <= 0 || f > 1) {
		g.fail("Invalid setting", fmt.Sprintf("%s is a share: above 0 and at most 1, so that 0.25 is a quarter.%s", name, instead), expr)
		return 0
	}
	return f
}

func (g *gauge) duration(expr hcl.Expression, name string, otherwise time.Duration) time.Duration {
	if expr == nil {
		return otherwise
	}
	v, ok := g.known(expr)
	if !ok {
		return otherwise
	}
	var d time.Duration
	if v.Type() == cty.String {
		d, _ = time.ParseDuration(v.AsString())
	}
	if d < time.Millisecond || d > 24*time.Hour {
		g.fail("Invalid duration", fmt.Sprintf("%s is a duration from 1ms to 24h in double quotes, such as \"30s\" or \"1m\".", name), expr)
		return otherwise
	}
	return d
}
