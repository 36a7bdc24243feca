// Package engine drives items through their states: it reads and judges them,
// marks them started, has them executed at the provider's rate, settles what
// comes back, and resolves doubt. docs/states.md draws the states.
//
// One goroutine, the loop of [Engine.Run], owns everything here but the
// recorder, which commits while the loop goes on. Nothing leaves for a
// provider before the commit that marks it started has returned, and nobody is
// told of an outcome before it is on disk.
package engine

import (
	"container/heap"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bulkrunner/runner/internal/dispatch"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/pace"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/providers"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/sdk"
)

// A Journal remembers; see [runfile.Journal]. Commit is called from another
// goroutine than the rest.
type Journal interface {
	Commit(runfile.Batch) error
	Low() error // why nothing may be begun any more although outcomes can be recorded
	Planned(operation, after int64, limit int) ([]plan.Item, error)
	Started(operation, after int64, limit int) ([]plan.Item, error)
	InDoubt(operation, after int64, limit int) ([]plan.Item, error)
	Requests(item int64) ([]plan.Request, error)
	Items(operation, after int64, limit int) ([]plan.Item, error)
	Item(id int64) (plan.Item, error)
	Tally(operation int64) (runfile.Tally, error)
}

// A Provider is one instance and the events of its link.
type Provider struct {
	Line   *dispatch.Line
	Events <-chan providers.Event
}

// An Operation is what the run file says of it, and what only the running
// process has.
type Operation struct {
	plan.Operation
	Provider *Provider
	Schema   *sdk.OperationSchema

	// Judge holds an item's guards against what the API says; see
	// [eval.Program.Judge].
	Judge func(context, live []byte) (eval.Verdict, string, error)

	// Differs says how an item's worth is not what the API says, "" where it
	// is; see [eval.Program.Differs].
	Differs func(amount, currency string, live json.RawMessage) string

	// Become is nil for an operation whose items come from a list.
	Become Become

	// Fill gives an item its secret arguments; nil where none has any.
	Fill func(*plan.Item) error

	// Joined is set for an operation that joins a run under way.
	Joined *Joined
}

// Joined is what concerns an operation by itself where others come and go
// beside it; see [Engine.Join].
type Joined struct {
	Quiet   time.Time       // nothing of it leaves before
	Settled int64           // items of its canary that are settled
	Own     *pace.Limiter   // its own limit, which it may hold together with others; nil when only the provider's holds
	Leave   <-chan struct{} // asks, by being closed, to stop it gently

	// Lost tells whether its journal takes nothing of it any more, because
	// somebody else carries it on. Nothing of it leaves then.
	Lost func() bool

	// Ended is called once from the loop, when nothing of it is under way any
	// more and all is in the journal: the rule that stopped it, "" for none,
	// and why nothing can be sent any more, nil while something can.
	Ended func(stop string, fatal error)
}

// An Update tells an observer that an item's new state is on disk.
type Update struct {
	Operation *plan.Operation
	Item      *plan.Item // valid during the call
}

// Options are what a run may differ in.
type Options struct {
	// Observe is called from the loop for every item that was settled, put in
	// doubt or put off. It must not block.
	Observe func(Update)

	// Tick is called about four times a second with what each operation does.
	Tick func([]Progress)

	// Control brings commands that steer the run.
	Control <-chan Command

	// Drain asks, by being closed, to stop gently: nothing new is sent, what is
	// in flight is settled.
	Drain <-chan struct{}

	// Provider is one that operations will use which join later, and Do brings
	// what is to be done from the loop, where they can. While Do is set the run
	// doesn't end for want of operations.
	Provider *Provider
	Do       <-chan func(*Engine)
}

// Progress is where an operation stands.
type Progress struct {
	Operation *plan.Operation
	Settled   plan.Counts // by this apply
	InFlight  int
	Requests  int64 // dispatched by this apply
	Waiting   string
	Until     time.Time
}

// Paused is what an operation waits for that a command has paused.
const Paused = "it is paused"

// A Result is how a run ended, counts aside: those are in the run file.
type Result struct {
	Interrupted bool
	Stops       []Stop
	Fatal       error // sending had to stop; the run can be taken up again

	// Unrecorded are outcomes that the run file doesn't know, since it could
	// not be written: there these items are started.
	Unrecorded []plan.Change
}

// A Stop is an operation that a rule stopped.
type Stop struct {
	Operation string
	Rule      string // which rule, with its numbers
}

const (
	pageSize     = 256
	mostSleepers = 10_000
	mostSettling = 4 * pageSize // bounds a commit where many items end without a request
	tickEvery    = 250 * time.Millisecond

	// afterQuiet is waited beyond the deadlines of a former apply's requests
	// before anything is read or sent.
	afterQuiet = time.Second
)

