package planner

import (
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// A writer adds batches of items to a draft in their order while the next one
// is planned: writing is half of what a row costs. While it runs the draft is
// its own.
type writer struct {
	draft   *runfile.Draft
	todo    chan []plan.Item
	done    chan written // of each batch, in order
	spare   []plan.Item
	pending bool
	notes   []plan.Event
}

// written is a batch that isn't needed any more.
type written struct {
	items []plan.Item
	err   error
}

func newWriter(d *runfile.Draft) *writer {
	w := &writer{draft: d, todo: make(chan []plan.Item), done: make(chan written, 1), spare: make([]plan.Item, 0, batchSize)}
	go func() {
		defer close(w.done)
		for items := range w.todo {
			err := w.draft.Add(items)
			clear(items)
			w.done <- written{items[:0], err}
		}
	}()
	return w
}

// add has a batch written once the one before it is, and returns an empty one
// to fill meanwhile. The error may be that of the batch before.
func (w *writer) add(items []plan.Item) ([]plan.Item, error) {
	if err := w.wait(); err != nil {
		return nil, err
	}
	empty := w.spare
	w.spare, w.pending = nil, true
	w.todo <- items
	return empty, nil
}

// note has events written when nothing else is.
func (w *writer) note(events ...plan.Event) error {
	w.notes = append(w.notes, events...)
	return nil
}

// wait returns when all is written.
func (w *writer) wait() error {
	if w.pending {
		r := <-w.done
		if w.spare, w.pending = r.items, false; r.err != nil {
			return r.err
		}
	}
	err := w.draft.AddEvents(w.notes...)
	w.notes = w.notes[:0]
	return err
}

// close ends the writer, when what it was told to write is written.
func (w *writer) close() {
	close(w.todo)
	for range w.done {
	}
}
