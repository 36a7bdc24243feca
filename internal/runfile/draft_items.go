package runfile

import (
	"fmt"
	"strings"
	"time"

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
	if err := d.plan.insert(items, func(b *binder, from int, it *plan.Item) {
		b.BindInt64(from, it.Operation)
		b.text(from+1, it.Key)
		b.some(from+2, it.Source)
		b.BindInt64(from+3, it.Row)
		b.some(from+4, it.IdempotencyKey)
		b.some(from+5, it.Amount)
		b.some(from+6, it.Currency)
		b.some(from+7, string(it.Arguments))
		b.some(from+8, it.Fingerprint)
		b.some(from+9, it.Sealed)
		b.some(from+10, string(it.Context))
		b.some(from+11, string(it.Live))
		b.BindInt64(from+12, int64(d.sums.plan(it, it.Live)))
	}); err != nil {
		return err
	}
	return d.state.insert(items, func(b *binder, from int, it *plan.Item) {
		at, state := stamp(it.UpdatedAt), it.State.String()
		b.text(from, state)
		b.text(from+1, at)
		b.some(from+2, it.Reason)
		b.BindInt64(from+3, int64(d.sums.progress(it.ID, state, "", "", at, it.Reason, 0)))
	})
}

// enter takes an item into what is known of the draft as a whole.
func (d *Draft) enter(it *plan.Item, now time.Time) error {
	l := d.ledger(it.Operation)
	if l == nil {
		return fmt.Errorf("%w: there is no operation %d", ErrRefused, it.Operation)
	}
	if err := plannable(it); err != nil {
		return err
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

// plannable refuses what a plan can't make of an item. A reason for being
// planned would be lost with the item's first change.
func plannable(it *plan.Item) error {
	switch it.State {
	case plan.Planned, plan.Unchanged, plan.Skipped, plan.Invalid:
	default:
		return fmt.Errorf("%w: a plan can't make %s %s", ErrRefused, it.Key, it.State)
	}
	if it.State == plan.Planned && it.Reason != "" {
		return fmt.Errorf("%w: %s is planned, for which there is no reason to be kept", ErrRefused, it.Key)
	}
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
		if err := plannable(it); err != nil {
			return err
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
// through SQLite for each alone costs half as much again. SQLite numbers them,
// from 1 without a gap as items are: a number that it is given it looks up.
type inserter struct {
	conn      *conn
	one, many *binder
	params    int // of a row
}

// together is how many rows an inserter inserts with one statement.
const together = 16

func newInserter(c *conn, table, columns, row string) (in inserter, err error) {
	in.conn, in.params = c, strings.Count(row, "?")
	insert := "INSERT INTO " + table + " (" + columns + ") VALUES "
	if in.one, err = newBinder(c, insert+row); err == nil {
		in.many, err = newBinder(c, insert+row+strings.Repeat(", "+row, together-1))
	}
	return in, err
}

// insert has bind fill in the row of each item, from the parameter that it is
// given.
func (in *inserter) insert(items []plan.Item, bind func(b *binder, from int, it *plan.Item)) error {
	for len(items) > 0 {
		b, rows := in.one, 1
		if len(items) >= together {
			b, rows = in.many, together
		}
		for i := range rows {
			bind(b, i*in.params+1, &items[i])
		}
		if err := b.step(); err != nil {
			return err
		}
		if id, want := in.conn.LastInsertRowID(), items[rows-1].ID; id != want {
			return fmt.Errorf("%w: item %d was given the number %d", ErrCorrupt, want, id)
		}
		items = items[rows:]
	}
	return nil
}
