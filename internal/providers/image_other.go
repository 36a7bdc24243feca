//go:build !linux

package providers

import (
	"io"
	"os"
	"os/exec"
)

// hold hashes a program. This system runs programs by their path alone, so the
// bytes that are run are those that are there a moment later.
func hold(f *os.File, h io.Writer) (*os.File, error) {
	defer f.Close()
	_, err := io.Copy(h, f)
	return nil, err
}

func (i *image) run(*exec.Cmd) {}
