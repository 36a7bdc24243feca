//go:build unix

package providers

import (
	"os"
	"os/exec"
)

// inherit keeps files open in the child, from descriptor 3 on.
func inherit(cmd *exec.Cmd, files []*os.File) { cmd.ExtraFiles = files }
