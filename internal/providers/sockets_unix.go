//go:build unix

package providers

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// fresh is how old a folder must be to be taken for left behind: younger ones
// may not be locked yet.
const fresh = 500 * time.Millisecond

// lockFolder locks a folder until it is closed or the process ends. It returns
// nil where a file system has no such locks; then removeStale finds nothing
// there either.
func lockFolder(dir string) *os.File {
	f, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil
	}
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		f.Close()
		return nil
	}
	return f
}

// removeStale removes what runners that were killed have left in base: folders
// of this user's, with nothing but sockets in them, that nobody has locked.
func removeStale(base string) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), socketsPrefix) {
			continue
		}
		dir := filepath.Join(base, e.Name())
		info, err := os.Lstat(dir)
		if err != nil || time.Since(info.ModTime()) < fresh {
			continue
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != os.Getuid() {
			continue
		}
		if lock := lockFolder(dir); lock != nil {
			removeSockets(dir)
			lock.Close()
		}
	}
}

// removeSockets removes the sockets below a folder, and then the folder, which
// fails, and does no harm, if there is anything else.
func removeSockets(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		switch path := filepath.Join(dir, e.Name()); {
		case e.IsDir():
			removeSockets(path)
		case e.Type() == os.ModeSocket:
			os.Remove(path)
		}
	}
	os.Remove(dir)
}
