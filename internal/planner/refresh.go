package planner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/dispatch"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/pace"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// refresh reads the live state of items at the provider's rate and judges
// their guards. Reading is free of effects, so a read that fails is repeated.
func (p *planner) refresh(ctx context.Context, op *operation, items []plan.Item) diag.List {
	line := op.provider.Line
	limits := line.Limits(nil)
	if own := op.Settings.Rate; own.RequestsPerSecond > 0 {
		limits = line.Limits(pace.New(own, time.Now()))
	}
	var queue []int
	for n := range items {
		if items[n].State == plan.Planned {
			queue = append(queue, n)
		}
	}
	calls := make(map[uint64]int)
	tries := make(map[int]int)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for len(queue) > 0 || len(calls) > 0 {
		now := time.Now()
		if err := line.Err(); err != nil {
			return diag.List{{Summary: "Live state can't be read", Detail: fmt.Sprintf("%s: %s.", line.Name, err), Subject: &op.config.Range}}
		}
		for len(queue) > 0 && line.Open() && len(calls) < line.MaxInFlight && !limits.Next().After(now) {
			n := queue[0]
			queue = queue[1:]
			calls[line.Call(now, limits, host.Call{Verb: host.Read, Operation: op.Type, Arguments: items[n].Sent(), IdempotencyKey: items[n].IdempotencyKey}, items[n].Secret)] = n
		}
		wake := now.Add(time.Second)
		if again := line.Tick(now); !again.IsZero() && again.Before(wake) {
			wake = again
		}
		if next := limits.Next(); len(queue) > 0 && len(calls) < line.MaxInFlight && line.Open() && next.Before(wake) {
			wake = next
		}
		line.Flush()
		timer.Reset(max(0, wake.Sub(now)))
		select {
		case ev, ok := <-op.provider.Events:
			if !ok {
				return failed(errors.New("the provider is gone"))
			}
			now := time.Now()
			for _, o := range line.Handle(now, ev) {
				n := calls[o.Call.ID]
				delete(calls, o.Call.ID)
				if p.readAgain(op, &items[n], o.Answer) {
					if tries[n]++; tries[n] < op.Settings.Retry.MaxAttempts || harmless(o.Answer.Outcome) {
						queue = append(queue, n)
						continue
					}
					p.unreadable(op, &items[n], dispatch.Words(o.Answer))
				}
				op.read++
				p.tick(op, now)
			}
		case <-timer.C:
			p.tick(op, time.Now())
		case <-ctx.Done():
			return failed(ctx.Err())
		}
		if err := p.draft.AddEvents(line.Notes()...); err != nil {
			return failed(err)
		}
	}
	return nil
}

func (p *planner) tick(op *operation, now time.Time) {
	if p.Tick != nil {
		waiting, _ := op.provider.Line.Waiting(now)
		p.Tick(Progress{Operation: op.Address, Rows: op.Rows, Read: op.read, Waiting: waiting})
	}
}

// harmless tells whether an outcome says nothing of the item, so that a read
// that ends in it does not count.
func harmless(o sdk.Outcome) bool {
	return o == sdk.OutcomeThrottled || o == sdk.OutcomeNotSent || o == sdk.OutcomeUnauthenticated
}

// readAgain takes in what a read answered. It reports true when the read has
// to be repeated.
func (p *planner) readAgain(op *operation, it *plan.Item, a host.Answer) bool {
	switch a.Outcome {
	case sdk.OutcomeDone:
		it.Live = a.Live
		p.judge(op, it, a)
		return false
	case sdk.OutcomeRefused:
		p.unreadable(op, it, dispatch.Words(a))
		return false
	}
	return true
}

// unreadable leaves an item out of what is executed: nobody can say that its
// guard holds.
func (p *planner) unreadable(_ *operation, it *plan.Item, words string) {
	it.State, it.Reason = plan.Skipped, "it can't be read: "+words
}

func (p *planner) judge(op *operation, it *plan.Item, a host.Answer) {
	if a.Settled == sdk.SettledYes {
		it.State, it.Reason = plan.Unchanged, "already as wanted"
		return
	}
	judged, err := op.program.Judge(it.Context, a.Live)
	verdict, reason := judged.Verdict, judged.Reason
	subject, words := judged.Guard, `, and the guard says otherwise = "fail". Leave such rows out with where, or let the guard skip them.`
	if subject == nil {
		subject, words = &op.config.Range, ", as the provider's own guard wants it to be. Leave such rows out with where, or ask who runs the API."
	}
	switch {
	case err != nil:
		it.State, it.Reason = plan.Invalid, "its guard can't be judged: "+err.Error()
		p.bad.Add(diag.Diagnostic{Summary: "Guard can't be judged", Detail: err.Error(), Subject: subject,
			Row: &diag.Row{Source: it.Source, Line: it.Row}})
	case verdict == eval.Skip, verdict == eval.Fail && p.again:
		// A retry's rows can't be mended, so one that its guard fails is left
		// out: it would keep the others from being carried out for ever.
		it.State, it.Reason = plan.Skipped, "guard: "+reason
	case verdict == eval.Fail:
		it.State, it.Reason = plan.Invalid, "guard: "+reason
		p.bad.Add(diag.Diagnostic{Summary: "Guard fails", Detail: reason + words, Subject: subject,
			Row: &diag.Row{Source: it.Source, Line: it.Row}})
	case verdict == eval.Stop:
		it.State, it.Reason = plan.Invalid, "guard: "+reason
		p.bad.Add(diag.Diagnostic{Summary: "Guard stops the operation", Detail: reason + `, and the guard says otherwise = "stop". Find out why, and plan again.`, Subject: subject,
			Row: &diag.Row{Source: it.Source, Line: it.Row}})
	case a.Settled == sdk.SettledImpossible, a.Settled == sdk.SettledOtherwise:
		it.State, it.Reason = plan.Skipped, "it can no longer be done"
	default:
		p.compareAmount(op, it)
	}
}

// compareAmount refuses an item whose worth in the file is not what the API
// says.
func (p *planner) compareAmount(op *operation, it *plan.Item) {
	differs := op.program.Differs(it.Amount, it.Currency, it.Live)
	if differs == "" {
		return
	}
	detail := "The list says " + differs + ". Correct the list, or leave the row out with where."
	it.State, it.Reason = plan.Invalid, detail
	p.bad.Add(diag.Diagnostic{Summary: "Amount differs from the API's", Detail: detail, Subject: &op.config.Range,
		Row: &diag.Row{Source: it.Source, Line: it.Row}})
}
