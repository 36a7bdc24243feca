package engine_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/dispatch"
	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/providers"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// A world is an API, a provider and a run file in memory. Its clock is that of
// the synctest bubble.
type world struct {
	mu      sync.Mutex
	things  map[string]*thing // by item key
	journal *journal
	events  chan providers.Event
	calls   []host.Call
	sent    []time.Time
	alive   bool

	// act says what becomes of the n-th execution (from 1) of a thing; nil is
	// an API that always works.
	act func(t *thing, n int) act
	// read does the same for reads.
	read func(t *thing, n int) act

	restart time.Duration                 // how long a dead process is away; 0 is 200 ms
	onSend  func(c host.Call, key string) // looks at every call
}

// A thing is what an item acts on. Its effects are the truth.
type thing struct {
	key        string
	state      string
	effects    int
	executions int
	reads      int
}

// An act is what becomes of one request.
type act struct {
	effect bool
	answer host.Answer
	lost   bool          // no answer ever comes
	dies   bool          // the provider's process dies instead of answering
	takes  time.Duration // until the answer
}

func done() act { return act{effect: true, answer: host.Answer{Outcome: sdk.OutcomeDone}} }

func newWorld(n int) *world {
	w := &world{things: make(map[string]*thing), journal: newJournal(), events: make(chan providers.Event, 1024), alive: true}
	for i := range n {
		key := fmt.Sprintf("k%04d", i+1)
		w.things[key] = &thing{key: key, state: "open"}
		w.journal.add(plan.Item{ID: int64(i + 1), Operation: 1, Key: key, State: plan.Planned, IdempotencyKey: "idem-" + key, Arguments: json.RawMessage(`"` + key + `"`)})
	}
	return w
}

func (w *world) Kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.die()
}

func (w *world) die() {
	if w.alive {
		w.alive = false
		w.events <- providers.Event{Down: errors.New("killed")}
		time.AfterFunc(cmp.Or(w.restart, 200*time.Millisecond), func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.alive = true
			w.events <- providers.Event{Up: true}
		})
	}
}

func (w *world) Send(calls []host.Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.alive {
		return
	}
	for _, c := range calls {
		w.calls = append(w.calls, c)
		w.sent = append(w.sent, time.Now())
		var key string
		json.Unmarshal(c.Arguments, &key)
		t := w.things[key]
		if w.onSend != nil {
			w.onSend(c, key)
		}
		var a act
		if c.Verb == host.Read {
			t.reads++
			a = act{answer: host.Answer{Outcome: sdk.OutcomeDone}}
			if w.read != nil {
				a = w.read(t, t.reads)
			}
			if a.answer.Outcome == sdk.OutcomeDone && a.answer.Live == nil {
				a.answer.Live, _ = json.Marshal(map[string]string{"state": t.state})
				a.answer.Settled = map[string]sdk.Settled{"open": sdk.SettledNo, "cancelled": sdk.SettledYes, "paid": sdk.SettledImpossible, "reversed": sdk.SettledOtherwise}[t.state]
			}
		} else {
			t.executions++
			a = done()
			if w.act != nil {
				a = w.act(t, t.executions)
			}
			if a.effect {
				t.effects++
				t.state = "cancelled"
			}
		}
		a.answer.ID = c.ID
		if a.answer.Outcome != sdk.OutcomeNotSent {
			a.answer.SentAt = time.Now()
		}
		switch {
		case a.dies && a.takes > 0:
			time.AfterFunc(a.takes, w.Kill)
		case a.dies:
			w.die()
			return
		case a.lost:
		default:
			time.AfterFunc(max(a.takes, time.Millisecond), func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				if w.alive {
					w.events <- providers.Event{Answers: []host.Answer{a.answer}}
				}
			})
		}
	}
}

// A run is one apply in a world.
type run struct {
	settings plan.Settings
	schema   sdk.OperationSchema
	rate     plan.Rate
	timeout  time.Duration
	drain    chan struct{}
	observe  func(engine.Update)
	ctx      context.Context
}

func cancelRun() run {
	return run{
		settings: plan.Settings{Kind: "mutation", Retry: plan.Retry{MaxAttempts: 5, MinBackoff: time.Second, MaxBackoff: time.Minute}},
		schema:   sdk.OperationSchema{Name: "cancel", Kind: sdk.KindMutation, Reads: true, Settles: true, SettleAfter: 2 * time.Second, Resend: sdk.ResendAuto},
		rate:     plan.Rate{RequestsPerSecond: 100, Burst: 1},
		timeout:  5 * time.Second,
		ctx:      context.Background(),
	}
}

func (w *world) apply(t *testing.T, r run) engine.Result {
	t.Helper()
	result, err := w.try(r)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return result
}

