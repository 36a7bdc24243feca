//go:build unix

package process

import "os"

// parentGone compares rather than asks for 1, since in a container the runner
// may be 1, and with a subreaper the new parent is somebody else.
func parentGone() bool { return os.Getppid() != parent }
