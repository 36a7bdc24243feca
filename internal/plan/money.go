package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/apd/v3"
)

// Totals are exact sums by currency, in major units.
type Totals map[string]*apd.Decimal

var exact = apd.BaseContext.WithPrecision(100)

// Add adds an amount as the run file writes it. An amount without a currency
// is summed under "".
func (t Totals) Add(currency, amount string) error {
	if amount == "" {
		return nil
	}
	d, _, err := apd.NewFromString(amount)
	if err != nil {
		return fmt.Errorf("sum amounts: %q is not a decimal number", amount)
	}
	if t[currency] == nil {
		t[currency] = new(apd.Decimal)
	}
	if c, err := exact.Add(t[currency], t[currency], d); err != nil || c.Inexact() {
		return fmt.Errorf("sum amounts in %s: the total exceeds 100 digits", currency)
	}
	return nil
}

// Exceeds tells whether the total of a currency is greater than a limit, and
// what it is.
func (t Totals) Exceeds(currency, limit string) (total string, exceeds bool, err error) {
	d, _, err := apd.NewFromString(limit)
	if err != nil {
		return "", false, fmt.Errorf("max_total: %q is not a decimal number", limit)
	}
	sum := t[currency]
	if sum == nil {
		return "0", false, nil
	}
	return sum.Text('f'), sum.Cmp(d) > 0, nil
}

// Currencies lists the currencies in alphabetical order.
func (t Totals) Currencies() []string { return slices.Sorted(maps.Keys(t)) }

// Text is the total of a currency, without an exponent.
func (t Totals) Text(currency string) string {
	if t[currency] == nil {
		return "0"
	}
	return t[currency].Text('f')
}
