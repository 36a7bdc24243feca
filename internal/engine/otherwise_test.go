package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// A request whose answer was lost and that a read shows to have done something
// else than was meant is an incident, as if the answer had said so.
func TestAnotherEffectIsAnIncident(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(200)
		w.act = func(th *thing, _ int) act {
			if th.key != "k0020" {
				return done()
			}
			th.state = "reversed"
			return act{answer: host.Answer{Outcome: sdk.OutcomeUnknown}}
		}
		reading := cancelRun()
		reading.settings.Reads = true
		r := w.apply(t, reading)
		if s := w.item("k0020").State; s != plan.Incident {
			t.Errorf("it is %s", s)
		}
		if len(r.Stops) != 1 || !strings.Contains(r.Stops[0].Rule, `incident at item "k0020"`) {
			t.Errorf("stops are %+v", r.Stops)
		}
		if n := w.counts()[plan.Planned]; n == 0 {
			t.Error("the operation went on to its end")
		}
		w.check(t)
	})
}

// A state in which the effect is no longer possible is no proof while the
// request may still act in that very state, unless the API itself refuses it.
func TestImpossibleIsBelievedWhenNothingIsOnItsWay(t *testing.T) {
	t.Parallel()
	for guarded, want := range map[bool]plan.State{false: plan.Incident, true: plan.Skipped} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(1)
			w.act = func(th *thing, _ int) act {
				th.state = "paid"
				if !guarded {
					time.AfterFunc(3*time.Second, func() {
						w.mu.Lock()
						defer w.mu.Unlock()
						th.state = "reversed"
					})
				}
				return act{dies: true}
			}
			r := cancelRun()
			r.schema.GuardedByAPI = guarded
			w.apply(t, r)
			if s := w.item("k0001").State; s != want {
				t.Errorf("guarded by the API: %v: it is %s, want %s", guarded, s, want)
			}
		})
	}
}
