package process

import (
	"os"
	"os/signal"
	"runtime"

	"golang.org/x/sys/unix"
)

// notifyParentDeath asks the kernel to say when the parent is gone, which is
// sooner than the next poll.
//
// The signal is one that can be caught, and is a reason to look rather than to
// die: the kernel sends it when the parent's *thread* ends, which Go programs
// do at will (golang/go#27505). The setting belongs to the thread that makes
// it, so a thread is kept for it.
func notifyParentDeath(died chan<- struct{}) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGUSR2)
	ready := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGUSR2), 0, 0, 0) // where it fails, polling remains
		close(ready)
		for range signals {
			select {
			case died <- struct{}{}:
			default:
			}
		}
	}()
	<-ready
}
