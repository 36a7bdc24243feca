package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// TestA5QuietBeforeAnything: what a former apply left started keeps everything
// waiting until a second after its deadline, also when only that second is left.
func TestA5QuietBeforeAnything(t *testing.T) {
	t.Parallel()
	for _, ago := range []time.Duration{-3 * time.Second, 0, 600 * time.Millisecond, 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(3)
			deadline := time.Now().Add(-ago)
			it := w.item("k0001")
			it.State, it.Deadline = plan.Started, deadline
			w.apply(t, cancelRun())
			w.check(t)
			if first := w.sent[0].Sub(deadline); first < time.Second {
				t.Errorf("a deadline that was %s ago: the first request left %s after it", ago, first)
			}
			if c := w.counts(); c[plan.Succeeded] != 3 {
				t.Errorf("items are %v", c)
			}
		})
	}
}

// TestA6RefusedBecauseItWorked: an effect that shows later than the provider
// promised makes the repetition a refusal, and that is no proof of no effect.
func TestA6RefusedBecauseItWorked(t *testing.T) {
	t.Parallel()
	for lag := 2100 * time.Millisecond; lag < 8*time.Second; lag += 300 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(3)
			start := time.Now()
			w.act = func(th *thing, _ int) act {
				if th.effects > 0 {
					return act{answer: host.Answer{Outcome: sdk.OutcomeRefused, Code: "not_open"}}
				}
				return act{effect: true}
			}
			w.read = func(th *thing, _ int) act {
				a := act{answer: host.Answer{Outcome: sdk.OutcomeDone, Live: []byte(`{"state":"open"}`), Settled: sdk.SettledNo}}
				if th.effects > 0 && time.Since(start) > lag {
					a.answer.Live, a.answer.Settled = []byte(`{"state":"cancelled"}`), sdk.SettledYes
				}
				return a
			}
			w.apply(t, cancelRun())
			for _, th := range w.things {
				if th.effects > 1 {
					t.Errorf("lag %s: %s had its effect %d times", lag, th.key, th.effects)
				}
			}
			// What stays hidden even from the reads after the refusal can't be told.
			if lag < 4*time.Second {
				w.check(t)
			}
		})
	}
}

// TestRefusedRepetitionFails: what was put off and is then refused for good
// has failed, and is not tried to the end of its attempts.
func TestRefusedRepetitionFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		w.act = func(_ *thing, n int) act {
			if n == 1 {
				return answer(sdk.OutcomeNotNow)
			}
			return act{answer: host.Answer{Outcome: sdk.OutcomeRefused, Code: "no"}}
		}
		w.apply(t, cancelRun())
		if it := w.item("k0001"); it.State != plan.Failed || it.Reason != "no" || w.things["k0001"].executions != 2 {
			t.Errorf("%s (%s) after %d executions", it.State, it.Reason, w.things["k0001"].executions)
		}
	})
}

// TestRepeatableIsNeverFailedWithoutProof: the last attempt may have had its
// effect.
func TestRepeatableIsNeverFailedWithoutProof(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		w.act = func(*thing, int) act { return act{effect: true} }
		r := cancelRun()
		r.schema.Repeatable, r.schema.Reads, r.schema.Settles = true, false, false
		w.apply(t, r)
		if it := w.item("k0001"); it.State != plan.InDoubt || w.things["k0001"].executions != 5 {
			t.Errorf("%s (%s) after %d executions", it.State, it.Reason, w.things["k0001"].executions)
		}
	})
}

// TestHarmlessGoesOnAfterACrash: what may be executed twice needs no person
// after a crash.
func TestHarmlessGoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*sdk.OperationSchema){
		"query":      func(s *sdk.OperationSchema) { s.Kind = sdk.KindQuery },
		"repeatable": func(s *sdk.OperationSchema) { s.Repeatable = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(40)
				r := cancelRun()
				r.schema.Reads, r.schema.Settles = false, false
				change(&r.schema)
				for _, it := range w.journal.items[:20] {
					it.State, it.Deadline = plan.Started, time.Now().Add(time.Second)
				}
				w.apply(t, r)
				if diff := cmp.Diff(plan.Counts{plan.Succeeded: 40}, w.counts()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// TestA5MarkIsTakenBack: an item marked started while its provider is away is
// not sent beyond the deadline that the mark put on disk.
func TestA5MarkIsTakenBack(t *testing.T) {
	t.Parallel()
	for takes := 250 * time.Microsecond; takes < 15*time.Millisecond; takes += 250 * time.Microsecond {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(40)
			w.act = func(th *thing, n int) act {
				if th.key == "k0003" && n == 1 {
					return act{dies: true, takes: takes}
				}
				return done()
			}
			w.restart = 10 * time.Second
			w.onSend = func(c host.Call, key string) {
				if it := w.item(key); c.Verb == host.Execute && it.Deadline.Before(c.Deadline) {
					t.Errorf("%s may act until %s, and the run file says until %s", key, c.Deadline, it.Deadline)
				}
			}
			w.apply(t, cancelRun())
			w.check(t)
			if diff := cmp.Diff(plan.Counts{plan.Succeeded: 40}, w.counts()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestB4LastWords: whatever commit is the last that the disk takes, no outcome
// is lost: it is in the run file, or among those that it could not take. And
// nothing is sent after it.
func TestB4LastWords(t *testing.T) {
	t.Parallel()
	told := 0
	for stop, points := 1, 1<<30; stop <= points; stop++ {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(20)
			w.act = func(th *thing, _ int) act {
				a := done()
				if th.key[4]%3 == 0 {
					a = answer(sdk.OutcomeRefused)
				}
				a.takes = time.Duration(th.key[4]%7) * 40 * time.Millisecond
				return a
			}
			r := cancelRun()
			r.schema.Reads, r.schema.Settles = false, false
			w.journal.stopAt = stop
			var stopped time.Time
			w.journal.failed = func() {
				if stopped.IsZero() {
					stopped = time.Now()
				}
			}
			result, err := w.try(r)
			if err == nil {
				points = stop // the run has fewer commits than this
			}
			unrecorded := map[int64]plan.State{}
			for _, c := range result.Unrecorded {
				if unrecorded[c.Item] = c.To; c.Reason == "" && c.To == plan.Failed {
					t.Errorf("stop at %d: item %d failed without a reason", stop, c.Item)
				}
			}
			told += len(unrecorded)
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, it := range w.journal.items {
				th, state := w.things[it.Key], it.State
				if state == plan.Started {
					state = unrecorded[it.ID]
				}
				switch {
				case th.executions > 0 && !state.Final():
					t.Errorf("stop at %d: %s was executed, is %s, and nobody says what became of it", stop, it.Key, it.State)
				case (th.effects > 0) != (state == plan.Succeeded):
					t.Errorf("stop at %d: %s had %d effects and is said to be %s", stop, it.Key, th.effects, state)
				}
			}
			for _, at := range w.sent {
				if !stopped.IsZero() && at.After(stopped) {
					t.Errorf("stop at %d: something was sent %s after it", stop, at.Sub(stopped))
				}
			}
		})
	}
	t.Logf("%d outcomes were told instead of recorded", told)
	if told < 20 {
		t.Error("too few for this to mean anything")
	}
}
