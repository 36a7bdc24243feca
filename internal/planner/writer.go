package planner

import (
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// A writer adds batches of items to a draft in their order while the next ones
// are planned: writing is half of what a row costs. While it runs the draft is
// its own.
type writer struct {
	draft   *runfile.Draft
	todo    chan work
	done    chan written // of each batch, in order
	pending int          // batches that are not done
	spare   [][]plan.Item
	notes   []plan.Event // since the last batch
}

// behind is how many batches may wait to be written: one more than is being
// written, so that neither who plans nor who writes waits for the other's worst
// moment.
const behind = 2

// work is a batch, and what was noted while it was planned.
type work struct {
	items []plan.Item
	notes []plan.Event
}

// written is a batch that isn't needed any more.
type written struct {
	items []plan.Item
	err   error
}

func newWriter(d *runfile.Draft) *writer {
	w := &writer{draft: d, todo: make(chan work, behind), done: make(chan written, behind)}
	go func() {
		defer close(w.done)
		for b := range w.todo {
			err := w.draft.Add(b.items)
			if err == nil {
				err = w.draft.AddEvents(b.notes...)
			}
			clear(b.items)
			w.done <- written{b.items[:0], err}
		}
	}()
	return w
}

// add has a batch written after those before it, and returns an empty one to
// fill meanwhile. The error may be that of a batch before.
func (w *writer) add(items []plan.Item) ([]plan.Item, error) {
	for w.pending == behind {
		if err := w.one(); err != nil {
			return nil, err
		}
	}
	w.pending++
	w.todo <- work{items, w.notes}
	w.notes = nil
	if n := len(w.spare); n > 0 {
		empty := w.spare[n-1]
		w.spare = w.spare[:n-1]
		return empty, nil
	}
	return make([]plan.Item, 0, batchSize), nil
}

// one waits until one more batch is written.
func (w *writer) one() error {
	r := <-w.done
	w.pending--
	w.spare = append(w.spare, r.items)
	return r.err
}

// note has events written with the batch that comes next.
func (w *writer) note(events ...plan.Event) error {
	w.notes = append(w.notes, events...)
	return nil
}

// wait returns when all is written.
func (w *writer) wait() error {
	for w.pending > 0 {
		if err := w.one(); err != nil {
			return err
		}
	}
	err := w.draft.AddEvents(w.notes...)
	w.notes = nil
	return err
}

// close ends the writer, when what it was told to write is written.
func (w *writer) close() {
	close(w.todo)
	for range w.done {
	}
}
