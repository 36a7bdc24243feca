package runfile

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

const (
	pageItems  = 1024    // items kept in memory at a time
	pageBytes  = 8 << 20 // of them; the item that passes it is the page's last
	pageWindow = 4096    // IDs looked through in one transaction, so that a filter that lets little through doesn't hold one for long
)

// Items returns the items that a filter chooses, in order. Each page is read
// in its own short transaction, so a long loop never keeps an apply from
// tidying its log; an item that moves meanwhile is seen in its old or its new
// state.
func (f *File) Items(filter Filter) iter.Seq2[plan.Item, error] {
	return func(yield func(plan.Item, error) bool) {
		last, begun, err := f.lastItem()
		if err != nil {
			yield(plan.Item{}, err)
			return
		}
		left := filter.Limit
		all := filter.all()
		page := make([]plan.Item, 0, pageItems)
		for after := max(filter.After, 0); after < last; {
			found := int64(0)
			page, after, found, err = f.page(page[:0], filter, after)
			if begun -= found; err == nil && all && after >= last && begun > 0 {
				err = f.conn.wrap("read", fewer(begun))
			}
			if err != nil {
				yield(plan.Item{}, err)
				return
			}
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
				if left--; left == 0 {
					return
				}
			}
		}
	}
}

// all tells whether a filter lets every item through.
func (f Filter) all() bool {
	return f.Operation == 0 && len(f.States) == 0 && f.Key == "" && f.Reason == "" && f.After <= 0 && f.Limit == 0
}

// lastItem is the greatest ID, and how many items an apply has changed at the
// least. Before the first items are read it has the file checked: one whose row
// is lost would otherwise merely not be there.
func (f *File) lastItem() (last, begun int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.conn.exec("BEGIN"); err != nil { // what is held against each other must be of one moment
		return 0, 0, f.conn.wrap("read", err)
	}
	defer f.conn.exec("COMMIT")
	ledgers, err := readLedgers(f.conn)
	if err != nil {
		return 0, 0, err
	}
	for _, l := range ledgers {
		last += l.items()
		begun += l.begun.n
	}
	if f.checked {
		return last, begun, nil
	}
	if err := checkItems(f.conn, ledgers, f.size); err != nil {
		return 0, 0, err
	}
	if f.size < checkBelow {
		if err := checkBegun(f.conn, ledgers); err != nil {
			return 0, 0, err
		}
	}
	if err := checkPages(f.conn, f.size); err != nil {
		return 0, 0, err
	}
	f.checked = true
	return last, begun, nil
}

// fewer says that items which an apply has changed look as if none had.
func fewer(n int64) error {
	return fmt.Errorf("%w: what applies did to %d of its items is missing", ErrCorrupt, n)
}

// errEnough ends a query whose rows so far fill a page.
var errEnough = errors.New("the page is full")

// weight is about what an item takes in memory.
func weight(it *plan.Item) int {
	return len(it.Arguments) + len(it.Secret) + len(it.Context) + len(it.Live) + len(it.Result)
}

// page reads up to pageItems items after an ID, and says up to which it looked and
// how many of what it found an apply has changed.
func (f *File) page(page []plan.Item, filter Filter, after int64) (_ []plan.Item, upTo, begun int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	upTo = after + pageWindow
	bytes := 0
	err = f.conn.query(items+`WHERE p.id > ?1 AND p.id <= ?2 AND (?3 = 0 OR p.operation = ?3) AND (?4 = '' OR p.key = ?4)
		AND (?5 = '' OR instr(?5, ',' || `+stateNow+` || ',') > 0 OR `+noState(stateNow)+`)
		AND (?7 = '' OR instr(`+reasonNow+`, ?7) > 0) ORDER BY p.id LIMIT +?6`,
		func(s *sqlite.Stmt) error {
			it, err := f.scan.item(s)
			page = append(page, it)
			if hasBegun(s) {
				begun++
			}
			if bytes += weight(&it); err == nil && bytes >= pageBytes {
				err = errEnough
			}
			return err
		}, after, upTo, filter.Operation, filter.Key, stateList(filter.States), pageItems, filter.Reason)
	full := errors.Is(err, errEnough)
	if err != nil && !full {
		return nil, 0, 0, f.conn.wrap("read", err)
	}
	if len(page) == pageItems || full {
		upTo = page[len(page)-1].ID
	}
	return page, upTo, begun, nil
}

// stateList is ",planned,failed,", or "" for any.
func stateList(states []plan.State) string {
	if len(states) == 0 {
		return ""
	}
	b := []byte{','}
	for _, s := range slices.Compact(slices.Sorted(slices.Values(states))) {
		b = append(append(b, s.String()...), ',')
	}
	return string(b)
}
