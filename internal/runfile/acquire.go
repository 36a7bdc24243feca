package runfile

import (
	"errors"
	"fmt"
	"os"

	"zombiezen.com/go/sqlite"
)

// checkBelow is the size up to which a file's pages are all checked before it
// is applied or its items are read, and before it is applied all its items:
// 0.3 s. Larger ones are checked where they are read, since a check of 10 GB
// would outlast the patience of whoever resumes.
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
	j := &Journal{path: path, lock: l, found: versionAlone(path), started: map[int64]struct{}{}, walMax: walPagesMax}
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
	if err := checkPages(j.conn, size); err != nil {
		return err
	}
	if err := checkTriggers(j.conn); err != nil {
		return j.conn.wrap("open", err)
	}
	if err := checkTables(j.conn); err != nil {
		return j.conn.wrap("open", err)
	}
	if err := j.load(size); err != nil || size >= checkBelow {
		return err
	}
	return j.conn.wrap("check", j.conn.query(items, j.scan.check))
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
		// A log that grew beside a stranger's long transaction is cut when that is over.
		{fmt.Sprintf("journal_size_limit = %d", logBytesMax), "journal_size_limit", fmt.Sprint(logBytesMax)},
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
func (j *Journal) load(size int64) (err error) {
	var r Run
	if r, j.run, err = readRun(j.conn); err != nil {
		return err
	}
	j.epoch, j.scan.planned = r.Epoch, r.CreatedAt
	if j.ledgers, err = readLedgers(j.conn); err != nil {
		return err
	}
	if err := checkItems(j.conn, j.ledgers, size); err != nil {
		return err
	}
	if err := checkBegun(j.conn, j.ledgers); err != nil {
		return err
	}
	if size >= checkBelow { // the pages of a smaller one were all checked; 4 million rows a second
		if err := quickCheck(j.conn, "quick_check(progress)"); err != nil {
			return err
		}
	}
	for _, l := range j.ledgers {
		j.changed += l.items()
	}
	if err := j.conn.query(`SELECT max(id) FROM changes`, func(s *sqlite.Stmt) error {
		j.changed = max(j.changed, s.ColumnInt64(0))
		return nil
	}); err != nil {
		return j.conn.wrap("check", err)
	}
	events, err := readEvents(j.conn)
	if err != nil {
		return err
	}
	applies := int64(0)
	for _, e := range events {
		if e.Kind == EventApplyStarted {
			applies++
		}
	}
	if applies != j.epoch {
		return damaged(j.path, "check", "there were %d applies, and %d of them are among its events", j.epoch, applies)
	}
	return nil
}

// checkPages has SQLite check all pages of a file that isn't too large.
func checkPages(c *conn, size int64) error {
	if size >= checkBelow {
		return nil
	}
	return quickCheck(c, "quick_check(1)")
}

func quickCheck(c *conn, pragma string) error {
	answer, err := c.pragma(pragma)
	if err != nil {
		return c.wrap("check", err)
	}
	if answer != "ok" {
		return damaged(c.path, "check", "%s", answer)
	}
	return nil
}

// checkItems holds the operations' counts against the items that there are, of
// which a large file is believed to have all from the first to the last.
func checkItems(c *conn, ledgers []*ledger, size int64) error {
	var total int64
	for _, l := range ledgers {
		total += l.items()
		if !l.sound() {
			return damaged(c.path, "check", "the counts of %s are not those of its items", l.op.Address)
		}
	}
	// Each by itself is found in the index; together they would be a scan.
	facts := `SELECT coalesce((SELECT min(id) FROM plan), 1), coalesce((SELECT max(id) FROM plan), 0)`
	if size < checkBelow {
		facts += `, (SELECT count(*) FROM plan)`
	}
	return c.wrap("check", c.query(facts, func(s *sqlite.Stmt) error {
		first, last, n := s.ColumnInt64(0), s.ColumnInt64(1), total
		if s.ColumnCount() > 2 {
			n = s.ColumnInt64(2)
		}
		if first != 1 || last != total || n != total {
			return fmt.Errorf("%w: it should hold items 1 to %d, and of plan it holds %d from %d to %d", ErrCorrupt, total, n, first, last)
		}
		return nil
	}))
}

// checkBegun makes sure that each item which an apply has changed has its row: one
// without would count as never sent.
func checkBegun(c *conn, ledgers []*ledger) error {
	var want, is begunItems
	for _, l := range ledgers {
		want.n += l.begun.n
		want.ids += l.begun.ids
	}
	if err := c.query(`SELECT count(*), sum(id) FROM progress`, func(s *sqlite.Stmt) error {
		is = begunItems{s.ColumnInt64(0), s.ColumnInt64(1)}
		return nil
	}); err != nil {
		return c.wrap("check", err)
	}
	if is.n != want.n {
		return damaged(c.path, "check", "of the %d items that applies have changed it holds %d", want.n, is.n)
	}
	if is != want {
		return damaged(c.path, "check", "it holds changes of other items than applies have changed")
	}
	return nil
}
