package runfile

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	_ "modernc.org/sqlite/lib" // zombiezen's own go.mod asks for one that is too old; this keeps ours pinned
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// busyTimeout is how long to wait for another program that looks into the file
// with a lock; our own readers never hold one for longer than a page of items.
const busyTimeout = 10 * time.Second

// A conn is one connection, which knows its file's name for messages.
type conn struct {
	*sqlite.Conn
	path string
}

// connect opens a connection by the file's absolute name, so that SQLite takes
// no name for a URI or for memory.
func connect(path string, flags ...sqlite.OpenFlags) (*conn, error) {
	if err := checkVersion(); err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open run file %s: %w", path, err)
	}
	c, err := sqlite.OpenConn(abs, flags...)
	if err != nil {
		return nil, &DiskError{Path: path, Op: "open", Err: err}
	}
	c.SetBusyTimeout(busyTimeout)
	return &conn{c, path}, nil
}

// connectImmutable reads a file that nobody can be writing to, without a lock
// and without a file beside it.
func connectImmutable(path string) (*conn, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open run file %s: %w", path, err)
	}
	name := filepath.ToSlash(abs)
	if name[0] != '/' {
		name = "/" + name // a drive letter
	}
	uri := url.URL{Scheme: "file", Path: name, RawQuery: "immutable=1"}
	c, err := sqlite.OpenConn(uri.String(), sqlite.OpenReadOnly, sqlite.OpenURI)
	if err != nil {
		return nil, &DiskError{Path: path, Op: "open", Err: err}
	}
	return &conn{c, path}, nil
}

// wrap makes a DiskError of an error of SQLite's, and leaves every other.
func (c *conn) wrap(op string, err error) error {
	var disk *DiskError
	if err == nil || errors.As(err, &disk) {
		return err
	}
	if code := sqlite.ErrCode(err); code == sqlite.ResultOK || (code == sqlite.ResultError && !errors.Is(err, ErrCorrupt)) {
		return fmt.Errorf("%s run file %s: %w", op, c.path, err)
	}
	return &DiskError{Path: c.path, Op: op, Err: err}
}

// query runs a statement that isn't worth binding by hand.
func (c *conn) query(sql string, row func(*sqlite.Stmt) error, args ...any) error {
	return sqlitex.Execute(c.Conn, sql, &sqlitex.ExecOptions{Args: args, ResultFunc: row})
}

func (c *conn) exec(sql string, args ...any) error { return c.query(sql, nil, args...) }

func (c *conn) script(sql string) error { return sqlitex.ExecuteScript(c.Conn, sql, nil) }

// pragma runs PRAGMA text and returns the first column of its last row.
func (c *conn) pragma(text string) (value string, err error) {
	err = sqlitex.ExecuteTransient(c.Conn, "PRAGMA "+text, &sqlitex.ExecOptions{
		ResultFunc: func(s *sqlite.Stmt) error {
			value = s.ColumnText(0)
			return nil
		},
	})
	return value, err
}

// step runs a statement that returns no rows.
func step(s *sqlite.Stmt) error {
	if _, err := s.Step(); err != nil {
		return err
	}
	return s.Reset()
}

// bindText binds NULL for "": in the file, what isn't there is NULL.
func bindText(s *sqlite.Stmt, i int, v string) {
	if v == "" {
		s.BindNull(i)
		return
	}
	s.BindText(i, v)
}

// identify tells whether the file is a run file of a format that we know.
func identify(c *conn) error {
	id, err := c.pragma("application_id")
	if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultNotADB {
		return fmt.Errorf("%s is %w: it is no SQLite database", c.path, ErrNotRunFile)
	}
	if err != nil {
		return c.wrap("open", err)
	}
	if id != strconv.Itoa(applicationID) {
		return fmt.Errorf("%s is %w: runner plan --out writes one", c.path, ErrNotRunFile)
	}
	version, err := c.pragma("user_version")
	if err != nil {
		return c.wrap("open", err)
	}
	if n, _ := strconv.Atoi(version); n > Format {
		by := "a newer runner"
		_ = c.query(`SELECT runner_version FROM run`, func(s *sqlite.Stmt) error {
			by = "runner " + s.ColumnText(0)
			return nil
		})
		return fmt.Errorf("%s has format %d, %w (%s), and this one knows %d: use that one", c.path, n, ErrNewer, by, Format)
	} else if n != Format {
		return damaged(c.path, "open", "its format is %q", version)
	}
	return nil
}

// lookAt says what is at path before SQLite is asked: its words for a missing
// file or a folder help nobody.
func lookAt(path string) (os.FileInfo, error) {
	fi, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no run file %s: %w", path, os.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("open run file: %w", err)
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is %w: it is not a regular file", path, ErrNotRunFile)
	}
	return fi, nil
}
