package engine

import (
	"container/heap"
	"fmt"
	"slices"
	"time"

	"github.com/bulkrunner/runner/internal/dispatch"
	"github.com/bulkrunner/runner/internal/pace"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/providers"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// A lane is a provider's line with the flights that its calls belong to.
type lane struct {
	line   *dispatch.Line
	events <-chan providers.Event
	calls  map[uint64]*flight
	used   int // flights that hold one of the provider's places
}

// An operation is one operation block while it is carried out.
type operation struct {
	*Operation
	lane   *lane
	limits pace.Limiters
	own    int          // how many of limits are the file's
	after  []*operation // what it depends on

	cursor, doubts int64 // the last items fetched, of those planned and of those in doubt
	page           []plan.Item
	noDoubts       bool
	exhausted      bool // nothing is left to fetch
	released       bool // something was left undone, for a later apply

	queues   [4][]*flight // by want
	woken    []*flight    // sleepers whose time has come, waiting for a place
	active   int          // flights under way, sleepers included
	asleep   int          // of them: those without a place, sleepers and woken
	settling int          // of them: those whose end is on its way to disk
	inFlight int          // calls not answered
	starting int          // marks of start on their way to disk
	requests int64        // dispatched

	bounds bounds // of a fed operation

	counts  plan.Counts
	tally   runfile.Tally
	stopped string // the rule that stopped it
	paused  bool
	lost    bool // see [Joined]
	left    bool

	stage    int   // of the canary
	admitted int64 // in this stage
}

func newOperation(op *Operation, l *lane) *operation {
	p := &operation{Operation: op, lane: l, counts: plan.Counts{}}
	var own *pace.Limiter
	if op.Joined != nil {
		own = op.Joined.Own
	} else if op.Settings.Rate.RequestsPerSecond > 0 {
		own = pace.New(op.Settings.Rate, time.Now())
	}
	p.limits = l.line.Limits(own)
	p.own = len(p.limits)
	p.bounds.held = op.Become == nil
	return p
}

// resume takes up the counts of former applies.
func (op *operation) resume(t runfile.Tally, settled int64) {
	op.tally = t
	left := Stages(op.Settings.Canary, settled)
	if op.stage = len(op.Settings.Canary) - len(left); len(left) > 0 {
		op.admitted = op.Settings.Canary[op.stage] - left[0]
	} else {
		op.admitted = settled
	}
}

// Stages are those of a canary that are left when so many items are settled,
// the first of them without those that it has had.
func Stages(canary []int64, settled int64) []int64 {
	for n, stage := range canary {
		if settled < stage {
			left := slices.Clone(canary[n:])
			left[0] -= settled
			return left
		}
		settled -= stage
	}
	return nil
}

// blocked tells whether an operation that it depends on will not be finished
// by this apply.
func (op *operation) blocked() bool {
	for _, dep := range op.after {
		if dep.stopped != "" || dep.blocked() {
			return true
		}
	}
	return false
}

// due tells whether all that it depends on is done.
func (op *operation) due() bool {
	for _, dep := range op.after {
		if !dep.exhausted || dep.active > 0 || dep.stopped != "" {
			return false
		}
	}
	return true
}

// A want is what a flight waits for; the order is that of precedence.
type want uint8

const (
	wantExecute   want = iota // a permit for its execution; it is marked started
	wantStart                 // to be marked started
	wantDoubtRead             // a permit for the read that settles its doubt
	wantRead                  // a permit for the read before its execution
)

func (op *operation) enqueue(f *flight) { op.queues[f.want] = append(op.queues[f.want], f) }

func (op *operation) dequeue(w want) *flight {
	q := op.queues[w]
	if len(q) == 0 {
		return nil
	}
	f := q[0]
	q[0] = nil
	if len(q) == 1 {
		op.queues[w] = op.queues[w][:0]
	} else {
		op.queues[w] = q[1:]
	}
	return f
}

// advance does for one operation what can be done at now. It returns when time
// alone allows more, zero when only an event does.
func (e *Engine) advance(op *operation, now time.Time) (time.Time, error) {
	line := op.lane.line
	e.overdue(op, now)
	if !line.Open() || !op.due() {
		return time.Time{}, nil
	}
	if op.Joined != nil && now.Before(op.Joined.Quiet) {
		return op.Joined.Quiet, nil
	}
	if op.paused {
		e.unstart(op, now, "the operation is paused")
		return time.Time{}, nil
	}
	if !op.bounds.held {
		if err := e.hold(op, now); err != nil {
			return time.Time{}, err
		}
		return now, nil
	}
	if err := e.admit(op, now); err != nil {
		return time.Time{}, err
	}
	// What is begun goes before what isn't: an item that is marked started
	// is in doubt if the machine stops now.
	for len(op.queues[wantExecute]) > 0 && !op.limits.Next().After(now) {
		f := op.dequeue(wantExecute)
		e.call(op, f, now, host.Execute)
	}
	if next := op.limits.Next(); next.Sub(now) > time.Second {
		e.unstart(op, now, "the provider rests")
	}
	for room := op.limits.Due(now.Add(e.lead())) - op.starting - len(op.queues[wantExecute]); room > 0 && len(op.queues[wantStart]) > 0; room-- {
		e.start(op.dequeue(wantStart), now)
	}
	for _, w := range []want{wantDoubtRead, wantRead} {
		for len(op.queues[w]) > 0 && !op.limits.Next().After(now) && len(op.queues[wantExecute]) == 0 {
			e.call(op, op.dequeue(w), now, host.Read)
		}
	}
	return op.wake(now, e.lead()), nil
}

// wake is when time alone allows more, zero when only an event does.
func (op *operation) wake(now time.Time, lead time.Duration) (at time.Time) {
	sooner := func(t time.Time) {
		if t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if len(op.woken) > 0 && op.lane.line.Retries() != nil {
		sooner(op.lane.line.Retries().Next())
	}
	next := op.limits.Next()
	if len(op.queues[wantStart]) > 0 {
		sooner(next.Add(-lead))
	}
	if len(op.queues[wantExecute])+len(op.queues[wantDoubtRead])+len(op.queues[wantRead]) > 0 {
		sooner(next)
	}
	return at
}

// lead is how long before its permit an item is marked started: about what a
// commit takes.
func (e *Engine) lead() time.Duration { return 5 * time.Millisecond }

// admit fetches items and gives them places, in their order.
func (e *Engine) admit(op *operation, now time.Time) error {
	for op.hasRoom() && len(op.woken) > 0 && op.lane.mayRetry(now) {
		f := op.woken[0]
		op.woken[0], op.woken = nil, op.woken[1:]
		op.asleep--
		op.place(f)
	}
	for !op.exhausted && op.hasRoom() && len(e.sleepers) < mostSleepers {
		if op.noDoubts && !op.stageOpen() {
			return nil
		}
		if len(op.page) == 0 {
			if err := e.fetch(op); err != nil {
				return err
			}
			if op.exhausted {
				return nil
			}
			continue
		}
		it := op.page[0]
		op.page = op.page[1:]
		f := &flight{op: op, item: it}
		op.active++
		if len(it.Arguments) == 0 && op.Become != nil {
			if known, err := e.become(f, now); err != nil {
				return err
			} else if !known {
				continue
			}
		}
		if op.Fill != nil {
			if err := op.Fill(&f.item); err != nil {
				if it.State == plan.InDoubt {
					op.active--
				} else {
					e.settle(f, now, plan.Failed, "it can't be sent: "+err.Error(), nil, nil)
				}
				continue
			}
		}
		switch {
		case it.State == plan.InDoubt:
			f.want = wantDoubtRead
			f.quiet = it.Deadline
			switch {
			case op.Schema.Reads && op.Schema.Settles:
			case op.settledByKey():
				if e.spent(f) {
					op.active--
					continue
				}
				f.want = wantStart
			case op.harmless():
				e.change(f, now, plan.Planned, "executing it twice is harmless", nil, nil, func() { e.putOff(f) })
				continue
			default:
				op.active--
				continue
			}
		case op.Settings.Reads:
			f.want = wantRead
			op.admitted++
		default:
			f.want = wantStart
			op.admitted++
		}
		if it.NotBefore.After(now) && it.State == plan.Planned {
			e.sleep(f, it.NotBefore)
			continue
		}
		op.place(f)
	}
	return nil
}

// harmless tells whether executing an item twice does no harm, whenever.
func (op *operation) harmless() bool {
	return op.Schema.Kind == sdk.KindQuery || op.Schema.Repeatable && op.Schema.Keyed == nil
}

// hasRoom tells whether another item may go on: the number of requests in
// flight never exceeds the provider's bound nor the operation's own.
func (op *operation) hasRoom() bool {
	return op.lane.used < op.lane.line.Places() && op.settling < mostSettling &&
		(op.Settings.MaxInFlight == 0 || op.active-op.asleep-op.settling < op.Settings.MaxInFlight)
}

func (op *operation) place(f *flight) {
	op.lane.used++
	f.placed = true
	op.enqueue(f)
}

func (e *Engine) fetch(op *operation) (err error) {
	if !op.noDoubts {
		if op.page, err = e.journal.InDoubt(op.ID, op.doubts, pageSize); err != nil {
			return err
		}
		if len(op.page) > 0 {
			op.doubts = op.page[len(op.page)-1].ID
			return nil
		}
		op.noDoubts = true
	}
	if op.page, err = e.journal.Planned(op.ID, op.cursor, pageSize); err != nil {
		return err
	}
	if len(op.page) == 0 {
		op.exhausted = true
		return nil
	}
	op.cursor = op.page[len(op.page)-1].ID
	return nil
}

// stageOpen tells whether the canary lets another item go.
func (op *operation) stageOpen() bool {
	for op.stage < len(op.Settings.Canary) {
		if op.admitted < op.Settings.Canary[op.stage] {
			return true
		}
		if op.active > 0 {
			return false
		}
		op.stage++
		op.admitted = 0
	}
	return true
}

// release lets go of all that has not been sent, for a later apply.
func (e *Engine) release(op *operation, now time.Time) {
	e.unstart(op, now, "the run was stopped before it was sent")
	for _, w := range []want{wantStart, wantDoubtRead, wantRead} {
		for f := op.dequeue(w); f != nil; f = op.dequeue(w) {
			e.drop(f)
		}
	}
	for _, f := range op.woken {
		op.asleep--
		e.drop(f)
	}
	op.woken = nil
	if op.asleep > 0 {
		kept := e.sleepers[:0]
		for _, f := range e.sleepers {
			if f.op == op {
				op.asleep--
				e.drop(f)
			} else {
				kept = append(kept, f)
			}
		}
		clear(e.sleepers[len(kept):])
		e.sleepers = kept
		heap.Init(&e.sleepers)
	}
	if !op.exhausted {
		op.released = true
	}
}

// unstart takes back the marks of items whose request has not left: they wait
// for a permit that won't come soon.
func (e *Engine) unstart(op *operation, now time.Time, why string) {
	for f := op.dequeue(wantExecute); f != nil; f = op.dequeue(wantExecute) {
		e.unsent(f, now, "not sent: "+why, nil, nil, func() { e.again(f, time.Now()) })
	}
}

// overdue takes back marks whose request could outlive the deadline that went
// to disk with them: their provider was away, or this process was stopped.
func (e *Engine) overdue(op *operation, now time.Time) {
	for q := op.queues[wantExecute]; len(q) > 0 && op.late(q[0], now); q = op.queues[wantExecute] {
		f := op.dequeue(wantExecute)
		e.unsent(f, now, "not sent: its permit did not come in time", nil, nil, func() { e.again(f, time.Now()) })
	}
}

// late tells whether a mark is too old to be sent on. A machine that slept has
// a clock that didn't.
func (op *operation) late(f *flight, now time.Time) bool {
	then := now.Add(op.lane.line.Timeout)
	return then.After(f.item.Deadline) || then.Round(0).After(f.item.Deadline.Round(0))
}

// stop ends an operation by a rule.
func (e *Engine) stop(op *operation, now time.Time, rule string) {
	if op.stopped != "" {
		return
	}
	op.stopped = rule
	if op.Joined != nil {
		return // it is told by itself
	}
	e.stops = append(e.stops, Stop{Operation: op.Address, Rule: rule})
	e.recorder.add(runfile.Batch{Events: []plan.Event{{At: now, Kind: "stopped", Detail: op.Address + ": " + rule}}}, nil)
}

// broken names the abort rule that the operation's counts break, "" for none.
func (op *operation) broken() string { return Broken(op.Settings.Abort, op.tally) }

// Broken names the abort rule that counts break, "" for none.
func Broken(a plan.Abort, t runfile.Tally) string {
	switch {
	case a.MaxConsecutiveFailures > 0 && t.Consecutive >= a.MaxConsecutiveFailures:
		return fmt.Sprintf("abort: %d consecutive failures (max_consecutive_failures = %d)", t.Consecutive, a.MaxConsecutiveFailures)
	case a.MaxFailures > 0 && t.Failures >= a.MaxFailures:
		return fmt.Sprintf("abort: %d failures (max_failures = %d)", t.Failures, a.MaxFailures)
	case a.MaxFailureRatio > 0 && t.Settled >= a.MinItems && float64(t.Failures) > a.MaxFailureRatio*float64(t.Settled):
		return fmt.Sprintf("abort: %d of %d items failed (max_failure_ratio = %v after %d)", t.Failures, t.Settled, a.MaxFailureRatio, a.MinItems)
	}
	return ""
}
