package planner

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/plan"
)

// A Refresh says of which items a plan reads the live state: of all, of none,
// or of so many of each operation.
type Refresh int

const (
	RefreshAll  Refresh = -1
	RefreshNone Refresh = 0
)

// MostSampled bounds the memory of a sample.
const MostSampled = 100_000

// A sample is items of an operation of which each had the same chance, whatever
// their number turns out to be (Vitter's algorithm R).
type sample struct {
	size  int
	seen  int
	items []plan.Item
}

func newSample(size int) *sample { return &sample{size: size} }

// enter gives an item that is planned its chance.
func (s *sample) enter(it *plan.Item, id int64) {
	s.seen++
	at := len(s.items)
	if at < s.size {
		s.items = append(s.items, plan.Item{})
	} else if at = rand.IntN(s.seen); at >= s.size {
		return
	}
	s.items[at] = *it
	s.items[at].ID = id
}

// readSample reads the live state of an operation's sample, judges it, and says
// what was found: it stands for those that weren't read.
func (p *planner) readSample(ctx context.Context, op *operation) diag.List {
	if op.sample == nil || len(op.sample.items) == 0 {
		return nil
	}
	items, of := op.sample.items, op.sample.seen
	op.sample = nil
	if diags := p.refresh(ctx, op, items, p.draft.AddEvents); diags.HasErrors() {
		return diags
	}
	found := plan.Counts{}
	for n := range items {
		it := &items[n]
		if found[it.State]++; it.State == plan.Planned {
			continue
		}
		op.Counts[plan.Planned]--
		op.Counts[it.State]++
		if it.Amount == "" {
			op.unpriced--
		} else if err := op.totals.Less(it.Currency, it.Amount); err != nil {
			return failed(err)
		}
	}
	if err := p.draft.Revise(items); err != nil {
		return failed(err)
	}
	if of == len(items) {
		return nil
	}
	words := ""
	for _, s := range []plan.State{plan.Planned, plan.Unchanged, plan.Skipped, plan.Invalid} {
		if n := found[s]; n > 0 {
			name := s.String()
			if s == plan.Planned {
				name = "to execute"
			}
			words += fmt.Sprintf(", %d %s", n, name)
		}
	}
	return diag.List{{
		Severity: diag.Warning,
		Summary:  "Live state of a sample",
		Detail: fmt.Sprintf("Of %d items to execute the live state of %d was read: %s. Apply reads each of the others before it executes it, and their guards decide then.",
			of, len(items), words[2:]),
		Subject: &op.config.Range, In: fmt.Sprintf("operation %q %q", op.config.Type, op.config.Name),
	}}
}
