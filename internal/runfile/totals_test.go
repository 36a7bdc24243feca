package runfile

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/internal/plan"
)

// Totals are exact, where binary floats or a fixed precision would not be.
func TestTotals(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/x.run"
	d, err := Create(path)
	must(t, err)
	defer d.Discard()
	must(t, d.SetRun(aRun("r1")))
	a, b := anOperation("a"), anOperation("b")
	must(t, d.AddOperation(&a))
	must(t, d.AddOperation(&b))
	var items []plan.Item
	for i, v := range []struct {
		op               int64
		state            plan.State
		amount, currency string
		reason           string
	}{
		{a.ID, plan.Planned, "0.1", "COP", ""}, {a.ID, plan.Planned, "0.2", "COP", ""},
		{a.ID, plan.Planned, "99999999999999999999999999999999999999999999.99", "COP", ""},
		{a.ID, plan.Planned, "12.50", "PEN", ""}, {a.ID, plan.Planned, "-2.50", "PEN", ""}, {a.ID, plan.Planned, "", "", ""},
		{a.ID, plan.Skipped, "7", "COP", "guard: x"}, {a.ID, plan.Skipped, "8", "COP", "guard: y"}, {a.ID, plan.Skipped, "9", "COP", "guard: y"},
		{b.ID, plan.Planned, "5", "COP", ""},
	} {
		it := anItem(v.op, i, v.state)
		it.Amount, it.Currency, it.Reason = v.amount, v.currency, v.reason
		items = append(items, it)
	}
	must(t, d.Add(items))
	must(t, d.Commit())
	f := open(t, path)

	groups, err := f.Groups("reason")
	must(t, err)
	if len(groups) != 4 || len(groups[1].Keys) != 2 || groups[1].Keys[0] != items[7].Key {
		t.Errorf("the keys of the groups: %+v", groups)
	}
	for i := range groups {
		groups[i].Keys = nil
	}
	if diff := cmp.Diff([]Group{
		{Operation: a.Address, State: plan.Planned, Items: 6, Amounts: map[string]string{"COP": "100000000000000000000000000000000000000000000.29", "PEN": "10.00"}},
		{Operation: a.Address, State: plan.Skipped, Value: "guard: y", Items: 2, Amounts: map[string]string{"COP": "17"}},
		{Operation: a.Address, State: plan.Skipped, Value: "guard: x", Items: 1, Amounts: map[string]string{"COP": "7"}},
		{Operation: b.Address, State: plan.Planned, Items: 1, Amounts: map[string]string{"COP": "5"}},
	}, groups); diff != "" {
		t.Errorf("by reason (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"COP": "100000000000000000000000000000000000000000000.29", "PEN": "10.00"}, Totals(groups[:1])); diff != "" {
		t.Errorf("totals of one group (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"COP": "24"}, Totals(groups[1:3])); diff != "" {
		t.Errorf("totals of two groups (-want +got):\n%s", diff)
	}
	if none := Totals(nil); len(none) != 0 {
		t.Errorf("totals of no group: %v", none)
	}
	groups, err = f.Groups("currency")
	must(t, err)
	if len(groups) != 5 || groups[0].Value != "COP" || groups[0].Items != 3 {
		t.Errorf("by currency: %+v", groups)
	}
	groups, err = f.Groups("state")
	must(t, err)
	if len(groups) != 3 {
		t.Errorf("by state: %+v", groups)
	}
	if _, err := f.Groups("colour"); err == nil {
		t.Error("items can be grouped by colour")
	}
}

// As many reasons as items don't fill the memory, and none is lost.
func TestGroupsAreBounded(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/x.run"
	d, err := Create(path)
	must(t, err)
	defer d.Discard()
	must(t, d.SetRun(aRun("r1")))
	op := anOperation("a")
	must(t, d.AddOperation(&op))
	items := someItems(op.ID, maxGroups+500)
	for i := range items {
		items[i].State, items[i].Reason = plan.Skipped, fmt.Sprint("reason ", i)
	}
	must(t, d.Add(items))
	must(t, d.Commit())
	groups, err := open(t, path).Groups("reason")
	must(t, err)
	n := int64(0)
	for _, g := range groups {
		n += g.Items
	}
	if len(groups) != maxGroups+1 || n != int64(len(items)) || groups[0].Value != OtherValues || groups[0].Items != 500 {
		t.Errorf("%d groups of %d items, the first %q with %d", len(groups), n, groups[0].Value, groups[0].Items)
	}
}
