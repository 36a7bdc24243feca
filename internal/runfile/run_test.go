package runfile

import "testing"

// Every state that an apply ends in can be written and read back.
func TestRunStates(t *testing.T) {
	t.Parallel()
	for _, state := range []string{StateRunning, StateInterrupted, StateStopped, StateFailed, StateUnsettled, StateFinished} {
		j := acquire(t, planned(t, 1))
		must(t, j.SetState(state))
		r, err := j.Run()
		must(t, err)
		if r.State != state {
			t.Errorf("a run put into state %s is in state %s", state, r.State)
		}
		must(t, j.Release())
	}
}
