//go:build linux

package torture

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
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
				for n := 1; n <= 140; n++ {
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
			if ended.Load() < int64(len(writes)/4) {
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
	code = a.end(t, patience)
	at, hit := firstFault(t, log)
	if !hit {
		if code != 0 {
			t.Fatalf("without a fault it ends with %d:\n%s", code, a.said)
		}
		return code, false
	}
	// A read has no effect and waits for no write, so one may still leave before
	// the failure is known.
	came := j.api.came()
	late := 0
	for _, c := range came {
		if c.method != http.MethodGet && c.at.After(at) {
			late++
		}
	}
	if late > j.inFlight {
		t.Errorf("%d executions came after the first write had failed, and at most %d were in flight; exit %d:\n%s", late, j.inFlight, code, a.said)
		faults, _ := os.ReadFile(log)
		t.Logf("of %d requests at %v; the faults:\n%s", len(came), came, faults)
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

// TestB4: a plan for which there is no room is none, at whichever write it
// shows, and leaves nothing behind.
func TestB4Plan(t *testing.T) {
	t.Parallel()
	var met atomic.Int64
	t.Run("n", func(t *testing.T) {
		for n := 1; n <= 24; n++ {
			t.Run(strconv.Itoa(n), func(t *testing.T) {
				t.Parallel()
				j := newJob(t, 40)
				j.write(t)
				log := j.path("strace.log")
				plan := []string{"plan", "--refresh=false", "--out", "job.run", "job.ops.hcl"}
				c := j.command(plan...)
				c.Path, c.Args = strace(t), append([]string{"strace", "-f", "--seccomp-bpf", "-qq", "-ttt", "-o", log, "-e", "trace=pwrite64",
					"-e", fmt.Sprintf("inject=pwrite64:error=ENOSPC:when=%d+", n)}, c.Args...)
				a := j.launch(t, c)
				code := a.end(t, patience)
				if _, hit := firstFault(t, log); !hit {
					if code != 0 {
						t.Errorf("without a fault it ends with %d:\n%s", code, a.said)
					}
					return
				}
				met.Add(1)
				if code != 1 || !strings.Contains(a.said.String(), "no space is left on the disk") {
					t.Errorf("exit %d:\n%s", code, a.said)
				}
				left, err := filepath.Glob(j.path("*.run*"))
				must(t, err)
				hidden, err := filepath.Glob(j.path(".job.run*"))
				must(t, err)
				if left = append(left, hidden...); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
				if out, code := j.run(t, plan...); code != 0 {
					t.Errorf("with room it ends with %d:\n%s", code, out)
				}
			})
		}
	})
	t.Logf("%d plans met the fault", met.Load())
	if met.Load() < 8 {
		t.Error("too few for this to mean anything")
	}
}

// TestB4: what a person settles is recorded, or is not settled, at whichever
// write the disk is full; and can be settled when it isn't.
func TestB4Resolve(t *testing.T) {
	t.Parallel()
	var met, refused atomic.Int64
	t.Run("n", func(t *testing.T) {
		for _, n := range []int{1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 22, 26} {
			t.Run(strconv.Itoa(n), func(t *testing.T) {
				t.Parallel()
				j := newJob(t, 3)
				j.operation, j.timeout = "blind", 300*time.Millisecond
				j.api.set(t, "lose_answer", "1")
				j.plan(t)
				if code := j.complete(t); code != 3 {
					t.Fatalf("exit %d", code)
				}
				resolve := []string{"resolve", "job.run", "--key", id(1), "--as", "succeeded", "--reason", "seen at the provider"}
				log := j.path("strace.log")
				c := j.command(resolve...)
				words := writeFaults[0].under(t, j, log, n)
				c.Path, c.Args = words[0], append(words, c.Args...)
				a := j.launch(t, c)
				code := a.end(t, patience)
				if _, hit := firstFault(t, log); hit {
					met.Add(1)
				}
				settled := j.items(t)[1].State == plan.Succeeded
				switch {
				case code == 0 && settled:
				case code == 1 && !settled && (strings.Contains(a.said.String(), "o space") || strings.Contains(a.said.String(), "disk I/O error")):
					refused.Add(1)
				default:
					t.Errorf("exit %d, settled %v:\n%s", code, settled, a.said)
				}
				if !settled {
					if out, code := j.run(t, resolve...); code != 0 {
						t.Errorf("with room it ends with %d:\n%s", code, out)
					}
				}
				j.judge(t)
				v := j.items(t)
				if v[0].State != plan.InDoubt || v[1].State != plan.Succeeded || v[2].State != plan.InDoubt {
					t.Errorf("items are %s, %s and %s", v[0].State, v[1].State, v[2].State)
				}
			})
		}
	})
	t.Logf("%d met the fault, %d were refused by it", met.Load(), refused.Load())
	if refused.Load() < 3 {
		t.Error("too few for this to mean anything")
	}
}

// TestB4: a command that can't be left for an apply is refused and leaves
// nothing behind, and the apply goes on.
func TestB4Control(t *testing.T) {
	t.Parallel()
	j := newJob(t, 400)
	j.rate = 40
	j.plan(t)
	a := j.start(t)
	eventually(t, patience, "it sends", func() bool { return len(j.api.came()) > 3 })
	for _, call := range []string{"mkdirat", "write", "renameat"} {
		c := j.command("control", "job.run", "pause")
		c.Path, c.Args = strace(t), append([]string{"strace", "-f", "--seccomp-bpf", "-qq", "-o", j.path("strace.log"), "-e", "trace=" + call,
			"-e", "inject=" + call + ":error=ENOSPC:when=1"}, c.Args...)
		b := j.launch(t, c)
		// What is said is written too, and strace counts by thread.
		code, said := b.end(t, patience), b.said.String()
		if silent := call == "write" && said == ""; code != 1 || !silent && !strings.Contains(said, "o space left") {
			t.Errorf("%s: exit %d:\n%s", call, code, said)
		}
		if left, _ := os.ReadDir(j.path("job.run.d")); len(left) > 0 {
			t.Errorf("%s: left: %v", call, left)
		}
	}
	before := len(j.api.came())
	eventually(t, patience, "it still sends", func() bool { return len(j.api.came()) > before+10 })
	if out, code := j.run(t, "control", "job.run", "stop"); code != 0 {
		t.Errorf("with room it ends with %d:\n%s", code, out)
	}
	if code := a.end(t, patience); code != 130 {
		t.Errorf("the apply ends with %d:\n%s", code, a.said)
	}
}
