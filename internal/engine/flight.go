package engine

import (
	"container/heap"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/bulkrunner/runner/internal/dispatch"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// A flight is one item under way.
type flight struct {
	op     *operation
	item   plan.Item // its state is the one last handed to the recorder
	want   want
	placed bool // it holds one of its provider's places
	at     time.Time
	index  int // among the sleepers

	unwritten   bool // what became known of it isn't in the run file yet
	failedReads int

	// Of an item in doubt.
	quiet  time.Time // from then on nothing of its request is on its way
	noSeen time.Time // when a read first said no
	reads  int

	// refused is how the API refused to repeat what may have been done.
	refused string

	// unproven tells that an earlier request under its key may have had its
	// effect, whatever becomes of the present one.
	unproven bool
}

// A sleepers is a heap of flights by the time at which they want to go on.
type sleepers []*flight

func (s sleepers) Len() int           { return len(s) }
func (s sleepers) Less(i, j int) bool { return s[i].at.Before(s[j].at) }
func (s sleepers) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *sleepers) Push(x any)        { *s = append(*s, x.(*flight)) }
func (s *sleepers) Pop() any {
	old := *s
	f := old[len(old)-1]
	old[len(old)-1] = nil
	*s = old[:len(old)-1]
	return f
}

// sleep puts a flight aside; it gives up its place meanwhile.
func (e *Engine) sleep(f *flight, until time.Time) {
	e.leavePlace(f)
	f.at = until
	f.op.asleep++
	heap.Push(&e.sleepers, f)
}

// putOff puts a flight that is planned again aside until there is a place.
func (e *Engine) putOff(f *flight) {
	f.want = wantStart
	if f.op.Settings.Reads {
		f.want = wantRead
	}
	e.sleep(f, time.Now())
}

func (e *Engine) leavePlace(f *flight) {
	if f.placed {
		f.placed = false
		f.op.lane.used--
	}
}

// drop ends a flight. Its item is as the run file has it.
func (e *Engine) drop(f *flight) {
	e.leavePlace(f)
	f.op.active--
	if !f.item.State.Final() {
		f.op.released = true
	}
}

// again takes an item that is planned once more, not before at.
func (e *Engine) again(f *flight, at time.Time) {
	f.want = wantStart
	if f.op.Settings.Reads {
		f.want = wantRead
	}
	if e.halted(f.op) {
		e.drop(f)
	} else if at.After(time.Now()) {
		e.sleep(f, at)
	} else {
		f.op.enqueue(f)
	}
}

// change hands an edge to the recorder; then is called when it is on disk.
func (e *Engine) change(f *flight, now time.Time, to plan.State, reason string, with func(*plan.Change), req *plan.Request, then func()) {
	c := plan.Change{Item: f.item.ID, From: f.item.State, To: to, Reason: reason, At: now, Attempts: -1}
	if with != nil {
		with(&c)
	}
	f.item.State, f.item.Reason = to, reason
	b := runfile.Batch{Changes: []plan.Change{c}}
	if f.unwritten {
		f.unwritten = false
		b.Known = []plan.Known{f.item.Known()}
	}
	if req != nil {
		b.Requests = []plan.Request{*req}
	}
	e.recorder.add(b, then)
}

// settle is change to a state that ends the flight, and counts it. Its place is
// free at once: whatever takes it is marked by the same commit or a later one,
// so no more items are started on the disk than there are places, and leaves
// after that commit, so after this item is counted.
func (e *Engine) settle(f *flight, now time.Time, to plan.State, reason string, with func(*plan.Change), req *plan.Request) {
	from := f.item.State
	e.leavePlace(f)
	f.op.settling++
	e.change(f, now, to, reason, with, req, func() {
		f.op.settling--
		e.count(f, from, to)
		e.observe(f)
		e.drop(f)
	})
}

