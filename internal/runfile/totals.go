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

// parseAmount reads an amount, nil where there is none.
func parseAmount(amount string) (*apd.Decimal, error) {
	if amount == "" {
		return nil, nil
	}
	d, _, err := apd.NewFromString(amount)
	// An exponent would be a damaged file's way to fill the memory.
	if err != nil || d.Form != apd.Finite || d.Exponent > 0 || d.Exponent < -100 || len(amount) > 200 {
		return nil, fmt.Errorf("%w: %.40q is not an amount", ErrCorrupt, amount)
	}
	return d, nil
}

// addDecimal adds an amount, which is the total's from then on.
func (t sums) addDecimal(d *apd.Decimal, currency string) error {
	total, ok := t[currency]
	if !ok {
		t[currency] = d
		return nil
	}
	_, err := exact.Add(total, total, d)
	return err
}

func (t sums) text() map[string]string {
	m := make(map[string]string, len(t))
	for c, d := range t {
		m[c] = d.Text('f')
	}
	return m
}

// Totals are the exact totals by currency of groups.
func Totals(groups []Group) map[string]string {
	t := sums{}
	for _, g := range groups {
		for currency, amount := range g.Amounts {
			d, _, err := apd.NewFromString(amount)
			if err == nil {
				err = t.addDecimal(d, currency)
			}
			if err != nil {
				panic(fmt.Sprintf("%q was added up before: %v", amount, err))
			}
		}
	}
	return t.text()
}

// Groups counts and adds up the items by operation and state and, beside
// these, by their "reason" or "currency"; or by "state" alone.
func (f *File) Groups(by string) ([]Group, error) {
	return f.group(by, func(*sqlite.Stmt, *apd.Decimal, string) {})
}

// group is Groups, and shows each item to also: its row, its amount, nil where
// it has none, and its currency.
func (f *File) group(by string, also func(*sqlite.Stmt, *apd.Decimal, string)) ([]Group, error) {
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
	err = f.each(func(s *sqlite.Stmt) error {
		k := id{operation: s.ColumnInt64(itemOperation), state: s.ColumnText(itemState)}
		switch by {
		case "reason":
			k.value = s.ColumnText(itemReason)
		case "currency":
			_, k.value = worth(s)
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
			g.Keys = append(g.Keys, s.ColumnText(itemKey))
		}
		amount, currency := worth(s)
		d, err := parseAmount(amount)
		if err != nil {
			return err
		}
		also(s, d, currency)
		if d == nil {
			return nil
		}
		return g.addDecimal(d, currency)
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

// each calls row with the columns of every item, in short transactions.
func (f *File) each(row func(*sqlite.Stmt) error) error {
	last, err := f.lastItem()
	seen := int64(0)
	for after := int64(0); err == nil && after < last; after += pageWindow {
		f.mu.Lock()
		err = f.conn.wrap("read", f.conn.query(items+`WHERE g.id > ? AND g.id <= ? ORDER BY g.id`, func(s *sqlite.Stmt) error {
			if id := s.ColumnInt64(0); id != seen+1 {
				return changed("progress", seen+1)
			}
			seen++
			if err := f.scan.check(s); err != nil {
				return err
			}
			return row(s)
		}, after, after+pageWindow))
		f.mu.Unlock()
	}
	return err
}
