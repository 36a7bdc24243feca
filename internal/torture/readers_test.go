//go:build linux

package torture

import (
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// pace is how many arrivals there were a second.
func pace(all []arrival) float64 {
	return float64(len(all)-1) / all[len(all)-1].at.Sub(all[0].at).Seconds()
}

// TestB8: whoever reads the run file, and for how long, the apply keeps its
// pace and never finds the file locked. How the log fares is in
// internal/runfile TestB8LogIsCut.
func TestB8Readers(t *testing.T) {
	n, part, rate := readersRun()
	j := newLargeJob(t, n, new(atomic.Int64))
	j.rate, j.inFlight = rate, 32
	j.plan(t)
	a := j.start(t)
	until := 0
	next := func() []arrival {
		t.Helper()
		from := until
		until += part
		for len(j.api.came()) < until {
			select {
			case <-a.done:
				t.Fatalf("exit %d:\n%s", a.code, a.said)
			case <-time.After(10 * time.Millisecond):
			}
		}
		return j.api.came()[from:until]
	}
	before := pace(next())

	stop := make(chan struct{})
	var readers sync.WaitGroup
	shows := 0
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			// What it takes of the processor isn't what is measured.
			c := j.command("show", "job.run")
			if nice, err := exec.LookPath("nice"); err == nil {
				c.Path, c.Args = nice, append([]string{nice, "-n", "19"}, c.Args...)
			}
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("show ends with %v beside an apply:\n%s", err, out)
			}
			shows++
		}
	})
	ours := pace(next())
	stranger, err := sqlite.OpenConn(j.path("job.run"), sqlite.OpenReadOnly)
	must(t, err)
	must(t, sqlitex.ExecuteTransient(stranger, "BEGIN", nil))
	must(t, sqlitex.ExecuteTransient(stranger, "SELECT count(*) FROM events", nil))
	theirs := pace(next())
	must(t, sqlitex.ExecuteTransient(stranger, "COMMIT", nil))
	must(t, stranger.Close())
	close(stop)
	readers.Wait()
	after := pace(next())

	must(t, a.Process.Signal(syscall.SIGINT))
	if code := a.end(t, patience); code != 130 || strings.Contains(a.said.String(), "locked") {
		t.Fatalf("exit %d:\n%s", code, a.said)
	}
	t.Logf("%d items at %.0f a second: alone %.0f and %.0f, beside %d shows %.0f, and with a stranger's transaction %.0f", n, rate, before, after, shows, ours, theirs)
	if beside, alone := min(ours, theirs), min(before, after, rate); beside < 0.9*alone {
		t.Errorf("it sent %.0f requests a second, and %.0f alone", beside, alone)
	}
	if shows < 3 {
		t.Error("too few shows for this to mean anything")
	}
	f, err := runfile.Open(j.path("job.run"))
	must(t, err)
	defer f.Close()
	ops, err := f.Operations()
	must(t, err)
	if c := ops[0].Counts; c[plan.Succeeded] < int64(4*part) || c[plan.Succeeded]+c[plan.Planned] != int64(n) {
		t.Errorf("items are %v", c)
	}
}
