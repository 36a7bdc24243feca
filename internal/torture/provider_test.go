//go:build linux

package torture

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

func (j *job) misbehave(how string, after int) {
	j.provider = fmt.Sprintf("  misbehave = %q\n  misbehave_after = %d\n", how, after)
}

func (j *job) events(t testing.TB) (all []plan.Event) {
	t.Helper()
	f, err := runfile.Open(j.path("job.run"))
	must(t, err)
	defer f.Close()
	all, err = f.Events()
	must(t, err)
	return all
}

// TestC1: a provider that dies at any item fails none of them.
func TestC1DiesAtEveryItem(t *testing.T) {
	t.Parallel()
	const n = 6
	for _, how := range []string{"crash_before_request", "crash_after_request", "panic"} {
		for k := range n {
			t.Run(fmt.Sprint(how, k), func(t *testing.T) {
				t.Parallel()
				j := newJob(t, n)
				j.inFlight, j.timeout = 1, 300*time.Millisecond
				j.misbehave(how, k)
				if how == "panic" {
					// Each item after the k-th is in doubt, read, and sent
					// again, to the end of its attempts.
					j.attempts = 4
				}
				j.plan(t)
				if k == 0 && how != "panic" { // it can get nowhere
					a := j.start(t)
					if code := a.end(t, patience); code != 5 {
						t.Errorf("a provider that always dies: exit %d\n%s", code, a.said)
					}
				} else {
					j.complete(t)
				}
				v, _ := j.judge(t)
				switch {
				case how == "panic": // with proof: a read shows that nothing happened
					if v.counts[plan.Succeeded] != int64(k) || v.counts[plan.Failed] != int64(n-k) {
						t.Errorf("items are %v", v.counts)
					}
				case v.counts[plan.Failed] > 0:
					t.Errorf("items are %v", v.counts)
				case k > 0:
					v.all(t, plan.Succeeded, n)
				}
				said := false
				for _, e := range j.events(t) {
					said = said || e.Kind == "provider_ended" && strings.Contains(e.Detail, "was told to crash")
				}
				if how != "panic" && k < n && !said {
					t.Error("what it printed at its end isn't among the run's events")
				}
			})
		}
	}
}

// TestC1Detected: the death of a provider under load shows at once.
func TestC1Detected(t *testing.T) {
	t.Parallel()
	j := newJob(t, 100)
	j.rate, j.inFlight, j.timeout = 60, 8, 6*time.Second
	j.api.set(t, "slow", "50ms")
	j.plan(t)
	a := j.start(t)
	eventually(t, patience, "it is under load", func() bool { return len(j.api.came()) > 20 })
	pid := a.provider(t)
	killed := time.Now()
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	eventually(t, 5*time.Second, "another provider runs", func() bool {
		pids := providers(a.Process.Pid)
		return len(pids) > 0 && pids[0] != pid
	})
	t.Logf("a new provider ran %s after the kill", time.Since(killed).Round(time.Millisecond))
	if code := a.end(t, patience); code != 0 {
		t.Fatalf("exit %d:\n%s", code, a.said)
	}
	for _, e := range j.events(t) {
		if e.Kind == "provider_ended" {
			if late := e.At.Sub(killed); late > j.timeout/2 { // and not for want of an answer
				t.Errorf("its death was seen %s late", late)
			} else {
				t.Logf("its death was seen after %s", late.Round(time.Millisecond))
			}
		}
	}
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, j.n)
}

// TestC2: a provider that hangs is killed two seconds after the deadline.
func TestC2Hangs(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"hang", "no_answer", "stopped"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, 12)
			j.inFlight, j.timeout, j.rate = 2, 500*time.Millisecond, 10
			if how != "stopped" {
				j.misbehave(how, 7)
			}
			j.plan(t)
			a := j.start(t)
			if how == "stopped" {
				eventually(t, patience, "it is under load", func() bool { return len(j.api.came()) > 6 })
				must(t, syscall.Kill(a.provider(t), syscall.SIGSTOP))
			}
			if code := a.end(t, patience); code != 0 {
				t.Fatalf("exit %d:\n%s", code, a.said)
			}
			v, _ := j.judge(t)
			v.all(t, plan.Succeeded, j.n)
			f, err := runfile.Open(j.path("job.run"))
			must(t, err)
			defer f.Close()
			var first time.Time // the deadline of the first call that got no answer
			for r, err := range f.RequestLog() {
				must(t, err)
				if r.Code == "provider_ended" && (first.IsZero() || r.Deadline.Before(first)) {
					first = r.Deadline
				}
			}
			for _, e := range j.events(t) {
				if e.Kind == "provider_ended" {
					freed := e.At.Sub(first)
					if first.IsZero() || freed > 2*time.Second+3*time.Second {
						t.Errorf("freed %s after the deadline", freed)
					}
					t.Logf("freed %s after the deadline", freed.Round(time.Millisecond))
				}
			}
		})
	}
}

