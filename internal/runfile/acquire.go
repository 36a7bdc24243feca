package runfile

import (
	"errors"
	"fmt"
	"os"

	"zombiezen.com/go/sqlite"
)

// checkBelow is the size up to which a file's pages are all checked before it
// is applied: 0.1 s. Larger ones are checked where they are read, since a check
// of 10 GB would outlast the patience of whoever resumes.
const checkBelow = 64 << 20

// Acquire takes a run file for an apply, or returns a [HeldError] at once.
func Acquire(path string) (*Journal, error) {
	fi, err := lookAt(path)
	if err != nil {
		return nil, err
	}
	if link, err := os.Lstat(path); err == nil && link.Mode()&os.ModeSymlink != 0 {
		// The lock goes by name, and two names would be two locks.
		return nil, fmt.Errorf("open run file: %s is a symbolic link: name the file itself", path)
	}
	l, err := takeLock(path)
	if err != nil {
		return nil, err
	}
	j := &Journal{path: path, lock: l, started: map[int64]struct{}{}, walMax: walPagesMax}
	if err := j.open(fi.Size()); err != nil {
		if j.conn != nil {
			j.conn.Close()
		}
		l.release()
		return nil, err
	}
	return j, nil
}

func (j *Journal) open(size int64) (err error) {
	// Before SQLite gives the file's mode to what it makes beside it.
	for _, name := range []string{j.path, j.path + "-wal", j.path + "-shm"} {
		if err := os.Chmod(name, 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("open run file: %w", err)
		}
	}
	if j.conn, err = connect(j.path, sqlite.OpenReadWrite); err != nil {
		return err
	}
	if err := identify(j.conn); err != nil {
		return err
	}
	if err := j.configure(); err != nil {
		return j.conn.wrap("open", err)
	}
	if size < checkBelow {
		if answer, err := j.conn.pragma("quick_check(1)"); err != nil {
			return j.conn.wrap("check", err)
		} else if answer != "ok" {
			return damaged(j.path, "check", "%s", answer)
		}
	}
	if err := checkSchema(j.conn); err != nil {
		return j.conn.wrap("open", err)
	}
	return j.load()
}

// configure sets what each connection must be told, and asks it back: SQLite
// answers a setting that it doesn't take with silence.
func (j *Journal) configure() error {
	for _, p := range []struct{ set, name, want string }{
		{"journal_mode = WAL", "journal_mode", "wal"},
		{"synchronous = FULL", "synchronous", "2"},
		{"wal_autocheckpoint = 0", "wal_autocheckpoint", "0"}, // done by hand: SQLite ignores the errors of its own
		{"foreign_keys = OFF", "foreign_keys", "0"},
		{"trusted_schema = OFF", "trusted_schema", "0"},
		{"cell_size_check = ON", "cell_size_check", "1"},
		// A larger cache is looked through at every commit that splits a page.
		{"cache_size = -1000", "cache_size", "-1000"},
	} {
		if _, err := j.conn.pragma(p.set); err != nil {
			return err
		}
		got, err := j.conn.pragma(p.name)
		if err != nil {
			return err
		}
		if got != p.want {
			return fmt.Errorf("SQLite keeps %s at %q instead of %q: %w", p.name, got, p.want, ErrReadOnly)
		}
	}
	return nil
}

// load reads what is kept in memory, and holds the counts against the items.
func (j *Journal) load() (err error) {
	r, err := readRun(j.conn)
	if err != nil {
		return err
	}
	j.epoch = r.Epoch
	if j.ledgers, err = readLedgers(j.conn); err != nil {
		return err
	}
	var total, last int64
	for _, l := range j.ledgers {
		total += l.items()
		if !l.sound() {
			return damaged(j.path, "check", "the counts of %s are not those of its items", l.op.Address)
		}
	}
	if err := j.conn.query(`SELECT (SELECT max(id) FROM progress), (SELECT max(id) FROM plan)`, func(s *sqlite.Stmt) error {
		last = s.ColumnInt64(0)
		if s.ColumnInt64(1) != last {
			return fmt.Errorf("%w: items are missing", ErrCorrupt)
		}
		return nil
	}); err != nil {
		return j.conn.wrap("check", err)
	}
	if total != last {
		return damaged(j.path, "check", "it should hold %d items and ends with item %d", total, last)
	}
	return nil
}
