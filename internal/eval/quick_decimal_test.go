package eval

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// What is computed with short decimals is what decimals give, to the last zero.
func TestShortDecimals(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	digits := func(most int) string {
		n := r.IntN(most + 1)
		s := strings.Repeat("0", r.IntN(2)*r.IntN(n+1))
		for len(s) < n {
			s += fmt.Sprint(r.IntN(10) * r.IntN(2) * 9 % 10)
		}
		return s
	}
	text := func() string {
		s := "0" + digits(19)
		if r.IntN(2) == 0 {
			s = s[1:] + "7"
		}
		if f := digits(19); f != "" && r.IntN(3) > 0 {
			s += "." + f
		}
		return strings.Repeat("-", r.IntN(2)) + s
	}
	short := 0
	for range 200_000 {
		a, b := text(), text()
		for _, c := range computed {
			got, ok := calculateShort(a, b, c.short)
			if !ok {
				continue
			}
			short++
			x, errX := parseDecimal(a)
			y, errY := parseDecimal(b)
			if errX != nil || errY != nil {
				t.Fatalf("%s and %s: %v, %v", a, b, errX, errY)
			}
			want, err := c.decimals(x, y)
			if err != nil || DecimalText(want) != got || !plainDecimal(got) {
				t.Fatalf("%s and %s: %s, %v; as short ones %s", a, b, DecimalText(want), err, got)
			}
		}
	}
	if short < 100_000 {
		t.Errorf("only %d were short", short)
	}
	for _, s := range []string{"", "-", ".", "1.", ".5", "1.2.3", "1e5", "+1", "--1", "1-", " 1", "1234567890123456789", "0.1234567890123456789"} {
		if x, ok := parseShort(s); ok {
			t.Errorf("%q is taken for %v", s, x)
		}
	}
}
