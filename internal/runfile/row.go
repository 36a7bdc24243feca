package runfile

import (
	"encoding/json"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

// itemColumns are what scanItem reads. The plan's own columns come first.
const itemColumns = `p.id, p.operation, p.key, p.source, p.row, p.idempotency_key, p.amount, p.currency,
  p.arguments, p.fingerprint, p.sealed, p.context, p.live, p.sum,
  g.state, g.reason, g.live, g.result, g.attempts, g.deadline, g.not_before, g.updated_at`

// A scanner reads items; it keeps what need not be allocated for each.
type scanner struct {
	buf []byte
}

// item reads the current row, and refuses one whose planned part isn't what
// the plan wrote.
func (sc *scanner) item(s *sqlite.Stmt) (it plan.Item, err error) {
	it.ID = s.ColumnInt64(0)
	it.Operation = s.ColumnInt64(1)
	it.Key = s.ColumnText(2)
	it.Source = s.ColumnText(3)
	it.Row = s.ColumnInt64(4)
	it.IdempotencyKey = s.ColumnText(5)
	it.Amount = s.ColumnText(6)
	it.Currency = s.ColumnText(7)
	it.Arguments = column(s, 8)
	it.Fingerprint = s.ColumnText(9)
	it.Sealed = s.ColumnText(10)
	it.Context = column(s, 11)
	live := column(s, 12)
	var sum int64
	if sum, sc.buf = sumItem(&it, live, sc.buf); sum != s.ColumnInt64(13) {
		return it, fmt.Errorf("%w: item %d is not as the plan wrote it", ErrCorrupt, it.ID)
	}
	if it.State, err = plan.ParseState(s.ColumnText(14)); err != nil {
		return it, fmt.Errorf("%w: item %d: %v", ErrCorrupt, it.ID, err)
	}
	it.Reason = s.ColumnText(15)
	if it.Live = column(s, 16); it.Live == nil {
		it.Live = live
	}
	it.Result = column(s, 17)
	it.Attempts = s.ColumnInt(18)
	if it.Deadline, err = parseStamp(s.ColumnText(19)); err != nil {
		return it, err
	}
	if it.NotBefore, err = parseStamp(s.ColumnText(20)); err != nil {
		return it, err
	}
	it.UpdatedAt, err = parseStamp(s.ColumnText(21))
	return it, err
}

// column is a column's bytes, and nil where it is NULL.
func column(s *sqlite.Stmt, i int) []byte {
	n := s.ColumnLen(i)
	if n == 0 {
		return nil
	}
	b := make([]byte, n)
	s.ColumnBytes(i, b)
	return b
}

func parseJSON(s *sqlite.Stmt, i int, to any) error {
	if err := json.Unmarshal(column(s, i), to); err != nil {
		return fmt.Errorf("%w: column %s: %v", ErrCorrupt, s.ColumnName(i), err)
	}
	return nil
}

// readLedgers reads the operations with all that is counted of them.
func readLedgers(c *conn) (all []*ledger, err error) {
	err = c.query(`SELECT id, address, provider, type, list, rows, matching, counts, settled, failures, consecutive,
		ranges, settings FROM operations ORDER BY id`, func(s *sqlite.Stmt) error {
		l := &ledger{}
		l.op.ID = s.ColumnInt64(0)
		l.op.Address = s.ColumnText(1)
		l.op.Provider = s.ColumnText(2)
		l.op.Type = s.ColumnText(3)
		l.op.List = s.ColumnText(4)
		l.op.Rows = s.ColumnInt64(5)
		l.op.Matching = s.ColumnInt64(6)
		l.tally = Tally{Settled: s.ColumnInt64(8), Failures: s.ColumnInt64(9), Consecutive: s.ColumnInt64(10)}
		if err := parseJSON(s, 7, &l.op.Counts); err != nil {
			return err
		}
		if err := parseJSON(s, 11, &l.ranges); err != nil {
			return err
		}
		all = append(all, l)
		return parseJSON(s, 12, &l.op.Settings)
	})
	return all, c.wrap("read", err)
}

func readOperations(c *conn) ([]plan.Operation, error) {
	all, err := readLedgers(c)
	ops := make([]plan.Operation, len(all))
	for i, l := range all {
		ops[i] = l.op
	}
	return ops, err
}
