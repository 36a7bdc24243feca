package runfile

import (
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

// The shapes of the statement that moves an item on, each prepared once. Columns
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

// firstMove is the statement for an item that no apply has changed before.
const firstMove = `INSERT OR IGNORE INTO progress (id, state, updated_at, reason, deadline, not_before, epoch, attempts, sum, live, live_sum, result, result_sum)
	SELECT id, ?1, ?2, ?3, ?6, ?7, ?14, ?9, ?9 << 32 | ?8, ?10, ?11, ?12, ?13 FROM plan WHERE id = ?4 AND state = ?5`

// move changes an item that is in the state that the change says, and tells
// whether it is the item's first change.
func (j *Journal) move(c *plan.Change, at string) (first bool, err error) {
	m := movement{Change: c, state: c.To.String(), at: at, deadline: stampUp(c.Deadline), notBefore: stampUp(c.NotBefore)}
	if m.deadline == "" && c.To == plan.InDoubt {
		// Doubt that says of none keeps that of the request which it is about;
		// any other state ends it.
		if m.deadline, err = j.deadline(c.Item); err != nil {
			return false, err
		}
	}
	m.sum = int64(j.scan.sums.progress(c.Item, m.state, m.deadline, m.notBefore, at, c.Reason, j.epoch))
	if c.From == plan.Planned {
		if first, err = j.take(&j.first, firstMove, shapes-1, &m); first || err != nil {
			return first, err
		}
	}
	shape := 0
	if c.Attempts > 0 {
		shape |= setAttempts
	}
	if c.Live != nil {
		shape |= setLive
	}
	if c.Result != nil {
		shape |= setResult
	}
	if done, err := j.take(&j.moves[shape], moves[shape], shape, &m); done || err != nil {
		return false, err
	}
	is := "isn't in the run"
	if err := j.conn.query(`SELECT `+stateNow+` FROM plan p LEFT JOIN progress g ON g.id = p.id WHERE p.id = ?`, func(s *sqlite.Stmt) error {
		is = "is " + s.ColumnText(0)
		return nil
	}, c.Item); err != nil {
		return false, err
	}
	return false, fmt.Errorf("%w: item %d can't go from %s to %s, since it %s", ErrRefused, c.Item, c.From, c.To, is)
}

// A movement is a change as the file keeps it.
type movement struct {
	*plan.Change
	state, at, deadline, notBefore string
	sum                            int64
}

// take runs one of the statements above, and tells whether it found the item in
// the state that it had to be in.
func (j *Journal) take(kept **binder, sql string, shape int, m *movement) (bool, error) {
	if *kept == nil {
		b, err := newBinder(j.conn, sql)
		if err != nil {
			return false, err
		}
		*kept = b
	}
	s := *kept
	s.text(1, m.state)
	s.text(2, m.at)
	s.some(3, m.Reason)
	s.BindInt64(4, m.Item)
	s.text(5, m.From.String())
	s.some(6, m.deadline)
	s.some(7, m.notBefore)
	s.BindInt64(8, m.sum)
	s.BindInt64(14, j.epoch)
	if shape&setAttempts != 0 {
		s.BindInt64(9, int64(max(m.Attempts, 0)))
	}
	if shape&setLive != 0 {
		bindValue(s, 10, j.scan.sums.value(m.Item, m.Live), m.Live)
	}
	if shape&setResult != 0 {
		bindValue(s, 12, j.scan.sums.value(m.Item, m.Result), m.Result)
	}
	if err := s.step(); err != nil {
		return false, err
	}
	return j.conn.Changes() == 1, nil
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
