//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode"

	"github.com/creack/pty"
	"golang.org/x/term"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// A session is an apply on a terminal.
type session struct {
	t        *testing.T
	dir      string
	cmd      *exec.Cmd
	terminal *os.File // the side of the person
	other    *os.File // the side of the runner, to look at its mode
	before   *term.State
	gone     chan struct{} // closed when nothing more is shown

	mu    sync.Mutex
	shown []byte
}

// planned makes run.run of n items, of which one will fail.
func planned(t *testing.T, n int, rate string) (dir string, env []string) {
	t.Helper()
	program, err := exec.LookPath("runner-provider-fake")
	if err != nil {
		t.Fatal(err)
	}
	api, err := startSimulator(program, `{"token":"t0ken"}`, "slow=30ms")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.stop)
	sockets, err := os.MkdirTemp("", "r")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(sockets) })
	dir = t.TempDir()
	var rows, open strings.Builder
	rows.WriteString("id\n")
	open.WriteString("id,is\n")
	for i := range n {
		id := fmt.Sprint("k", i)
		if i == n/2 {
			id = "unknown" // it fails
		} else {
			fmt.Fprintf(&open, "%s,open\n", id)
		}
		fmt.Fprintln(&rows, id)
	}
	for name, text := range map[string]string{"things.csv": rows.String(), "x.ops.hcl": `
variable "endpoint" { type = string }
variable "token" {
  type      = string
  sensitive = true
}
provider "fake" {
  endpoint = var.endpoint
  token    = var.token
  rate_limit { requests_per_second = ` + rate + ` }
}
list "csv" "things" {
  path = "things.csv"
  key  = "id"
}
operation "fake_blind" "all" {
  for_each = list.csv.things
  id       = each.value.id
  limits { max_items = 100000 }
}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lines, err := seeds("cancel", strings.NewReader(open.String()))
	if err != nil {
		t.Fatal(err)
	}
	if err := api.post("seed", lines); err != nil {
		t.Fatal(err)
	}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TERM=") && !strings.HasPrefix(v, "NO_COLOR=") {
			env = append(env, v)
		}
	}
	env = append(env, "RUNNER_VAR_endpoint="+api.endpoint, "RUNNER_VAR_token=t0ken", "XDG_RUNTIME_DIR="+sockets, "XDG_STATE_HOME="+dir+"/state", "HOME="+dir)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "runner", "plan", "--refresh=false", "--out", "run.run", ".")
	cmd.Dir, cmd.Env = dir, env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir, env
}

// applyOn applies run.run on a terminal.
func applyOn(t *testing.T, cols uint16, dir string, env []string) *session {
	t.Helper()
	s := &session{t: t, dir: dir, gone: make(chan struct{})}
	var err error
	if s.terminal, s.other, err = pty.Open(); err != nil {
		t.Fatal(err)
	}
	s.resize(cols)
	if s.before, err = term.GetState(int(s.other.Fd())); err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.Command("runner", "apply", "--auto-approve", "run.run")
	s.cmd.Dir, s.cmd.Env = dir, env
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = s.other, s.other, s.other
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		s.terminal.Close()
		s.other.Close()
	})
	go func() {
		defer close(s.gone)
		var b [4096]byte
		for {
			n, err := s.terminal.Read(b[:])
			s.mu.Lock()
			s.shown = append(s.shown, b[:n]...)
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return s
}

func (s *session) resize(cols uint16) {
	s.t.Helper()
	if err := pty.Setsize(s.terminal, &pty.Winsize{Rows: 24, Cols: cols}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.shown)
}

// see waits until the terminal has shown something after what it had shown by
// then.
func (s *session) see(from int, pattern string) {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if regexp.MustCompile(pattern).MatchString(s.text()[from:]) {
			return
		}
	}
	s.t.Fatalf("the terminal never showed %q:\n%q", pattern, s.text()[from:])
}

func (s *session) press(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.terminal, keys); err != nil {
		s.t.Fatal(err)
	}
}

// ends waits for the end of the apply, with this exit code.
func (s *session) ends(code int) {
	s.t.Helper()
	done := make(chan struct{})
	go func() { s.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		s.t.Fatalf("the apply did not end:\n%q", s.text())
	}
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("exit code %d (%s), want %d:\n%q", got, s.cmd.ProcessState, code, s.text())
	}
}

// restored holds the terminal to be as it was, its cursor to be seen, and
// nothing to have reached it but what a view is made of.
func (s *session) restored() {
	s.t.Helper()
	after, err := term.GetState(int(s.other.Fd()))
	if err != nil {
		s.t.Fatal(err)
	}
	if fmt.Sprint(*after) != fmt.Sprint(*s.before) {
		s.t.Errorf("the terminal's mode is %v, and was %v", *after, *s.before)
	}
	time.Sleep(100 * time.Millisecond) // the last of it
	text := s.text()
	if hide, show := strings.LastIndex(text, "\x1b[?25l"), strings.LastIndex(text, "\x1b[?25h"); hide >= 0 && show < hide {
		s.t.Error("the cursor is hidden")
	}
	rest := regexp.MustCompile(`\x1b\[(\?25[lh]|[0-9;]*[ABCDGHJKPXm])`).ReplaceAllString(text, "")
	for i, c := range rest {
		if c != '\r' && c != '\n' && !unicode.IsPrint(c) {
			s.t.Errorf("%U reached the terminal: …%q", c, rest[max(0, i-60):i+1])
			break
		}
	}
}

// counts are the items by state, and the events.
func (s *session) counts() (plan.Counts, string) { return countsOf(s.t, s.dir) }

func countsOf(t *testing.T, dir string) (plan.Counts, string) {
	t.Helper()
	f, err := runfile.Open(filepath.Join(dir, "run.run"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ops, err := f.Operations()
	if err != nil {
		t.Fatal(err)
	}
	events, err := f.Events()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "%s: %s\n", e.Kind, e.Detail)
	}
	return ops[0].Counts, b.String()
}

// TestTerminal: an apply on a terminal is seen, paused and resumed, in 80
// columns and in 200, and leaves the terminal as it was.
func TestTerminal(t *testing.T) {
	t.Parallel()
	for cols, other := range map[uint16]uint16{80: 200, 200: 80} {
		t.Run(fmt.Sprint(cols), func(t *testing.T) {
			t.Parallel()
			dir, env := planned(t, 120, "40")
			s := applyOn(t, cols, dir, append(env, "TERM=xterm-256color"))
			s.see(0, `fake_blind\.all +[█░]{10}`)
			s.see(0, `of 40 requests/s`)
			s.see(0, `p pauses, q stops gently`)
			s.press("p")
			s.see(0, `waiting: it is paused`)
			s.see(0, `p resume`)
			s.resize(other)
			at := len(s.text())
			s.press("\x1b[A") // an arrow is no key of ours
			s.press("p")
			s.see(at, `[0-9]`)
			s.ends(3)
			s.restored()
			counts, events := s.counts()
			if counts[plan.Succeeded] != 119 || counts[plan.Failed] != 1 {
				t.Errorf("counts %v", counts)
			}
			for _, pattern := range []string{`(?m)^controlled: pause by .+@.+: by the key p$`, `(?m)^controlled: resume by .+@.+: by the key p$`, `(?m)^applied: by .+@`} {
				if !regexp.MustCompile(pattern).MatchString(events) {
					t.Errorf("no event is %s:\n%s", pattern, events)
				}
			}
			if !strings.Contains(s.text(), "\x1b[32m") {
				t.Errorf("no colour:\n%q", s.text())
			}
		})
	}
}

// TestTerminalPlain: no colours where none are wanted, and on a dumb terminal
// lines alone.
func TestTerminalPlain(t *testing.T) {
	t.Parallel()
	dir, env := planned(t, 40, "40")
	s := applyOn(t, 80, dir, append(env, "TERM=xterm-256color", "NO_COLOR=1"))
	s.ends(3)
	s.restored()
	if text := s.text(); !strings.Contains(text, "requests/s") || regexp.MustCompile(`\x1b\[[0-9;]*[1-9][0-9;]*m`).MatchString(text) {
		t.Errorf("%q", text)
	}
	for kind, cols := range map[string]uint16{"dumb": 80, "xterm": 0} { // the second doesn't say its size
		dir, env = planned(t, 40, "40")
		s = applyOn(t, cols, dir, append(env, "TERM="+kind))
		s.ends(3)
		s.restored()
		if text := s.text(); !strings.Contains(text, "fake_blind.all  0/40") || strings.Contains(text, "\x1b[?25l") || kind == "dumb" && strings.Contains(text, "\x1b") {
			t.Errorf("%s: %q", kind, text)
		}
	}
}

// TestTerminalStops: q and Ctrl-C stop gently, a second one at once.
func TestTerminalStops(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]string{"q": "q", "Ctrl-C": "\x03"} {
		dir, env := planned(t, 400, "40")
		s := applyOn(t, 80, dir, append(env, "TERM=xterm-256color"))
		s.see(0, `[1-9][0-9]* succeeded`)
		s.press(keys)
		s.ends(130)
		s.restored()
		if counts, _ := s.counts(); counts[plan.Started]+counts[plan.InDoubt] > 0 || counts[plan.Succeeded] == 0 || counts[plan.Planned] == 0 {
			t.Errorf("%s: counts %v", name, counts)
		}
	}
}

// TestTerminalGoes: a terminal that goes away, and a pipe that nobody reads,
// lose no outcome.
func TestTerminalGoes(t *testing.T) {
	t.Parallel()
	// Where these tests were started by nohup, what they start would ignore
	// that its terminal goes, as it should: caught here, it isn't ignored there.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(caught) })
	dir, env := planned(t, 400, "40")
	s := applyOn(t, 80, dir, append(env, "TERM=xterm-256color"))
	s.see(0, `[1-9][0-9]* succeeded`)
	s.other.Close()
	s.terminal.Close()
	s.ends(130)
	if counts, _ := s.counts(); counts[plan.Started]+counts[plan.InDoubt] > 0 || counts[plan.Succeeded] == 0 || counts[plan.Planned] == 0 {
		t.Errorf("counts %v", counts)
	}

	dir, env = planned(t, 200, "40") // its lines come every three seconds
	cmd := exec.Command("runner", "apply", "--auto-approve", "run.run")
	cmd.Dir, cmd.Env = dir, env
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	var b [64]byte
	if n, err := read.Read(b[:]); err != nil || !bytes.Contains(b[:n], []byte("fake_blind.all")) {
		t.Fatalf("%q, %v", b[:n], err)
	}
	read.Close()
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 3 {
		t.Errorf("%s", cmd.ProcessState)
	}
	if counts, _ := countsOf(t, dir); counts[plan.Succeeded] != 199 || counts[plan.Failed] != 1 {
		t.Errorf("counts %v", counts)
	}
}
