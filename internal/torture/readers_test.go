//go:build linux

package torture

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// mostLog is how long a run file's log may become beside our own readers.
const mostLog = 64 << 20

// TestB8: whoever reads the run file, and for how long, the apply goes on at
// its rate and never finds the file locked. Beside our own readers its log stays
// short; beside a stranger who holds on to a transaction it grows, and is short
// again when the stranger has gone.
func TestB8Readers(t *testing.T) {
	n, rate := readersRun()
	j := newLargeJob(t, n)
	j.rate, j.inFlight = rate, 32
	j.plan(t)
	a := j.start(t)
	came := func() int { return len(j.api.came()) }
	eventually(t, 20*time.Second, "it sends", func() bool { return came() > 0 })

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
			if out, code := j.run(t, "show", "job.run"); code != 0 {
				t.Errorf("show ends with %d beside an apply:\n%s", code, out)
			}
			shows++
		}
	})
	longest := func(until func() bool) (most int64) {
		for !until() {
			if info, err := os.Stat(j.path("job.run-wal")); err == nil {
				most = max(most, info.Size())
			}
			select {
			case <-a.done:
				t.Fatalf("exit %d:\n%s", a.code, a.said)
			case <-time.After(20 * time.Millisecond):
			}
		}
		return most
	}
	third := func() func() bool {
		until := came() + n/3
		return func() bool { return came() >= until }
	}

	ours := longest(third())
	stranger, err := sqlite.OpenConn(j.path("job.run"), sqlite.OpenReadOnly)
	must(t, err)
	must(t, sqlitex.ExecuteScript(stranger, "SELECT 1", nil))
	must(t, sqlitex.ExecuteTransient(stranger, "BEGIN", nil))
	must(t, sqlitex.ExecuteTransient(stranger, "SELECT count(*) FROM events", nil))
	theirs := longest(third())
	must(t, sqlitex.ExecuteTransient(stranger, "COMMIT", nil))
	must(t, stranger.Close())
	began := came()
	eventually(t, 20*time.Second, "the log is short again", func() bool {
		info, err := os.Stat(j.path("job.run-wal"))
		return err != nil || info.Size() <= mostLog || came() == n
	})
	again := came() - began
	after := longest(func() bool { return came() >= n-int(rate)/4 })
	close(stop)
	readers.Wait()
	if code := a.end(t, 60*time.Second); code != 0 || strings.Contains(a.said.String(), "locked") {
		t.Fatalf("exit %d:\n%s", code, a.said)
	}
	all := j.api.came()
	achieved := float64(len(all)-1) / all[len(all)-1].at.Sub(all[0].at).Seconds()
	t.Logf("%d items at %.0f of %.0f a second, beside %d shows; the log had %d MB at most, beside a stranger %d MB, and %d MB when it had gone and %d more were sent",
		n, achieved, rate, shows, ours>>20, theirs>>20, after>>20, again)
	if achieved < 0.9*rate {
		t.Errorf("it sent %.0f requests a second, of %.0f", achieved, rate)
	}
	if shows < 3 {
		t.Error("too few shows for this to mean anything")
	}
	if ours > mostLog || after > mostLog {
		t.Errorf("the log had %d MB beside our own readers, and %d MB when the stranger had gone", ours>>20, after>>20)
	}
	f, err := runfile.Open(j.path("job.run"))
	must(t, err)
	defer f.Close()
	ops, err := f.Operations()
	must(t, err)
	if got := ops[0].Counts[plan.Succeeded]; got != int64(n) {
		t.Errorf("items are %v", ops[0].Counts)
	}
}
