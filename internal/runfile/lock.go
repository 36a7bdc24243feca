package runfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// A lock keeps a run file to one process. It is a file of its own, RUNFILE.lock,
// because locks on the database itself are SQLite's and are lost when any
// descriptor of it is closed; and it is held by the open file, not by the
// process, so that a provider that inherits it keeps it when its parent is
// killed. On Windows it is the process's, and ends with it.
type lock struct {
	file *os.File
	path string
}

// A holder is what the lock file says of who holds it.
type holder struct {
	PID       int       `json:"pid"`
	Host      string    `json:"host"`
	StartedAt time.Time `json:"started_at"`
}

// errLocked is how the systems' tryLock says that somebody else has it.
var errLocked = errors.New("locked")

// takeLock takes the lock of a run file at once, or returns a [HeldError].
func takeLock(runPath string) (*lock, error) {
	path := runPath + ".lock"
	for range 100 {
		f, err := openNoFollow(path, os.O_RDWR|os.O_CREATE)
		if err != nil {
			return nil, fmt.Errorf("lock run file %s: %w", runPath, err)
		}
		if err := tryLock(f); err != nil {
			defer f.Close()
			if errors.Is(err, errLocked) {
				return nil, held(runPath, f)
			}
			return nil, fmt.Errorf("lock run file %s: %w", runPath, err)
		}
		l := &lock{f, path}
		if l.current() {
			if err := l.sign(); err != nil {
				l.release()
				return nil, fmt.Errorf("lock run file %s: %w", runPath, err)
			}
			return l, nil
		}
		f.Close() // its former holder removed it between our open and our lock
	}
	return nil, fmt.Errorf("lock run file %s: the lock file changes all the time", runPath)
}

// Reserve keeps what a path stands for to this process until release is called
// or the process ends, or returns a [HeldError]. Providers don't inherit it.
func Reserve(path string) (release func(), err error) {
	l, err := takeLock(path)
	if err != nil {
		return nil, err
	}
	return func() { _ = l.release() }, nil
}

// current tells whether the locked file is still the one of that name.
func (l *lock) current() bool {
	named, err := os.Lstat(l.path)
	if err != nil {
		return false
	}
	open, err := l.file.Stat()
	return err == nil && os.SameFile(named, open)
}

func (l *lock) sign() error {
	host, _ := os.Hostname()
	b, err := json.Marshal(holder{os.Getpid(), host, time.Now().UTC().Truncate(time.Millisecond)})
	if err != nil {
		return err
	}
	if err := l.file.Chmod(0o600); err != nil {
		return err
	}
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err = l.file.WriteAt(append(b, '\n'), 0)
	return err
}

// release gives the lock up by closing it and not by unlocking: an unlock would
// take it from a provider that still holds it too. The file goes only when
// nobody holds it any more.
func (l *lock) release() error {
	if err := l.file.Close(); err != nil {
		return err
	}
	f, err := openNoFollow(l.path, os.O_RDWR)
	if err != nil {
		return nil // somebody else removed it
	}
	defer f.Close()
	if again := (&lock{f, l.path}); tryLock(f) == nil && again.current() {
		removeLocked(f)
	}
	return nil
}

// held reads who holds a lock that was refused.
func held(runPath string, f *os.File) error {
	e := &HeldError{Path: runPath}
	var h holder
	if b, err := io.ReadAll(io.LimitReader(f, 4096)); err == nil && json.Unmarshal(b, &h) == nil {
		e.PID, e.Host, e.Since = h.PID, h.Host, h.StartedAt
		if host, err := os.Hostname(); err == nil && host == h.Host {
			e.Orphan = !alive(h.PID)
		}
	}
	return e
}

// Held tells whether an apply holds the run file at present, or a provider
// process of one that is gone.
func Held(path string) bool {
	f, err := openNoFollow(path+".lock", os.O_RDWR)
	if err != nil {
		return false
	}
	defer f.Close() // and with it the lock, if it could be had
	return errors.Is(tryLock(f), errLocked)
}
