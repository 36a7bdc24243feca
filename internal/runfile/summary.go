package runfile

import (
	"fmt"
	"slices"

	"github.com/cockroachdb/apd/v3"
	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

// shownLargest is how many of the largest amounts a summary has.
const shownLargest = 10

// A Summary is what the items of a run tell together.
type Summary struct {
	Groups     []Group // by reason
	Operations []Worth // in their order
}

// Worth is what an operation's items are worth.
type Worth struct {
	Without    int64 // items without an amount
	Retried    int64 // items of which attempts came to nothing
	Currencies []Amounts
}

// Amounts are those of one currency.
type Amounts struct {
	Currency string
	Items    int64
	Zero     int64  // of these
	Total    string // exact
	Largest  []Large
}

// A Large is one of the largest amounts of its currency, the first of equal ones.
type Large struct {
	Key    string
	Source string
	Row    int64
	State  plan.State
	Amount string

	decimal *apd.Decimal
}

// Summary adds up the items. It reads all of them: what can be known without
// is in the counts of [File.Operations].
func (f *File) Summary() (s Summary, err error) {
	ops, err := f.Operations()
	if err != nil {
		return s, err
	}
	s.Operations = make([]Worth, len(ops))
	totals := make([]plan.Totals, len(ops))
	for i := range totals {
		totals[i] = plan.Totals{}
	}
	s.Groups, err = f.group("reason", func(row *sqlite.Stmt) error {
		op := row.ColumnInt64(itemOperation) - 1
		if op < 0 || op >= int64(len(ops)) {
			return fmt.Errorf("%w: item %d is of no operation", ErrCorrupt, row.ColumnInt64(itemID))
		}
		w := &s.Operations[op]
		if row.ColumnInt64(itemAttempts) > 0 {
			w.Retried++
		}
		amount, currency := worth(row)
		if amount == "" {
			w.Without++
			return nil
		}
		a := w.of(currency)
		if a == nil {
			return nil
		}
		d, err := parseAmount(amount)
		if err != nil {
			return err
		}
		if a.Items++; d.IsZero() {
			a.Zero++
		}
		a.enter(row, d)
		return totals[op].Add(currency, amount)
	})
	for op := range s.Operations {
		for i := range s.Operations[op].Currencies {
			a := &s.Operations[op].Currencies[i]
			a.Total = totals[op].Text(a.Currency)
		}
	}
	return s, err
}

// parseAmount reads an amount that was added up already.
func parseAmount(amount string) (*apd.Decimal, error) {
	d, _, err := apd.NewFromString(amount)
	if err != nil {
		return nil, fmt.Errorf("%w: %.40q is not an amount", ErrCorrupt, amount)
	}
	return d, nil
}

// of are the amounts of a currency, nil if there are too many currencies to
// tell apart.
func (w *Worth) of(currency string) *Amounts {
	for i := range w.Currencies {
		if w.Currencies[i].Currency == currency {
			return &w.Currencies[i]
		}
	}
	if len(w.Currencies) == shownCurrencies {
		return nil
	}
	w.Currencies = append(w.Currencies, Amounts{Currency: currency})
	return &w.Currencies[len(w.Currencies)-1]
}

// shownCurrencies bounds the memory of a summary.
const shownCurrencies = 100

// enter keeps the amount if it is among the largest.
func (a *Amounts) enter(row *sqlite.Stmt, d *apd.Decimal) {
	n := len(a.Largest)
	if n == shownLargest && d.Cmp(a.Largest[n-1].decimal) <= 0 {
		return
	}
	state, err := plan.ParseState(now(row, itemState, itemPlannedState))
	if err != nil {
		return // told by whoever groups it
	}
	l := Large{
		Key: row.ColumnText(itemKey), Source: row.ColumnText(itemSource), Row: row.ColumnInt64(itemRow), State: state,
		Amount: d.Text('f'), decimal: new(apd.Decimal).Set(d),
	}
	at := n
	for at > 0 && a.Largest[at-1].decimal.Cmp(d) < 0 {
		at--
	}
	a.Largest = slices.Insert(a.Largest, at, l)[:min(n+1, shownLargest)]
}

// Outlying tells how many times the average amount the largest is, 0 where it
// is not much more or where there are too few to tell.
func (a *Amounts) Outlying() int64 {
	if a.Items <= shownLargest || len(a.Largest) == 0 {
		return 0
	}
	total, err := parseAmount(a.Total)
	if err != nil || total.Sign() <= 0 {
		return 0
	}
	times := new(apd.Decimal)
	if _, err := apd.BaseContext.WithPrecision(20).Mul(times, a.Largest[0].decimal, apd.New(a.Items, 0)); err != nil {
		return 0
	}
	if _, err := apd.BaseContext.WithPrecision(20).Quo(times, times, total); err != nil {
		return 0
	}
	f, err := times.Float64()
	if err != nil || f < outlying {
		return 0
	}
	return int64(f)
}

// outlying is from how many times the average an amount is called odd.
const outlying = 10
