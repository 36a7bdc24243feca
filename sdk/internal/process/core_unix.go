//go:build unix

package process

import "golang.org/x/sys/unix"

// leaveNoCore keeps the system from writing the process's memory to disk
// should it crash: credentials are in it, and what an item is charged by.
// Where a program is told of crashes instead of a file being written, as by
// systemd-coredump, it is told of this limit and keeps to it.
func leaveNoCore() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) } // lowering one's own limit is always allowed
