package runfile

import (
	"fmt"
	"slices"

	"github.com/cockroachdb/apd/v3"
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

// exact adds without ever rounding: precision 0 is unlimited.
var exact = apd.BaseContext

// sums are exact totals by currency.
type sums map[string]*apd.Decimal

func (t sums) add(amount, currency string) error {
	if amount == "" {
		return nil
	}
	d, _, err := apd.NewFromString(amount)
	// An exponent would be a damaged file's way to fill the memory.
	if err != nil || d.Form != apd.Finite || d.Exponent > 0 || d.Exponent < -100 || len(amount) > 200 {
		return fmt.Errorf("%w: %.40q is not an amount", ErrCorrupt, amount)
	}
	total, ok := t[currency]
	if !ok {
		t[currency] = d
		return nil
	}
	_, err = exact.Add(total, total, d)
	return err
}

func (t sums) text() map[string]string {
	m := make(map[string]string, len(t))
	for c, d := range t {
		m[c] = d.Text('f')
	}
	return m
}

// Totals returns the exact totals by currency of an operation's items in the
// given states, and of all operations where operation is 0.
func (f *File) Totals(operation int64, states ...plan.State) (map[string]string, error) {
	t := sums{}
	err := f.eachAmount(operation, stateList(states), func(s *sqlite.Stmt) error { return t.add(s.ColumnText(4), s.ColumnText(5)) })
	return t.text(), err
}

// Groups counts and adds up the items by operation and state and, beside
// these, by their "reason" or "currency"; or by "state" alone.
func (f *File) Groups(by string) ([]Group, error) {
	if by != "reason" && by != "state" && by != "currency" {
		return nil, fmt.Errorf("items can't be grouped by %q: reason, state and currency are what there is", by)
	}
	ops, err := f.Operations()
	if err != nil {
		return nil, err
	}
	type group struct {
		Group
		sums
	}
	type id struct {
		operation    int64
		state, value string
	}
	var order []*group
	groups := map[id]*group{}
	err = f.eachAmount(0, "", func(s *sqlite.Stmt) error {
		k := id{operation: s.ColumnInt64(1), state: s.ColumnText(2)}
		switch by {
		case "reason":
			k.value = s.ColumnText(3)
		case "currency":
			k.value = s.ColumnText(5)
		}
		g := groups[k]
		if g == nil && len(groups) >= maxGroups {
			k.value = OtherValues
			g = groups[k]
		}
		if g == nil {
			state, err := plan.ParseState(k.state)
			if err != nil || k.operation < 1 || k.operation > int64(len(ops)) {
				return fmt.Errorf("%w: item %d is of no operation or state", ErrCorrupt, s.ColumnInt64(0))
			}
			g = &group{Group{Operation: ops[k.operation-1].Address, State: state, Value: k.value}, sums{}}
			groups[k] = g
			order = append(order, g)
		}
		if g.Items++; len(g.Keys) < shownKeys {
			g.Keys = append(g.Keys, s.ColumnText(6))
		}
		return g.add(s.ColumnText(4), s.ColumnText(5))
	})
	if err != nil {
		return nil, err
	}
	all := make([]Group, len(order))
	for i, g := range order {
		g.Amounts = g.text()
		all[i] = g.Group
	}
	rank := map[string]int{}
	for i, op := range ops {
		rank[op.Address] = i
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

// eachAmount calls row for the items of an operation and of states, in short
// transactions, with id, operation, state, reason, amount, currency and key.
func (f *File) eachAmount(operation int64, states string, row func(*sqlite.Stmt) error) error {
	last, err := f.lastItem()
	for after := int64(0); err == nil && after < last; after += pageWindow {
		f.mu.Lock()
		err = f.conn.wrap("read", f.conn.query(`SELECT g.id, p.operation, g.state, g.reason, p.amount, p.currency, p.key
			FROM progress g JOIN plan p ON p.id = g.id
			WHERE g.id > ?1 AND g.id <= ?2 AND (?3 = 0 OR p.operation = ?3) AND (?4 = '' OR instr(?4, ',' || g.state || ',') > 0)
			ORDER BY g.id`, row, after, after+pageWindow, operation, states))
		f.mu.Unlock()
	}
	return err
}
