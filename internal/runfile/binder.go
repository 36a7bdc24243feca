package runfile

import "zombiezen.com/go/sqlite"

// A binder is a statement of which a parameter is bound only where it changes:
// in rows after one another much is the same, and to bind a text costs an
// allocation and a copy. Nobody else may bind the statement.
type binder struct {
	*sqlite.Stmt
	texts []string // by parameter, what it is bound to
	bound []bool
}

func newBinder(c *conn, sql string) (*binder, error) {
	s, err := c.Prepare(sql)
	if err != nil {
		return nil, err
	}
	n := s.BindParamCount() + 1
	return &binder{s, make([]string, n), make([]bool, n)}, nil
}

// remembered is how long a text may be to be held on to.
const remembered = 64

// text binds a text, which may be empty.
func (b *binder) text(i int, v string) {
	if !b.is(i, v) {
		b.BindText(i, v)
	}
}

// some binds NULL for "": in the file, what isn't there is NULL. A parameter is
// bound by this or by text, never by both.
func (b *binder) some(i int, v string) {
	if !b.is(i, v) {
		bindText(b.Stmt, i, v)
	}
}

// is tells whether a parameter is bound to v already, and takes it that it will be.
func (b *binder) is(i int, v string) bool {
	if b.bound[i] && b.texts[i] == v {
		return true
	}
	if b.bound[i] = len(v) <= remembered; b.bound[i] {
		b.texts[i] = v
	}
	return false
}

// step runs the statement.
func (b *binder) step() error {
	err := step(b.Stmt)
	if err != nil {
		clear(b.bound)
	}
	return err
}
