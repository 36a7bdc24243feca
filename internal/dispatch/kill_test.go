package dispatch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bulkrunner/runner/internal/dispatch"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/providers"
	"github.com/bulkrunner/runner/sdk/host"
)

// TestC2KilledOnce: a process is killed once, however long its end takes to
// show, since a second word would reach the process that follows it.
func TestC2KilledOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &api{start: time.Now(), answer: func(time.Duration, host.Call) (host.Answer, time.Duration) { return host.Answer{}, -1 }}
		line := dispatch.NewLine(dispatch.Settings{Name: "x", Rate: plan.Rate{RequestsPerSecond: 10}, MaxInFlight: 4, Timeout: time.Second}, a, time.Now())
		a.line = line
		for life := 1; life <= 3; life++ {
			line.Call(time.Now(), nil, host.Call{Verb: host.Execute}, nil)
			line.Flush()
			for range 50 {
				time.Sleep(100 * time.Millisecond)
				line.Tick(time.Now())
			}
			if a.killed != life {
				t.Errorf("%d processes were killed %d times", life, a.killed)
			}
			line.Handle(time.Now(), providers.Event{Down: errDown})
			line.Tick(time.Now())
			line.Handle(time.Now(), providers.Event{Up: true})
		}
	})
}

var errDown = errorText("it is gone")

type errorText string

func (e errorText) Error() string { return string(e) }
