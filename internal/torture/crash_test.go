//go:build linux

package torture

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// TestA1: the runner is killed at a sync of its journal, and resumes. strace
// counts the syncs of each thread, and Go moves the journal between threads, so
// the same k is another moment each time, and a large one may never come.
func TestA1KillAtEverySync(t *testing.T) {
	t.Parallel()
	killAtSyncs(t, 20, 20, 20)
}

// killAtSyncs kills applies of n items at their first, second … last sync.
func killAtSyncs(t *testing.T, n, last int, least int64) {
	t.Helper()
	strace(t)
	var killed, whole atomic.Int64
	t.Run("k", func(t *testing.T) {
		for _, operation := range []string{"cancel", "blind"} {
			for k := 1; k <= last; k++ {
				t.Run(fmt.Sprint(operation, k), func(t *testing.T) {
					t.Parallel()
					if killAtSync(t, operation, n, k) {
						killed.Add(1)
					} else {
						whole.Add(1)
					}
				})
			}
		}
	})
	t.Logf("%d applies killed at a sync, %d had fewer syncs", killed.Load(), whole.Load())
	if killed.Load() < least {
		t.Error("too few were killed for this to mean anything")
	}
}

// TestA1Fed: the same for an operation that is fed by another one: what its
// items are is known again after a crash, and is what it was.
func TestA1Fed(t *testing.T) {
	t.Parallel()
	strace(t)
	var killed atomic.Int64
	t.Run("k", func(t *testing.T) {
		for k := 1; k <= 24; k++ {
			t.Run(fmt.Sprint(k), func(t *testing.T) {
				t.Parallel()
				j := newJob(t, 4)
				j.inFlight, j.fed = 1, true
				j.plan(t)
				if j.start(t, strace(t), "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync",
					"-e", fmt.Sprintf("inject=fdatasync,fsync:signal=KILL:when=%d", k)).end(t, patience) != 0 {
					killed.Add(1)
				}
				j.judge(t)
				j.complete(t)
				v, _ := j.judge(t)
				// Paying isn't sent again before a person says so.
				if doubt := v.counts[plan.InDoubt]; doubt > 1 || v.counts[plan.Succeeded]+doubt != 8 {
					t.Errorf("items are %v", v.counts)
				}
			})
		}
	})
	t.Logf("%d applies killed at a sync", killed.Load())
	if killed.Load() < 8 { // how many syncs one thread makes differs from run to run
		t.Error("too few were killed for this to mean anything")
	}
}

// killAtSync reports whether the apply was killed at all.
func killAtSync(t *testing.T, operation string, n, k int) bool {
	t.Helper()
	j := newJob(t, n)
	j.operation, j.inFlight = operation, 1
	j.plan(t)
	// Not with --seccomp-bpf: under it strace 6.1 injects no signal but the first.
	a := j.start(t, strace(t), "-f", "-qq", "-o", "/dev/null",
		"-e", "trace=fdatasync,fsync", "-e", fmt.Sprintf("inject=fdatasync,fsync:signal=KILL:when=%d", k))
	killed := a.end(t, patience) != 0
	j.judge(t) // also before it is resumed
	j.complete(t)
	v, _ := j.judge(t)
	switch operation {
	case "cancel":
		v.all(t, plan.Succeeded, j.n)
	default:
		if v.counts[plan.InDoubt] > 1 || v.counts[plan.InDoubt]+v.counts[plan.Succeeded] != int64(j.n) {
			t.Errorf("killed at sync %d with one in flight, items are %v", k, v.counts)
		}
	}
	return killed
}

// TestA5: a provider whose runner was killed ends, and nothing is read or sent
// before its last request can't act any more.
func TestA5OrphanIsWaitedFor(t *testing.T) {
	t.Parallel()
	j := newJob(t, 6)
	j.timeout = 3 * time.Second
	posted := make(chan struct{}, 100)
	j.api.answer = slowly(2*time.Second, posted)
	j.plan(t)
	a := j.start(t)
	<-posted
	provider := a.provider(t)
	a.kill()
	killed := time.Now()
	before := len(j.api.came())

	deadline := time.Time{}
	for _, it := range j.items(t) {
		if it.State == plan.Started && it.Deadline.After(deadline) {
			deadline = it.Deadline
		}
	}
	if !deadline.After(killed) {
		t.Fatalf("the started items' deadline is %s, and the runner was killed at %s", deadline, killed)
	}
	b := j.start(t)
	eventually(t, 3*time.Second, "the orphan is dead", func() bool { return !alive(provider) })
	t.Logf("the orphan lived for %s", time.Since(killed).Round(time.Millisecond))
	if code := b.end(t, patience); code == 1 { // the orphan held the lock: once more
		b = j.start(t)
		code = b.end(t, patience)
		if code != 0 {
			t.Fatalf("%d:\n%s", code, b.said)
		}
	}
	came := j.api.came()
	const margin = time.Second
	if first := came[before].at; first.Before(deadline.Add(margin)) {
		t.Errorf("the first new request came %s before the deadline and its margin", deadline.Add(margin).Sub(first))
	} else {
		t.Logf("the first new request came %s after the deadline", first.Sub(deadline).Round(time.Millisecond))
	}
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, j.n)
}

