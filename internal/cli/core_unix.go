//go:build unix

package cli

import "golang.org/x/sys/unix"

// leaveNoCore keeps the system from writing the process's memory to disk
// should it crash: credentials are in it, and what no file may hold. What is
// started from here inherits the limit, so it holds for a provider that isn't
// written with the SDK too.
func leaveNoCore() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) } // lowering one's own limit is always allowed
