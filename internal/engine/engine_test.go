package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

func answer(o sdk.Outcome) act { return act{answer: host.Answer{Outcome: o}} }

// TestOutcomes is the table of the design: what each outcome does to an item.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	onFirst := func(a act) func(*thing, int) act {
		return func(_ *thing, n int) act {
			if n == 1 {
				return a
			}
			return done()
		}
	}
	tests := map[string]struct {
		act        func(*thing, int) act
		change     func(*run)
		want       plan.State
		executions int
		attempts   int
		stopped    bool
		fatal      bool
	}{
		"done":                           {act: onFirst(done()), want: plan.Succeeded, executions: 1},
		"refused":                        {act: onFirst(answer(sdk.OutcomeRefused)), want: plan.Failed, executions: 1},
		"incident":                       {act: onFirst(answer(sdk.OutcomeIncident)), want: plan.Incident, executions: 1, stopped: true},
		"not now, then done":             {act: onFirst(answer(sdk.OutcomeNotNow)), want: plan.Succeeded, executions: 2, attempts: 1},
		"not now until it is spent":      {act: func(*thing, int) act { return answer(sdk.OutcomeNotNow) }, want: plan.Failed, executions: 5, attempts: 5},
		"throttled counts as nothing":    {act: onFirst(answer(sdk.OutcomeThrottled)), want: plan.Succeeded, executions: 2},
		"not sent counts as nothing":     {act: onFirst(answer(sdk.OutcomeNotSent)), want: plan.Succeeded, executions: 2},
		"unauthenticated, static":        {act: onFirst(answer(sdk.OutcomeUnauthenticated)), want: plan.Planned, executions: 1, fatal: true},
		"fatal with proof":               {act: onFirst(act{answer: host.Answer{Outcome: sdk.OutcomeFatal, NoEffect: true}}), want: plan.Planned, executions: 1, fatal: true},
		"fatal without proof":            {act: onFirst(answer(sdk.OutcomeFatal)), want: plan.InDoubt, executions: 1, fatal: true},
		"unknown with the effect":        {act: onFirst(act{effect: true}), want: plan.Succeeded, executions: 1},
		"unknown without it, sent again": {act: onFirst(act{}), want: plan.Succeeded, executions: 2, attempts: 1},
		"unknown without it, by a person": {act: onFirst(act{}), want: plan.InDoubt, executions: 1,
			change: func(r *run) { r.schema.Resend = sdk.ResendManual }},
		"unknown that can't be read": {act: onFirst(act{effect: true}), want: plan.InDoubt, executions: 1,
			change: func(r *run) { r.schema.Reads, r.schema.Settles = false, false }},
		"unknown of a query is tried again": {act: onFirst(act{}), want: plan.Succeeded, executions: 2, attempts: 1,
			change: func(r *run) { r.schema.Kind = sdk.KindQuery }},
		"a process that dies with the effect": {act: onFirst(act{effect: true, dies: true}), want: plan.Succeeded, executions: 1},
		"a process that dies without it":      {act: onFirst(act{dies: true}), want: plan.Succeeded, executions: 2, attempts: 1},
		"an answer that never comes":          {act: onFirst(act{effect: true, lost: true}), want: plan.Succeeded, executions: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1)
				w.act = tt.act
				r := cancelRun()
				if tt.change != nil {
					tt.change(&r)
				}
				result := w.apply(t, r)
				it := w.item("k0001")
				if it.State != tt.want {
					t.Errorf("the item is %s (%s), want %s", it.State, it.Reason, tt.want)
				}
				if n := w.things["k0001"].executions; n != tt.executions {
					t.Errorf("it was executed %d times, want %d", n, tt.executions)
				}
				if it.Attempts != tt.attempts {
					t.Errorf("it counts %d attempts, want %d", it.Attempts, tt.attempts)
				}
				if (len(result.Stops) > 0) != tt.stopped || (result.Fatal != nil) != tt.fatal {
					t.Errorf("stops %v, fatal %v", result.Stops, result.Fatal)
				}
				w.check(t)
			})
		})
	}
}

// TestReadsJudge is what the read before an execution decides.
func TestReadsJudge(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		state string
		want  plan.State
	}{
		"open":      {"open", plan.Succeeded},
		"paid":      {"paid", plan.Skipped},
		"cancelled": {"cancelled", plan.Unchanged},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1)
				w.things["k0001"].state = tt.state
				r := cancelRun()
				r.settings.Reads = true
				w.apply(t, r)
				if got := w.item("k0001").State; got != tt.want {
					t.Errorf("an item that reads %s became %s, want %s", tt.state, got, tt.want)
				}
				if tt.want != plan.Succeeded && w.things["k0001"].executions > 0 {
					t.Error("it was executed")
				}
			})
		})
	}
}