// TestC3: when the runner is killed its provider ends, and the next apply
// leaves no socket behind.
func TestC3NothingIsLeft(t *testing.T) {
	t.Parallel()
	j := newJob(t, 30)
	j.rate = 50
	j.plan(t)
	a := j.start(t)
	eventually(t, patience, "it is under load", func() bool { return len(j.api.came()) > 6 })
	pid := a.provider(t)
	a.kill()
	killed := time.Now()
	eventually(t, 3*time.Second, "the provider is dead", func() bool { return !alive(pid) })
	t.Logf("the provider was dead after %s", time.Since(killed).Round(time.Millisecond))
	j.complete(t)
	var sockets string
	for _, e := range j.env {
		if dir, ok := strings.CutPrefix(e, "XDG_RUNTIME_DIR="); ok {
			sockets = dir
		}
	}
	left, err := os.ReadDir(sockets)
	must(t, err)
	for _, e := range left {
		t.Errorf("%s is left", e.Name())
	}
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, j.n)
}

// TestC4: a signal to the whole group, or to runner and provider alike, leaves
// nothing in doubt.
func TestC4Terminated(t *testing.T) {
	t.Parallel()
	for _, both := range []bool{false, true} {
		t.Run(fmt.Sprint(both), func(t *testing.T) {
			t.Parallel()
			j := newJob(t, 300)
			j.inFlight = 8
			j.api.set(t, "slow", "200ms")
			j.plan(t)
			a := j.start(t)
			eventually(t, patience, "it is under load", func() bool { return len(j.api.came()) > 30 })
			pid := a.provider(t)
			must(t, syscall.Kill(-a.Process.Pid, syscall.SIGTERM))
			if both { // as systemd does
				must(t, syscall.Kill(pid, syscall.SIGTERM))
			}
			if code := a.end(t, patience); code != 130 {
				t.Errorf("exit %d:\n%s", code, a.said)
			}
			v, _ := j.judge(t)
			if v.counts[plan.InDoubt]+v.counts[plan.Started] > 0 || v.counts[plan.Planned] == 0 {
				t.Errorf("items are %v", v.counts)
			}
			t.Logf("%v", v.counts)
		})
	}
}

