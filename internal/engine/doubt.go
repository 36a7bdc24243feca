package engine

import (
	"fmt"
	"time"

	"github.com/bulkrunner/runner/internal/dispatch"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// mostDoubtReads is how often an item in doubt is read by one apply before it
// is left to a later one, or to a person.
const mostDoubtReads = 8

// leastSettleAfter is waited before a no is believed even where a provider
// promises that effects show at once: a request that was given up by its
// client may be with the API still.
const leastSettleAfter = time.Second

// doubt records that a request may have been carried out. Whether it was is
// settled by reading, never by sending again in hope.
func (e *Engine) doubt(now time.Time, f *flight, o dispatch.Outcome, req *plan.Request) {
	// The answer to an unknown outcome means that the provider gave the
	// request up: its connection is closed. The request of a process that
	// died may act until its deadline.
	f.quiet = now
	if o.Lost {
		f.quiet = o.Call.Deadline
	}
	f.noSeen, f.reads = time.Time{}, 0
	byKey := f.op.settledByKey()
	if byKey {
		f.item.Attempts++ // what a read counts elsewhere
	}
	e.change(f, now, plan.InDoubt, dispatch.Words(o.Answer), func(c *plan.Change) { c.Deadline, c.Attempts = f.quiet, f.item.Attempts }, req, func() {
		e.count(f, plan.Started, plan.InDoubt)
		e.observe(f)
		switch {
		case byKey:
			e.sendAgain(f, now.Add(backoff(f.op.Settings.Retry, f.item.Attempts)))
		case !f.op.Schema.Reads || !f.op.Schema.Settles:
			e.drop(f)
		default:
			e.readDoubt(f, time.Now())
		}
	})
}

// readDoubt has an item in doubt read, not before at.
func (e *Engine) readDoubt(f *flight, at time.Time) {
	f.want = wantDoubtRead
	switch {
	case e.halted(f.op):
		e.drop(f)
	case at.After(time.Now()):
		e.sleep(f, at)
	default:
		f.op.enqueue(f)
	}
}

// doubtRead decides what a read says of an item in doubt.
func (e *Engine) doubtRead(now time.Time, f *flight, a host.Answer, req *plan.Request) {
	op := f.op
	live := func(c *plan.Change) { c.Live = a.Live }
	note := func() { e.recorder.add(runfile.Batch{Requests: []plan.Request{*req}}, nil) }
	settleAfter := max(op.Schema.SettleAfter, leastSettleAfter)
	f.reads++
	later := func() {
		note()
		if f.reads >= mostDoubtReads {
			e.drop(f)
			return
		}
		e.readDoubt(f, now.Add(max(settleAfter, a.After, backoff(op.Settings.Retry, f.reads))))
	}
	// believed tells whether a read that shows no effect can be relied on: two
	// of them, the settle time apart, the second when nothing of the request
	// is on its way any more. Else it has the item read again then.
	believed := func() bool {
		at := f.quiet.Add(settleAfter)
		if f.noSeen.IsZero() {
			f.noSeen = now
		}
		if t := f.noSeen.Add(settleAfter); t.After(at) {
			at = t
		}
		if !now.Before(at) && f.reads >= 2 {
			return true
		}
		note()
		e.readDoubt(f, at)
		return false
	}

	switch a.Outcome {
	case sdk.OutcomeDone:
	case sdk.OutcomeThrottled, sdk.OutcomeNotSent, sdk.OutcomeUnauthenticated:
		f.reads-- // it says nothing of the item
		note()
		e.readDoubt(f, now)
		return
	case sdk.OutcomeRefused, sdk.OutcomeFatal:
		note()
		e.drop(f)
		return
	default:
		later()
		return
	}

	switch a.Settled {
	case sdk.SettledYes:
		e.settle(f, now, plan.Succeeded, "a read shows its effect", live, req)

	case sdk.SettledOtherwise:
		e.settle(f, now, plan.Incident, "a read shows another effect than was meant", live, req)

	case sdk.SettledImpossible:
		// Where the API itself refuses other states, nothing can come after
		// this. Elsewhere the request may still act in the very state that is
		// shown, and be an incident.
		if !op.Schema.GuardedByAPI && !believed() {
			return
		}
		// The state is the reason: what the guards would have said of it is
		// what became of the item.
		if verdict, reason, err := op.Judge(f.item.Context, a.Live); err == nil && verdict == eval.Skip {
			e.settle(f, now, plan.Skipped, "guard: "+reason, live, req)
			return
		}
		e.settle(f, now, plan.Failed, "a read shows that it had no effect and can no longer have it", live, req)

	case sdk.SettledNo:
		if believed() {
			e.noEffect(now, f, req)
		}

	case sdk.SettledNotYet:
		f.noSeen = time.Time{}
		later()

	default: // it can't be told: for a person
		note()
		e.drop(f)
	}
}

// noEffect goes on after a believed no.
func (e *Engine) noEffect(now time.Time, f *flight, req *plan.Request) {
	retry := f.op.Settings.Retry
	f.item.Attempts++
	with := func(c *plan.Change) { c.Attempts = f.item.Attempts }
	switch {
	case f.refused != "":
		e.settle(f, now, plan.Failed, f.refused, with, req)
	case e.repeats(f):
		e.settle(f, now, plan.Failed, "the API repeats under the item's key what proves nothing, and a read shows that it had no effect: runner retry plans it under another key", with, req)
	case f.item.Attempts >= retry.MaxAttempts:
		e.settle(f, now, plan.Failed, fmt.Sprintf("a read shows that it had no effect (attempt %d of %d)", f.item.Attempts, retry.MaxAttempts), with, req)
	case f.op.Schema.Resend == sdk.ResendAuto:
		e.change(f, now, plan.Planned, "a read shows that it had no effect", with, req, func() {
			f.op.counts[plan.InDoubt]--
			e.again(f, now.Add(backoff(retry, f.item.Attempts)))
		})
	default: // sending it again is for a person to decide
		e.recorder.add(runfile.Batch{Requests: []plan.Request{*req}}, nil)
		e.drop(f)
	}
}
