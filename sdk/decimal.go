package sdk

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// A Decimal is an exact decimal number. It keeps the text it was written with
// and travels as a string, so that no amount ever passes through a binary
// float. The zero value is "", no number at all.
type Decimal string

var errNotDecimal = errors.New("not a decimal number such as 1250.00")

// ParseDecimal accepts digits with an optional sign and a full stop as the
// decimal mark, up to 30 before it and 30 behind: no exponent, no thousands
// separator.
func ParseDecimal(s string) (Decimal, error) {
	digits := strings.TrimPrefix(s, "-")
	whole := digitsIn(digits)
	if whole < len(digits) && digits[whole] == '.' {
		if fraction := digits[whole+1:]; len(fraction) == 0 || len(fraction) > 30 || digitsIn(fraction) < len(fraction) {
			return "", errNotDecimal
		}
	} else if whole < len(digits) {
		return "", errNotDecimal
	}
	if whole == 0 || whole > 30 {
		return "", errNotDecimal
	}
	return Decimal(s), nil
}

// digitsIn is how many digits a text begins with.
func digitsIn(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

func (d Decimal) String() string { return string(d) }

// Cmp returns -1, 0 or 1 as d is less than, equal to or greater than e, by
// value: 1.50 equals 1.5. Both must be numbers.
func (d Decimal) Cmp(e Decimal) int {
	x, _, errX := apd.NewFromString(string(d))
	y, _, errY := apd.NewFromString(string(e))
	if errX != nil || errY != nil {
		return strings.Compare(string(d), string(e))
	}
	return x.Cmp(y)
}

// UnmarshalJSON accepts a string or a JSON number and keeps its digits.
// Absent and null give "".
func (d *Decimal) UnmarshalJSON(b []byte) error {
	s := string(b)
	if s == "null" {
		*d = ""
		return nil
	}
	if strings.HasPrefix(s, `"`) {
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		if s == "" {
			*d = ""
			return nil
		}
	}
	v, err := ParseDecimal(s)
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// MarshalJSON writes a string; "" is null.
func (d Decimal) MarshalJSON() ([]byte, error) {
	if d == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(d))
}