// highWater is the most memory that a process has used, in bytes.
func highWater(pid int) int64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmHWM:" {
			kb, _ := strconv.ParseInt(f[1], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// watch runs an apply to its end and returns how long it sent for, and the most
// memory that it used.
func (j *job) watch(t testing.TB) (time.Duration, int64) {
	t.Helper()
	a := j.start(t)
	memory := most(a)
	if a.code != 0 {
		t.Fatalf("exit %d:\n%s", a.code, a.said)
	}
	came := j.api.came()
	if len(came) == 0 {
		t.Fatalf("it sent nothing:\n%s", a.said)
	}
	return came[len(came)-1].at.Sub(came[0].at), memory
}

// TestC5: a provider that floods its standard output or error slows nothing
// down and fills nothing, and how much was dropped is said once. It runs before
// the parallel tests: what it measures is time.
func TestC5Floods(t *testing.T) {
	floods(t, 12, 4, 5)
}

// floods holds applies of some items, whose provider prints so many MiB at each
// execution, against one whose provider is silent, at the same time.
func floods(t *testing.T, items, mb int, rate float64) {
	t.Helper()
	hows := []string{"", "flood_stderr", "flood_stdout"}
	type figures struct {
		took   time.Duration
		memory int64
	}
	all := make([]figures, len(hows))
	jobs := make([]*job, len(hows))
	var running sync.WaitGroup
	for n, how := range hows {
		j := newJob(t, items)
		j.rate, j.timeout = rate, 10*time.Second
		if how != "" {
			j.misbehave(how, 0)
			j.provider += fmt.Sprintf("  flood_mb = %d\n", mb)
		}
		j.plan(t)
		jobs[n] = j
	}
	for n, j := range jobs {
		running.Go(func() { all[n].took, all[n].memory = j.watch(t) })
	}
	running.Wait()
	quiet := all[0]
	for n, how := range hows {
		v, _ := jobs[n].judge(t)
		v.all(t, plan.Succeeded, jobs[n].n)
		var said []string
		for _, e := range jobs[n].events(t) {
			if e.Kind == "output_dropped" {
				said = append(said, e.Detail)
			}
		}
		out, _ := jobs[n].run(t, "show", "job.run")
		if how == "" {
			if len(said) > 0 {
				t.Errorf("of a silent provider it is said: %s", said)
			}
			continue
		}
		f := all[n]
		t.Logf("%s, %d MB: %.0f %% of the throughput, %+d MB of memory; %s", how, mb*jobs[n].n, 100*quiet.took.Seconds()/f.took.Seconds(), (f.memory-quiet.memory)>>20, said)
		// A flood may make its request late, and is then had again.
		var mbs float64
		if len(said) == 1 {
			fmt.Sscanf(said[0], "provider.fake: it printed %f MB more than the end that is kept", &mbs)
		}
		if least := float64(mb*jobs[n].n<<20)/1e6 - 1; mbs < least || mbs > 2*least || strings.Count(out, said[0]) != 1 {
			t.Errorf("%s: it is said that %q, of %.0f MB, and show says\n%s", how, said, least, out)
		}
		if f.took > quiet.took*5/4+5*time.Second { // a flood that blocks takes a timeout for each item
			t.Errorf("%s: it took %s instead of %s", how, f.took, quiet.took)
		}
		if f.memory > quiet.memory+32<<20 {
			t.Errorf("%s: it used %d MB instead of %d", how, f.memory>>20, quiet.memory>>20)
		}
		size, err := exec.Command("du", "-sm", jobs[n].dir).Output()
		if mbs, _, _ := strings.Cut(string(size), "\t"); err != nil || len(mbs) > 1 {
			t.Errorf("%s: there are %s MB on disk (%v)", how, mbs, err)
		}
	}
}

// TestC6: an answer larger than a message is trouble of its item alone.
func TestC6HugeAnswer(t *testing.T) {
	t.Parallel()
	j := newJob(t, 8)
	j.misbehave("huge_answer", 5)
	j.inFlight = 1
	j.plan(t)
	_, memory := j.watch(t)
	if memory > 200<<20 {
		t.Errorf("it used %d MB", memory>>20)
	}
	t.Logf("%d MB", memory>>20)
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, j.n)
}

// memos writes the job's files, with memos of so many tenths of a MiB for each
// item. No row, file or string may hold so much, but a list may.
func (j *job) memos(t testing.TB, sizes []int) {
	t.Helper()
	j.argument = "  memos    = [for part in range(tonumber(each.value.tenths)) : file(\"tenth\")]\n"
	j.write(t)
	list := []byte("id,tenths\n")
	for i, size := range sizes {
		list = fmt.Appendf(list, "%s,%v\n", id(i), size)
	}
	must(t, os.WriteFile(j.path("things.csv"), list, 0o600))
	must(t, os.WriteFile(j.path("tenth"), bytes.Repeat([]byte("m"), 1<<20/10), 0o600))
}

// TestC6: arguments that are nearly a message long travel, none beside another;
// longer ones are an error that names the row, before anything is sent.
func TestC6HugeArguments(t *testing.T) {
	t.Parallel()
	sizes := []int{0, 9, 39, 0, 41, 41, 159, 0}
	j := newJob(t, len(sizes))
	j.inFlight, j.timeout = 2, 30*time.Second
	j.memos(t, sizes)
	plan1 := j.launch(t, j.command("plan", "--refresh=false", "--out", "job.run", "job.ops.hcl"))
	planned := most(plan1)
	if code := plan1.end(t, patience); code != 0 {
		t.Fatalf("plan ended with %d:\n%s", code, plan1.said)
	}
	_, applied := j.watch(t)
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, j.n)
	t.Logf("%d MB to plan, %d MB to apply", planned>>20, applied>>20)
	// An item of 15.9 MiB is there several times while it is planned: as a
	// value, as JSON, in its message, in the run file's page.
	if planned > 320<<20 || applied > 240<<20 {
		t.Errorf("it used %d MB to plan and %d MB to apply", planned>>20, applied>>20)
	}

	j = newJob(t, 4)
	j.timeout = 30 * time.Second
	j.memos(t, []int{0, 159, 170, 0})
	out, code := j.run(t, "plan", "--out", "job.run", "job.ops.hcl")
	if code != 1 || !strings.Contains(out, "things.csv:4") || !strings.Contains(out, "17.0 MiB") || len(out) > 10<<10 {
		t.Errorf("exit %d, %d bytes:\n%.2000s", code, len(out), out)
	}
	for _, came := range j.api.came() {
		if came.method != "GET" || came.thing == id(2) {
			t.Errorf("%v came", came)
		}
	}
	v, _ = j.judge(t)
	if v.counts[plan.Invalid] != 1 {
		t.Errorf("items are %v", v.counts)
	}
}