// count enters an edge into the operation's counts and holds them against its rules.
func (e *Engine) count(f *flight, from, to plan.State) {
	op := f.op
	op.counts[to]++
	if from == plan.InDoubt {
		op.counts[plan.InDoubt]--
	}
	op.tally.Count(from, to)
	now := time.Now()
	switch {
	case to == plan.Incident:
		e.stop(op, now, fmt.Sprintf("incident at item %q: %s", f.item.Key, f.item.Reason))
	case op.broken() != "":
		e.stop(op, now, op.broken())
	case (to == plan.Failed || to == plan.InDoubt) && op.stage < len(op.Settings.Canary):
		e.stop(op, now, fmt.Sprintf("canary: item %q is %s in the stage of %d: %s", f.item.Key, strings.ReplaceAll(to.String(), "_", " "), op.Settings.Canary[op.stage], f.item.Reason))
	}
}

func (e *Engine) observe(f *flight) {
	if e.options.Observe != nil {
		e.options.Observe(Update{Operation: &f.op.Operation.Operation, Item: &f.item})
	}
}

// markAhead is how long before its request an item may be marked. The permit
// comes within about a second of the mark, else the mark is taken back; the
// call's own deadline runs from its dispatch.
const markAhead = 3 * time.Second

// start marks an item started. Its request leaves only after the mark is on disk.
func (e *Engine) start(f *flight, now time.Time) {
	op := f.op
	if f.item.State == plan.InDoubt && !e.takeUp(f, now) {
		e.drop(f)
		return
	}
	op.starting++
	f.item.Deadline = now.Add(op.lane.line.Timeout + markAhead)
	e.change(f, now, plan.Started, "", func(c *plan.Change) { c.Deadline = f.item.Deadline }, nil, func() {
		op.starting--
		f.want = wantExecute
		op.enqueue(f)
	})
}

// call sends a flight's request.
func (e *Engine) call(op *operation, f *flight, now time.Time, verb host.Verb) {
	id := op.lane.line.Call(now, op.limits, host.Call{
		Verb:           verb,
		Operation:      op.Type,
		Arguments:      f.item.Sent(),
		IdempotencyKey: f.item.IdempotencyKey,
	}, f.item.Secret)
	op.lane.calls[id] = f
	op.inFlight++
	op.requests++
}

// answered decides what becomes of an item by what came back.
func (e *Engine) answered(now time.Time, f *flight, o dispatch.Outcome) {
	f.op.inFlight--
	request := o.Request(now, f.item.ID)
	req := &request
	switch {
	case o.Call.Verb == host.Execute:
		e.executed(now, f, o, req)
	case f.item.State == plan.InDoubt:
		e.doubtRead(now, f, o.Answer, req)
	default:
		e.read(now, f, o.Answer, req)
	}
}

// executed settles an execution.
func (e *Engine) executed(now time.Time, f *flight, o dispatch.Outcome, req *plan.Request) {
	a := o.Answer
	words := dispatch.Words(a)
	retry := f.op.Settings.Retry
	back := func(reason string, at time.Time) { // with proof of no effect, and at no cost
		e.unsent(f, now, reason, nil, req, func() { e.again(f, at) })
	}
	outcome := a.Outcome
	if outcome == sdk.OutcomeUnknown && f.op.harmless() && (f.op.Schema.Kind == sdk.KindQuery || f.item.Attempts+1 < retry.MaxAttempts) {
		// Executing twice is harmless, so there is nothing to be in doubt of;
		// but the last attempt of a mutation may have had its effect, and
		// failed would say that it had none.
		outcome = sdk.OutcomeNotNow
	}
	switch outcome {
	case sdk.OutcomeDone:
		e.settle(f, now, plan.Succeeded, "", func(c *plan.Change) { c.Result = a.Result }, req)
	case sdk.OutcomeRefused:
		if f.item.Attempts > 0 && f.op.Schema.Reads && f.op.Schema.Settles {
			// The effect of an earlier attempt may have come late, and be
			// why this one is refused. A read tells.
			f.refused = words
			e.doubt(now, f, o, req)
			return
		}
		e.settle(f, now, plan.Failed, words, nil, req)
	case sdk.OutcomeIncident:
		e.settle(f, now, plan.Incident, words, func(c *plan.Change) { c.Result = a.Result }, req)
	case sdk.OutcomeNotNow:
		f.item.Attempts++
		if f.item.Attempts >= retry.MaxAttempts && !f.unproven {
			e.settle(f, now, plan.Failed, fmt.Sprintf("%s (attempt %d of %d)", words, f.item.Attempts, retry.MaxAttempts),
				func(c *plan.Change) { c.Attempts = f.item.Attempts }, req)
			return
		}
		at := now.Add(max(a.After, backoff(retry, f.item.Attempts)))
		e.unsent(f, now, words, func(c *plan.Change) { c.Attempts, c.NotBefore = f.item.Attempts, at }, req, func() {
			e.observe(f)
			if f.unproven {
				e.sendAgain(f, at)
			} else {
				e.again(f, at)
			}
		})
	case sdk.OutcomeThrottled, sdk.OutcomeNotSent, sdk.OutcomeUnauthenticated:
		back(words, now)
	case sdk.OutcomeFatal:
		if a.NoEffect {
			back(words, now)
			return
		}
		e.doubt(now, f, o, req)
	default:
		e.doubt(now, f, o, req)
	}
}

