package runfile

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

// B8: beside our own readers the log stays short. Beside another program that
// holds on to a transaction it grows, and the apply waits for it no longer than
// now and then a moment; when that program has let go the log is cut.
func TestB8LogIsCut(t *testing.T) {
	t.Parallel()
	const n, most = 24_000, 64 << 20
	path := planned(t, n)
	j := acquire(t, path)
	_, err := j.Begin(noon)
	must(t, err)
	_, err = j.conn.pragma("synchronous = OFF") // the disk isn't what is tested here
	must(t, err)
	next := int64(1)
	var slowest time.Duration
	reason := ""
	log := func(items int64) (longest int64) {
		t.Helper()
		for last := next + items; next < last; {
			var b Batch
			for range 64 {
				c := change(next, plan.Planned, plan.Started)
				c.Reason = reason
				b.Changes = append(b.Changes, c, change(next, plan.Started, plan.Succeeded))
				next++
			}
			began := time.Now()
			must(t, j.Commit(b))
			slowest = max(slowest, time.Since(began))
			fi, err := os.Stat(path + "-wal")
			must(t, err)
			longest = max(longest, fi.Size())
		}
		return longest
	}

	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			f, err := Open(path)
			if err == nil {
				_, err = f.Groups("reason")
				f.Close()
			}
			if err != nil {
				stopped <- err
				return
			}
		}
	}()
	ours := log(n / 16)

	in, out, err := os.Pipe()
	must(t, err)
	c := as("read", path)
	c.Stdin = in
	said := lines(t, c)
	if line := <-said; line != "reading" {
		t.Fatalf("it says %q", line)
	}
	must(t, in.Close())
	reason = strings.Repeat("r", 4000) // so that it grows fast
	theirs := log(n / 2)
	reason = ""
	if j.walMax <= walPagesMax {
		t.Error("nobody was waited for: the test is blind")
	}
	must(t, out.Close())
	for range said {
	}
	must(t, c.Wait())
	log(n / 4) // it begins anew
	after := log(n / 16)
	for range 40 { // on a busy machine our own readers are in its way for longer
		if after <= most {
			break
		}
		time.Sleep(250 * time.Millisecond)
		after = log(64)
	}
	close(stop)
	must(t, <-stopped)

	t.Logf("the log had %d MB beside our own readers, %d MB beside another, and %d MB when it had gone; the slowest commit took %s",
		ours>>20, theirs>>20, after>>20, slowest.Round(time.Millisecond))
	if theirs < most {
		t.Error("the log was never long, so nothing was tested")
	}
	if ours > most || after > most {
		t.Errorf("the log had %d MB beside our own readers, and %d MB when the other had gone", ours>>20, after>>20)
	}
	if slowest > 20*time.Second {
		t.Errorf("a commit took %s", slowest)
	}
	must(t, j.Release())
	if got := integrity(t, path); got != "ok" {
		t.Error(got)
	}
}
