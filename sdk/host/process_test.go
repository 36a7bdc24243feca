//go:build unix

package host_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
	goplugin "github.com/hashicorp/go-plugin"
)

func mustStart(t *testing.T, name string) (*goplugin.Client, *host.Client, *exec.Cmd) {
	t.Helper()
	p, c, cmd, err := startProcess(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p, c, cmd
}

func TestProcess(t *testing.T) {
	t.Parallel()
	_, c, _ := mustStart(t, "runner-provider-fake")
	schema, err := c.Schema(t.Context())
	if err != nil || schema.Name != "fake" {
		t.Fatalf("%+v, %v", schema, err)
	}
	s := open(t, c, "", nil)
	if a := ask(t, s, call(host.Execute, "cancel", "T")); a.Outcome != sdk.OutcomeDone || a.Requests != 1 {
		t.Errorf("%+v", a)
	}
}

// A crash writes no memory to disk, whatever the limit of who starts it.
func TestNoCore(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("limits are read from /proc")
	}
	var own syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &own); err != nil || own.Max == 0 {
		t.Skip("nothing here may leave a core: ", err)
	}
	own.Cur = own.Max // which the provider inherits
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &own); err != nil {
		t.Fatal(err)
	}
	_, _, cmd := mustStart(t, "runner-provider-fake")
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(limits)) {
		if strings.HasPrefix(line, "Max core file size") {
			if f := strings.Fields(line); f[4] != "0" || f[5] != "0" {
				t.Error(line)
			}
			return
		}
	}
	t.Error("no limit is there")
}

func TestNoProvider(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"runner-provider-crashing", "runner-provider-oldproto", "runner-provider-notaplugin"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, _, err := startProcess(name)
			if err == nil {
				t.Fatal("it was started")
			}
			if name == "runner-provider-oldproto" && !strings.Contains(err.Error(), "99") {
				t.Errorf("the error doesn't name the protocol: %v", err)
			}
		})
	}
}

// TestLies: what only a provider without the SDK would send.
func TestLies(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, got []host.Answer, err error){
		"unknown_outcome": func(t *testing.T, got []host.Answer, err error) {
			if err != nil || got[0].Outcome != sdk.OutcomeUnknown {
				t.Errorf("%+v, %v", got, err)
			}
		},
		"not_json": func(t *testing.T, got []host.Answer, err error) {
			if err != nil || got[0].Outcome != sdk.OutcomeUnknown || got[0].Code != "malformed_answer" || got[0].Result != nil {
				t.Errorf("%+v, %v", got, err)
			}
		},
		"answer_twice": func(t *testing.T, got []host.Answer, err error) {
			if err != nil || len(got) != 2 || got[0].ID != got[1].ID {
				t.Errorf("%+v, %v", got, err)
			}
		},
		"wrong_id": func(t *testing.T, got []host.Answer, err error) {
			if err != nil || got[0].ID == 7 {
				t.Errorf("%+v, %v", got, err)
			}
		},
		"huge_answer": func(t *testing.T, got []host.Answer, err error) {
			if err == nil || !strings.Contains(err.Error(), "16 MiB") {
				t.Errorf("%d answers, %v", len(got), err)
			}
		},
		"crash_before_request": func(t *testing.T, _ []host.Answer, err error) { wantGone(t, err) },
		"crash_after_request":  func(t *testing.T, _ []host.Answer, err error) { wantGone(t, err) },
		"flood_stderr": func(t *testing.T, got []host.Answer, err error) {
			if err != nil || got[0].Outcome != sdk.OutcomeDone {
				t.Errorf("%+v, %v", got, err)
			}
		},
		"flood_stdout": func(t *testing.T, got []host.Answer, err error) {
			if err != nil || got[0].Outcome != sdk.OutcomeDone {
				t.Errorf("%+v, %v", got, err)
			}
		},
	}
	for name, judge := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, c, _ := mustStart(t, "runner-provider-fake")
			s := open(t, c, `{"misbehave":"`+name+`"}`, nil)
			if err := s.Send([]host.Call{call(host.Execute, "blind", "T")}); err != nil {
				t.Fatal(err)
			}
			got, err := s.Receive()
			judge(t, got, err)
		})
	}
}