// read judges an item on what the API says, just before its execution.
func (e *Engine) read(now time.Time, f *flight, a host.Answer, req *plan.Request) {
	note := func() { e.recorder.add(runfile.Batch{Requests: []plan.Request{*req}}, nil) }
	if e.halted(f.op) {
		note()
		e.drop(f)
		return
	}
	words := dispatch.Words(a)
	switch a.Outcome {
	case sdk.OutcomeDone:
		f.failedReads = 0
		e.judge(now, f, a, req)
	case sdk.OutcomeRefused:
		e.settle(f, now, plan.Failed, "it can't be read: "+words, nil, req)
	case sdk.OutcomeThrottled, sdk.OutcomeNotSent, sdk.OutcomeUnauthenticated, sdk.OutcomeFatal:
		note()
		e.again(f, now)
	default: // a read has no effect, so there is nothing to be in doubt of
		f.failedReads++
		if f.failedReads >= f.op.Settings.Retry.MaxAttempts {
			e.settle(f, now, plan.Failed, fmt.Sprintf("it can't be read: %s (attempt %d of %d)", words, f.failedReads, f.op.Settings.Retry.MaxAttempts), nil, req)
			return
		}
		note()
		e.again(f, now.Add(max(a.After, backoff(f.op.Settings.Retry, f.failedReads))))
	}
}

func (e *Engine) judge(now time.Time, f *flight, a host.Answer, req *plan.Request) {
	live := func(c *plan.Change) { c.Live = a.Live }
	if a.Settled == sdk.SettledYes {
		e.settle(f, now, plan.Unchanged, "already as wanted", live, req)
		return
	}
	verdict, reason, err := f.op.Judge(f.item.Context, a.Live)
	differs := f.op.Differs(f.item.Amount, f.item.Currency, a.Live)
	switch {
	case err != nil:
		e.settle(f, now, plan.Failed, "its guard can't be judged: "+err.Error(), live, req)
	case verdict == eval.Skip:
		e.settle(f, now, plan.Skipped, "guard: "+reason, live, req)
	case verdict == eval.Fail:
		e.settle(f, now, plan.Failed, "guard: "+reason, live, req)
	case verdict == eval.Stop:
		e.recorder.add(runfile.Batch{Requests: []plan.Request{*req}}, nil)
		e.stop(f.op, now, fmt.Sprintf("guard at item %q: %s", f.item.Key, reason))
		e.drop(f)
	case a.Settled == sdk.SettledImpossible, a.Settled == sdk.SettledOtherwise:
		e.settle(f, now, plan.Failed, "it can no longer be done", live, req)
	case differs != "":
		e.settle(f, now, plan.Failed, "its amount is "+differs, live, req)
	default:
		f.item.Live = json.RawMessage(a.Live)
		e.recorder.add(runfile.Batch{Requests: []plan.Request{*req}}, nil)
		f.want = wantStart
		f.op.enqueue(f)
	}
}

// backoff is a wait with full jitter before the attempt after n failed ones.
func backoff(r plan.Retry, n int) time.Duration {
	top := r.MinBackoff
	for ; n > 1 && top < r.MaxBackoff; n-- {
		top *= 2
	}
	return rand.N(min(top, r.MaxBackoff) + 1)
}
