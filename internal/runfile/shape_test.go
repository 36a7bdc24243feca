package runfile

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

// TestShape holds what an item costs, in what doesn't depend on the machine:
// allocations, and bytes on the disk. A change that needs more has to say so
// here. It is alone, since it counts what the whole process allocates.
func TestShape(t *testing.T) {
	const n = 4096
	path := filepath.Join(t.TempDir(), "shape.run")
	d, err := Create(path)
	must(t, err)
	defer d.Discard()
	op := anOperation("stale")
	must(t, d.SetRun(aRun("shape")))
	must(t, d.AddOperation(&op))
	const batch = 1024
	var batches [][]plan.Item
	for items := someItems(op.ID, n+batch); len(items) > 0; items = items[batch:] {
		batches = append(batches, items[:batch])
	}
	next := 0
	drafted := testing.AllocsPerRun(len(batches)-1, func() { // which runs it once more, before
		must(t, d.Add(batches[next]))
		next++
	}) / batch
	must(t, d.Commit())
	plannedBytes := size(t, path) / (n + batch)

	j := acquire(t, path)
	_, err = j.Begin(noon)
	must(t, err)
	const group = 64
	id := int64(1)
	committed := testing.AllocsPerRun(n/group-1, func() {
		carryOut(t, j, id, id+group)
		id += group
	}) / group
	must(t, j.Release())
	allBytes := size(t, path) / (n + batch)

	f := open(t, path)
	read := testing.AllocsPerRun(1, func() {
		for _, err := range f.Items(Filter{}) {
			must(t, err)
		}
	}) / (n + batch)

	for name, is := range map[string]struct{ got, most float64 }{
		"allocations to draft an item":            {drafted, 5},
		"allocations to start and settle an item": {committed, 12},
		"allocations to read an item":             {read, 6},
		"bytes of a planned item":                 {plannedBytes, 360},
		"bytes of a settled item":                 {allBytes, 640},
	} {
		t.Logf("%s: %.1f of %.0f", name, is.got, is.most)
		if is.got > is.most {
			t.Errorf("%s: %.1f, more than %.0f", name, is.got, is.most)
		}
		if is.got < is.most/2 {
			t.Errorf("%s: %.1f, less than half of %.0f, so the bound says nothing", name, is.got, is.most)
		}
	}
}

// carryOut starts items and settles them, from the first to before end.
func carryOut(t testing.TB, j *Journal, first, end int64) {
	t.Helper()
	var before, after Batch
	for id := first; id < end; id++ {
		c := change(id, plan.Planned, plan.Started)
		c.Deadline = noon.Add(30 * time.Second)
		before.Changes = append(before.Changes, c)
		c = change(id, plan.Started, plan.Succeeded)
		c.Result = json.RawMessage(`{"state":"CANCELADA","reference":"88213"}`)
		after.Changes = append(after.Changes, c)
		after.Requests = append(after.Requests, plan.Request{Item: id, Verb: "execute", SentAt: noon, Deadline: noon.Add(30 * time.Second), SettledAt: noon, Outcome: "done", Code: "200"})
	}
	must(t, j.Commit(before))
	must(t, j.Commit(after))
}

func size(t *testing.T, path string) float64 {
	t.Helper()
	fi, err := os.Stat(path)
	must(t, err)
	return float64(fi.Size())
}