// TestNoIsNotBelievedEarly: an effect that shows late must not be repeated.
func TestNoIsNotBelievedEarly(t *testing.T) {
	t.Parallel()
	for lag := time.Duration(0); lag <= 2*time.Second; lag += 100 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(3)
			visible := make(map[string]time.Time)
			w.act = func(th *thing, _ int) act {
				visible[th.key] = time.Now().Add(lag)
				return act{effect: true}
			}
			w.read = func(th *thing, _ int) act {
				a := act{answer: host.Answer{Outcome: sdk.OutcomeDone, Live: []byte(`{"state":"open"}`), Settled: sdk.SettledNo}}
				if !time.Now().Before(visible[th.key]) {
					a.answer.Live, a.answer.Settled = []byte(`{"state":"cancelled"}`), sdk.SettledYes
				}
				return a
			}
			w.apply(t, cancelRun())
			w.check(t)
			if diff := cmp.Diff(plan.Counts{plan.Succeeded: 3}, w.counts()); diff != "" {
				t.Errorf("lag %s: %s", lag, diff)
			}
		})
	}
}

func TestRateHolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(500)
		r := cancelRun()
		r.settings.Reads = true
		start := time.Now()
		w.apply(t, r)
		w.check(t)
		took := time.Since(start)
		most, from := 0, 0
		for to := range w.sent {
			for w.sent[to].Sub(w.sent[from]) >= time.Second {
				from++
			}
			most = max(most, to-from+1)
		}
		if most > 100 {
			t.Errorf("the worst second holds %d requests, the limit is 100", most)
		}
		// The first second has one request more than its share of time.
		if used := float64(len(w.sent)-1) / took.Seconds(); used < 99 {
			t.Errorf("%d requests took %s: %.2f/s of 100/s were used", len(w.sent), took, used)
		}
	})
}

func TestDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(200)
		w.act = func(*thing, int) act { a := done(); a.takes = 300 * time.Millisecond; return a }
		r := cancelRun()
		r.drain = make(chan struct{})
		time.AfterFunc(700*time.Millisecond, func() { close(r.drain) })
		result := w.apply(t, r)
		w.check(t)
		if !result.Interrupted {
			t.Error("the result is not interrupted")
		}
		c := w.counts()
		if c[plan.Started]+c[plan.InDoubt] > 0 || c[plan.Succeeded] == 0 || c[plan.Planned] == 0 {
			t.Errorf("after a gentle stop: %v", c)
		}
		r.drain = nil
		w.apply(t, r)
		w.check(t)
		if diff := cmp.Diff(plan.Counts{plan.Succeeded: 200}, w.counts()); diff != "" {
			t.Errorf("after the second apply: %s", diff)
		}
	})
}

func TestHardStopLeavesOnlyWhatWasInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(200)
		w.act = func(*thing, int) act { a := done(); a.takes = 2 * time.Second; return a }
		r := cancelRun()
		var cancel context.CancelFunc
		r.ctx, cancel = context.WithCancel(context.Background())
		time.AfterFunc(time.Second, cancel)
		w.apply(t, r)
		if c := w.counts(); c[plan.Started] > 8 {
			t.Errorf("%d items are started, more than were in flight", c[plan.Started])
		}
		w.Kill() // as the process's end does
		time.Sleep(time.Second)
		for len(w.events) > 0 {
			<-w.events
		}
		r.ctx = context.Background()
		w.apply(t, r)
		w.check(t)
		if diff := cmp.Diff(plan.Counts{plan.Succeeded: 200}, w.counts()); diff != "" {
			t.Errorf("after the second apply: %s", diff)
		}
	})
}

// A place is free as soon as its answer is there, so an item takes a
// request and one commit, not two; and still no more items are started on the disk than there
// are places, nor does anything leave once a rule has stopped the operation.
func TestPlaceIsFreeWhenAnswered(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]bool{"all succeed": false, "the 50th fails": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(100)
				w.act = func(th *thing, _ int) act {
					if fails && th.key == "k0050" {
						return answer(sdk.OutcomeRefused)
					}
					return done()
				}
				r := cancelRun()
				r.settings.MaxInFlight = 1
				r.settings.Abort = plan.Abort{MaxFailures: 1}
				r.rate = plan.Rate{RequestsPerSecond: 100_000, Burst: 64}
				began := time.Now()
				w.apply(t, r)
				w.check(t)
				want := plan.Counts{plan.Succeeded: 100}
				if fails {
					want = plan.Counts{plan.Succeeded: 49, plan.Failed: 1, plan.Planned: 50}
				}
				if diff := cmp.Diff(want, w.counts()); diff != "" {
					t.Error(diff)
				}
				if took := time.Since(began); took > 220*time.Millisecond {
					t.Errorf("it took %s, where a request and a commit take 1 ms each", took)
				}
				if w.journal.most != 1 {
					t.Errorf("%d items were started at once", w.journal.most)
				}
			})
		})
	}
}

