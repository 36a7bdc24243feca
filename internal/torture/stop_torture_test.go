//go:build linux && torture

package torture

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

// TestA9 over half a minute: while the holder is stopped a second apply is
// refused within a second, by process and host; woken up the holder carries on,
// and without a burst.
func TestA9StoppedHolder(t *testing.T) {
	t.Parallel()
	j := newJob(t, 120)
	j.rate = 40
	j.plan(t)
	late := lateness(t)
	a := j.start(t)
	eventually(t, patience, "it sends", func() bool { return len(j.api.came()) > 20 })
	must(t, a.Process.Signal(syscall.SIGSTOP))
	time.Sleep(50 * time.Millisecond)
	sent := len(j.api.came())
	host, err := os.Hostname()
	must(t, err)
	for range 3 {
		b := j.start(t)
		if code := b.end(t, 10*time.Second); code != 1 || b.took > time.Second {
			t.Errorf("the second apply ended with %d after %s", code, b.took)
		}
		if said := b.said.String(); !strings.Contains(said, fmt.Sprint("process ", a.Process.Pid)) || !strings.Contains(said, host) {
			t.Errorf("the second apply says:\n%s", said)
		}
		t.Logf("refused after %s", b.took.Round(time.Millisecond))
		time.Sleep(10 * time.Second)
	}
	if now := len(j.api.came()); now > sent+j.inFlight {
		t.Errorf("while it was stopped %d requests left", now-sent)
	}
	must(t, a.Process.Signal(syscall.SIGCONT))
	if code := a.end(t, patience); code != 0 {
		t.Errorf("the first apply ended with %d:\n%s", code, a.said)
	}
	if atServer, leaving := worst(j.api.came()), worst(j.left(t)); !withinLimit(t, 40, atServer, leaving, late()) {
		t.Errorf("the worst second holds %d, %d as they left", atServer, leaving)
	}
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, j.n)
}

// TestA9 with the lock broken by hand: an apply that was taken over while it
// was stopped sends nothing when it wakes up, whether the other is at work
// still or done.
func TestA9TakenOver(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"at work", "done"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, 400)
			j.rate = 100
			j.plan(t)
			a := j.start(t)
			eventually(t, patience, "it sends", func() bool { return len(j.api.came()) > 100 })
			must(t, a.Process.Signal(syscall.SIGSTOP))
			time.Sleep(time.Second)
			must(t, os.Remove(j.path("job.run.lock")))
			b := j.start(t)
			before := len(j.api.came())
			if when == "at work" {
				eventually(t, patience, "the other sends", func() bool { return len(j.api.came()) > before+100 })
			} else if code := b.end(t, patience); code != 0 {
				t.Fatalf("the other apply ended with %d:\n%s", code, b.said)
			}
			woken := len(j.api.came())
			must(t, a.Process.Signal(syscall.SIGCONT))
			if code := a.end(t, patience); code == 0 {
				t.Errorf("the one that was taken over ended with %d:\n%s", code, a.said)
			}
			if when == "at work" {
				if code := b.end(t, patience); code != 0 {
					t.Errorf("the other apply ended with %d:\n%s", code, b.said)
				}
			} else if now := len(j.api.came()); now > woken {
				t.Errorf("%d requests left after it was taken over", now-woken)
			}
			v, _ := j.judge(t)
			v.all(t, plan.Succeeded, j.n)
			// What the run file doesn't have was on the wire when it was
			// stopped.
			if saw := j.api.simulation.Ledger().Requests; saw > v.requests+j.inFlight {
				t.Errorf("the API saw %d requests, and the run file has %d", saw, v.requests)
			}
			t.Logf("%d requests at the API, %d in the run file; it says: %.300s", j.api.simulation.Ledger().Requests, v.requests, a.said)
		})
	}
}