// An Engine drives the operations of one run.
type Engine struct {
	journal    Journal
	operations []*operation
	options    Options

	lanes    []*lane
	recorder *recorder
	sleepers sleepers
	stops    []Stop
	fatal    error
	draining bool
	lastTick time.Time
}

// New returns an engine for the operations of one run.
func New(journal Journal, ops []*Operation, o Options) *Engine {
	e := &Engine{journal: journal, options: o, recorder: newRecorder(journal)}
	byAddress := make(map[string]*operation)
	for _, op := range ops {
		p := newOperation(op, e.lane(op.Provider))
		e.operations = append(e.operations, p)
		byAddress[op.Address] = p
	}
	if o.Provider != nil {
		e.lane(o.Provider)
	}
	for _, p := range e.operations {
		for _, address := range p.Settings.DependsOn {
			p.after = append(p.after, byAddress[address])
		}
	}
	return e
}

// lane is that of a provider's line.
func (e *Engine) lane(p *Provider) *lane {
	for _, l := range e.lanes {
		if l.line == p.Line {
			return l
		}
	}
	l := &lane{line: p.Line, events: p.Events, calls: make(map[uint64]*flight)}
	e.lanes = append(e.lanes, l)
	return l
}

// Run drives every item as far as it can be driven and returns when nothing is
// under way any more. A cancelled context ends it at once: what is in flight
// then stays started in the run file, and the next apply takes it for in doubt.
// The error is the journal's: the run file could not be read or written.
func (e *Engine) Run(ctx context.Context) (Result, error) {
	defer e.recorder.close()
	if err := e.recover(); err != nil {
		return Result{}, err
	}
	events := e.merge(ctx)
	drain := e.options.Drain
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		wake, err := e.step(now)
		if err != nil {
			return e.lastWords(ctx, events, runfile.Batch{}), err
		}
		if e.finished() {
			break
		}
		timer.Reset(max(0, wake.Sub(now)))
		select {
		case ev := <-events:
			e.heed(ev)
			for more := true; more; {
				select {
				case ev = <-events:
					e.heed(ev)
				default:
					more = false
				}
			}
		case done := <-e.recorder.done:
			if err := e.recorded(done); err != nil {
				return e.lastWords(ctx, events, done.batch), err
			}
		case <-timer.C:
		case c := <-e.options.Control:
			e.obey(c)
		case do := <-e.options.Do:
			do(e)
		case <-drain:
			drain = nil
			e.draining = true
		case <-ctx.Done():
			return Result{Interrupted: true, Stops: e.stops, Fatal: e.fatal}, e.recorder.flush()
		}
	}
	if err := e.recorder.flush(); err != nil {
		return Result{}, err
	}
	e.tick(time.Now(), true)
	return Result{Interrupted: e.draining && !e.exhausted(), Stops: e.stops, Fatal: e.fatal}, nil
}

// A lineEvent is an event of one provider's link.
type lineEvent struct {
	lane  *lane
	event providers.Event
}

func (e *Engine) merge(ctx context.Context) <-chan lineEvent {
	out := make(chan lineEvent, 64)
	for _, l := range e.lanes {
		go func() {
			for {
				select {
				case ev, ok := <-l.events:
					if !ok {
						return
					}
					select {
					case out <- lineEvent{l, ev}:
					case <-ctx.Done():
						return
					case <-e.recorder.closed:
						return
					}
				case <-ctx.Done():
					return
				case <-e.recorder.closed:
					return
				}
			}
		}()
	}
	return out
}

// recover turns what a former apply left started into doubt, and lets nothing
// leave before the last of its requests can have had its effect.
func (e *Engine) recover() error {
	now := time.Now()
	for _, op := range e.operations {
		tally, err := e.journal.Tally(op.ID)
		if err != nil {
			return err
		}
		op.resume(tally, tally.Settled)
		quiet, err := Doubt(e.journal, op.ID, now, nil)
		if err != nil {
			return err
		}
		if quiet.After(now) {
			op.lane.line.Pause(now, quiet.Sub(now), "requests of the former apply may still be on their way", "quiet")
		}
	}
	return nil
}

