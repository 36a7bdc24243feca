package telemetry

import (
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/plan"
)

// An operation is what is told of one.
type operation struct {
	address, provider string
	first             int64 // the first of its items; those of an operation follow each other
	total             int64 // what an apply has to settle

	span  trace.Span // nil before its first answer
	ended bool
	now   engine.Progress
	at    time.Time // when that was
}

// An Operation is what an apply will do of one.
type Operation struct {
	plan.Operation
	First int64 // the first of its items
	Total int64 // how many are to be settled
}

// An Apply is told of an apply as it goes on. It is a view of it, beside those
// for people.
type Apply struct{ t *Telemetry }

// Apply begins to tell of an apply.
func (t *Telemetry) Apply(ops []Operation) *Apply {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, op := range ops {
		o := &operation{address: op.Address, provider: op.Provider, first: op.First, total: op.Total}
		t.operations[op.Address] = o
		t.order = append(t.order, o)
	}
	return &Apply{t}
}

func (a *Apply) Started(_ string, toExecute int64) {
	a.t.span.SetAttributes(attribute.Int64("runner.items.to_execute", toExecute))
}

func (a *Apply) Item(engine.Update) {}

func (a *Apply) Progress(ps []engine.Progress) {
	t := a.t
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range ps {
		op := t.operations[p.Operation.Address]
		if op == nil {
			continue
		}
		settled := make(plan.Counts, len(p.Settled)) // the engine's own changes while it is looked at
		done := int64(0)
		for s, n := range p.Settled {
			settled[s] = n
			if s != plan.InDoubt {
				done += n
			}
		}
		p.Settled = settled
		if done > 0 {
			t.start(op, now)
		}
		if op.now.Waiting != "" && t.instruments != nil {
			t.instruments.waited(op, now.Sub(op.at))
		}
		op.now, op.at = p, now
		if done >= op.total && p.InFlight == 0 {
			op.end(now)
		}
	}
}

// start begins an operation's span, unless it is there.
func (t *Telemetry) start(op *operation, at time.Time) {
	if op.span == nil {
		_, op.span = t.tracer.Start(t.ctx, op.address, trace.WithTimestamp(at), trace.WithAttributes(
			attribute.String("runner.operation", op.address), attribute.String("runner.provider", op.provider)))
	}
}

func (a *Apply) Finished(state string, counts map[string]int64) {
	a.t.span.SetAttributes(attribute.String("runner.run.state", state))
	a.t.span.SetAttributes(items(counts)...)
}

func (a *Apply) Close() {}

// end ends an operation's span with what became of it.
func (op *operation) end(now time.Time) {
	if op.span == nil || op.ended {
		return
	}
	op.ended = true
	counts := make(map[string]int64)
	var bad []string
	for s, n := range op.now.Settled {
		counts[s.String()] = n
	}
	for _, s := range []plan.State{plan.Failed, plan.InDoubt, plan.Incident} {
		if n := op.now.Settled[s]; n > 0 {
			bad = append(bad, fmt.Sprintf("%d %s", n, s))
		}
	}
	op.span.SetAttributes(append(items(counts), attribute.Int64("runner.requests", op.now.Requests))...)
	if len(bad) > 0 {
		op.span.SetStatus(codes.Error, strings.Join(bad, ", "))
	}
	op.span.End(trace.WithTimestamp(now))
}

// items are counts of items by state.
func items(counts map[string]int64) (all []attribute.KeyValue) {
	for _, s := range plan.States {
		if n := counts[s.String()]; n > 0 {
			all = append(all, attribute.Int64("runner.items."+s.String(), n))
		}
	}
	return all
}
