//go:build linux

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

// TestA9: a second apply is refused at once, also while the first is stopped.
func TestA9SecondApply(t *testing.T) {
	t.Parallel()
	j := newJob(t, 120)
	j.rate = 40
	j.plan(t)
	a := j.start(t)
	eventually(t, patience, "the first one sends", func() bool { return len(j.api.came()) > 3 })
	refused := func() {
		t.Helper()
		b := j.start(t)
		code := b.end(t, patience)
		if code != 1 || !strings.Contains(b.said.String(), fmt.Sprint("process ", a.Process.Pid)) {
			t.Errorf("the second apply ended with %d:\n%s", code, b.said)
		}
		select {
		case <-a.done:
			t.Errorf("the second was refused when the first had ended, after %s", b.took)
		default:
		}
	}
	refused()
	must(t, a.Process.Signal(syscall.SIGSTOP))
	time.Sleep(50 * time.Millisecond)
	sent := len(j.api.came())
	refused()
	time.Sleep(500 * time.Millisecond)
	if now := len(j.api.came()); now > sent+j.inFlight {
		t.Errorf("while it was stopped %d requests left", now-sent)
	}
	must(t, a.Process.Signal(syscall.SIGCONT))
	if code := a.end(t, patience); code != 0 {
		t.Errorf("the first apply ended with %d:\n%s", code, a.said)
	}
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, j.n)

	// A run that is over sends nothing, and neither does a copy of it.
	sent = len(j.api.came())
	b, err := os.ReadFile(j.path("job.run"))
	must(t, err)
	must(t, os.WriteFile(j.path("copy.run"), b, 0o600))
	for _, name := range []string{"job.run", "copy.run"} {
		j.run(t, "apply", "--auto-approve", name)
	}
	if now := len(j.api.came()); now != sent {
		t.Errorf("a run that was over sent %d requests", now-sent)
	}
}

// TestA9Copy: a copy of a run that has begun would do it again.
func TestA9Copy(t *testing.T) {
	t.Parallel()
	j := newJob(t, 30)
	j.plan(t)
	b, err := os.ReadFile(j.path("job.run"))
	must(t, err)
	must(t, os.WriteFile(j.path("copy.run"), b, 0o600))
	j.complete(t)
	sent := len(j.api.came())
	if out, code := j.run(t, "apply", "--auto-approve", "copy.run"); code != 1 || !strings.Contains(out, "job.run") {
		t.Errorf("the copy's apply ended with %d:\n%s", code, out)
	}
	if now := len(j.api.came()); now != sent {
		t.Errorf("the copy sent %d requests", now-sent)
	}
}

// TestA13: one Ctrl-C stops gently, two at once; nothing is lost by either.
func TestA13CtrlC(t *testing.T) {
	t.Parallel()
	for _, times := range []int{1, 2} {
		t.Run(fmt.Sprint(times), func(t *testing.T) {
			t.Parallel()
			j := newJob(t, 400)
			j.inFlight = 16
			j.timeout = 8 * time.Second
			j.api.set(t, "slow", "300ms")
			j.plan(t)
			a := j.start(t)
			eventually(t, patience, "it is under load", func() bool { return len(j.api.came()) > 60 })
			if times == 2 { // or nobody could tell whether it waited
				j.api.set(t, "slow", "7s")
				sent := len(j.api.came())
				eventually(t, patience, "it is slow", func() bool { return len(j.api.came()) >= sent+j.inFlight })
			}
			began := time.Now()
			for range times {
				must(t, a.Process.Signal(syscall.SIGINT))
				time.Sleep(50 * time.Millisecond)
			}
			if code := a.end(t, patience); code != 130 {
				t.Errorf("it ended with %d:\n%s", code, a.said)
			}
			took := time.Since(began)
			if most := map[int]time.Duration{1: j.timeout, 2: 5 * time.Second}[times]; took > most {
				t.Errorf("it took %s to end", took)
			}
			v, _ := j.judge(t)
			open := v.counts[plan.Started] + v.counts[plan.InDoubt]
			if times == 1 && open > 0 || open > int64(j.inFlight) || v.counts[plan.Planned] == 0 {
				t.Errorf("after it items are %v", v.counts)
			}
			t.Logf("ended after %s with %v", took.Round(time.Millisecond), v.counts)
			j.api.set(t, "slow", "0s")
			j.complete(t)
			v, _ = j.judge(t)
			v.all(t, plan.Succeeded, j.n)
		})
	}
}
