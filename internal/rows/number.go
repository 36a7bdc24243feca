package rows

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	decimalText = regexp.MustCompile(`^-?[0-9]{1,30}(\.[0-9]{1,30})?$`)
	rounded     = regexp.MustCompile(`^[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+$`)
	commaMark   = regexp.MustCompile(`^-?[0-9]{1,3}(\.[0-9]{3})*,[0-9]+$|^-?[0-9]+,[0-9]+$`)
	commaGroups = regexp.MustCompile(`^-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$`)
)

// acceptor returns what judges the text of a column of type t; nil accepts
// everything. An empty cell is accepted everywhere: it is null, and whoever
// needs a value says so.
func acceptor(t Type) func(string) (summary, detail string) {
	switch t {
	case Decimal:
		return acceptDecimal
	case Number:
		return func(s string) (string, string) {
			if summary, detail := acceptDecimal(s); summary != "" {
				return "Invalid number", detail
			}
			return "", ""
		}
	case Bool:
		return func(s string) (string, string) {
			if s == "true" || s == "false" || s == "" {
				return "", ""
			}
			return "Invalid bool", fmt.Sprintf("%q is neither true nor false: write one of them.", cut(s))
		}
	}
	return nil
}

func acceptDecimal(s string) (summary, detail string) {
	if s == "" || plainDecimal(s) {
		return "", ""
	}
	return "Invalid decimal", DecimalHint(s)
}

// plainDecimal is decimalText by hand: it is asked for every amount.
func plainDecimal(s string) bool {
	if len(s) > 0 && s[0] == '-' {
		s = s[1:]
	}
	whole := digits(s)
	if whole == 0 || whole > 30 {
		return false
	}
	if whole == len(s) {
		return true
	}
	fraction := digits(s[whole+1:])
	return s[whole] == '.' && fraction > 0 && fraction <= 30 && whole+1+fraction == len(s)
}

func digits(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

// DecimalHint says what is wrong with a text that is not a decimal number, and
// how to write it.
func DecimalHint(s string) string {
	what := fmt.Sprintf("%q is not a decimal number", cut(s))
	switch {
	case rounded.MatchString(s):
		return what + excelHint
	case strings.TrimSpace(s) != s:
		return what + ": remove the spaces around it."
	case commaGroups.MatchString(s) && commaMark.MatchString(s):
		return what + ": the comma may be a decimal mark or a thousands separator. Write it with a full stop as the decimal mark and no thousands separator."
	case commaMark.MatchString(s):
		plain := strings.Replace(strings.ReplaceAll(s, ".", ""), ",", ".", 1)
		return what + ": write it as " + plain + ", with a full stop as the decimal mark and no thousands separator."
	case commaGroups.MatchString(s):
		return what + ": write it as " + strings.ReplaceAll(s, ",", "") + ", without thousands separators."
	}
	return what + ": write digits with a full stop as the decimal mark, such as 1250.00, without currency sign, spaces or thousands separator."
}

const excelHint = ": Excel rounded this number and its last digits are gone. Take the file from its source again and import the column into Excel as text, or don't open it in Excel."