func wantGone(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), host.ErrGone.Error()) {
		t.Errorf("%v", err)
	}
}

// TestTerminated: told to end, a provider finishes what it began.
func TestTerminated(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there are no signals")
	}
	p, c, cmd := mustStart(t, "runner-provider-fake")
	s := open(t, c, "", nil)
	endpoint, err := c.Simulate(t.Context(), host.Simulation{Faults: map[string]string{"slow": "300ms"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send([]host.Call{call(host.Execute, "cancel", "T")}); err != nil {
		t.Fatal(err)
	}
	for { // until the request is at the API
		if requests(t, endpoint) > 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Receive(); err != nil || got[0].Outcome != sdk.OutcomeDone {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = s.Receive()
	wantGone(t, err)
	deadline := time.Now().Add(5 * time.Second)
	for !p.Exited() {
		if time.Now().After(deadline) {
			t.Fatal("the provider goes on")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func requests(t *testing.T, endpoint string) int {
	t.Helper()
	r, err := http.Get(endpoint + "/_simulator/ledger")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var l sdk.Ledger
	if err := json.NewDecoder(r.Body).Decode(&l); err != nil {
		t.Fatal(err)
	}
	return l.Requests
}

// TestParentKilled is finding 6: after kill -9 of the runner nothing goes on
// sending.
func TestParentKilled(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("kill -9 is of Unix")
	}
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), role+"=parent")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the parent said %q", line)
	}
	if !alive(pid) {
		t.Fatal("the provider isn't there to begin with")
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	for begin := time.Now(); alive(pid); time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > 3*time.Second {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatal("the provider lives on without its runner")
		}
	}
}

// alive tells whether a process runs; one that waits to be buried doesn't.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return runtime.GOOS != "linux"
	}
	_, after, _ := bytes.Cut(stat, []byte(") "))
	return !bytes.HasPrefix(after, []byte("Z"))
}

func TestByHand(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), role+"=runner-provider-fake")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("exit: %v", err)
	}
	if stdout.Len() != 0 || !strings.Contains(stderr.String(), "provider fake 0.1.0 of runner") {
		t.Errorf("stdout %q, stderr %q", &stdout, &stderr)
	}
}

func TestSimulateByHand(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "simulate", "--config", `{"token":"t"}`, "--fault", "error500_before=1")
	cmd.Env = append(os.Environ(), role+"=runner-provider-fake")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said struct{ Endpoint string }
	if err := json.NewDecoder(stdout).Decode(&said); err != nil || !strings.HasPrefix(said.Endpoint, "http://127.0.0.1:") {
		t.Fatalf("%+v, %v", said, err)
	}
	post := func(path, body string) (int, string) {
		r, err := http.Post(said.Endpoint+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		return r.StatusCode, string(b)
	}
	if n, _ := post("/things/A/cancel", ""); n != 500 {
		t.Errorf("the fault gave %d", n)
	}
	if n, b := post("/_simulator/seed", `{"operation":"cancel","arguments":{"id":"A"},"state":"open"}`+"\n"+`{"operation":"cancel","arguments":{"id":"B"},"state":"paid"}`); n != 204 {
		t.Errorf("seed: %d %s", n, b)
	}
	if n, b := post("/_simulator/seed", `{"operation":"cancel","arguments":{"id":"A"},"state":"weird"}`); n != 400 || !strings.Contains(b, "weird") {
		t.Errorf("a wrong seed: %d %s", n, b)
	}
	if n, b := post("/_simulator/fault?name=nothing&value=1", ""); n != 400 {
		t.Errorf("a wrong fault: %d %s", n, b)
	}
	if n := requests(t, said.Endpoint); n != 1 {
		t.Errorf("%d requests, want the one of the API", n)
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("exit: %v", err)
	}

	elsewhere := exec.Command(os.Args[0], "simulate", "--listen", "0.0.0.0:0")
	elsewhere.Env = cmd.Env
	if out, err := elsewhere.CombinedOutput(); err == nil || !strings.Contains(string(out), "this machine alone") {
		t.Errorf("%s, %v", out, err)
	}
}
