package runfile

import (
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
)

// What can be wrong with a run file, for errors.Is.
var (
	ErrRefused    = errors.New("the run file refuses the change") // nothing of the batch was written
	ErrFenced     = errors.New("another apply has taken the run over")
	ErrNotRunFile = errors.New("not a run file")
	ErrNewer      = errors.New("written by a newer runner")
	ErrUnusable   = errors.New("the plan can't be applied")
	ErrExists     = errors.New("the file must not be replaced")

	ErrFull     = errors.New("no space is left on the disk")
	ErrCorrupt  = errors.New("the file is damaged")
	ErrReadOnly = errors.New("the file can't be written")
	ErrBusy     = errors.New("another program keeps the file locked")
)

// A DiskError says that a run file could not be written or read. What had been
// acknowledged before it is kept; of what was being written nothing may be
// relied on. errors.Is tells [ErrFull], [ErrCorrupt], [ErrReadOnly] and
// [ErrBusy] apart; any other is a failing disk.
type DiskError struct {
	Path string
	Op   string // open, commit, checkpoint, read …
	Err  error  // SQLite's
}

func (e *DiskError) Error() string {
	if kind := e.kind(); kind != nil && !errors.Is(e.Err, kind) {
		return fmt.Sprintf("%s run file %s: %v (%v)", e.Op, e.Path, kind, e.Err)
	}
	return fmt.Sprintf("%s run file %s: %v", e.Op, e.Path, e.Err)
}

func (e *DiskError) Unwrap() error { return e.Err }

// Is makes the sentinels of the kinds of trouble match.
func (e *DiskError) Is(target error) bool { return target == e.kind() && target != nil }

func (e *DiskError) kind() error {
	switch sqlite.ErrCode(e.Err).ToPrimary() {
	case sqlite.ResultFull:
		return ErrFull
	case sqlite.ResultCorrupt, sqlite.ResultNotADB:
		return ErrCorrupt
	case sqlite.ResultReadOnly, sqlite.ResultPerm, sqlite.ResultCantOpen, sqlite.ResultAuth:
		return ErrReadOnly
	case sqlite.ResultBusy, sqlite.ResultLocked:
		return ErrBusy
	}
	for _, kind := range []error{ErrCorrupt, ErrReadOnly} {
		if errors.Is(e.Err, kind) {
			return kind
		}
	}
	return nil
}

// damaged is a DiskError for what SQLite itself finds nothing wrong with.
func damaged(path, op, format string, args ...any) error {
	return &DiskError{Path: path, Op: op, Err: fmt.Errorf("%w: "+format, append([]any{ErrCorrupt}, args...)...)}
}

// A HeldError says who holds a run file.
type HeldError struct {
	Path   string
	PID    int // 0 when the holder didn't say
	Host   string
	Since  time.Time
	Orphan bool // the apply is gone, and a provider that it started lives on
}

func (e *HeldError) Error() string {
	since := ""
	if !e.Since.IsZero() {
		since = " since " + stamp(e.Since)
	}
	switch {
	case e.Orphan:
		return fmt.Sprintf("run file %s is still held by a provider process of an apply that is gone (process %d on %s%s): "+
			"a request of it may be on its way; try again when it has ended", e.Path, e.PID, e.Host, since)
	case e.PID == 0:
		return fmt.Sprintf("run file %s is held by another process: try again when it has ended", e.Path)
	}
	return fmt.Sprintf("run file %s is held by process %d on %s%s: try again when it has ended", e.Path, e.PID, e.Host, since)
}