// TestA7: what can't be read is sent once, and left to a person.
func TestA7AtMostOnce(t *testing.T) {
	t.Parallel()
	atMostOnce(t, 60, 4)
}

func atMostOnce(t *testing.T, n, kills int) {
	t.Helper()
	j := newJob(t, n)
	j.operation, j.inFlight, j.timeout = "blind", 2, 300*time.Millisecond
	j.api.set(t, "slow", "20ms")
	j.api.set(t, "lose_answer", "0.05")
	j.plan(t)
	for range kills {
		a := j.start(t)
		before := len(j.api.came())
		for len(j.api.came()) < before+3 {
			select {
			case <-a.done:
				t.Logf("the run is over: %s", a.said)
				before = -10
			case <-time.After(3 * time.Millisecond):
			}
		}
		a.kill()
		j.judge(t)
	}
	if code := j.complete(t); code != 3 {
		t.Errorf("with items in doubt the apply ends with %d", code)
	}
	v, _ := j.judge(t)
	if v.counts[plan.InDoubt] == 0 || v.counts[plan.InDoubt]+v.counts[plan.Succeeded] != int64(n) {
		t.Errorf("items are %v", v.counts)
	}
	sent := map[string]int{}
	for _, a := range j.api.came() {
		if sent[a.thing]++; sent[a.thing] > 1 {
			t.Errorf("%s was sent %d times", a.thing, sent[a.thing])
		}
	}
	t.Logf("%d kills, %v", kills, v.counts)
}

// TestA8: an item has one idempotency key over attempts and crashes.
func TestA8OneKeyForLife(t *testing.T) {
	t.Parallel()
	j := newJob(t, 40)
	j.timeout = 300 * time.Millisecond
	for _, fault := range []string{"rest", "lose_answer", "reset_before", "error500_before"} {
		j.api.set(t, fault, "0.15")
	}
	j.api.set(t, "slow", "10ms")
	j.plan(t)
	a := j.start(t)
	eventually(t, patience, "some requests came", func() bool { return len(j.api.came()) > 30 })
	a.kill()
	j.complete(t)
	j.judge(t)
	keys := map[string]string{}
	for _, it := range j.items(t) {
		keys[it.Key] = it.IdempotencyKey
	}
	posts, seen := 0, map[string]string{}
	for _, a := range j.api.came() {
		if a.method != "POST" {
			continue
		}
		posts++
		if a.key == "" || a.key != keys[a.thing] {
			t.Errorf("%s was sent with key %q, and the run file says %q", a.thing, a.key, keys[a.thing])
		}
		seen[a.key] = a.thing
	}
	if posts <= len(seen) || len(seen) != j.n {
		t.Errorf("%d executions under %d keys: nothing was tried twice, so nothing was tested", posts, len(seen))
	}
}

func (j *job) items(t testing.TB) (all []plan.Item) {
	t.Helper()
	f, err := runfile.Open(j.path("job.run"))
	must(t, err)
	defer f.Close()
	for it, err := range f.Items(runfile.Filter{}) {
		must(t, err)
		all = append(all, it)
	}
	return all
}

// TestA1MarkComesFirst: with a disk that takes its time, a request that has
// left has its mark in the run file, whenever the runner is killed.
func TestA1MarkComesFirst(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 6; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			j := newJob(t, 12)
			j.inFlight = 2
			var posts atomic.Int64
			come := make(chan struct{})
			j.api.answer = func(_ http.ResponseWriter, r *http.Request, _ arrival) bool {
				if r.Method == http.MethodPost && posts.Add(1) == int64(n) {
					close(come)
				}
				return false
			}
			j.plan(t)
			a := j.start(t, strace(t), "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64,fdatasync,fsync",
				"-e", "inject=pwrite64,fdatasync,fsync:delay_enter=20000")
			select {
			case <-come:
			case <-a.done:
				t.Fatalf("exit %d:\n%s", a.code, a.said)
			}
			for _, pid := range providers(a.Process.Pid) { // strace's child is the runner
				must(t, syscall.Kill(pid, syscall.SIGKILL))
			}
			<-a.done
			j.judge(t)
			marked := map[string]bool{}
			for _, it := range j.items(t) {
				marked[it.Key] = it.State != plan.Planned
			}
			for _, came := range j.api.came() {
				if came.method == http.MethodPost && !marked[came.thing] {
					t.Errorf("%s was sent and is planned", came.thing)
				}
			}
		})
	}
}
