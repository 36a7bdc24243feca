package runfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

// A File is a run file opened for reading, also beside a running apply, which
// it never makes wait: each of its methods reads in short transactions. It may
// be used by several goroutines.
type File struct {
	size int64

	mu      sync.Mutex
	conn    *conn
	scan    scanner
	checked bool
}

// Open opens a run file for reading.
func Open(path string) (*File, error) {
	fi, err := lookAt(path)
	if err != nil {
		return nil, err
	}
	c, err := connect(path, sqlite.OpenReadOnly)
	if err == nil {
		if _, err = c.pragma("query_only = ON"); err == nil {
			err = identify(c)
		}
		if err != nil {
			c.Close()
		}
	}
	if errors.Is(err, ErrReadOnly) {
		c, err = openResting(path, err)
	}
	if err != nil {
		return nil, err
	}
	f := &File{conn: c, size: fi.Size()}
	if _, err := os.Stat(path + "-wal"); err == nil {
		f.size = checkBelow // an apply has checked it, and a long look would hold its log up
	}
	if err := checkTables(c); err != nil {
		f.Close()
		return nil, c.wrap("open", err)
	}
	r, err := f.Run() // so that a file cut short is known at once
	if err != nil {
		f.Close()
		return nil, err
	}
	f.scan.planned = r.CreatedAt
	return f, nil
}

// openResting opens a file that an apply left behind without tidying up, in a
// folder where SQLite can't make the shared memory that it would read it with.
// Nobody else can write there either.
func openResting(path string, cause error) (*conn, error) {
	fi, err := os.Stat(path + "-wal")
	if err == nil && fi.Size() > 0 {
		return nil, fmt.Errorf("%w\nA part of it is still in %s-wal, which can't be read in this folder: copy both into one that you can write", cause, path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, cause
	}
	c, err := connectImmutable(path)
	if err != nil {
		return nil, cause
	}
	if err := identify(c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Close closes the file.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.conn.Close()
}

// Run returns the run.
func (f *File) Run() (Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, _, err := readRun(f.conn)
	return r, err
}

// Operations returns the operations in their order, with their counts.
func (f *File) Operations() ([]plan.Operation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return readOperations(f.conn)
}

// Transitions returns the edges that an item took. It reads all changes to
// find its own: it is for looking at one item, not for a loop over many.
func (f *File) Transitions(item int64) (all []Transition, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err = f.conn.query(`SELECT at, "from", "to", reason, epoch FROM transitions WHERE item = ? ORDER BY id`,
		func(s *sqlite.Stmt) (err error) {
			t := Transition{Reason: s.ColumnText(3), Epoch: s.ColumnInt64(4)}
			if t.At, err = parseStamp(s.ColumnText(0)); err != nil {
				return err
			}
			if t.To, err = plan.ParseState(s.ColumnText(2)); err != nil {
				return fmt.Errorf("%w: %v", ErrCorrupt, err)
			}
			if !s.ColumnIsNull(1) {
				from, err := plan.ParseState(s.ColumnText(1))
				if err != nil {
					return fmt.Errorf("%w: %v", ErrCorrupt, err)
				}
				t.From = &from
			}
			all = append(all, t)
			return nil
		}, item)
	return all, f.conn.wrap("read", err)
}

// Events returns what happened to the run.
func (f *File) Events() ([]plan.Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return readEvents(f.conn)
}
