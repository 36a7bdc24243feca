package engine

import (
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/sdk"
)

// An item has one idempotency key for life. Where the API knows a request
// again by its key, that is a second guard against doing a thing twice; where
// nothing can be read it is the only one, and it holds for as long as the API
// promises and no longer.

// settledByKey tells whether an item in doubt is sent again, since the API
// knows its key: it does then what it hasn't done, or answers as it did.
func (op *operation) settledByKey() bool {
	s := op.Schema
	return s.Repeatable && s.Keyed != nil && !(s.Reads && s.Settles)
}

// sendAgain has an item in doubt sent once more under its key, not before at,
// and when nothing of its last request is on its way any more.
func (e *Engine) sendAgain(f *flight, at time.Time) {
	if e.spent(f) {
		e.drop(f)
		return
	}
	if f.quiet.After(at) {
		at = f.quiet
	}
	e.again(f, at)
}

// spent tells whether sending an item again under its key is no use any more.
func (e *Engine) spent(f *flight) bool {
	return f.item.Attempts >= f.op.Settings.Retry.MaxAttempts || e.repeats(f)
}

// takeUp moves an item in doubt to planned, from where its mark goes on in the
// same commit. It reports false if the API may have forgotten the key by the
// time at which the request can arrive.
func (e *Engine) takeUp(f *flight, now time.Time) bool {
	first, ok := e.firstUse(f)
	if !ok || now.Add(markAhead+f.op.lane.line.Timeout).After(first.Add(f.op.Schema.Keyed.Lives)) {
		return false
	}
	f.unproven = true
	f.op.counts[plan.InDoubt]--
	e.change(f, now, plan.Planned, "the API knows its key, so sending it again does it once", nil, nil, nil)
	return true
}

// unsent takes back a mark with proof that its request had no effect. That
// says nothing of an earlier one that was in doubt.
func (e *Engine) unsent(f *flight, now time.Time, reason string, with func(*plan.Change), req *plan.Request, then func()) {
	if !f.unproven {
		e.change(f, now, plan.Planned, reason, with, req, then)
		return
	}
	e.change(f, now, plan.InDoubt, reason, with, req, func() {
		f.op.counts[plan.InDoubt]++
		then()
	})
}

// firstUse is the earliest moment at which an item's key can have reached the
// API. It reports false when that isn't known.
func (e *Engine) firstUse(f *flight) (first time.Time, ok bool) {
	requests, err := e.journal.Requests(f.item.ID)
	if err != nil {
		return first, false // the journal says so to everybody
	}
	for _, r := range requests {
		at := r.SentAt
		if at.IsZero() {
			if r.Outcome != sdk.OutcomeUnknown.String() {
				continue // it never left
			}
			at = r.Deadline.Add(-markAhead - f.op.lane.line.Timeout) // nobody said when
		}
		if r.Verb == "execute" && (!ok || at.Before(first)) {
			first, ok = at, true
		}
	}
	return first, ok
}

// repeats tells whether the API has answered an item's key twice alike with
// what proves nothing, and is known to repeat itself. An answer that never came
// is no answer.
func (e *Engine) repeats(f *flight) bool {
	if k := f.op.Schema.Keyed; k == nil || !k.RepeatsErrors {
		return false
	}
	requests, err := e.journal.Requests(f.item.ID)
	if err != nil {
		return true
	}
	codes := map[string]int{}
	for _, r := range requests {
		if r.Verb == "execute" && r.Outcome == sdk.OutcomeUnknown.String() && !r.SentAt.IsZero() && !sdk.Unanswered(r.Code) {
			if codes[r.Code]++; codes[r.Code] > 1 {
				return true
			}
		}
	}
	return false
}
