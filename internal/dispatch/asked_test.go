package dispatch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bulkrunner/runner/sdk/host"
)

// TestAskedForTokens: the line tells what it asked for of its own accord.
func TestAskedForTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := settings(100, 4)
		s.Authenticates = true
		_, line := drive(s, time.Second, func(time.Duration, host.Call) (host.Answer, time.Duration) { return done, time.Millisecond })
		asked := line.Asked()
		if len(asked) != 1 || asked[0].Verb != "auth" || asked[0].Outcome != "done" || asked[0].Item != 0 {
			t.Errorf("asked: %+v", asked)
		}
		if again := line.Asked(); len(again) > 0 {
			t.Errorf("the same again: %+v", again)
		}
	})
}
