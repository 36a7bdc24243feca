package planner

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// What is noted while items are written is in the draft when they are, without
// a hand on the draft meanwhile: run it with the race detector.
func TestWriterNotes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.run")
	d, err := runfile.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Discard()
	now := time.Now().UTC()
	run := runfile.Run{ID: "0123456789abcdef0123", State: runfile.StatePlanned, CreatedAt: now, RunnerVersion: "0", Digest: "sha256:0"}
	op := plan.Operation{Address: "operation.fake_cancel.all", Provider: "provider.fake", Type: "cancel", Counts: plan.Counts{}}
	if err := d.SetRun(run); err != nil {
		t.Fatal(err)
	}
	if err := d.AddOperation(&op); err != nil {
		t.Fatal(err)
	}
	w := newWriter(d)
	items := make([]plan.Item, 0, batchSize)
	const batches = 20
	for n := range batches {
		for i := range batchSize {
			key := fmt.Sprint(n*batchSize + i)
			items = append(items, plan.Item{Operation: op.ID, Key: key, State: plan.Planned, Arguments: []byte(`{}`), IdempotencyKey: key, UpdatedAt: now})
		}
		if items, err = w.add(items); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := w.note(plan.Event{At: now, Kind: "paused", Detail: fmt.Sprint(n, i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.wait(); err != nil {
		t.Fatal(err)
	}
	w.close()
	op.Counts[plan.Planned] = batches * batchSize
	if err := d.SetOperation(op); err != nil {
		t.Fatal(err)
	}
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	f, err := runfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	events, err := f.Events()
	if err != nil || len(events) != 3*batches {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for i, e := range events {
		if want := fmt.Sprint(i/3, i%3); e.Detail != want {
			t.Errorf("event %d is %s, not %s", i, e.Detail, want)
		}
	}
}
