package sdk

import (
	"regexp"
	"strings"
	"testing"
)

// FuzzParseDecimal holds it against the rule as an expression says it.
func FuzzParseDecimal(f *testing.F) {
	rule := regexp.MustCompile(`^-?[0-9]{1,30}(\.[0-9]{1,30})?$`)
	thirty := strings.Repeat("9", 30)
	for _, s := range []string{"", "-", "0", "-0", "1250.00", "1.", ".5", "1.2.3", "--1", "1-", "1e2", "+1", " 1", "1 ", "1,5", "١", "0x1", "NaN",
		thirty, thirty + "9", thirty + "." + thirty, thirty + "." + thirty + "1", "1\n", "1.5\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDecimal(s)
		if want := rule.MatchString(s); (err == nil) != want {
			t.Fatalf("%q: %v", s, err)
		}
		if err == nil && d.String() != s {
			t.Fatalf("%q became %q", s, d)
		}
	})
}
