//go:build unix

package providertest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/internal/wire"
)

const canTerminate = true

func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }

// countDescriptors is 0 where it can't be told.
func countDescriptors(pid int) int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0
	}
	return len(entries)
}

var goroutine = regexp.MustCompile(`(?m)^goroutine [0-9]+`)

// countGoroutines ends the process: the Go runtime lists its goroutines on
// SIGQUIT. It is 0 where the program isn't Go's.
func countGoroutines(p *process) int {
	if p.cmd.Process.Signal(syscall.SIGQUIT) != nil || !p.gone(10*time.Second) {
		return 0
	}
	return len(goroutine.FindAllString(p.errors.String(), -1))
}

// dumped tells whether a process printed its goroutines because we asked.
func dumped(r *record) bool { return strings.Contains(r.String(), "SIGQUIT: quit") }

// parentGone starts the provider below a shell and kills the shell. That the
// provider ends shows at a pipe that it inherits: ids of processes are given
// to others, ends of pipes are not.
func parentGone(s *suite, v *verdict) {
	v.held++
	program, err := s.program()
	if err != nil {
		v.wrong("%s", err)
		return
	}
	alive, inherited, err := os.Pipe()
	if err != nil {
		v.wrong("make a pipe: %s", err)
		return
	}
	defer alive.Close()
	shell := exec.Command("/bin/sh", "-c", `"$0" & wait`, program)
	shell.Env = append(s.environment(), wire.CookieKey+"="+wire.CookieValue, fmt.Sprintf("PLUGIN_PROTOCOL_VERSIONS=%d", sdk.ProtocolVersion))
	shell.ExtraFiles = []*os.File{inherited}
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that whatever remains can be ended
	out, err := shell.StdoutPipe()
	if err == nil {
		err = shell.Start()
	}
	_ = inherited.Close()
	if err != nil {
		v.skip("there is no shell to be the parent: %s", err)
		v.held = 0
		return
	}
	defer func() {
		_ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL)
		_ = shell.Wait()
	}()
	started := make(chan error, 1)
	go func() {
		_, err := bufio.NewReader(out).ReadString('\n')
		started <- err
	}()
	select {
	case err = <-started:
	case <-time.After(20 * time.Second):
		err = os.ErrDeadlineExceeded
	}
	if err != nil {
		v.wrong("it doesn't start below a shell: %s", err)
		return
	}
	_ = shell.Process.Kill()
	_ = alive.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := alive.Read(make([]byte, 1)); os.IsTimeout(err) {
		v.wrong("five seconds after its parent was killed it still runs: it would go on sending while the next run reads")
	}
}
