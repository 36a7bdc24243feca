//go:build linux && torture

package torture

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

var (
	kills = flag.Int("kills", 300, "how many kills TestA2 does")
	seed  = flag.Uint64("seed", 0, "where TestA2's chances begin; 0 is anew each time")
)

// TestA1 at every sync: see TestA1KillAtEverySync.
func TestA1AllSyncs(t *testing.T) {
	t.Parallel()
	killAtSyncs(t, 60, 80, 60)
}

// TestA2: whatever is killed or stopped, and whenever, while answers are lost:
// the run file and the ledger never differ.
func TestA2RandomKills(t *testing.T) {
	t.Parallel()
	from := *seed
	if from == 0 {
		from = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed=%d -kills=%d", from, *kills)
	const jobs = 6
	var left, differences, items, requests atomic.Int64
	var how [5]atomic.Int64
	left.Store(int64(*kills))
	var running sync.WaitGroup
	for n := range jobs {
		random := rand.New(rand.NewPCG(from, uint64(n)))
		running.Go(func() {
			for left.Load() > 0 && !t.Failed() {
				size := 1500
				j := newJob(t, size)
				j.rate, j.inFlight, j.timeout = 250, 8, 400*time.Millisecond
				for fault, share := range map[string]string{"lose_answer": "0.1", "reset_before": "0.03", "rest": "0.02", "error500_before": "0.02",
					"error500_after": "0.02", "html": "0.02", "truncated": "0.02", "slow": "5ms", "seed": fmt.Sprint(random.Uint64())} {
					j.api.set(t, fault, share)
				}
				j.plan(t)
				for left.Load() > 0 {
					a := j.start(t)
					// Most of the chances lie where something is under way.
					wait := time.Duration(random.Int64N(int64(1500 * time.Millisecond)))
					before := len(j.api.came())
					for over := false; !over && len(j.api.came()) == before; {
						select {
						case <-a.done:
							over = true
						case <-time.After(2 * time.Millisecond):
						}
					}
					select {
					case <-a.done:
					case <-time.After(wait):
					}
					kind := random.IntN(len(how))
					if !j.disturb(a, kind) {
						break // the run is over
					}
					how[kind].Add(1)
					left.Add(-1)
					_, d := j.judge(t)
					differences.Add(int64(d))
				}
				j.complete(t)
				v, d := j.judge(t)
				differences.Add(int64(d))
				v.all(t, plan.Succeeded, size)
				items.Add(int64(size))
				requests.Add(int64(j.api.simulation.Ledger().Requests))
			}
		})
	}
	running.Wait()
	t.Logf("%d kills (runner %d, provider %d, both %d, runner after a stop %d, connections %d), %d items, %d requests, %d differences",
		int64(*kills)-left.Load(), how[0].Load(), how[1].Load(), how[2].Load(), how[3].Load(), how[4].Load(), items.Load(), requests.Load(), differences.Load())
}

// disturb does one kind of harm, and leaves a run that has ended. It reports
// false for one that had ended before.
func (j *job) disturb(a *apply, kind int) bool {
	select {
	case <-a.done:
		return a.code != 0 && a.code != 3
	default:
	}
	provider := providers(a.Process.Pid)
	killProvider := func() {
		for _, pid := range provider {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	switch kind {
	case 0:
	case 1:
		killProvider()
		time.Sleep(700 * time.Millisecond) // it is started again meanwhile
	case 2:
		killProvider()
	case 3:
		a.Process.Signal(syscall.SIGSTOP)
		time.Sleep(300 * time.Millisecond)
		a.Process.Signal(syscall.SIGCONT)
		time.Sleep(20 * time.Millisecond)
	case 4:
		j.api.cut()
		time.Sleep(50 * time.Millisecond)
	}
	a.kill()
	return true
}

// TestA7 with many kills: see TestA7AtMostOnce.
func TestA7ManyKills(t *testing.T) {
	t.Parallel()
	atMostOnce(t, 600, 50)
}

// TestB5: a sync that fails, be it once, ends the sending.
func TestB5SyncFails(t *testing.T) {
	t.Parallel()
	strace(t)
	var failed atomic.Int64
	t.Run("k", func(t *testing.T) {
		for k := 1; k <= 60; k++ {
			t.Run(fmt.Sprint(k), func(t *testing.T) {
				t.Parallel()
				j := newJob(t, 20)
				j.inFlight = 1
				j.plan(t)
				a := j.start(t, strace(t), "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null",
					"-e", "trace=fdatasync,fsync", "-e", fmt.Sprintf("inject=fdatasync,fsync:error=EIO:when=%d", k))
				code := a.end(t, patience)
				v, _ := j.judge(t)
				if code != 0 {
					failed.Add(1)
					if open := v.counts[plan.Started] + v.counts[plan.InDoubt]; open > 1 {
						t.Errorf("after a sync that failed items are %v", v.counts)
					}
				}
				j.complete(t)
				v, _ = j.judge(t)
				v.all(t, plan.Succeeded, j.n)
			})
		}
	})
	t.Logf("%d applies ended by a sync that failed", failed.Load())
	if failed.Load() < 15 {
		t.Error("too few for this to mean anything")
	}
}

// cut breaks every connection to the API.
func (a *api) cut() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for c := range a.connections {
		if tcp, ok := c.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
		c.Close()
	}
}
