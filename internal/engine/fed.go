package engine

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// bounds are the limits of a fed operation while they are held against what it
// is about to do: the plan could not know.
type bounds struct {
	held   bool // all items are counted
	after  int64
	items  int64
	totals plan.Totals
}

// hold looks at a page of a fed operation's items, as they become now that the
// operation before it is done, and stops it if they are more than its file
// allows.
func (e *Engine) hold(op *operation, now time.Time) error {
	rule, err := op.bounds.look(e.journal, &op.Operation.Operation, op.Become)
	if err == nil && rule != "" {
		e.stop(op, now, rule)
	}
	return err
}

// A Become fills in what is known of a fed operation's item once the one that
// feeds it is settled. The state is planned, or skipped or failed with the
// reason.
type Become func(it, of *plan.Item) (plan.State, string)

// Exceeded names the limit that a fed operation would exceed now that what
// feeds it is settled, "" for none.
func Exceeded(j Journal, op *plan.Operation, become Become) (rule string, err error) {
	var b bounds
	for !b.held && err == nil {
		rule, err = b.look(j, op, become)
	}
	return rule, err
}

// Waiting is how many items of fed operations are planned still because what
// feeds them isn't settled.
func Waiting(j Journal, ops []plan.Operation) (n int64, err error) {
	for _, op := range ops {
		if op.Settings.FedBy == "" {
			continue
		}
		for after := int64(0); ; {
			page, err := j.Planned(op.ID, after, pageSize)
			if err != nil {
				return n, err
			}
			if len(page) == 0 {
				break
			}
			for _, it := range page {
				after = it.ID
				if of, err := j.Item(plan.Feeding(it.Context)); err != nil {
					return n, err
				} else if !of.State.Final() {
					n++
				}
			}
		}
	}
	return n, nil
}

// look counts a page of items; behind the last one it says which limit is
// exceeded. Items whose turn has come already count as well, so a run that is
// taken up again is held to the same, and what is written of one that may still
// be sent must be what it becomes once more: no digest covers it.
func (b *bounds) look(j Journal, op *plan.Operation, become Become) (rule string, err error) {
	page, err := j.Items(op.ID, b.after, pageSize)
	if err != nil {
		return "", err
	}
	if b.totals == nil {
		b.totals = plan.Totals{}
	}
	for i := range page {
		it := page[i]
		b.after = it.ID
		if len(it.Arguments) == 0 || it.Later && !it.State.Final() {
			of, err := j.Item(plan.Feeding(it.Context))
			if err != nil {
				return "", err
			}
			becomes, executes := it, of.State.Final()
			if executes {
				state, _ := become(&becomes, &of)
				executes = state == plan.Planned
			}
			switch {
			case it.Later && !(executes && same(&becomes, &it)):
				return "", fmt.Errorf("%w: what %s is said to do with item %q doesn't follow from what became of it before", runfile.ErrCorrupt, op.Address, it.Key)
			case !executes:
				continue
			}
			it = becomes
		}
		b.items++
		if err := b.totals.Add(it.Currency, it.Amount); err != nil {
			return "", err
		}
	}
	if len(page) == pageSize {
		return "", nil
	}
	b.held = true
	return b.exceeded(op.Settings.Limits, op.Rows), nil
}

// same tells whether two items are sent, judged and counted alike.
func same(a, b *plan.Item) bool {
	return bytes.Equal(a.Arguments, b.Arguments) && bytes.Equal(a.Context, b.Context) && a.Amount == b.Amount && a.Currency == b.Currency
}

// exceeded names the limit that is exceeded, "" for none.
func (b *bounds) exceeded(l plan.Limits, rows int64) string {
	switch {
	case l.MaxItems >= 0 && b.items > l.MaxItems:
		return fmt.Sprintf("limits: %d items would be executed (max_items = %d)", b.items, l.MaxItems)
	case l.MaxShare > 0 && float64(b.items) > l.MaxShare*float64(rows):
		return fmt.Sprintf("limits: %d of %d items would be executed (max_share = %v)", b.items, rows, l.MaxShare)
	}
	if l.MaxTotal == nil {
		return ""
	}
	var rules []string
	for _, currency := range b.totals.Currencies() {
		limit, ok := l.MaxTotal[currency]
		if !ok {
			rules = append(rules, fmt.Sprintf("%s %s, which max_total doesn't name", currency, b.totals.Text(currency)))
			continue
		}
		if total, exceeds, err := b.totals.Exceeds(currency, limit); err != nil || exceeds {
			rules = append(rules, fmt.Sprintf("%s %s (max_total = %s)", currency, total, limit))
		}
	}
	if len(rules) == 0 {
		return ""
	}
	slices.Sort(rules)
	return "limits: items to execute come to " + strings.Join(rules, ", ")
}

// become finds out what an item is, now that the one which feeds it is settled.
// It reports false for one that goes no further in this apply.
func (e *Engine) become(f *flight, now time.Time) (bool, error) {
	of, err := e.journal.Item(plan.Feeding(f.item.Context))
	if err != nil {
		return false, err
	}
	if !of.State.Final() {
		// It waits for a later apply, when that one is settled.
		e.drop(f)
		return false, nil
	}
	state, reason := f.op.Become(&f.item, &of)
	if state != plan.Planned {
		e.settle(f, now, state, reason, nil, nil)
		return false, nil
	}
	f.unwritten = true
	return true, nil
}
