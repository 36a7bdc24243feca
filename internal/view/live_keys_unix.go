//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package view

import (
	"os"
	"os/signal"
	"regexp"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Keys reads single keys from a terminal while a run is carried out. The
// terminal goes on turning Ctrl-C into a signal, so that it stops the run
// whatever the view is doing; only Ctrl-Z is taken from it, which would stop
// the run with its requests in flight.
type Keys struct {
	fd     int
	before unix.Termios
	closed atomic.Bool
	once   sync.Once
	done   chan struct{}
	cont   chan os.Signal
}

// OpenKeys calls press for every key. It returns nil where in is no terminal
// that this process is in the foreground of: reading it would stop the process.
func OpenKeys(in *os.File, press func(key byte)) *Keys {
	k := &Keys{fd: int(in.Fd()), done: make(chan struct{}), cont: make(chan os.Signal, 1)}
	before, err := unix.IoctlGetTermios(k.fd, getTermios)
	if err != nil || !Foreground(in) {
		return nil
	}
	k.before = *before
	if k.single() != nil {
		return nil
	}
	signal.Notify(k.cont, syscall.SIGCONT)
	go k.read(press)
	return k
}

// Foreground tells whether this process may read the terminal.
func Foreground(f *os.File) bool { return foreground(int(f.Fd())) }

func foreground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// single has the terminal give each key at once, and not show it.
func (k *Keys) single() error {
	now := k.before
	now.Lflag &^= unix.ICANON | unix.ECHO
	now.Cc[unix.VMIN], now.Cc[unix.VTIME] = 0, 1 // a read takes a tenth of a second at most
	now.Cc[unix.VSUSP] = disabled
	return unix.IoctlSetTermios(k.fd, setTermios, &now)
}

func (k *Keys) read(press func(byte)) {
	defer close(k.done)
	var b [64]byte
	for !k.closed.Load() {
		select {
		case <-k.cont: // the shell has put the terminal into its own mode
			if foreground(k.fd) {
				k.single()
			}
		default:
		}
		n := 0
		var err error
		if foreground(k.fd) {
			start := time.Now()
			if n, err = unix.Read(k.fd, b[:]); n <= 0 && time.Since(start) > 50*time.Millisecond {
				continue
			}
		}
		if err != nil || n <= 0 {
			time.Sleep(100 * time.Millisecond) // it has gone, or is somebody else's now
			continue
		}
		for _, key := range sequences.ReplaceAll(b[:n], nil) {
			press(key)
		}
	}
}

// sequences are keys that send more than one byte, such as arrows, and what a
// terminal says of itself.
var sequences = regexp.MustCompile(`\x1b([\[O][^@-~]*.?|[P\]^_].*|.?)`)

// Close puts the terminal back into the mode that it was in. It may be called
// again, and on nil.
func (k *Keys) Close() {
	if k == nil {
		return
	}
	k.once.Do(func() {
		k.closed.Store(true)
		signal.Stop(k.cont)
		select {
		case <-k.done:
		case <-time.After(closeWait):
		}
		unix.IoctlSetTermios(k.fd, setTermios, &k.before)
	})
}
