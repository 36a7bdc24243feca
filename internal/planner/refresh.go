package planner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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
// What the run file is to say of pauses is handed to note.
func (p *planner) refresh(ctx context.Context, op *operation, items []plan.Item, note func(...plan.Event) error) diag.List {
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
	told := make(map[int]diag.Diagnostic) // by item, since answers come in any order
	timer := time.NewTimer(0)
	defer timer.Stop()
	for len(queue) > 0 || len(calls) > 0 {
		now := time.Now()
		if err := line.Err(); err != nil {
			move := "Look whether the API can be reached from here, and at the endpoint if the file names one"
			if errors.Is(err, dispatch.ErrCredential) {
				move = "Look at the values of the provider block and where they come from"
			}
			return diag.List{{
				Summary: "Live state can't be read",
				Detail:  fmt.Sprintf("%s: %s. %s; or plan without reads, with --refresh=false.", line.Name, err, move),
				Subject: &op.config.Range, In: fmt.Sprintf("operation %q %q", op.config.Type, op.config.Name),
			}}
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
				again, wrong := p.readAgain(op, &items[n], o.Answer)
				if wrong != nil {
					told[n] = *wrong
				}
				if again {
					if tries[n]++; tries[n] < op.Settings.Retry.MaxAttempts || harmless(o.Answer.Outcome) {
						queue = append(queue, n)
						continue
					}
					p.unreadable(op, &items[n], dispatch.Words(o.Answer))
				}
				items[n].UpdatedAt = now
				op.read++
				p.tick(op, now)
			}
		case <-timer.C:
			p.tick(op, time.Now())
		case <-ctx.Done():
			return failed(ctx.Err())
		}
		if err := note(line.Notes()...); err != nil {
			return failed(err)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(told)) {
		p.bad.Add(told[n])
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

// readAgain takes in what a read answered, and tells what is wrong with the
// item. It reports true when the read has to be repeated.
func (p *planner) readAgain(op *operation, it *plan.Item, a host.Answer) (again bool, wrong *diag.Diagnostic) {
	switch a.Outcome {
	case sdk.OutcomeDone:
		it.Live = a.Live
		return false, p.judge(op, it, a)
	case sdk.OutcomeRefused:
		p.unreadable(op, it, dispatch.Words(a))
		return false, nil
	}
	return true, nil
}

// unreadable leaves an item out of what is executed: nobody can say that its
// guard holds.
func (p *planner) unreadable(_ *operation, it *plan.Item, words string) {
	it.State, it.Reason = plan.Skipped, "it can't be read: "+words
}

// judge holds an item against its guards, and tells what is wrong with it.
func (p *planner) judge(op *operation, it *plan.Item, a host.Answer) *diag.Diagnostic {
	if a.Settled == sdk.SettledYes {
		it.State, it.Reason = plan.Unchanged, "already as wanted"
		return nil
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
		return op.wrong(it, diag.Diagnostic{Summary: "Guard can't be judged", Detail: err.Error() + " Write the condition so that it holds for every state that there is, with can or try where a value may not be what it needs.", Subject: subject})
	case verdict == eval.Skip, verdict == eval.Fail && p.again:
		// A retry's rows can't be mended, so one that its guard fails is left
		// out: it would keep the others from being carried out for ever.
		it.State, it.Reason = plan.Skipped, "guard: "+reason
	case verdict == eval.Fail:
		it.State, it.Reason = plan.Invalid, "guard: "+reason
		return op.wrong(it, diag.Diagnostic{Summary: "Guard fails", Detail: reason + words, Subject: subject})
	case verdict == eval.Stop:
		it.State, it.Reason = plan.Invalid, "guard: "+reason
		return op.wrong(it, diag.Diagnostic{Summary: "Guard stops the operation", Detail: reason + `, and the guard says otherwise = "stop". Find out why, and plan again.`, Subject: subject})
	case a.Settled == sdk.SettledImpossible, a.Settled == sdk.SettledOtherwise:
		it.State, it.Reason = plan.Skipped, "it can no longer be done"
	default:
		return p.compareAmount(op, it)
	}
	return nil
}

// compareAmount refuses an item whose worth in the file is not what the API
// says.
func (p *planner) compareAmount(op *operation, it *plan.Item) *diag.Diagnostic {
	differs := op.program.Differs(it.Amount, it.Currency, it.Live)
	if differs == "" {
		return nil
	}
	detail := "The list says " + differs + ". Correct the list, or leave the row out with where."
	it.State, it.Reason = plan.Invalid, detail
	return op.wrong(it, diag.Diagnostic{Summary: "Amount differs from the API's", Detail: detail, Subject: &op.config.Range})
}

// wrong says of which item something is told.
func (op *operation) wrong(it *plan.Item, d diag.Diagnostic) *diag.Diagnostic {
	d.In = fmt.Sprintf("operation %q %q", op.config.Type, op.config.Name)
	d.Row = &diag.Row{Source: it.Source, Line: it.Row}
	return &d
}
