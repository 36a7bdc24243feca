package sdk

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// A Decimal is an exact decimal number. It keeps the text it was written with
// and travels as a string, so that no amount ever passes through a binary
// float. The zero value is "", no number at all.
type Decimal string

var decimalText = regexp.MustCompile(`^-?[0-9]{1,30}(\.[0-9]{1,30})?$`)

// ParseDecimal accepts digits with an optional sign and a full stop as the
// decimal mark: no exponent, no thousands separator.
func ParseDecimal(s string) (Decimal, error) {
	if !decimalText.MatchString(s) {
		return "", fmt.Errorf("not a decimal number such as 1250.00")
	}
	return Decimal(s), nil
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
