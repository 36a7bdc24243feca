//go:build linux && torture

package torture

import (
	"flag"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

var fleetKillsWanted = flag.Int("fleet-kills", 100, "how many workers TestA10ManyWorkers kills")

// TestA10Workers with many items and kills: see there.
func TestA10ManyWorkers(t *testing.T) {
	fleetKills(t, 20_000, *fleetKillsWanted, 3*time.Second)
}

// TestD4Workers at more limits and with more workers: see there.
func TestD4ManyWorkers(t *testing.T) {
	for _, limit := range []int{20, 200} {
		for _, workers := range []int{1, 2, 4} {
			t.Run(fmt.Sprintf("%d/s, %d workers", limit, workers), func(t *testing.T) {
				late := lateness(t)
				atServer, used := fleetRate(t, limit, workers, 45*time.Second)
				busy := late()
				t.Logf("the server's clock was up to %s late", busy.Round(time.Millisecond))
				if used < 0.8 || busy <= 5*time.Millisecond && atServer > limit+1 {
					t.Errorf("the worst second holds %d, and %.0f %% of the limit were used", atServer, 100*used)
				}
			})
		}
	}
}

// TestA10Ended: chunks, and then the run itself, whose workflows somebody ends
// from outside: what they knew is gone, and read before anything is sent.
func TestA10Ended(t *testing.T) {
	t.Parallel()
	on := temporalServer(t)
	j := newJob(t, 100)
	j.rate, j.inFlight = 20, 4
	j.plan(t)
	j.worker(t, on)
	a := j.submit(t, on)
	eventually(t, patience, "some items were sent", func() bool { return len(j.api.came()) > 10 })
	run := j.handed(t)
	temporalDoes(t, on, run+"/operation.fake_cancel.all/000000", "terminate", "--reason", "a test")
	if code := a.end(t, patience); code != 4 || !strings.Contains(a.said.String(), "from outside") {
		t.Fatalf("apply ended with %d:\n%s", code, a.said)
	}
	if v, _ := j.judge(t); v.counts[plan.InDoubt] == 0 {
		t.Errorf("nothing is in doubt: %v", v.counts)
	}

	a = j.submit(t, on, "--continue-after-stop", "operation.fake_cancel.all")
	before := len(j.api.came())
	eventually(t, patience, "it goes on", func() bool { return len(j.api.came()) > before+10 })
	temporalDoes(t, on, strings.TrimSuffix(run, "1")+"2", "terminate", "--reason", "a test")
	if code := a.end(t, patience); code != 5 {
		t.Fatalf("apply of what was ended ended with %d:\n%s", code, a.said)
	}
	j.judge(t)

	// What nobody knows anything of is left alone for two minutes.
	for range 3 {
		a = j.submit(t, on)
		if a.end(t, 2*time.Minute+patience) == 0 {
			break
		}
	}
	if a.code != 0 {
		t.Errorf("the last apply ended with %d:\n%s", a.code, a.said)
	}
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, 100)
	j.keysHold(t)
}

// TestFleetCost: what a worker carries out in a second where no limit holds it
// back, beside an apply in its own process. It demands nothing: docs/temporal.md
// has what it said.
func TestFleetCost(t *testing.T) {
	const items = 10_000
	rate := func(j *job) float64 {
		came := j.api.came()
		return float64(len(came)) / came[len(came)-1].at.Sub(came[0].at).Seconds()
	}
	job := func() *job {
		j := newJob(t, items)
		j.rate, j.inFlight, j.timeout = 100_000, 64, 10*time.Second
		j.plan(t)
		return j
	}
	alone := job()
	a := alone.start(t)
	if code := a.end(t, 5*time.Minute); code != 0 {
		t.Fatalf("apply ended with %d:\n%s", code, a.said)
	}
	t.Logf("alone: %.0f requests/s, %s of the runner's CPU", rate(alone), a.ProcessState.UserTime()+a.ProcessState.SystemTime())
	for _, workers := range []int{1, 2} {
		on := temporalServer(t)
		j := job()
		var all []*apply
		for range workers {
			all = append(all, j.worker(t, on))
		}
		a := j.submit(t, on)
		if code := a.end(t, 5*time.Minute); code != 0 {
			t.Fatalf("apply ended with %d:\n%s", code, a.said)
		}
		cpu := a.ProcessState.UserTime() + a.ProcessState.SystemTime()
		for _, w := range all {
			w.Process.Signal(syscall.SIGTERM)
			w.end(t, time.Minute)
			cpu += w.ProcessState.UserTime() + w.ProcessState.SystemTime()
		}
		j.judge(t)
		t.Logf("%d workers: %.0f requests/s, %s of CPU of the workers and of who watches; the server's comes on top", workers, rate(j), cpu)
	}
}
