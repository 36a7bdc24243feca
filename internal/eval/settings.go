package eval

import (
	"fmt"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/sdk"
)

// Settings evaluates an operation's own rules and fills in every default, so
// that apply needs nothing but the run file.
func (s *Scope) Settings(op *config.Operation, schema *sdk.OperationSchema) (plan.Settings, diag.List) {
	g := &gauge{Scope: s, in: operationIn(op)}
	out := plan.Settings{
		Kind:      string(sdk.KindMutation),
		Limits:    plan.Limits{MaxItems: plan.DefaultMaxItems},
		Retry:     plan.DefaultRetry,
		Abort:     plan.DefaultAbort,
		DependsOn: op.DependsOn,
	}
	for _, guard := range op.Guards {
		otherwise := guard.Otherwise
		if otherwise == "" {
			otherwise = "skip"
		}
		out.Guards = append(out.Guards, plan.Guard{Condition: s.sourceText(guard.Condition), Otherwise: otherwise})
	}
	if schema != nil {
		g.reads(&out, op, schema)
		out.Columns = &plan.Columns{Arguments: shown(schema.Arguments), Result: shown(schema.Result)}
	}
	if l := op.Limits; l != nil {
		g.limits(&out.Limits, l)
	}
	if c := op.Canary; c != nil {
		out.Canary = g.stages(c.Stages)
	}
	if r := op.Retry; r != nil {
		out.Retry.MaxAttempts = int(g.whole(r.MaxAttempts, "max_attempts", 1, 1000, int64(out.Retry.MaxAttempts)))
		out.Retry.MinBackoff = g.duration(r.MinBackoff, "min_backoff", out.Retry.MinBackoff)
		out.Retry.MaxBackoff = g.duration(r.MaxBackoff, "max_backoff", max(out.Retry.MaxBackoff, out.Retry.MinBackoff))
		if out.Retry.MaxBackoff < out.Retry.MinBackoff {
			g.fail("Back-off in reverse", "max_backoff must not be shorter than min_backoff.", r.MaxBackoff)
		}
	}
	if a := op.Abort; a != nil {
		out.Abort = plan.Abort{
			MaxFailures:            g.whole(a.MaxFailures, "max_failures", 1, maxCount, 0),
			MaxConsecutiveFailures: g.whole(a.MaxConsecutiveFailures, "max_consecutive_failures", 1, maxCount, 0),
			MaxFailureRatio:        g.share(a.MaxFailureRatio, "max_failure_ratio", ""),
		}
		if out.Abort.MaxFailureRatio > 0 {
			out.Abort.MinItems = plan.DefaultAbort.MinItems
		}
		out.Abort.MinItems = g.whole(a.MinItems, "min_items", 1, maxCount, out.Abort.MinItems)
	}
	if op.RateLimit != nil {
		out.Rate = g.rate(op.RateLimit, plan.Rate{Burst: 1})
	}
	out.MaxInFlight = int(g.whole(op.MaxInFlight, "max_in_flight", 1, maxInFlight, 0))
	return out, unique(g.diags)
}

// shown are the names of attributes whose values may be shown.
func shown(attributes []sdk.Attribute) []string {
	names := []string{}
	for _, a := range attributes {
		if !a.Sensitive && !a.WriteOnly {
			names = append(names, a.Name)
		}
	}
	return names
}

const (
	maxCount    = 1 << 40
	maxInFlight = 1024
	maxRate     = 100_000
	maxBurst    = 10_000
)

// reads says whether items are read before they are executed, and what for.
func (g *gauge) reads(out *plan.Settings, op *config.Operation, schema *sdk.OperationSchema) {
	if schema.Kind != "" {
		out.Kind = string(schema.Kind)
	}
	if d := schema.DefaultGuard; d != nil {
		own := &plan.Default{Attribute: d.Attribute, Allowed: d.Allowed}
		if op.NoDefaultGuard {
			out.Dropped = own
		} else {
			out.Default = own
		}
	}
	if len(op.Guards) > 0 && !schema.Reads {
		g.diags = append(g.diags, diag.Diagnostic{
			Summary: "Guard on what can't be read",
			Detail:  fmt.Sprintf("A guard is judged on what the API says of an item, and %s can't read one. Remove the guard, or filter the rows with where.", op.Type),
			Subject: op.Guards[0].Range.Ptr(), In: g.in,
		})
	}
	if out.Default != nil && !schema.Reads {
		g.diags = append(g.diags, diag.Diagnostic{
			Summary: "Invalid schema",
			Detail:  fmt.Sprintf("This is a bug in the provider of %s: it has a default guard and can't read an item.", op.Type),
			Subject: op.TypeRange.Ptr(), In: g.in,
		})
	}
	if op.NoDefaultGuard && schema.DefaultGuard == nil {
		g.diags = append(g.diags, diag.Diagnostic{
			Severity: diag.Warning, Summary: "No default guard to drop",
			Detail:  fmt.Sprintf("%s has no default guard, so default_guard = false changes nothing. Remove it.", op.Type),
			Subject: op.Range.Ptr(), In: g.in,
		})
	}
	unguarded := !schema.GuardedByAPI && out.Kind == string(sdk.KindMutation)
	out.ByHand = out.Kind == string(sdk.KindMutation) && !schema.Settles && !schema.Repeatable
	out.Reads = schema.Reads && (len(op.Guards) > 0 || out.Default != nil || unguarded)
}

