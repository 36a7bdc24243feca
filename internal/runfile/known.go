package runfile

import (
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

// know writes down what became known of an item, once.
func (j *Journal) know(k *plan.Known) error {
	s, err := j.conn.Prepare(`INSERT INTO known (id, amount, currency, arguments, context, sum) VALUES (?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	s.BindInt64(1, k.Item)
	bindText(s, 2, k.Amount)
	bindText(s, 3, k.Currency)
	bindText(s, 4, string(k.Arguments))
	bindText(s, 5, string(k.Context))
	s.BindInt64(6, int64(j.scan.sums.known(k)))
	return step(s)
}

// known is the checksum of a row of known.
func (m *summer) known(k *plan.Known) uint32 {
	m.begin(k.Item)
	b := m.buf
	b = append(append(b, k.Amount...), 0)
	b = append(append(b, k.Currency...), 0)
	b = append(append(b, k.Arguments...), 0)
	m.buf = append(append(b, k.Context...), 0)
	return m.end()
}

// Item returns one item.
func (j *Journal) Item(id int64) (it plan.Item, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err = j.read(func() error {
		found := false
		err := j.conn.query(items+`WHERE p.id = ?`, func(s *sqlite.Stmt) (err error) {
			found = true
			it, err = j.scan.item(s)
			return err
		}, id)
		if err == nil && !found {
			err = fmt.Errorf("%w: item %d isn't in the run", ErrCorrupt, id)
		}
		return err
	})
	return it, err
}

// Items returns up to limit items of an operation with IDs above after,
// whatever their state, in order.
func (j *Journal) Items(operation, after int64, limit int) (page []plan.Item, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err = j.read(func() error {
		l := j.ledger(operation)
		if l == nil {
			return fmt.Errorf("there is no operation %d", operation)
		}
		return l.within(after, func(first, last int64) (bool, error) {
			err := j.conn.query(items+`WHERE p.id >= ? AND p.id <= ? ORDER BY p.id LIMIT +?`, func(s *sqlite.Stmt) error {
				it, err := j.scan.item(s)
				page = append(page, it)
				return err
			}, first, last, limit-len(page))
			return len(page) < limit, err
		})
	})
	return page, err
}

// Drafted returns up to limit items of an operation that the draft has, with
// IDs above after, in order: what names each, and its state.
func (d *Draft) Drafted(operation, after int64, limit int) (page []plan.Item, err error) {
	if d.err != nil {
		return nil, d.err
	}
	l := d.ledger(operation)
	if l == nil {
		return nil, fmt.Errorf("draft run file %s: there is no operation %d", d.target, operation)
	}
	err = l.within(after, func(first, last int64) (bool, error) {
		err := d.conn.query(`SELECT id, key, source, row, state FROM plan WHERE id >= ? AND id <= ? ORDER BY id LIMIT +?`, func(s *sqlite.Stmt) (err error) {
			it := plan.Item{ID: s.ColumnInt64(0), Operation: operation, Key: s.ColumnText(1), Source: s.ColumnText(2), Row: s.ColumnInt64(3)}
			it.State, err = plan.ParseState(s.ColumnText(4))
			page = append(page, it)
			return err
		}, first, last, limit-len(page))
		return len(page) < limit, err
	})
	return page, d.fail("draft", err)
}
