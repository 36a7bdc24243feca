//go:build linux

package torture

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

// A writeFault is what happens to the writes to a run file and to what lies
// beside it.
type writeFault struct {
	error string // ENOSPC or EIO
	calls string // of the system
	stays bool   // from the n-th on, instead of once
}

var writeFaults = []writeFault{
	{"ENOSPC", "pwrite64,write,ftruncate,fallocate", true},
	{"ENOSPC", "pwrite64,write,ftruncate,fallocate", false},
	{"EIO", "pwrite64", true},
	{"EIO", "pwrite64", false},
}

func (f writeFault) String() string {
	how := "once"
	if f.stays {
		how = "from then on"
	}
	return f.error + " " + how
}

// under are the words before a command that fail its n-th write. strace counts
// by thread, and Go moves the journal between threads: the same n is another
// moment each time.
func (f writeFault) under(t *testing.T, j *job, log string, n int) []string {
	when := strconv.Itoa(n)
	if f.stays {
		when += "+"
	}
	words := []string{strace(t), "-f", "--seccomp-bpf", "-qq", "-ttt", "-o", log, "-e", "trace=" + f.calls,
		"-e", fmt.Sprintf("inject=%s:error=%s:when=%s", f.calls, f.error, when)}
	for _, name := range []string{"", "-wal", "-shm", "-journal", ".ballast", ".lock"} {
		words = append(words, "-P", j.path("job.run"+name))
	}
	return words
}

var injected = regexp.MustCompile(`(?m)^\d+\s+(\d+)\.(\d{6}) .*\(INJECTED\)`)

// firstFault is when the first write failed, as strace has logged it.
func firstFault(t *testing.T, log string) (time.Time, bool) {
	t.Helper()
	b, err := os.ReadFile(log)
	must(t, err)
	m := injected.FindSubmatch(b)
	if m == nil {
		return time.Time{}, false
	}
	seconds, _ := strconv.ParseInt(string(m[1]), 10, 64)
	micros, _ := strconv.ParseInt(string(m[2]), 10, 64)
	return time.Unix(seconds, micros*1000), true
}

// TestB4: the disk is full, or fails, at any write of an apply. From then on
// nothing is sent but what was under way, no outcome that was on the disk is
// lost, and a later apply finishes alone. Tier 2 tries every write.
func TestB4EveryWrite(t *testing.T) {
	t.Parallel()
	for _, f := range writeFaults {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			writes := []int{1, 2, 3, 5, 8, 12, 17, 23, 30, 38, 47, 57, 68, 80, 93, 107, 122, 138, 155, 173}
			switch {
			case everyWrite:
				writes = nil
				for n := 1; n <= 260; n++ {
					writes = append(writes, n)
				}
			case !f.stays:
				writes = []int{2, 7, 19, 31, 53, 89}
			}
			var met, ended atomic.Int64
			t.Run("n", func(t *testing.T) {
				for _, n := range writes {
					t.Run(strconv.Itoa(n), func(t *testing.T) {
						t.Parallel()
						code, hit := atWrite(t, f, n)
						if hit {
							met.Add(1)
						}
						if code != 0 {
							ended.Add(1)
						}
					})
				}
			})
			t.Logf("%d applies of %d met the fault, %d ended by it", met.Load(), len(writes), ended.Load())
			if ended.Load() < int64(len(writes)/3) {
				t.Error("too few for this to mean anything")
			}
		})
	}
}

// atWrite has an apply meet a fault, and another finish the run. It returns how
// the first ended and whether it met the fault.
func atWrite(t *testing.T, f writeFault, n int) (code int, hit bool) {
	t.Helper()
	j := newJob(t, 12)
	j.inFlight, j.rate = 3, 400
	j.api.set(t, "slow", "5ms")
	j.plan(t)
	log := j.path("strace.log")
	a := j.start(t, f.under(t, j, log, n)...)
	code = a.end(t, 60*time.Second)
	at, hit := firstFault(t, log)
	if !hit {
		if code != 0 {
			t.Fatalf("without a fault it ends with %d:\n%s", code, a.said)
		}
		return code, false
	}
	came := j.api.came()
	late := 0
	for _, c := range came {
		if c.at.After(at) {
			late++
		}
	}
	if late > j.inFlight {
		t.Errorf("%d requests came after the first write had failed, and at most %d were in flight", late, j.inFlight)
	}
	switch {
	case code == 5 && strings.Contains(a.said.String(), "runner "):
	case code == 1 && len(came) == 0: // before anything was sent
	case code == 0:
		// What failed was not needed: a write that is done again elsewhere, or
		// what tidies up.
	default:
		t.Errorf("exit %d after %d requests:\n%s", code, len(came), a.said)
	}
	j.judge(t)
	j.nothingLost(t, a)
	j.complete(t)
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, j.n)
	return code, hit
}

// nothingLost demands that every outcome that came back before an apply ended
// is in the run file, or in its last words.
func (j *job) nothingLost(t *testing.T, a *apply) {
	t.Helper()
	ledger := j.api.simulation.Ledger()
	for _, it := range j.items(t) {
		if it.State == plan.Started && ledger.Effects[it.Key] > 0 && !strings.Contains(a.said.String(), "    "+it.Key+"  succeeded\n") {
			t.Errorf("%s had its effect, and nobody says so:\n%s", it.Key, a.said)
		}
	}
}
