package runfile

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bulkrunner/runner/internal/plan"
)

func TestSummary(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/x.run"
	d, err := Create(path)
	must(t, err)
	defer d.Discard()
	must(t, d.SetRun(aRun("r1")))
	a, b := anOperation("a"), anOperation("b")
	must(t, d.AddOperation(&a))
	must(t, d.AddOperation(&b))
	items := someItems(a.ID, 13)
	for i := range items {
		items[i].Amount = fmt.Sprintf("%d.00", i)
	}
	items[7].Amount = "123456789012345678.05" // more digits than a binary number has
	items[3].Amount = "12.0"                  // as much as the last, and before it
	items[5].Amount, items[5].Currency = "", ""
	items[6].Currency = "PEN"
	items[4].State = plan.Skipped
	must(t, d.Add(items))
	must(t, d.Add(someItems(b.ID, 1)))
	must(t, d.Commit())
	s, err := open(t, path).Summary()
	must(t, err)

	large := func(i int, amount string) Large {
		return Large{Key: items[i].Key, Source: items[i].Source, Row: items[i].Row, State: items[i].State, Amount: amount}
	}
	want := []Worth{
		{Without: 1, Currencies: []Amounts{
			{Currency: "COP", Items: 11, Zero: 1, Total: "123456789012345747.05", Largest: []Large{
				large(7, "123456789012345678.05"), large(3, "12.0"), large(12, "12.00"), large(11, "11.00"), large(10, "10.00"),
				large(9, "9.00"), large(8, "8.00"), large(4, "4.00"), large(2, "2.00"), large(1, "1.00"),
			}},
			{Currency: "PEN", Items: 1, Total: "6.00", Largest: []Large{large(6, "6.00")}},
		}},
		{Currencies: []Amounts{{Currency: "COP", Items: 1, Total: "45000.00", Largest: []Large{
			{Key: "A-1042000000", Source: "stale-orders.csv", Row: 2, State: plan.Planned, Amount: "45000.00"},
		}}}},
	}
	if diff := cmp.Diff(want, s.Operations, cmpopts.IgnoreUnexported(Large{})); diff != "" {
		t.Error(diff)
	}
	if n := len(s.Groups); n != 3 {
		t.Errorf("%d groups", n)
	}
}

func TestOutlying(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		largest, total string
		items, want    int64
	}{
		"as the others": {"10", "110", 11, 0},
		"ten times":     {"100", "110", 11, 10},
		"too few":       {"100", "100", 10, 0},
		"all zero":      {"0", "0", 50, 0},
		"beyond floats": {"1000000000000000000000000", "1000000000000000000000100", 20, 20},
	} {
		d, err := parseAmount(test.largest)
		must(t, err)
		a := Amounts{Items: test.items, Total: test.total, Largest: []Large{{Amount: test.largest, decimal: d}}}
		if got := a.Outlying(); got != test.want {
			t.Errorf("%s: %d, not %d", name, got, test.want)
		}
	}
}
