package runfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

// items are all items with what the plan and what the applies wrote, and begun
// are those that an apply has changed.
const (
	itemColumns = `SELECT p.id, p.operation, p.state, p.reason, p.updated_at, p.key, p.source, p.row, p.idempotency_key, p.amount, p.currency,
  p.arguments, p.fingerprint, p.sealed, p.context, p.live, p.sum,
  g.id, g.state, g.deadline, g.not_before, g.updated_at, g.reason, g.epoch, g.live, g.result, g.attempts, g.sum, g.live_sum, g.result_sum,
  k.amount, k.currency, k.arguments, k.context, k.sum `
	items = itemColumns + `FROM plan p LEFT JOIN progress g ON g.id = p.id LEFT JOIN known k ON k.id = p.id `
	begun = itemColumns + `FROM progress g LEFT JOIN plan p ON p.id = g.id LEFT JOIN known k ON k.id = g.id `
)

// Places of columns in items and begun.
const (
	itemID        = iota
	itemOperation // the first of what the plan wrote
	itemPlannedState
	itemPlannedReason
	itemPlannedAt
	itemKey
	itemSource
	itemRow
	itemIdempotencyKey
	itemAmount
	itemCurrency
	itemArguments
	itemFingerprint
	itemSealed
	itemContext
	itemPlanned // and the last
	itemPlanSum
	itemBegun // NULL of an item that no apply has changed
	itemState
	itemDeadline
	itemNotBefore
	itemUpdatedAt
	itemReason
	itemEpoch
	itemLive
	itemResult
	itemAttempts
	itemSum
	itemLiveSum
	itemResultSum
	itemKnown // the first of what became known of it
	itemKnownCurrency
	itemKnownArguments
	itemKnownContext
	itemKnownSum
)

// What an item is by now, whether an apply has changed it or not.
const (
	stateNow  = `coalesce(g.state, p.state)`
	reasonNow = `iif(g.id IS NULL, p.reason, g.reason)`
)

// noState is true of a state that is damaged. Whoever looks for items by their
// state looks for these too, or would pass over one that is to be sent.
func noState(column string) string {
	var b strings.Builder
	for i, state := range append([]plan.State{plan.Succeeded}, plan.States...) { // the first are the most
		if i > 0 {
			b.WriteString(" AND ")
		}
		fmt.Fprintf(&b, "%s <> '%s'", column, state)
	}
	return "(" + b.String() + ")"
}

// A scanner reads items.
type scanner struct {
	sums    summer
	planned time.Time // when the run was, and with it the items that say nothing else
	id      int64
	state   plan.State // of the last item, which most have too

	// Where the columns of the checked row are among what was summed up. What
	// is NULL is nowhere.
	places [itemKnownSum][2]int
	texts  []byte
}

// itemTexts are the columns that are kept as texts.
var itemTexts = [...]int{itemKey, itemSource, itemIdempotencyKey, itemAmount, itemCurrency, itemFingerprint, itemSealed, itemReason}

// item reads the current row.
func (sc *scanner) item(s *sqlite.Stmt) (it plan.Item, err error) {
	if err := sc.check(s); err != nil {
		return it, err
	}
	it.ID = sc.id
	it.Operation = s.ColumnInt64(itemOperation)
	it.Row = s.ColumnInt64(itemRow)
	it.Attempts = s.ColumnInt(itemAttempts)
	it.Later = known(s)
	if it.Later {
		sc.places[itemAmount], sc.places[itemCurrency] = sc.places[itemKnown], sc.places[itemKnownCurrency]
		sc.places[itemArguments], sc.places[itemContext] = sc.places[itemKnownArguments], sc.places[itemKnownContext]
	}
	if !hasBegun(s) {
		sc.places[itemState] = sc.places[itemPlannedState]
		sc.places[itemReason] = sc.places[itemPlannedReason]
		sc.places[itemUpdatedAt] = sc.places[itemPlannedAt]
	}
	sc.texts = sc.texts[:0] // they become one string, of which each is a part
	for _, i := range itemTexts {
		sc.texts = append(sc.texts, sc.column(i)...)
	}
	all := string(sc.texts)
	for i, to := range [...]*string{&it.Key, &it.Source, &it.IdempotencyKey, &it.Amount, &it.Currency, &it.Fingerprint, &it.Sealed, &it.Reason} {
		n := len(sc.column(itemTexts[i]))
		*to, all = all[:n], all[n:]
	}
	it.Arguments = sc.value(itemArguments)
	it.Context = sc.value(itemContext)
	if it.Live = sc.value(itemLive); it.Live == nil {
		it.Live = sc.value(itemPlanned)
	}
	it.Result = sc.value(itemResult)
	if state := sc.column(itemState); sc.state == plan.Invalid || string(state) != sc.state.String() {
		if sc.state, err = plan.ParseState(string(state)); err != nil {
			return it, fmt.Errorf("%w: item %d: %v", ErrCorrupt, it.ID, err)
		}
	}
	it.State = sc.state
	for i, to := range [...]*time.Time{&it.Deadline, &it.NotBefore, &it.UpdatedAt} {
		if *to, err = parseStamp(sc.column(itemDeadline + i)); err != nil {
			return it, err
		}
	}
	if it.UpdatedAt.IsZero() {
		it.UpdatedAt = sc.planned
	}
	return it, nil
}

