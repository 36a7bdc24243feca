package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience bounds every wait. It is long, for a machine with much else to do.
const patience = 60 * time.Second

type jobsKey struct{}

// A job is a command in the background.
type job struct {
	cmd  *exec.Cmd
	done chan struct{}
}

func jobOf(ts *testscript.TestScript, name string) *job {
	j := ts.Value(jobsKey{}).(map[string]*job)[name]
	if j == nil {
		ts.Fatalf("no command was started as %s", name)
	}
	return j
}

// passedOn are the variables that a job gets of the script's environment.
var passedOn = []string{"PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "RUNNER_PLUGIN_DIR", "RUNNER_VAR_endpoint", "RUNNER_VAR_token", "RUNNER_VAR_pin", "RUNNER_AGE_KEY_FILE", "RUNNER_FINGERPRINT_KEY_FILE", schemasEnv}

func start(ts *testscript.TestScript, _ bool, args []string) {
	name, program := args[0], args[1]
	path, err := exec.LookPath(program)
	ts.Check(err)
	j := &job{cmd: exec.Command(path, args[2:]...), done: make(chan struct{})}
	j.cmd.Dir = ts.MkAbs(".")
	for _, v := range passedOn {
		if value := ts.Getenv(v); value != "" {
			j.cmd.Env = append(j.cmd.Env, v+"="+value)
		}
	}
	stdout, err := os.Create(ts.MkAbs(name + ".stdout"))
	ts.Check(err)
	stderr, err := os.Create(ts.MkAbs(name + ".stderr"))
	ts.Check(err)
	j.cmd.Stdout, j.cmd.Stderr = stdout, stderr
	ts.Check(j.cmd.Start())
	stdout.Close()
	stderr.Close()
	go func() {
		j.cmd.Wait()
		close(j.done)
	}()
	ts.Defer(func() {
		j.cmd.Process.Kill()
		<-j.done
	})
	ts.Value(jobsKey{}).(map[string]*job)[name] = j
	ts.Setenv("PID_"+name, strconv.Itoa(j.cmd.Process.Pid))
}

func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(jobOf(ts, args[0]).cmd.Process.Signal(os.Interrupt))
}

func kill9(ts *testscript.TestScript, _ bool, args []string) {
	j := jobOf(ts, args[0])
	ts.Check(j.cmd.Process.Signal(syscall.SIGKILL))
	<-j.done
}

func await(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	if args[0] == "effects" {
		s := simulatorOf(ts)
		for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
			l, err := s.ledger()
			ts.Check(err)
			if len(l.Effects) >= n {
				return
			}
			if time.Now().After(end) {
				ts.Fatalf("%d effects after %s", len(l.Effects), patience)
			}
		}
	}
	j := jobOf(ts, args[0])
	select {
	case <-j.done:
	case <-time.After(patience):
		ts.Fatalf("%s has not ended after %s", args[0], patience)
	}
	if code := j.cmd.ProcessState.ExitCode(); code != n {
		ts.Fatalf("%s ended with exit code %d, not %d:\n%s", args[0], code, n, ts.ReadFile(args[0]+".stderr"))
	}
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var failed *exec.ExitError
	got := 0
	switch {
	case errors.As(err, &failed):
		got = failed.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, not %d", got, want)
	}
}
