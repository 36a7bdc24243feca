package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const payvalidaOrders = 5000

const payvalidaFile = `
variable "endpoint" { type = string }
variable "fixed_hash" {
  type      = string
  sensitive = true
}
provider "payvalida" {
  endpoint   = var.endpoint
  merchant   = "kuanto"
  fixed_hash = var.fixed_hash
  timeout    = "2s"
  rate_limit { requests_per_second = 3000 }
  max_in_flight = 32
}
list "csv" "orders" {
  path = "orders.csv"
  key  = "order"
}
operation "payvalida_cancel_order" "all" {
  for_each = list.csv.orders
  order    = each.value.order
  limits { max_items = "unlimited" }
  abort {
    max_failure_ratio        = 1
    max_consecutive_failures = 1000
  }
}
`

// A stand is a folder with operation files, beside a simulator of its own.
type stand struct {
	dir       string
	env       []string
	simulator *simulator
}

// builtPayvalida is the folder of the provider, once a test has asked for it.
var builtPayvalida string

// providerPayvalida builds the provider, once.
var providerPayvalida = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "payvalida-")
	if err != nil {
		return "", err
	}
	builtPayvalida = dir
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", filepath.Join(dir, "runner-provider-payvalida"), "github.com/bulkrunner/runner/plugins/payvalida")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the provider: %w\n%s", err, out)
	}
	return dir, nil
})

// payvalida sets up a stand with n pending orders.
func payvalida(t *testing.T, n int, faults ...string) *stand {
	t.Helper()
	plugins, err := providerPayvalida()
	if err != nil {
		t.Fatal(err)
	}
	s, err := startSimulator(filepath.Join(plugins, "runner-provider-payvalida"), `{"merchant":"kuanto","fixed_hash":"h4sh"}`, faults...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)

	// The path of a socket has to be shorter than a test's own folder.
	sockets, err := os.MkdirTemp("", "r")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(sockets) })
	dir := t.TempDir()
	var list strings.Builder
	list.WriteString("order\n")
	for i := range n {
		fmt.Fprintf(&list, "P-%06d\n", i+1)
	}
	for name, content := range map[string]string{"cancel.ops.hcl": payvalidaFile, "orders.csv": list.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lines, err := seeds("cancel_order", strings.NewReader(list.String()))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.post("seed", lines); err != nil {
		t.Fatal(err)
	}
	return &stand{dir, append(os.Environ(),
		"RUNNER_PLUGIN_DIR="+plugins, "XDG_RUNTIME_DIR="+sockets, "XDG_STATE_HOME="+filepath.Join(dir, "state"),
		"RUNNER_VAR_endpoint="+s.endpoint, "RUNNER_VAR_fixed_hash=h4sh"), s}
}

func (s *stand) command(args ...string) *exec.Cmd {
	cmd := exec.Command("runner", args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	return cmd
}

func (s *stand) runner(t *testing.T, code int, args ...string) {
	t.Helper()
	out, err := s.command(args...).CombinedOutput()
	got := 0
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		got = failed.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if got != code {
		t.Fatalf("runner %s: exit code %d, not %d\n%s", strings.Join(args, " "), got, code, out)
	}
}

// agrees holds every order to have been cancelled at the API, once, and the
// run file to say so.
func (s *stand) agrees(t *testing.T, runFile string) {
	t.Helper()
	l, err := s.simulator.ledger()
	if err != nil {
		t.Fatal(err)
	}
	effects, cancelled := map[string]int{}, 0
	for what, n := range l.Effects {
		order, ok := strings.CutPrefix(what, "cancel:")
		if !ok {
			t.Errorf("an effect that nobody asked for: %s", what)
		}
		effects[order] += n
		cancelled += n
	}
	if err := agree(effects, filepath.Join(s.dir, runFile)); err != nil {
		t.Error(err)
	}
	if cancelled != payvalidaOrders {
		t.Errorf("%d orders were cancelled, not %d", cancelled, payvalidaOrders)
	}
}

// TestPayvalida cancels orders in bulk at Payvalida's simulator.
func TestPayvalida(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"polite": nil,
		"faulty": {"lose_answer=0.01", "error500_after=0.01", "html=0.005", "truncated=0.005", "reset_before=0.01", "throttle=0.0005"},
	}
	for name, faults := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := payvalida(t, payvalidaOrders, faults...)
			s.runner(t, 0, "plan", "--refresh=false", "--out", "run.run", ".")
			s.runner(t, 0, "apply", "--auto-approve", "run.run")
			s.agrees(t, "run.run")
		})
	}
}

// TestPayvalidaKilled kills the runner in the middle, and again.
func TestPayvalidaKilled(t *testing.T) {
	t.Parallel()
	s := payvalida(t, payvalidaOrders)
	s.runner(t, 0, "plan", "--refresh=false", "--out", "run.run", ".")
	for _, after := range []int{payvalidaOrders / 10, payvalidaOrders / 2} {
		cmd := s.command("apply", "--auto-approve", "run.run")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
			l, err := s.simulator.ledger()
			if err == nil && len(l.Effects) >= after {
				break
			}
			if time.Now().After(end) {
				t.Errorf("fewer than %d orders are cancelled after %s", after, patience)
				break
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Errorf("the apply had ended before it was killed: %v\n%s", err, stderr.Bytes())
		}
		cmd.Wait()
		l, err := s.simulator.ledger()
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Effects) == payvalidaOrders {
			t.Fatal("nothing was left to do after the kill")
		}
	}
	s.runner(t, 0, "apply", "--auto-approve", "run.run")
	s.agrees(t, "run.run")
}
