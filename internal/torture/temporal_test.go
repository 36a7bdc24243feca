//go:build linux

package torture

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// temporal is a development server of Temporal, one for all tests.
var temporal struct {
	once    sync.Once
	address string // host:port
	process *exec.Cmd
	err     error

	// free has a place for each test that may keep the server busy beside
	// others: with all of them at once it answers after seconds, if at all.
	free chan struct{}
}

func init() { temporal.free = make(chan struct{}, 2*runtime.NumCPU()) }

// temporalServer is the address of a namespace of its own on a real server,
// or the end of the test.
func temporalServer(t testing.TB) string {
	t.Helper()
	program := temporalProgram()
	if program == "" {
		t.Skip("there is no temporal here, so nothing was tested: GOBIN=$PWD/build go install github.com/temporalio/cli/cmd/temporal@v1.5.1")
	}
	temporal.free <- struct{}{}
	t.Cleanup(func() { <-temporal.free })
	temporal.once.Do(func() { temporal.err = startTemporal(program) })
	must(t, temporal.err)
	namespace := fmt.Sprintf("n%d", time.Now().UnixNano())
	if out, err := exec.Command(program, "operator", "namespace", "create", "--address", temporal.address, "--namespace", namespace, "--retention", "24h").CombinedOutput(); err != nil {
		t.Fatalf("create a namespace: %v\n%s", err, out)
	}
	return "temporal://" + temporal.address + "/" + namespace
}

// temporalProgram finds the program, "" for nowhere.
func temporalProgram() string {
	if path, err := exec.LookPath("temporal"); err == nil {
		return path
	}
	for _, path := range []string{"../../build/temporal"} {
		if abs, err := filepath.Abs(path); err == nil {
			if _, err := os.Stat(abs); err == nil {
				return abs
			}
		}
	}
	return ""
}

func startTemporal(program string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	temporal.address = l.Addr().String()
	_, port, _ := net.SplitHostPort(temporal.address)
	l.Close()
	c := exec.Command(program, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", port, "--log-level", "error",
		"--dynamic-config-value", "frontend.namespaceRPS.visibility=1000", "--dynamic-config-value", "system.forceSearchAttributesCacheRefreshOnRead=true")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return err
	}
	temporal.process = c
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if exec.Command(program, "operator", "cluster", "health", "--address", temporal.address).Run() == nil {
			return nil
		}
	}
	c.Process.Kill()
	return fmt.Errorf("the development server of Temporal at %s didn't become healthy", temporal.address)
}