// most watches a process to its end and returns the most memory that it used.
func most(a *apply) (memory int64) {
	for {
		select {
		case <-a.done:
			return memory
		case <-time.After(5 * time.Millisecond):
			memory = max(memory, highWater(a.Process.Pid))
		}
	}
}

// TestC7: a long or a missing TMPDIR is no trouble, or is named as the trouble.
func TestC7SocketPaths(t *testing.T) {
	t.Parallel()
	worked := 0
	for _, length := range []int{20, 50, 51, 80, 92, 104, 108, 150, 200, -1} {
		j := newJob(t, 1)
		dir := j.path("")
		if length > 0 {
			for len(dir) < length {
				dir = filepath.Join(dir, strings.Repeat("d", min(60, max(1, length-len(dir)-1))))
			}
			must(t, os.MkdirAll(dir, 0o700))
		} else {
			dir = j.path("missing")
		}
		j.env = append(slices.DeleteFunc(j.env, func(e string) bool { return strings.HasPrefix(e, "XDG_RUNTIME_DIR=") }), "TMPDIR="+dir)
		j.write(t)
		out, code := j.run(t, "plan", "--refresh=false", "--out", "job.run", "job.ops.hcl")
		if strings.Contains(out, "Unrecognized remote plugin message") || code != 0 && !strings.Contains(out, "TMPDIR") {
			t.Errorf("TMPDIR of %d characters: exit %d\n%s", length, code, out)
		}
		if code == 0 {
			worked++
		}
	}
	t.Logf("%d of 10 worked", worked)
}

// TestC8: a provider sees the variables that it may see, and holds no file but
// its own and the lock.
func TestC8Inherits(t *testing.T) {
	t.Parallel()
	j := newJob(t, 20)
	j.rate = 20
	j.env = append(j.env, "AWS_SECRET_ACCESS_KEY=canary", "PAYME_KEY=canary", "LD_PRELOAD_X=canary", "https_proxy=http://127.0.0.1:9", "TZ=UTC")
	j.plan(t)
	a := j.start(t)
	eventually(t, patience, "it sends", func() bool { return len(j.api.came()) > 3 })
	pid := a.provider(t)
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	must(t, err)
	may := []string{"PATH", "HOME", "TZ", "https_proxy"}
	seen := 0
	for entry := range strings.SplitSeq(strings.Trim(string(environ), "\x00"), "\x00") {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case slices.Contains(may, name):
			seen++
		case strings.HasPrefix(name, "PLUGIN_") || strings.HasPrefix(name, "RUNNER_P"): // go-plugin's, and the cookie
		default:
			t.Errorf("it sees %s", name)
		}
		if strings.Contains(value, "canary") || strings.Contains(value, token) {
			t.Errorf("%s holds a secret", name)
		}
	}
	if seen != len(may) {
		t.Errorf("it sees %d of %v", seen, may)
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	must(t, err)
	for _, fd := range fds {
		to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd.Name()))
		if err != nil {
			continue
		}
		switch {
		case fd.Name() == "0" && to != "/dev/null":
			t.Errorf("its standard input is %s", to)
		case to == "/dev/null", strings.HasPrefix(to, "pipe:"), strings.HasPrefix(to, "socket:"), strings.HasPrefix(to, "anon_inode:"), to == j.path("job.run.lock"):
		case strings.HasPrefix(to, "/memfd:runner-provider-fake"): // the bytes of its own program
		case strings.HasPrefix(to, "/sys/fs/cgroup"), strings.HasPrefix(to, "/proc"): // the Go runtime's look at its limits
		default:
			t.Errorf("it holds %s: %s", fd.Name(), to)
		}
	}
	a.end(t, patience)
}
