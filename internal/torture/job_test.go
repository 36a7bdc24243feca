//go:build linux

package torture

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

// A job is an operation file, its list and its run, in a folder of their own.
type job struct {
	api *api
	dir string
	env []string
	n   int // items

	runner string // the program

	// What differs in the operation file.
	operation string // without the provider's prefix
	rate      float64
	burst     int // 0 is 1
	inFlight  int
	attempts  int // 0 is 50
	timeout   time.Duration
	provider  string // further lines of the provider block
	argument  string // further lines of the operation
	fed       bool   // each item that succeeded has a thing paid that is called after it
}

// newJob has n open things cancelled, one at a time unless told otherwise.
func newJob(t testing.TB, n int) *job {
	t.Helper()
	sockets, err := os.MkdirTemp("", "s")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(sockets) })
	j := &job{
		api: newAPI(t), dir: t.TempDir(), n: n, runner: filepath.Join(programs, "runner"),
		operation: "cancel", rate: 1000, inFlight: 4, timeout: time.Second,
	}
	j.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + j.dir, "XDG_STATE_HOME=" + filepath.Join(j.dir, "state"),
		"XDG_RUNTIME_DIR=" + sockets, "RUNNER_PLUGIN_DIR=" + programs, "RUNNER_VAR_token=" + token,
	}
	for i := range n {
		j.api.seed(t, id(i), "open")
	}
	return j
}

func id(i int) string { return fmt.Sprintf("T-%05d", i) }

func (j *job) path(name string) string { return filepath.Join(j.dir, name) }

// write writes the operation file and the list.
func (j *job) write(t testing.TB) {
	t.Helper()
	list := []byte("id\n")
	for i := range j.n {
		list = append(list, id(i)+"\n"...)
	}
	must(t, os.WriteFile(j.path("things.csv"), list, 0o600))
	must(t, os.WriteFile(j.path("job.ops.hcl"), fmt.Appendf(nil, `runner {
  required_providers {
    fake = { source = "fake" }
  }
}
variable "token" {
  type      = string
  sensitive = true
}
provider "fake" {
  endpoint = %q
  token    = var.token
  rate_limit {
    requests_per_second = %s
    burst               = %d
  }
  max_in_flight = %d
  timeout       = %q
%s
}
list "csv" "things" {
  path = "things.csv"
  key  = "id"
}
operation "fake_%s" "all" {
  for_each = list.csv.things
  id       = each.value.id
%s
  limits { max_items = "unlimited" }
  retry {
    max_attempts = %d
    min_backoff  = "10ms"
    max_backoff  = "50ms"
  }
  abort {
    max_failures             = 1000000
    max_consecutive_failures = 1000000
    max_failure_ratio        = 1
    min_items                = 1000000
  }
}
`, j.api.url, strconv.FormatFloat(j.rate, 'f', -1, 64), max(j.burst, 1), j.inFlight, j.timeout, j.provider, j.operation, j.argument, cmp.Or(j.attempts, 50)), 0o600))
	if j.fed {
		must(t, os.WriteFile(j.path("fed.ops.hcl"), fmt.Appendf(nil, `operation "fake_pay" "fed" {
  for_each = operation.fake_%s.all
  where    = each.value.outcome == "succeeded"
  id       = "R-${each.value.arguments.id}"
  amount   = todecimal("1.50")
  currency = "COP"
  limits {
    max_items = %d
    max_total = { COP = 1000000 }
  }
  abort {
    max_failures             = 1000000
    max_consecutive_failures = 1000000
    max_failure_ratio        = 1
    min_items                = 1000000
  }
}
`, j.operation, j.n), 0o600))
	}
}

// thing is what an item acts on; "" for one of which that isn't known yet.
func thing(it plan.Item) string {
	var a struct{ ID string }
	json.Unmarshal(it.Arguments, &a)
	return a.ID
}

// plan writes the job's files and its run file, without asking the API.
func (j *job) plan(t testing.TB) {
	t.Helper()
	j.write(t)
	if out, code := j.run(t, "plan", "--refresh=false", "--out", "job.run", "."); code != 0 {
		t.Fatalf("plan ended with %d:\n%s", code, out)
	}
}