func (g *gauge) limits(out *plan.Limits, l *config.Limits) {
	if l.MaxItems != nil {
		out.Said = true
		v, ok := g.known(l.MaxItems)
		switch {
		case ok && v.Type() == cty.String && v.AsString() == "unlimited":
			out.MaxItems = -1
		case ok && v.Type() == cty.String:
			g.fail("Invalid limit", "max_items is a whole number, or the word \"unlimited\".", l.MaxItems)
		case ok:
			out.MaxItems = g.whole(l.MaxItems, "max_items", 0, maxCount, out.MaxItems)
		}
	}
	out.MaxShare = g.share(l.MaxShare, "max_share", " To allow no item at all, write max_items = 0.")
	if l.MaxTotal != nil {
		out.MaxTotal = g.totals(l.MaxTotal)
	}
}

func (g *gauge) totals(expr hcl.Expression) map[string]string {
	v, ok := g.known(expr)
	if !ok {
		return nil
	}
	if t := v.Type(); !t.IsObjectType() && !t.IsMapType() {
		g.fail("Invalid limit", "max_total is an object of amounts by currency, such as { COP = 250000000 }.", expr)
		return nil
	}
	out := make(map[string]string)
	for it := v.ElementIterator(); it.Next(); {
		k, total := it.Element()
		if code := k.AsString(); !isLetters(code) {
			_, f := letters(code)
			if f == noFault {
				f.detail = fmt.Sprintf("%s is not a currency's three letters, such as COP.", quoted(code))
			}
			g.fail("Invalid currency", f.detail, expr)
			continue
		}
		amount, f := amountOf(total)
		if f != noFault {
			g.fail("Invalid limit", fmt.Sprintf("max_total for %s: %s", k.AsString(), f.detail), expr)
			continue
		}
		out[k.AsString()] = amount
	}
	return out
}

func (g *gauge) stages(expr hcl.Expression) []int64 {
	const want = "stages are whole numbers of items, each larger than the one before, such as [10, 100]."
	v, ok := g.known(expr)
	if !ok {
		return nil
	}
	if t := v.Type(); !t.IsTupleType() && !t.IsListType() || v.LengthInt() == 0 {
		g.fail("Invalid canary", want, expr)
		return nil
	}
	var out []int64
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		n, ok := wholeNumber(e)
		if !ok || n < 1 || n > maxCount || len(out) > 0 && n <= out[len(out)-1] {
			g.fail("Invalid canary", want, expr)
			return nil
		}
		out = append(out, n)
	}
	return out
}

func (g *gauge) rate(r *config.RateLimit, rate plan.Rate) plan.Rate {
	if r.RequestsPerSecond != nil {
		v, ok := g.number(r.RequestsPerSecond, "requests_per_second")
		if ok && (v <= 0 || v > maxRate) {
			g.fail("Invalid rate", fmt.Sprintf("requests_per_second must be above 0 and at most %d; 0.5 is one request every two seconds.", maxRate), r.RequestsPerSecond)
		}
		rate.RequestsPerSecond = v
	}
	rate.Burst = int(g.whole(r.Burst, "burst", 1, maxBurst, int64(max(rate.Burst, 1))))
	return rate
}

// Rate is an instance's limit of requests, how many may be in flight, and how
// long one may take; the provider's own where the file says nothing.
func (s *Scope) Rate(p *config.Provider, defaults sdk.RateLimit) (plan.Rate, int, time.Duration, diag.List) {
	g := &gauge{Scope: s, in: providerIn(p)}
	rate := plan.Rate{RequestsPerSecond: defaults.RequestsPerSecond, Burst: 1}
	if p.RateLimit != nil {
		rate = g.rate(p.RateLimit, rate)
	}
	flight := defaults.MaxInFlight
	if flight <= 0 {
		flight = 4
	}
	flight = int(g.whole(p.MaxInFlight, "max_in_flight", 1, maxInFlight, int64(flight)))
	timeout := g.duration(p.Timeout, "timeout", 30*time.Second)
	return rate, flight, timeout, unique(g.diags)
}
