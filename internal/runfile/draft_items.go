package runfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bulkrunner/runner/internal/plan"
)

// Add adds items and sets their IDs in order. One that doesn't say when it came
// into its state did so when the run was planned.
func (d *Draft) Add(items []plan.Item) error {
	if d.err != nil {
		return d.err
	}
	return d.fail("draft", d.add(items))
}

func (d *Draft) add(items []plan.Item) error {
	for i := range items {
		if err := d.enter(&items[i]); err != nil {
			return err
		}
	}
	return d.plan.insert(items, &d.sums)
}

// enter takes an item into what is known of the draft as a whole.
func (d *Draft) enter(it *plan.Item) error {
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
	l.add(it.ID)
	l.op.Counts[it.State]++
	return nil
}

// plannable refuses what a plan can't make of an item.
func plannable(it *plan.Item) error {
	switch it.State {
	case plan.Planned, plan.Unchanged, plan.Skipped, plan.Invalid:
	default:
		return fmt.Errorf("%w: a plan can't make %s %s", ErrRefused, it.Key, it.State)
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
		state, at := it.State.String(), stamp(it.UpdatedAt)
		if err := d.conn.exec(`UPDATE plan SET state = ?, reason = nullif(?, ''), updated_at = nullif(?, ''), live = nullif(?, ''), sum = ?
			WHERE id = ? AND state = 'planned'`, state, it.Reason, at, string(it.Live), int64(d.sums.plan(it, state, at)), it.ID); err != nil {
			return err
		}
		if d.conn.Changes() != 1 {
			return fmt.Errorf("%w: item %d was not planned", ErrRefused, it.ID)
		}
		l.op.Counts[plan.Planned]--
		l.op.Counts[it.State]++
	}
	return nil
}

// An inserter inserts rows into plan, several with one statement: going through
// SQLite for each alone costs half as much again. SQLite numbers them, from 1
// without a gap as items are: a number that it is given it looks up.
type inserter struct {
	conn      *conn
	one, many [2]*binder // for rows with usual columns only, and with all
}

// together is how many rows an inserter inserts with one statement.
const together = 16

// What few items have is left out where none of the rows has it: to bind NULL
// costs as much as to bind a number.
var (
	usualColumns = []string{"operation", "state", "key", "source", "row", "idempotency_key", "amount", "currency", "arguments", "sum"}
	rareColumns  = []string{"reason", "updated_at", "fingerprint", "sealed", "context", "live"}
)

func isRare(it *plan.Item) bool {
	return it.Reason != "" || it.Fingerprint != "" || it.Sealed != "" || len(it.Context) > 0 || len(it.Live) > 0 || !it.UpdatedAt.IsZero()
}

func newInserter(c *conn) (in inserter, err error) {
	in.conn = c
	for i, columns := range [][]string{usualColumns, slices.Concat(usualColumns, rareColumns)} {
		row := "(?" + strings.Repeat(", ?", len(columns)-1) + ")"
		insert := "INSERT INTO plan (" + strings.Join(columns, ", ") + ") VALUES " + row
		if in.one[i], err = newBinder(c, insert); err != nil {
			return in, err
		}
		if in.many[i], err = newBinder(c, insert+strings.Repeat(", "+row, together-1)); err != nil {
			return in, err
		}
	}
	return in, nil
}

func (in *inserter) insert(items []plan.Item, sums *summer) error {
	for len(items) > 0 {
		of, rows := &in.one, items[:1]
		if len(items) >= together {
			of, rows = &in.many, items[:together]
		}
		items = items[len(rows):]
		all, params := 0, len(usualColumns)
		for i := range rows {
			if isRare(&rows[i]) {
				all, params = 1, params+len(rareColumns)
				break
			}
		}
		b := of[all]
		for i := range rows {
			it, from := &rows[i], i*params+1
			state, at := it.State.String(), stamp(it.UpdatedAt)
			b.BindInt64(from, it.Operation)
			b.text(from+1, state)
			b.text(from+2, it.Key)
			b.some(from+3, it.Source)
			b.BindInt64(from+4, it.Row)
			b.some(from+5, it.IdempotencyKey)
			b.some(from+6, it.Amount)
			b.some(from+7, it.Currency)
			b.some(from+8, string(it.Arguments))
			b.BindInt64(from+9, int64(sums.plan(it, state, at)))
			if all == 0 {
				continue
			}
			b.some(from+10, it.Reason)
			b.some(from+11, at)
			b.some(from+12, it.Fingerprint)
			b.some(from+13, it.Sealed)
			b.some(from+14, string(it.Context))
			b.some(from+15, string(it.Live))
		}
		if err := b.step(); err != nil {
			return err
		}
		if id, want := in.conn.LastInsertRowID(), rows[len(rows)-1].ID; id != want {
			return fmt.Errorf("%w: item %d was given the number %d", ErrCorrupt, want, id)
		}
	}
	return nil
}