// command is the runner with arguments, in a process group of its own.
func (j *job) command(args ...string) *exec.Cmd {
	c := exec.Command(j.runner, args...)
	c.Dir, c.Env = j.dir, j.env
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return c
}

// run runs a command to its end.
func (j *job) run(t testing.TB, args ...string) (string, int) {
	t.Helper()
	out, err := j.command(args...).CombinedOutput()
	return string(out), exitCode(t, err)
}

func exitCode(t testing.TB, err error) int {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode() // -1 when a signal ended it
	}
	t.Fatal(err)
	return 0
}

// An apply is a runner at work.
type apply struct {
	*exec.Cmd
	job  *job
	said *output
	done chan struct{}
	code int
	took time.Duration
}

// An output is what a process has printed so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// start starts an apply; before, where given, is put before the command line.
func (j *job) start(t testing.TB, before ...string) *apply {
	t.Helper()
	c := j.command("apply", "--auto-approve", "job.run")
	if len(before) > 0 {
		c.Path, c.Args = before[0], append(append([]string(nil), before...), c.Args...)
	}
	return j.launch(t, c)
}

func (j *job) launch(t testing.TB, c *exec.Cmd) *apply {
	t.Helper()
	a := &apply{Cmd: c, job: j, said: &output{}, done: make(chan struct{})}
	a.Stdout, a.Stderr = a.said, a.said
	began := time.Now()
	must(t, a.Start())
	go func() {
		defer close(a.done)
		err := a.Cmd.Wait()
		a.took = time.Since(began)
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			a.code = exit.ExitCode()
		} else if err != nil {
			a.code = -2
		}
	}()
	t.Cleanup(func() {
		a.Process.Kill()
		<-a.done
		if said := a.said.String(); strings.Contains(said, "WARNING: DATA RACE") {
			t.Errorf("the race detector says:\n%.8000s", said)
		}
	})
	return a
}

// end waits for the apply's end and returns its exit code.
func (a *apply) end(t testing.TB, within time.Duration) int {
	t.Helper()
	select {
	case <-a.done:
	case <-time.After(within):
		a.Process.Signal(syscall.SIGQUIT) // so that it says where it hangs
		select {
		case <-a.done:
		case <-time.After(time.Second):
		}
		t.Fatalf("the apply runs for longer than %s:\n%s", within, a.said)
	}
	return a.code
}

// kill is kill -9 of the runner alone.
func (a *apply) kill() {
	a.Process.Kill()
	<-a.done
}

// complete applies until the run is over, and fails when it isn't after some.
func (j *job) complete(t testing.TB) int {
	t.Helper()
	const most = 12
	var a *apply
	for range most {
		a = j.start(t)
		if code := a.end(t, patience); code == 0 || code == 3 {
			return code
		} else if code != 5 {
			t.Fatalf("apply ended with %d:\n%s", code, a.said)
		}
	}
	t.Fatalf("the run isn't over after %d applies:\n%s", most, a.said)
	return 0
}

// providers are the processes that a runner has started and that live.
func providers(runner int) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if s, ok := status(pid); ok && s.parent == runner && s.state != "Z" {
			pids = append(pids, pid)
		}
	}
	return pids
}

type processStatus struct {
	state  string
	parent int
}

func status(pid int) (s processStatus, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, false
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 2 {
		return s, false
	}
	s.state = fields[0]
	s.parent, _ = strconv.Atoi(fields[1])
	return s, true
}

// alive tells whether a process runs, a zombie aside.
func alive(pid int) bool {
	s, ok := status(pid)
	return ok && s.state != "Z" && s.state != "X"
}

// provider waits for the apply's one provider process.
func (a *apply) provider(t testing.TB) int {
	t.Helper()
	var pids []int
	eventually(t, patience, "a provider runs", func() bool {
		pids = providers(a.Process.Pid)
		return len(pids) > 0
	})
	return pids[0]
}
