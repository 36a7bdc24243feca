package plan

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/apd/v3"
)

// Totals are exact sums by currency, in major units.
type Totals map[string]*Total

// A Total is an exact sum; its zero value is 0.
//
// Amounts of as many places as the one before are summed as whole numbers of
// their last place as long as they fit: decimals cost ten times as much, and a
// plan adds up each of its items.
type Total struct {
	units  int64
	places int
	rest   apd.Decimal
}

// enough are more digits than all amounts of a run together have.
var enough = apd.BaseContext.WithPrecision(100)

// Add adds an amount as the run file writes it. An amount without a currency
// is summed under "".
func (t Totals) Add(currency, amount string) error {
	if amount == "" {
		return nil
	}
	total := t[currency]
	if total == nil {
		total = new(Total)
		t[currency] = total
	}
	return total.add(amount)
}

// Less takes back an amount that was added. A currency of which nothing is left
// is not among the currencies any more.
func (t Totals) Less(currency, amount string) error {
	if err := t.Add(currency, "-"+amount); err != nil {
		return err
	}
	if t[currency].decimal().IsZero() {
		delete(t, currency)
	}
	return nil
}

func (t *Total) add(amount string) error {
	if units, places, ok := small(amount); ok {
		if places != t.places {
			t.carry()
			t.places = places
		}
		if sum := t.units + units; (sum > t.units) == (units > 0) {
			t.units = sum
			return nil
		}
		t.carry()
		t.units = units
		return nil
	}
	d, _, err := apd.NewFromString(amount)
	// An exponent would be a damaged file's way to fill the memory.
	if err != nil || d.Form != apd.Finite || d.Exponent > 0 || d.Exponent < -100 || len(amount) > 200 {
		return fmt.Errorf("sum amounts: %.40q is not a decimal number", amount)
	}
	return t.plus(d)
}

// carry moves the whole number into the rest.
func (t *Total) carry() {
	_ = t.plus(apd.New(t.units, int32(-t.places)))
	t.units = 0
}

func (t *Total) plus(d *apd.Decimal) error {
	if c, err := enough.Add(&t.rest, &t.rest, d); err != nil || c.Inexact() {
		return errors.New("sum amounts: the total exceeds 100 digits")
	}
	return nil
}

func (t *Total) decimal() *apd.Decimal {
	t.carry()
	return &t.rest
}

// small is an amount as a whole number of its last place, if that fits.
func small(amount string) (units int64, places int, ok bool) {
	digits := 0
	for i := 0; i < len(amount); i++ {
		c := amount[i]
		switch {
		case c >= '0' && c <= '9':
			units = units*10 + int64(c-'0')
			digits++
		case c == '.' && places == 0 && i > 0:
			places = len(amount) - i - 1
			if places == 0 {
				return 0, 0, false
			}
		default:
			return 0, 0, false
		}
	}
	return units, places, digits > 0 && digits <= 18
}

// Exceeds tells whether the total of a currency is greater than a limit, and
// what it is.
func (t Totals) Exceeds(currency, limit string) (total string, exceeds bool, err error) {
	d, _, err := apd.NewFromString(limit)
	if err != nil {
		return "", false, fmt.Errorf("max_total: %q is not a decimal number", limit)
	}
	if t[currency] == nil {
		return "0", false, nil
	}
	sum := t[currency].decimal()
	return sum.Text('f'), sum.Cmp(d) > 0, nil
}

// Currencies lists the currencies in alphabetical order.
func (t Totals) Currencies() []string { return slices.Sorted(maps.Keys(t)) }

// Text is the total of a currency, without an exponent.
func (t Totals) Text(currency string) string {
	if t[currency] == nil {
		return "0"
	}
	return t[currency].decimal().Text('f')
}

// Texts are the totals by currency, without exponents.
func (t Totals) Texts() map[string]string {
	m := make(map[string]string, len(t))
	for currency := range t {
		m[currency] = t.Text(currency)
	}
	return m
}
