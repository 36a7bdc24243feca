package runfile

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

// A11: whatever is asked of the journal, it does what a map of states would,
// no item is lost and none leaves a final state.
func TestConservation(t *testing.T) {
	t.Parallel()
	const items, sequences, seed = 500, 10_000, 20261120
	path := planned(t, items)
	j := acquire(t, path)
	_, err := j.Begin(noon)
	must(t, err)
	// The disk isn't what is tested here.
	_, err = j.conn.pragma("synchronous = OFF")
	must(t, err)

	rnd := rand.New(rand.NewPCG(seed, 0))
	model := map[int64]plan.State{}
	for id := int64(1); id <= items; id++ {
		model[id] = plan.Planned
	}
	legal := func(from plan.State) (to plan.State, ok bool) {
		for range 20 {
			if to = plan.State(rnd.IntN(len(plan.States))); from.CanBecome(to) {
				return to, true
			}
		}
		return to, false
	}
	refused, accepted := 0, 0
	for n := range sequences {
		var b Batch
		next := map[int64]plan.State{}
		fine := true
		for range 1 + rnd.IntN(6) {
			id := 1 + rnd.Int64N(items)
			from, ok := next[id]
			if !ok {
				from = model[id]
			}
			to, can := legal(from)
			switch rnd.IntN(20) {
			case 0: // any edge at all
				to = plan.State(rnd.IntN(len(plan.States)))
			case 1: // from any state
				from = plan.State(rnd.IntN(len(plan.States)))
			default:
				if !can {
					continue
				}
				if to.Final() && rnd.IntN(4) > 0 {
					continue // or all would soon be over
				}
			}
			was, ok := next[id]
			if !ok {
				was = model[id]
			}
			fine = fine && from == was && from.CanBecome(to)
			next[id] = to
			b.Changes = append(b.Changes, change(id, from, to))
			if rnd.IntN(2) == 0 {
				b.Requests = append(b.Requests, plan.Request{Item: id, Verb: "execute", Outcome: "unknown"})
			}
		}
		err := j.Commit(b)
		switch {
		case fine && err != nil:
			t.Fatalf("seed %d, sequence %d: %v", seed, n, err)
		case !fine && !errors.Is(err, ErrRefused):
			t.Fatalf("seed %d, sequence %d: %v for %v", seed, n, err, b.Changes)
		case fine:
			accepted++
			for id, s := range next {
				model[id] = s
			}
		default:
			refused++
		}
		if n%500 == 0 || n == sequences-1 {
			conserved(t, j, model)
		}
	}
	if accepted < sequences/10 || refused < sequences/100 {
		t.Errorf("%d accepted and %d refused: too little was tried", accepted, refused)
	}
	must(t, j.Release())
	if got := integrity(t, path); got != "ok" {
		t.Error(got)
	}
}

func conserved(t *testing.T, j *Journal, model map[int64]plan.State) {
	t.Helper()
	want := plan.Counts{}
	for _, s := range model {
		want[s]++
	}
	ops, err := j.Operations()
	must(t, err)
	if diff := cmp.Diff(want, ops[0].Counts); diff != "" {
		t.Fatalf("counts (-model +journal):\n%s", diff)
	}
	in := map[int64]plan.State{}
	must(t, j.conn.query(`SELECT id, state, attempts FROM items`, func(s *sqlite.Stmt) (err error) {
		if n := s.ColumnInt64(2); n != 0 {
			t.Fatalf("item %d has %d attempts, and no change said so", s.ColumnInt64(0), n)
		}
		in[s.ColumnInt64(0)], err = plan.ParseState(s.ColumnText(1))
		return err
	}))
	if diff := cmp.Diff(model, in); diff != "" {
		t.Fatalf("items (-model +file):\n%s", diff)
	}
	// The last transition of each item is where it stands, each begins where
	// the one before ended, and none begins in a final state.
	last := map[int64]plan.State{}
	must(t, j.conn.query(`SELECT item, "from", "to" FROM transitions ORDER BY id`, func(s *sqlite.Stmt) error {
		to, err := plan.ParseState(s.ColumnText(2))
		id := s.ColumnInt64(0)
		if was, ok := last[id]; ok && (s.ColumnText(1) != was.String() || was.Final()) {
			t.Fatalf("item %d goes from %s, and was %s", id, s.ColumnText(1), was)
		}
		last[id] = to
		return err
	}))
	if diff := cmp.Diff(model, last); diff != "" {
		t.Fatalf("transitions (-model +file):\n%s", diff)
	}
}
