package runfile

import (
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

// The shapes of the statement that moves an item, each prepared once. Columns
// that a change doesn't set aren't bound, since each costs a copy.
const (
	setAttempts = 1 << iota
	setDeadline
	clearDeadline
	setNotBefore
	clearNotBefore
	setLive
	setResult
	shapes
)

var moves = func() (all [shapes]string) {
	for m := range all {
		sql := `UPDATE progress SET state = ?1, updated_at = ?2, reason = ?3`
		for _, part := range []struct {
			bit  int
			text string
		}{
			{setAttempts, `, attempts = max(attempts, ?6)`},
			{setDeadline, `, deadline = ?7`}, {clearDeadline, `, deadline = NULL`},
			{setNotBefore, `, not_before = ?8`}, {clearNotBefore, `, not_before = NULL`},
			{setLive, `, live = ?9`}, {setResult, `, result = ?10`},
		} {
			if m&part.bit != 0 {
				sql += part.text
			}
		}
		all[m] = sql + ` WHERE id = ?4 AND state = ?5`
	}
	return all
}()

// move updates an item that is in the state that the change says.
func (j *Journal) move(c *plan.Change, at string) error {
	m := 0
	if c.Attempts > 0 {
		m |= setAttempts
	}
	switch {
	case !c.Deadline.IsZero():
		m |= setDeadline
	case c.From != plan.Planned && c.To != plan.InDoubt && c.To != plan.Started:
		m |= clearDeadline // of a request that is no more
	}
	switch {
	case !c.NotBefore.IsZero():
		m |= setNotBefore
	case c.From == plan.Planned:
		m |= clearNotBefore
	}
	if c.Live != nil {
		m |= setLive
	}
	if c.Result != nil {
		m |= setResult
	}
	s := j.moves[m]
	if s == nil {
		var err error
		if s, err = j.conn.Prepare(moves[m]); err != nil {
			return err
		}
		j.moves[m] = s
	}
	s.BindText(1, c.To.String())
	s.BindText(2, at)
	bindText(s, 3, c.Reason)
	s.BindInt64(4, c.Item)
	s.BindText(5, c.From.String())
	if m&setAttempts != 0 {
		s.BindInt64(6, int64(c.Attempts))
	}
	if m&setDeadline != 0 {
		s.BindText(7, stampUp(c.Deadline))
	}
	if m&setNotBefore != 0 {
		s.BindText(8, stampUp(c.NotBefore))
	}
	if m&setLive != 0 {
		bindText(s, 9, string(c.Live))
	}
	if m&setResult != 0 {
		bindText(s, 10, string(c.Result))
	}
	if err := step(s); err != nil {
		return err
	}
	if j.conn.Changes() == 1 {
		return nil
	}
	is := "isn't in the run"
	if err := j.conn.query(`SELECT state FROM progress WHERE id = ?`, func(s *sqlite.Stmt) error {
		is = "is " + s.ColumnText(0)
		return nil
	}, c.Item); err != nil {
		return err
	}
	return fmt.Errorf("%w: item %d can't go from %s to %s, since it %s", ErrRefused, c.Item, c.From, c.To, is)
}