// Doubt puts in doubt what an apply that has ended left started, and returns
// when the last of its requests has had its effect for certain: the zero time
// where there was none. A deadline that was taken by another machine's clock is
// replaced by until, where that is not nil.
func Doubt(j Journal, operation int64, now time.Time, until *time.Time) (quiet time.Time, err error) {
	const reason = "the apply that sent it ended before the answer"
	for after := int64(0); ; {
		items, err := j.Started(operation, after, pageSize)
		if err != nil || len(items) == 0 {
			return quiet, err
		}
		var b runfile.Batch
		for _, it := range items {
			after = it.ID
			certain := it.Deadline.Add(afterQuiet)
			if until != nil {
				it.Deadline, certain = *until, *until
			}
			if certain.After(quiet) {
				quiet = certain
			}
			b.Changes = append(b.Changes, plan.Change{Item: it.ID, From: plan.Started, To: plan.InDoubt, Reason: reason, At: now, Attempts: -1, Deadline: it.Deadline})
			b.Requests = append(b.Requests, plan.Request{Item: it.ID, Verb: "execute", Deadline: it.Deadline, Outcome: sdk.OutcomeUnknown.String(), Code: "lost", Message: reason})
		}
		if err := j.Commit(b); err != nil {
			return quiet, err
		}
	}
}

// step does all that can be done at now and returns when time alone will
// allow more.
func (e *Engine) step(now time.Time) (time.Time, error) {
	wake := now.Add(tickEvery)
	sooner := func(t time.Time) {
		if !t.IsZero() && t.Before(wake) {
			wake = t
		}
	}
	for len(e.sleepers) > 0 && !e.sleepers[0].at.After(now) {
		f := heap.Pop(&e.sleepers).(*flight)
		f.op.woken = append(f.op.woken, f)
	}
	if len(e.sleepers) > 0 {
		sooner(e.sleepers[0].at)
	}
	if err := e.journal.Low(); err != nil && e.fatal == nil {
		e.fatal = err
	}
	for _, op := range e.operations {
		if err := op.lane.line.Err(); err != nil && e.fatal == nil {
			e.fatal = fmt.Errorf("%s: %w", op.lane.line.Name, err)
		}
	}
	for _, op := range e.operations {
		if op.let(); e.halted(op) {
			e.release(op, now)
			continue
		}
		again, err := e.advance(op, now)
		if err != nil {
			return wake, err
		}
		sooner(again)
	}
	for _, l := range e.lanes {
		sooner(l.line.Tick(now))
		l.line.Flush()
		if events, asked := l.line.Notes(), l.line.Asked(); len(events)+len(asked) > 0 {
			e.recorder.add(runfile.Batch{Events: events, Requests: asked}, nil)
		}
	}
	e.part()
	e.recorder.offer()
	e.tick(now, false)
	return wake, nil
}

// finished tells whether nothing is under way and nothing can be begun.
func (e *Engine) finished() bool {
	if e.recorder.busy() || e.options.Do != nil && !e.draining && e.fatal == nil {
		return false
	}
	for _, op := range e.operations {
		if op.active > 0 {
			return false
		}
		if !e.halted(op) && !op.exhausted && !op.blocked() {
			return false
		}
	}
	return true
}

// halted tells whether nothing of an operation is to be begun any more.
func (e *Engine) halted(op *operation) bool {
	return e.draining || e.fatal != nil || op.stopped != "" || op.left || op.lost
}

// exhausted tells whether every operation was carried to its end.
func (e *Engine) exhausted() bool {
	for _, op := range e.operations {
		if !op.exhausted || op.released {
			return false
		}
	}
	return true
}

// heed takes in an event of a provider's link.
func (e *Engine) heed(ev lineEvent) {
	now := time.Now()
	for _, o := range ev.lane.line.Handle(now, ev.event) {
		f := ev.lane.calls[o.Call.ID]
		delete(ev.lane.calls, o.Call.ID)
		e.answered(now, f, o)
	}
	if ev.event.Down != nil {
		// What waited for its permit never left.
		for _, op := range e.operations {
			if op.lane == ev.lane {
				e.unstart(op, now, "the provider's process ended before it was sent")
			}
		}
	}
}

// recorded tells flights that their changes are on disk.
func (e *Engine) recorded(done commit) error {
	e.recorder.running = false
	if done.err != nil {
		return done.err
	}
	for _, then := range done.then {
		then()
	}
	return nil
}

func (e *Engine) tick(now time.Time, last bool) {
	if e.options.Tick == nil || (!last && now.Sub(e.lastTick) < tickEvery) {
		return
	}
	e.lastTick = now
	out := make([]Progress, len(e.operations))
	for n, op := range e.operations {
		why, until := op.lane.line.Waiting(now)
		if op.paused {
			why, until = Paused, time.Time{}
		}
		out[n] = Progress{Operation: &op.Operation.Operation, Settled: op.counts, InFlight: op.inFlight, Requests: op.requests, Waiting: why, Until: until}
	}
	e.options.Tick(out)
}
