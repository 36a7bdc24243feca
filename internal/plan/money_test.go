package plan

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
)

// Sums are exact whatever mixture of places, signs and sizes they are of, and
// keep as many places as any amount had.
func TestTotals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		amounts []string
		want    string
	}{
		"none":                {nil, "0"},
		"whole":               {[]string{"5", "7"}, "12"},
		"places are kept":     {[]string{"12.50", "2.50"}, "15.00"},
		"the most places":     {[]string{"1", "0.1", "0.25", "3"}, "4.35"},
		"below zero":          {[]string{"12.50", "-2.50", "-20"}, "-10.00"},
		"zero":                {[]string{"0", "0.00"}, "0.00"},
		"past 64 bits":        {[]string{"999999999999999999", "999999999999999999", "999999999999999999", "999999999999999999", "999999999999999999", "999999999999999999", "999999999999999999", "999999999999999999", "999999999999999999", "999999999999999999", "10"}, "10000000000000000000"},
		"larger than 64 bits": {[]string{"99999999999999999999999999999999999999999999.99", "0.01"}, "100000000000000000000000000000000000000000000.00"},
	} {
		total := Totals{}
		for _, a := range test.amounts {
			if err := total.Add("COP", a); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := total.Text("COP"); got != test.want {
			t.Errorf("%s: %s, not %s", name, got, test.want)
		}
	}
	for _, amount := range []string{"1e999999999", "NaN", "Infinity", "x", "1E2", ".", "-", "1.2.3", "1,5"} {
		if err := (Totals{}).Add("COP", amount); err == nil {
			t.Errorf("%s was added", amount)
		}
	}
}

func TestTotalsAgainstRationals(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		total, want := Totals{}, new(big.Rat)
		for range 1 + random.IntN(60) {
			amount := fmt.Sprint(random.Int64() >> random.IntN(63))
			if places := random.IntN(5); places > 0 {
				amount += fmt.Sprintf(".%0*d", places, random.IntN([]int{1, 10, 100, 1000, 10000}[places]))
			}
			if err := total.Add("COP", amount); err != nil {
				t.Fatal(err)
			}
			r, _ := new(big.Rat).SetString(amount)
			want.Add(want, r)
		}
		got, ok := new(big.Rat).SetString(total.Text("COP"))
		if !ok || got.Cmp(want) != 0 {
			t.Fatalf("%s, not %s", total.Text("COP"), want)
		}
	}
}

func TestTotalsLess(t *testing.T) {
	t.Parallel()
	total := Totals{}
	for _, err := range []error{total.Add("COP", "10.50"), total.Add("COP", "2"), total.Add("PEN", "7"), total.Less("COP", "10.50"), total.Less("PEN", "7.00")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(total.Texts()); got != "map[COP:2.00]" {
		t.Error(got)
	}
}