func (w *world) try(r run) (engine.Result, error) {
	line := dispatch.NewLine(dispatch.Settings{Name: "provider.test", Rate: r.rate, MaxInFlight: 8, Timeout: r.timeout, Patience: 10 * time.Minute}, w, time.Now())
	op := &engine.Operation{
		Operation: plan.Operation{ID: 1, Address: "operation.test_cancel.all", Type: "cancel", Settings: r.settings},
		Provider:  &engine.Provider{Line: line, Events: w.events},
		Schema:    &r.schema,
		Judge: func(_, live []byte) (eval.Verdict, string, error) {
			var l struct{ State string }
			if err := json.Unmarshal(live, &l); err != nil {
				return eval.Proceed, "", err
			}
			if l.State != "open" {
				return eval.Skip, "state is " + l.State, nil
			}
			return eval.Proceed, "", nil
		},
		Differs: func(string, string, json.RawMessage) string { return "" },
	}
	return engine.New(w.journal, []*engine.Operation{op}, engine.Options{Drain: r.drain, Observe: r.observe}).Run(r.ctx)
}

// check holds the run file against the things: the heart of every test here.
func (w *world) check(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, it := range w.journal.items {
		th := w.things[it.Key]
		switch {
		case th.effects > 1:
			t.Errorf("%s had its effect %d times", it.Key, th.effects)
		case it.State == plan.Succeeded && th.effects != 1:
			t.Errorf("%s is succeeded and had %d effects", it.Key, th.effects)
		case (it.State == plan.Failed || it.State == plan.Skipped || it.State == plan.Planned || it.State == plan.Unchanged) && th.effects != 0:
			t.Errorf("%s is %s and had its effect", it.Key, it.State)
		}
	}
}

func (w *world) counts() plan.Counts {
	c := plan.Counts{}
	for _, it := range w.journal.items {
		c[it.State]++
	}
	return c
}

// A journal is a run file in memory. It refuses what the real one refuses.
type journal struct {
	mu       sync.Mutex
	items    []*plan.Item
	requests []plan.Request
	events   []plan.Event
	tally    runfile.Tally
	commits  int
	started  int    // items that are
	most     int    // of them at once
	stopAt   int    // the commit that fails, and every one after it; 0 is none
	after    bool   // that commit is durable although it reports failure
	failed   func() // is told of each that failed
}

func newJournal() *journal { return &journal{} }

func (j *journal) add(it plan.Item) { j.items = append(j.items, &it) }

var errStopped = errors.New("the journal was stopped")

func (j *journal) Commit(b runfile.Batch) error {
	time.Sleep(time.Millisecond) // not under the lock: a goroutine that waits for it would hold the clock
	j.mu.Lock()
	defer j.mu.Unlock()
	j.commits++
	if j.stopAt > 0 && (j.commits > j.stopAt || j.commits == j.stopAt && !j.after) {
		if j.failed != nil {
			j.failed()
		}
		return errStopped
	}
	for _, c := range b.Changes {
		it := j.items[c.Item-1]
		if it.State != c.From || !c.From.CanBecome(c.To) {
			return fmt.Errorf("item %s is %s: no edge from %s to %s", it.Key, it.State, c.From, c.To)
		}
		it.State, it.Reason = c.To, c.Reason
		if c.Attempts >= 0 {
			it.Attempts = c.Attempts
		}
		if !c.Deadline.IsZero() {
			it.Deadline = c.Deadline
		}
		it.NotBefore = c.NotBefore
		j.tally.Count(c.From, c.To)
		if c.To == plan.Started {
			j.started++
		} else if c.From == plan.Started {
			j.started--
		}
	}
	j.most = max(j.most, j.started)
	j.requests = append(j.requests, b.Requests...)
	j.events = append(j.events, b.Events...)
	if j.commits == j.stopAt {
		return errStopped
	}
	return nil
}

func (j *journal) in(state plan.State, after int64, limit int) (out []plan.Item, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, it := range j.items {
		if it.ID > after && it.State == state && len(out) < limit {
			out = append(out, *it)
		}
	}
	return out, nil
}

func (j *journal) Item(id int64) (plan.Item, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return *j.items[id-1], nil
}

func (j *journal) Items(_, after int64, limit int) (out []plan.Item, err error) {
	for id := after + 1; id <= int64(len(j.items)) && len(out) < limit; id++ {
		it, _ := j.Item(id)
		out = append(out, it)
	}
	return out, nil
}

func (j *journal) Planned(_, after int64, limit int) ([]plan.Item, error) {
	return j.in(plan.Planned, after, limit)
}
func (j *journal) Started(_, after int64, limit int) ([]plan.Item, error) {
	return j.in(plan.Started, after, limit)
}
func (j *journal) InDoubt(_, after int64, limit int) ([]plan.Item, error) {
	return j.in(plan.InDoubt, after, limit)
}
func (j *journal) Requests(item int64) (out []plan.Request, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range j.requests {
		if r.Item == item {
			out = append(out, r)
		}
	}
	return out, nil
}
func (j *journal) Low() error                         { return nil }
func (j *journal) Tally(int64) (runfile.Tally, error) { return j.tally, nil }

func (w *world) item(key string) *plan.Item {
	i := slices.IndexFunc(w.journal.items, func(it *plan.Item) bool { return it.Key == key })
	return w.journal.items[i]
}
