package engine

import (
	"context"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// lastWords is called when the run file can't be written any more: nothing is
// sent, and the answers of what is under way are waited for, since where the
// API can't be read nobody learns them later. It returns what the run file
// doesn't know: of batch, which it didn't take, and of what came after it.
func (e *Engine) lastWords(ctx context.Context, events <-chan lineEvent, batch runfile.Batch) Result {
	if e.recorder.running {
		if done := <-e.recorder.done; done.err != nil {
			batch = done.batch
		}
		e.recorder.running = false
	}
	longest := time.Duration(0)
	for _, l := range e.lanes {
		longest = max(longest, l.line.Timeout)
	}
	enough := time.NewTimer(longest)
	defer enough.Stop()
	for waiting := true; waiting && e.executions() > 0; {
		select {
		case ev := <-events:
			e.heed(ev)
		case <-ctx.Done():
			waiting = false
		case <-enough.C:
			waiting = false
		}
	}
	var unrecorded []plan.Change
	for _, c := range append(batch.Changes, e.recorder.group.batch.Changes...) {
		if c.From == plan.Started && c.To.Final() {
			unrecorded = append(unrecorded, c)
		}
	}
	return Result{Unrecorded: unrecorded}
}

// executions is how many of them have no answer yet.
func (e *Engine) executions() (n int) {
	for _, l := range e.lanes {
		for _, f := range l.calls {
			if f.item.State == plan.Started {
				n++
			}
		}
	}
	return n
}
