package dispatch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bulkrunner/runner/internal/dispatch"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// TestLateCallsGetMoreTime: a provider that needs longer to write a request
// than its permit lasts isn't asked in vain for ever, and the limit holds.
func TestLateCallsGetMoreTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const needs = 70 * time.Millisecond
		var left []time.Duration
		expired := 0
		s := dispatch.Settings{Name: "provider.test", Rate: plan.Rate{RequestsPerSecond: 100, Burst: 1}, MaxInFlight: 64}
		drive(s, 20*time.Second, func(at time.Duration, c host.Call) (host.Answer, time.Duration) {
			if time.Until(c.LeaveBefore) <= needs {
				expired++
				return host.Answer{Outcome: sdk.OutcomeNotSent, Code: "permit_expired"}, needs
			}
			left = append(left, at+needs)
			return host.Answer{Outcome: sdk.OutcomeDone, SentAt: time.Now().Add(needs), Requests: 1}, needs + 20*time.Millisecond
		})
		if expired > 100 {
			t.Errorf("%d calls were in vain", expired)
		}
		if n := len(left); n < 1700 {
			t.Errorf("only %d of 2000 left", n)
		}
		from := 0
		for to := range left {
			for left[to]-left[from] >= time.Second {
				from++
			}
			if n := to - from + 1; n > 101 {
				t.Fatalf("%d left within a second", n)
			}
		}
	})
}
