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
	setLive
	setResult
	shapes
)

var moves = func() (all [shapes]string) {
	for m := range all {
		sql := `UPDATE progress SET state = ?1, updated_at = ?2, reason = ?3, deadline = ?6, not_before = ?7, epoch = ?14`
		for _, part := range []struct {
			set      bool
			is, text string
		}{
			{m&setAttempts != 0, `, attempts = ?9, sum = ?9 << 32 | ?8`, fmt.Sprintf(`, sum = sum & ~%d | ?8`, lowerHalf)},
			{m&setLive != 0, `, live = ?10, live_sum = ?11`, ``},
			{m&setResult != 0, `, result = ?12, result_sum = ?13`, ``},
		} {
			if part.set {
				sql += part.is
			} else {
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
	if c.Live != nil {
		m |= setLive
	}
	if c.Result != nil {
		m |= setResult
	}
	s := j.moves[m]
	if s == nil {
		var err error
		if s, err = newBinder(j.conn, moves[m]); err != nil {
			return err
		}
		j.moves[m] = s
	}
	state, deadline, notBefore := c.To.String(), stampUp(c.Deadline), stampUp(c.NotBefore)
	if deadline == "" && c.To == plan.InDoubt {
		// Doubt that says of none keeps that of the request which it is about;
		// any other state ends it.
		var err error
		if deadline, err = j.deadline(c.Item); err != nil {
			return err
		}
	}
	s.text(1, state)
	s.text(2, at)
	s.some(3, c.Reason)
	s.BindInt64(4, c.Item)
	s.text(5, c.From.String())
	s.some(6, deadline)
	s.some(7, notBefore)
	s.BindInt64(8, int64(j.scan.sums.progress(c.Item, state, deadline, notBefore, at, c.Reason, j.epoch)))
	s.BindInt64(14, j.epoch)
	if m&setAttempts != 0 {
		s.BindInt64(9, int64(c.Attempts))
	}
	if m&setLive != 0 {
		bindValue(s, 10, j.scan.sums.value(c.Item, c.Live), c.Live)
	}
	if m&setResult != 0 {
		bindValue(s, 12, j.scan.sums.value(c.Item, c.Result), c.Result)
	}
	if err := s.step(); err != nil {
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

// bindValue binds a value and, after it, its checksum.
func bindValue(s *binder, i int, sum uint32, value []byte) {
	s.some(i, string(value))
	if len(value) == 0 {
		s.BindNull(i + 1)
		return
	}
	s.BindInt64(i+1, int64(sum))
}

// deadline is an item's as it is in the file.
func (j *Journal) deadline(item int64) (text string, err error) {
	err = j.conn.query(`SELECT deadline FROM progress WHERE id = ?`, func(s *sqlite.Stmt) error {
		text = s.ColumnText(0)
		return nil
	}, item)
	return text, err
}