// check refuses an item that isn't as it was written.
func (sc *scanner) check(s *sqlite.Stmt) error {
	sc.id = s.ColumnInt64(itemID)
	sc.sums.buf = sc.sums.buf[:0]
	sc.places = [itemKnownSum][2]int{}
	if sum, whole := sc.sum(s, itemOperation, itemPlanned, itemPlanSum); !whole || int64(sum) != s.ColumnInt64(itemPlanSum) {
		return changed("plan", sc.id)
	}
	if !hasBegun(s) {
		return sc.checkKnown(s)
	}
	if sum, whole := sc.sum(s, itemState, itemEpoch, itemSum); !whole || s.ColumnType(itemAttempts) != sqlite.TypeInteger ||
		withAttempts(sum, s.ColumnInt64(itemAttempts)) != s.ColumnInt64(itemSum) {
		return changed("progress", sc.id)
	}
	for _, of := range [...][2]int{{itemLive, itemLiveSum}, {itemResult, itemResultSum}} {
		value, is := of[0], of[1]
		if s.ColumnType(value) == sqlite.TypeNull {
			if s.ColumnType(is) != sqlite.TypeNull {
				return changed("progress", sc.id)
			}
			continue
		}
		if sum, whole := sc.sum(s, value, value, is); !whole || int64(sum) != s.ColumnInt64(is) {
			return changed("progress", sc.id)
		}
	}
	return sc.checkKnown(s)
}

func (sc *scanner) checkKnown(s *sqlite.Stmt) error {
	if known(s) {
		if sum, whole := sc.sum(s, itemKnown, itemKnownSum-1, itemKnownSum); !whole || int64(sum) != s.ColumnInt64(itemKnownSum) {
			return changed("known", sc.id)
		}
	}
	return nil
}

// sum is the checksum of columns from first to last, and tells whether it can
// be what column is has.
func (sc *scanner) sum(s *sqlite.Stmt, first, last, is int) (sum uint32, whole bool) {
	m := &sc.sums
	from := len(m.buf)
	m.buf = append(strconv.AppendInt(m.buf, sc.id, 10), 0)
	for i := first; i <= last; i++ {
		at := len(m.buf)
		if !m.columns(s, i, i) {
			return 0, false
		}
		sc.places[i] = [2]int{at, len(m.buf) - 1}
	}
	return crc32.Checksum(m.buf[from:], castagnoli), s.ColumnType(is) == sqlite.TypeInteger
}

// column is a column of the row that was checked last, until the next is.
func (sc *scanner) column(i int) []byte { return sc.sums.buf[sc.places[i][0]:sc.places[i][1]] }

// value is a column's bytes, and nil where there are none.
func (sc *scanner) value(i int) []byte {
	if b := sc.column(i); len(b) > 0 {
		return bytes.Clone(b)
	}
	return nil
}

// hasBegun tells whether an apply has changed the item.
func hasBegun(s *sqlite.Stmt) bool { return s.ColumnType(itemBegun) != sqlite.TypeNull }

// now is the text of one of two columns: what an apply made of it, or what the plan did.
func now(s *sqlite.Stmt, is, planned int) string {
	if hasBegun(s) {
		return s.ColumnText(is)
	}
	return s.ColumnText(planned)
}

// known tells whether the item's arguments became known only at apply.
func known(s *sqlite.Stmt) bool { return s.ColumnType(itemKnownSum) != sqlite.TypeNull }

// worth is the item's amount and currency.
func worth(s *sqlite.Stmt) (amount, currency string) {
	if known(s) {
		return s.ColumnText(itemKnown), s.ColumnText(itemKnownCurrency)
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
		counts, settled, failures, consecutive, begun, begun_ids, sum FROM operations ORDER BY id`, func(s *sqlite.Stmt) error {
		l, whole := &ledger{}, false
		if l.fixed, whole = sumRow(s, 9, 15); !whole {
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
		l.begun = begunItems{s.ColumnInt64(13), s.ColumnInt64(14)}
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
