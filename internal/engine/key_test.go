package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// A keeper is an API that knows requests again by their key, as Stripe's does:
// for a day, and then no more; with what it answered first, errors included.
type keeper struct {
	known map[*thing]remembered
	fresh func(t *thing, n int) act // what becomes of a request under a key that it doesn't know
}

type remembered struct {
	at     time.Time
	answer host.Answer // as it should have come
}

const day = 24 * time.Hour

func (k *keeper) act(t *thing, n int) act {
	if r, ok := k.known[t]; ok && time.Since(r.at) < day {
		return act{answer: r.answer}
	}
	a := k.fresh(t, n)
	if k.known == nil {
		k.known = map[*thing]remembered{}
	}
	switch {
	case a.answer.Outcome == sdk.OutcomeThrottled, a.answer.Outcome == sdk.OutcomeNotNow: // before keys are looked at
	case a.effect:
		k.known[t] = remembered{time.Now(), host.Answer{Outcome: sdk.OutcomeDone}}
	default:
		k.known[t] = remembered{time.Now(), a.answer}
	}
	return a
}

func unknown(code string) act {
	return act{answer: host.Answer{Outcome: sdk.OutcomeUnknown, Code: code}}
}

// lost is an effect whose answer never came.
func lost() act {
	a := unknown("timeout")
	a.effect = true
	return a
}

// keyedRun is of an operation that nothing reads: its key is all there is.
func keyedRun() run {
	r := cancelRun()
	r.schema = sdk.OperationSchema{Name: "cancel", Kind: sdk.KindMutation, Repeatable: true, Keyed: &sdk.Keyed{Lives: day, RepeatsErrors: true}}
	return r
}

// TestA8KeyOutlived: what only its key makes safe to send again is sent again
// for as long as the API knows the key, and never later.
func TestA8KeyOutlived(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		age   time.Duration // of what a former apply left in doubt; 0 is nothing
		fresh func(t *thing, n int) act
		known bool // the API knows the former request
		state plan.State
		sent  int
	}{
		"answer lost":                 {0, func(*thing, int) act { return lost() }, false, plan.Succeeded, 2},
		"left an hour ago":            {time.Hour, func(*thing, int) act { return done() }, true, plan.Succeeded, 1},
		"left before it was done":     {time.Hour, func(*thing, int) act { return done() }, false, plan.Succeeded, 1},
		"left yesterday":              {25 * time.Hour, func(*thing, int) act { return done() }, true, plan.InDoubt, 0},
		"left a day ago, but seconds": {day - 5*time.Second, func(*thing, int) act { return done() }, true, plan.InDoubt, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1)
				k := &keeper{fresh: tt.fresh}
				w.act = k.act
				th, it := w.things["k0001"], w.item("k0001")
				if tt.age > 0 {
					at := time.Now().Add(-tt.age)
					it.State, it.Attempts = plan.InDoubt, 1
					w.journal.requests = append(w.journal.requests, plan.Request{Item: 1, Verb: "execute", SentAt: at, Deadline: at.Add(5 * time.Second), Outcome: "unknown", Code: "timeout"})
				}
				if tt.known {
					th.effects = 1
					k.known = map[*thing]remembered{th: {time.Now().Add(-tt.age), host.Answer{Outcome: sdk.OutcomeDone}}}
				}
				w.apply(t, keyedRun())
				w.check(t)
				if it.State != tt.state || th.executions != tt.sent {
					t.Errorf("it is %s after %d requests (%s)", it.State, th.executions, it.Reason)
				}
			})
		})
	}
}

// TestA8KeyOutlivedWhileItWaits: a key that dies in a long pause isn't used,
// although it lived when sending again was decided.
func TestA8KeyOutlivedWhileItWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(2)
		k := &keeper{fresh: func(*thing, int) act { return lost() }}
		pause := true
		w.act = func(t *thing, n int) act {
			if n == 2 && pause {
				pause = false
				return act{answer: host.Answer{Outcome: sdk.OutcomeThrottled, After: 30 * time.Hour}}
			}
			return k.act(t, n)
		}
		w.apply(t, keyedRun())
		w.check(t)
		if c := w.counts(); c[plan.InDoubt] == 0 || c[plan.InDoubt]+c[plan.Succeeded] != 2 {
			t.Errorf("items are %v", c)
		}
	})
}

// TestA8StickyErrors: an API that repeats under a key what it answered first
// is asked once more and not again. What can be read then has failed, with
// proof; the rest is for a person.
func TestA8StickyErrors(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]plan.State{"read": plan.Failed, "unread": plan.InDoubt} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(3)
				w.act = (&keeper{fresh: func(t *thing, _ int) act {
					if t.key == "k0002" {
						return unknown("http_500")
					}
					return done()
				}}).act
				r := keyedRun()
				if name == "read" {
					r = cancelRun()
					r.schema.Keyed = &sdk.Keyed{Lives: day, RepeatsErrors: true}
				}
				w.apply(t, r)
				w.check(t)
				th, it := w.things["k0002"], w.item("k0002")
				if it.State != state || th.executions != 2 {
					t.Errorf("it is %s after %d requests (%s)", it.State, th.executions, it.Reason)
				}
				w.apply(t, r) // and a later apply doesn't begin anew
				if th.executions != 2 {
					t.Errorf("a later apply sent it %d times more", th.executions-2)
				}
			})
		})
	}
}

// TestA8NothingOfOneRequestIsProofOfAnother: a refusal that speaks for one
// request alone leaves an earlier one in doubt.
func TestA8NothingOfOneRequestIsProofOfAnother(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]host.Answer{
		"throttled": {Outcome: sdk.OutcomeThrottled, After: time.Second},
		"not now":   {Outcome: sdk.OutcomeNotNow},
		"not sent":  {Outcome: sdk.OutcomeNotSent, Code: "connect"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1)
				k := &keeper{fresh: func(*thing, int) act { return lost() }}
				th, it := w.things["k0001"], w.item("k0001")
				w.act = func(t *thing, n int) act {
					if n > 1 && n < 8 {
						return act{answer: second}
					}
					return k.act(t, n)
				}
				seen := map[plan.State]int{}
				r := keyedRun()
				r.observe = func(engine.Update) { seen[it.State]++ }
				w.apply(t, r)
				w.check(t)
				switch {
				case seen[plan.Planned] > 0:
					t.Error("it was planned, although it had its effect")
				case name == "not now" && (it.State != plan.InDoubt || th.executions != 5):
					t.Errorf("it is %s after %d requests", it.State, th.executions)
				case name != "not now" && it.State != plan.Succeeded:
					t.Errorf("it is %s after %d requests (%s)", it.State, th.executions, it.Reason)
				}
			})
		})
	}
}
