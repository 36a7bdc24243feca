//go:build unix && !linux

package providers

import (
	"os/exec"
	"syscall"
)

// setProcessAttributes can't ask this system to kill the child with its
// parent; the SDK's own watch on the parent does it within a second.
func setProcessAttributes(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

func spawn(cmd *exec.Cmd) error { return cmd.Start() }
