package runfile

import (
	"fmt"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

// Add adds items and sets their IDs in order.
func (d *Draft) Add(items []plan.Item) error {
	if d.err != nil {
		return d.err
	}
	return d.fail("draft", d.add(items, time.Now()))
}

func (d *Draft) add(items []plan.Item, now time.Time) error {
	for i := range items {
		if err := d.enter(&items[i], now); err != nil {
			return err
		}
	}
	if err := d.plan.insert(len(items), func(s *sqlite.Stmt, from, row int) {
		it := &items[row]
		s.BindInt64(from, it.ID)
		s.BindInt64(from+1, it.Operation)
		s.BindText(from+2, it.Key)
		bindText(s, from+3, it.Source)
		s.BindInt64(from+4, it.Row)
		bindText(s, from+5, it.IdempotencyKey)
		bindText(s, from+6, it.Amount)
		bindText(s, from+7, it.Currency)
		bindText(s, from+8, string(it.Arguments))
		bindText(s, from+9, it.Fingerprint)
		bindText(s, from+10, it.Sealed)
		bindText(s, from+11, string(it.Context))
		bindText(s, from+12, string(it.Live))
		s.BindInt64(from+13, int64(d.sums.plan(it, it.Live)))
	}); err != nil {
		return err
	}
	return d.state.insert(len(items), func(s *sqlite.Stmt, from, row int) {
		it := &items[row]
		at, state := stamp(it.UpdatedAt), it.State.String()
		s.BindInt64(from, it.ID)
		s.BindText(from+1, state)
		s.BindInt64(from+2, 0)
		s.BindText(from+3, at)
		bindText(s, from+4, it.Reason)
		s.BindInt64(from+5, 0)
		s.BindInt64(from+6, int64(d.sums.progress(it.ID, state, "", "", at, it.Reason, 0)))
	})
}

// enter takes an item into what is known of the draft as a whole.
func (d *Draft) enter(it *plan.Item, now time.Time) error {
	l := d.ledger(it.Operation)
	if l == nil {
		return fmt.Errorf("%w: there is no operation %d", ErrRefused, it.Operation)
	}
	switch it.State {
	case plan.Planned, plan.Unchanged, plan.Skipped, plan.Invalid:
	default:
		return fmt.Errorf("%w: a plan can't make %s %s", ErrRefused, it.Key, it.State)
	}
	if it.State == plan.Planned && it.Reason != "" {
		return fmt.Errorf("%w: %s is planned, for which there is no reason to be kept", ErrRefused, it.Key)
	}
	if it.Attempts != 0 || it.Result != nil || !it.Deadline.IsZero() || !it.NotBefore.IsZero() {
		return fmt.Errorf("%w: a plan can't say that %s was attempted", ErrRefused, it.Key)
	}
	if d.groups != nil {
		to, err := d.groups.enter(gatheredBy{it.Operation, it.State.String(), it.Reason}, it.Amount, it.Currency)
		if err != nil {
			return fmt.Errorf("%w: %s: %v", ErrRefused, it.Key, err)
		}
		if len(to.keys) < shownKeys {
			to.keys = append(to.keys, it.Key)
		}
	}
	d.last++
	it.ID = d.last
	if it.UpdatedAt.IsZero() {
		it.UpdatedAt = now
	}
	l.add(it.ID)
	l.op.Counts[it.State]++
	return nil
}

// Groups are what [File.Groups] would find by reason once the draft is
// committed, without reading it. It reports false where that isn't known.
func (d *Draft) Groups() (groups []Group, ok bool) {
	if d.groups == nil {
		return nil, false
	}
	ops := make([]plan.Operation, len(d.ops))
	for i, l := range d.ops {
		ops[i] = l.op
	}
	groups, err := d.groups.all(ops)
	return groups, err == nil
}

// Revise writes down what a read has told of items that were added as planned:
// their live state, and what they are on account of it.
func (d *Draft) Revise(items []plan.Item) error {
	if d.err != nil {
		return d.err
	}
	d.groups = nil
	return d.fail("draft", d.revise(items))
}

func (d *Draft) revise(items []plan.Item) error {
	for i := range items {
		it := &items[i]
		l := d.ledger(it.Operation)
		if l == nil || !l.has(it.ID) {
			return fmt.Errorf("%w: item %d was not added", ErrRefused, it.ID)
		}
		at, state := stamp(it.UpdatedAt), it.State.String()
		for _, update := range []struct {
			sql  string
			args []any
		}{
			{`UPDATE plan SET live = nullif(?, ''), sum = ? WHERE id = ?`, []any{string(it.Live), int64(d.sums.plan(it, it.Live)), it.ID}},
			{`UPDATE progress SET state = ?, updated_at = ?, reason = nullif(?, ''), sum = ? WHERE id = ? AND state = 'planned'`,
				[]any{state, at, it.Reason, int64(d.sums.progress(it.ID, state, "", "", at, it.Reason, 0)), it.ID}},
		} {
			if err := d.conn.exec(update.sql, update.args...); err != nil {
				return err
			}
			if d.conn.Changes() != 1 {
				return fmt.Errorf("%w: item %d was not planned", ErrRefused, it.ID)
			}
		}
		l.op.Counts[plan.Planned]--
		l.op.Counts[it.State]++
	}
	return nil
}

// An inserter inserts rows into a table, several with one statement: going
// through SQLite for each alone costs half as much again.
type inserter struct {
	one, many *sqlite.Stmt
	columns   int
}

// together is how many rows an inserter inserts with one statement.
const together = 16

func newInserter(c *conn, table, columns string) (in inserter, err error) {
	in.columns = strings.Count(columns, ",") + 1
	row := "(" + strings.Repeat("?, ", in.columns-1) + "?)"
	insert := "INSERT INTO " + table + " (" + columns + ") VALUES "
	if in.one, err = c.Prepare(insert + row); err == nil {
		in.many, err = c.Prepare(insert + row + strings.Repeat(", "+row, together-1))
	}
	return in, err
}

// insert has bind fill in each of n rows, from the parameter that it is given.
func (in *inserter) insert(n int, bind func(s *sqlite.Stmt, from, row int)) error {
	for row := 0; row < n; {
		s, rows := in.one, 1
		if n-row >= together {
			s, rows = in.many, together
		}
		for i := range rows {
			bind(s, i*in.columns+1, row+i)
		}
		if err := step(s); err != nil {
			return err
		}
		row += rows
	}
	return nil
}
