package runfile

import (
	"encoding/json"
	"maps"
	"sort"
	"strings"

	"github.com/bulkrunner/runner/internal/plan"
)

// A ledger is an operation with its counts, kept up with every change. Counting
// the items anew would cost a scan of all of them each time that somebody asks.
type ledger struct {
	op     plan.Operation
	tally  Tally
	ranges []idRange // its items, ascending
	fixed  uint32    // the checksum of what the plan wrote of it
	begun  begunItems
}

// begunItems are those that an apply has changed, which have a row in progress.
type begunItems struct{ n, ids int64 }

// enter counts an item.
func (b *begunItems) enter(id int64) {
	b.n++
	b.ids += id
}

// An idRange is items with consecutive IDs: [first, last].
type idRange [2]int64

// add enters items into the ranges.
func (l *ledger) add(id int64) {
	if n := len(l.ranges); n > 0 && l.ranges[n-1][1]+1 == id {
		l.ranges[n-1][1] = id
		return
	}
	l.ranges = append(l.ranges, idRange{id, id})
}

func (l *ledger) has(id int64) bool {
	i := sort.Search(len(l.ranges), func(i int) bool { return l.ranges[i][1] >= id })
	return i < len(l.ranges) && l.ranges[i][0] <= id
}

// within calls scan for the operation's ranges after an ID, until it says stop.
func (l *ledger) within(after int64, scan func(first, last int64) (more bool, err error)) error {
	for _, r := range l.ranges {
		if r[1] <= after {
			continue
		}
		if more, err := scan(max(r[0], after+1), r[1]); err != nil || !more {
			return err
		}
	}
	return nil
}

// items is how many there are.
func (l *ledger) items() (n int64) {
	for _, r := range l.ranges {
		n += r[1] - r[0] + 1
	}
	return n
}

// clone is a ledger to be changed within a transaction. The ranges are shared:
// only a draft changes them.
func (l *ledger) clone() *ledger {
	c := *l
	c.op.Counts = maps.Clone(l.op.Counts)
	return &c
}

// sound tells whether the counts can be those of the operation's items.
func (l *ledger) sound() bool {
	for _, n := range l.op.Counts {
		if n < 0 {
			return false
		}
	}
	return l.op.Counts.Total() == l.items()
}

// store writes what changes. A state without items is left out.
func (l *ledger) store(c *conn) error {
	maps.DeleteFunc(l.op.Counts, func(_ plan.State, n int64) bool { return n == 0 })
	counts, err := json.Marshal(l.op.Counts)
	if err != nil {
		return err
	}
	s, err := c.Prepare(`UPDATE operations SET counts = ?, settled = ?, failures = ?, consecutive = ?, begun = ?, begun_ids = ?, sum = ? WHERE id = ?`)
	if err != nil {
		return err
	}
	s.BindText(1, string(counts))
	s.BindInt64(2, l.tally.Settled)
	s.BindInt64(3, l.tally.Failures)
	s.BindInt64(4, l.tally.Consecutive)
	s.BindInt64(5, l.begun.n)
	s.BindInt64(6, l.begun.ids)
	s.BindInt64(7, int64(sumNumbers(sumTexts(l.fixed, string(counts)), l.tally.Settled, l.tally.Failures, l.tally.Consecutive, l.begun.n, l.begun.ids)))
	s.BindInt64(8, l.op.ID)
	return step(s)
}

// continues tells whether an event acknowledges this operation's stop.
func (l *ledger) continues(e plan.Event) bool {
	if e.Kind != EventContinued {
		return false
	}
	address, _, _ := strings.Cut(e.Detail, " ")
	return strings.TrimSuffix(address, ":") == l.op.Address
}

// Count enters an edge that an item took.
//
// An item is counted when it leaves started or planned, once for each
// execution; how its doubt is settled later isn't another. What was skipped,
// found unchanged or goes back to planned wasn't settled at all. Items that an
// earlier apply left started count for nothing: a crash says nothing about the
// API. The [Journal] leaves those out, and so must a caller with counts of its
// own.
func (t *Tally) Count(from, to plan.State) {
	if from != plan.Started && from != plan.Planned {
		return
	}
	switch to {
	case plan.Succeeded:
		t.Settled++
		t.Consecutive = 0
	case plan.Failed, plan.Incident, plan.InDoubt:
		t.Settled++
		t.Failures++
		t.Consecutive++
	}
}
