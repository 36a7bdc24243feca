package runfile

import (
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

// maxGroups bounds the memory of grouping: reasons may differ for each item.
// What comes after is counted under [OtherValues].
const maxGroups = 1000

// shownKeys is how many items a group names.
const shownKeys = 3

// OtherValues is the value of the group of all that found no group of its own.
const OtherValues = "(other)"

// Totals are the exact totals by currency of groups.
func Totals(groups []Group) map[string]string {
	t := plan.Totals{}
	for _, g := range groups {
		for currency, amount := range g.Amounts {
			if err := t.Add(currency, amount); err != nil {
				panic(fmt.Sprintf("%q was added up before: %v", amount, err))
			}
		}
	}
	return t.Texts()
}

// A gathering puts items into groups by operation, state and one thing more.
type gathering struct {
	groups map[gatheredBy]*gathered
	order  []*gathered
	last   *gathered // most items are of the group of the one before
}

type gatheredBy struct {
	operation    int64
	state, value string
}

type gathered struct {
	gatheredBy
	items  int64
	keys   []string
	totals plan.Totals
}

func newGathering() *gathering { return &gathering{groups: map[gatheredBy]*gathered{}} }

// enter counts an item in its group, which it returns.
func (g *gathering) enter(by gatheredBy, amount, currency string) (*gathered, error) {
	to := g.last
	if to == nil || to.gatheredBy != by {
		if to = g.groups[by]; to == nil && len(g.groups) >= maxGroups {
			by.value = OtherValues
			to = g.groups[by]
		}
		if to == nil {
			to = &gathered{gatheredBy: by, totals: plan.Totals{}}
			g.groups[by] = to
			g.order = append(g.order, to)
		}
		g.last = to
	}
	to.items++
	return to, to.totals.Add(currency, amount)
}

// all are the groups: by operation in their order, by state in theirs, those of
// most items first.
func (g *gathering) all(ops []plan.Operation) ([]Group, error) {
	rank := map[string]int{}
	for i, op := range ops {
		rank[op.Address] = i
	}
	all := make([]Group, len(g.order))
	for i, from := range g.order {
		state, err := plan.ParseState(from.state)
		if err != nil || from.operation < 1 || from.operation > int64(len(ops)) {
			return nil, fmt.Errorf("%w: items are of no operation or state", ErrCorrupt)
		}
		all[i] = Group{Operation: ops[from.operation-1].Address, State: state, Value: from.value, Items: from.items, Keys: from.keys, Amounts: from.totals.Texts()}
	}
	slices.SortStableFunc(all, func(a, b Group) int {
		if d := rank[a.Operation] - rank[b.Operation]; d != 0 {
			return d
		}
		if d := slices.Index(plan.States, a.State) - slices.Index(plan.States, b.State); d != 0 {
			return d
		}
		return int(min(max(b.Items-a.Items, -1), 1))
	})
	return all, nil
}

// Groups counts and adds up the items by operation and state and, beside
// these, by their "reason" or "currency"; or by "state" alone.
func (f *File) Groups(by string) ([]Group, error) {
	return f.group(by, func(*sqlite.Stmt) error { return nil })
}

// group is Groups, and shows each item to also.
func (f *File) group(by string, also func(*sqlite.Stmt) error) ([]Group, error) {
	if by != "reason" && by != "state" && by != "currency" {
		return nil, fmt.Errorf("items can't be grouped by %q: reason, state and currency are what there is", by)
	}
	ops, err := f.Operations()
	if err != nil {
		return nil, err
	}
	g := newGathering()
	err = f.each(func(s *sqlite.Stmt) error {
		k := gatheredBy{operation: s.ColumnInt64(itemOperation), state: now(s, itemState, itemPlannedState)}
		amount, currency := worth(s)
		switch by {
		case "reason":
			k.value = now(s, itemReason, itemPlannedReason)
		case "currency":
			k.value = currency
		}
		to, err := g.enter(k, amount, currency)
		if err != nil {
			return fmt.Errorf("%w: item %d: %v", ErrCorrupt, s.ColumnInt64(0), err)
		}
		if len(to.keys) < shownKeys {
			to.keys = append(to.keys, s.ColumnText(itemKey))
		}
		return also(s)
	})
	if err != nil {
		return nil, err
	}
	return g.all(ops)
}

// each calls row with the columns of every item, in short transactions.
func (f *File) each(row func(*sqlite.Stmt) error) error {
	last, begun, err := f.lastItem()
	seen := int64(0)
	for after := int64(0); err == nil && after < last; after += pageWindow {
		f.mu.Lock()
		err = f.conn.wrap("read", f.conn.query(items+`WHERE p.id > ? AND p.id <= ? ORDER BY p.id`, func(s *sqlite.Stmt) error {
			if id := s.ColumnInt64(itemID); id != seen+1 {
				return changed("plan", seen+1)
			}
			seen++
			if hasBegun(s) {
				begun--
			}
			if err := f.scan.check(s); err != nil {
				return err
			}
			return row(s)
		}, after, after+pageWindow))
		f.mu.Unlock()
	}
	if err == nil && begun > 0 {
		err = f.conn.wrap("read", fewer(begun))
	}
	return err
}
