package runfile

import (
	"encoding/json"
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

// items are all items with what the plan and what the applies wrote. An item of
// which one half is missing is there too, so that somebody notices.
const items = `SELECT g.id, p.operation, p.key, p.source, p.row, p.idempotency_key, p.amount, p.currency,
  p.arguments, p.fingerprint, p.sealed, p.context, p.live, p.sum,
  g.state, g.deadline, g.not_before, g.updated_at, g.reason, g.live, g.result, g.attempts, g.sum, g.live_sum, g.result_sum,
  k.amount, k.currency, k.arguments, k.context, k.sum
  FROM progress g LEFT JOIN plan p ON p.id = g.id LEFT JOIN known k ON k.id = g.id `

// Places of columns in items.
const (
	itemOperation = 1
	itemKey       = 2
	itemAmount    = 6
	itemCurrency  = 7
	itemPlanned   = 12 // the last of what the plan wrote
	itemPlanSum   = 13
	itemState     = 14
	itemReason    = 18
	itemLive      = 19
	itemResult    = 20
	itemAttempts  = 21
	itemSum       = 22
	itemLiveSum   = 23
	itemResultSum = 24
	itemKnown     = 25 // the first of what became known of it
	itemKnownSum  = 29
)

// noState is true of an item whose state is damaged. Whoever looks for items by
// their state looks for these too, or would pass over one that is to be sent.
var noState = func() string {
	var b strings.Builder
	for i, state := range append([]plan.State{plan.Succeeded}, plan.States...) { // the first are the most
		if i > 0 {
			b.WriteString(" AND ")
		}
		fmt.Fprintf(&b, "g.state <> '%s'", state)
	}
	return "(" + b.String() + ")"
}()

// A scanner reads items.
type scanner struct {
	sums summer
}

// item reads the current row.
func (sc *scanner) item(s *sqlite.Stmt) (it plan.Item, err error) {
	if err := sc.check(s); err != nil {
		return it, err
	}
	it.ID = s.ColumnInt64(0)
	it.Operation = s.ColumnInt64(itemOperation)
	it.Key = s.ColumnText(itemKey)
	it.Source = s.ColumnText(3)
	it.Row = s.ColumnInt64(4)
	it.IdempotencyKey = s.ColumnText(5)
	it.Amount, it.Currency = worth(s)
	it.Arguments = column(s, 8)
	it.Fingerprint = s.ColumnText(9)
	it.Sealed = s.ColumnText(10)
	it.Context = column(s, 11)
	if it.Later = known(s); it.Later {
		it.Arguments = column(s, itemKnown+2)
		it.Context = column(s, itemKnown+3)
	}
	if it.State, err = plan.ParseState(s.ColumnText(itemState)); err != nil {
		return it, fmt.Errorf("%w: item %d: %v", ErrCorrupt, it.ID, err)
	}
	it.Reason = s.ColumnText(itemReason)
	if it.Live = column(s, itemLive); it.Live == nil {
		it.Live = column(s, itemPlanned)
	}
	it.Result = column(s, itemResult)
	it.Attempts = s.ColumnInt(itemAttempts)
	if it.Deadline, err = parseStamp(s.ColumnText(15)); err != nil {
		return it, err
	}
	if it.NotBefore, err = parseStamp(s.ColumnText(16)); err != nil {
		return it, err
	}
	it.UpdatedAt, err = parseStamp(s.ColumnText(17))
	return it, err
}

// check refuses an item that isn't as it was written.
func (sc *scanner) check(s *sqlite.Stmt) error {
	id := s.ColumnInt64(0)
	sum := func(first, last, is int) bool {
		sc.sums.begin(id)
		return sc.sums.columns(s, first, last) && s.ColumnType(is) == sqlite.TypeInteger
	}
	if !sum(itemOperation, itemPlanned, itemPlanSum) || int64(sc.sums.end()) != s.ColumnInt64(itemPlanSum) {
		return changed("plan", id)
	}
	if !sum(itemState, itemReason, itemSum) || s.ColumnType(itemAttempts) != sqlite.TypeInteger ||
		withAttempts(sc.sums.end(), s.ColumnInt64(itemAttempts)) != s.ColumnInt64(itemSum) {
		return changed("progress", id)
	}
	whole := func(value, is int) bool {
		if s.ColumnType(value) == sqlite.TypeNull {
			return s.ColumnType(is) == sqlite.TypeNull
		}
		return sum(value, value, is) && int64(sc.sums.end()) == s.ColumnInt64(is)
	}
	if known(s) && (!sum(itemKnown, itemKnownSum-1, itemKnownSum) || int64(sc.sums.end()) != s.ColumnInt64(itemKnownSum)) {
		return changed("known", id)
	}
	if !whole(itemLive, itemLiveSum) || !whole(itemResult, itemResultSum) {
		return changed("progress", id)
	}
	return nil
}

// known tells whether the item's arguments became known only at apply.
func known(s *sqlite.Stmt) bool { return s.ColumnType(itemKnownSum) != sqlite.TypeNull }

// worth is the item's amount and currency.
func worth(s *sqlite.Stmt) (amount, currency string) {
	if known(s) {
		return s.ColumnText(itemKnown), s.ColumnText(itemKnown + 1)
	}
	return s.ColumnText(itemAmount), s.ColumnText(itemCurrency)
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
	err = c.query(`SELECT id, address, provider, type, list, rows, matching, ranges, settings,
		counts, settled, failures, consecutive, sum FROM operations ORDER BY id`, func(s *sqlite.Stmt) error {
		l, whole := &ledger{}, false
		if l.fixed, whole = sumRow(s, 9, 13); !whole {
			return changed("operations", s.ColumnInt64(0))
		}
		l.op.ID = s.ColumnInt64(0)
		l.op.Address = s.ColumnText(1)
		l.op.Provider = s.ColumnText(2)
		l.op.Type = s.ColumnText(3)
		l.op.List = s.ColumnText(4)
		l.op.Rows = s.ColumnInt64(5)
		l.op.Matching = s.ColumnInt64(6)
		l.tally = Tally{Settled: s.ColumnInt64(10), Failures: s.ColumnInt64(11), Consecutive: s.ColumnInt64(12)}
		for i, to := range map[int]any{7: &l.ranges, 8: &l.op.Settings, 9: &l.op.Counts} {
			if err := parseJSON(s, i, to); err != nil {
				return err
			}
		}
		all = append(all, l)
		return nil
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