// What an apply costs in syncs: a commit takes along what has gathered during
// the one before it, outcomes and the marks of the next items together. With 8
// places, some at the API while others are on their way to disk, that is half
// of them or less.
func TestCommitsAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1000)
		r := cancelRun()
		r.rate = plan.Rate{RequestsPerSecond: 100_000, Burst: 64}
		w.apply(t, r)
		w.check(t)
		if n := w.journal.commits; n > 350 {
			t.Errorf("1000 items took %d commits", n)
		}
	})
}

func TestAbort(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		abort  plan.Abort
		fails  func(i int) bool
		most   int64
		stages []int64
	}{
		"consecutive": {abort: plan.Abort{MaxConsecutiveFailures: 5}, fails: func(int) bool { return true }, most: 5 + 8},
		"number":      {abort: plan.Abort{MaxFailures: 10}, fails: func(i int) bool { return i%2 == 0 }, most: 10 + 8},
		"ratio":       {abort: plan.Abort{MaxFailureRatio: 0.05, MinItems: 50}, fails: func(i int) bool { return i%10 == 0 }, most: 5 + 8},
		"canary":      {stages: []int64{10, 50}, fails: func(i int) bool { return i == 7 }, most: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(300)
				i := 0
				w.act = func(*thing, int) act {
					i++
					if tt.fails(i) {
						return answer(sdk.OutcomeRefused)
					}
					return done()
				}
				r := cancelRun()
				r.settings.Abort, r.settings.Canary = tt.abort, tt.stages
				result := w.apply(t, r)
				w.check(t)
				c := w.counts()
				if len(result.Stops) != 1 {
					t.Fatalf("stops: %v", result.Stops)
				}
				if c[plan.Failed] > tt.most || c[plan.Planned] == 0 {
					t.Errorf("stopped by %q with %v", result.Stops[0].Rule, c)
				}
			})
		})
	}
}

func TestCanaryLetsTheRestGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(100)
		r := cancelRun()
		r.settings.Canary = []int64{5, 20}
		var order []int
		r.observe = func(engine.Update) { order = append(order, len(w.calls)) }
		w.apply(t, r)
		w.check(t)
		if diff := cmp.Diff(plan.Counts{plan.Succeeded: 100}, w.counts()); diff != "" {
			t.Error(diff)
		}
		if order[4] != 5 || order[24] != 25 {
			t.Errorf("when the 5th item was settled %d had been sent, at the 25th %d", order[4], order[24])
		}
	})
}

// TestEveryCommit stops the journal at every commit in turn, before and after
// it is durable, and resumes: every effect happened once, or is in doubt.
func TestEveryCommit(t *testing.T) {
	t.Parallel()
	trouble := func(th *thing, n int) act {
		a := done()
		switch {
		case th.key[4]%5 == 0 && n == 1:
			a.answer = host.Answer{} // lost after the effect
		case th.key[4]%5 == 1 && n == 1:
			a = act{} // lost before it
		case th.key[4]%5 == 2 && n == 1:
			a = answer(sdk.OutcomeNotNow)
		}
		a.takes = time.Duration(len(th.key)*n) * 7 * time.Millisecond
		return a
	}
	for stop, points := 1, 1<<30; stop <= points; stop++ {
		for _, after := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(12)
				w.act = trouble
				r := cancelRun()
				r.settings.Reads = stop%2 == 0
				w.journal.stopAt, w.journal.after = stop, after
				_, err := w.try(r)
				if err == nil {
					points = stop // the run has fewer commits than this
				} else if !errors.Is(err, errStopped) {
					t.Fatalf("stop at %d: %v", stop, err)
				}
				w.Kill()
				time.Sleep(time.Second)
				for len(w.events) > 0 {
					<-w.events
				}
				w.journal.stopAt, w.journal.commits = 0, 0
				w.apply(t, r)
				w.check(t)
				if w.journal.most > 8 {
					t.Errorf("%d items were started at once, with 8 places", w.journal.most)
				}
				if diff := cmp.Diff(plan.Counts{plan.Succeeded: 12}, w.counts()); diff != "" {
					t.Errorf("stopped at commit %d (durable: %v) and resumed: %s", stop, after, diff)
				}
			})
		}
	}
}
