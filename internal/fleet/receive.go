package fleet

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// receive brings what ended into the run file.
func (h *Handover) receive(ctx context.Context, s Status) error {
	const atOnce = 8
	type ended struct {
		op    *handed
		chunk int
		past  past
		err   error
	}
	var todo []*ended
	for i, op := range h.ops {
		if i >= len(s.Operations) {
			break
		}
		for n := range s.Operations[i].Next {
			if id := chunkID(h.id, op.Address, n); !op.known[n] && s.Operations[i].Ended(n) {
				if h.received[id] {
					op.known[n] = true
					continue
				}
				todo = append(todo, &ended{op: op, chunk: n})
			}
		}
		// A run that is over has no more to say of what it held.
		if s.Over {
			for _, n := range s.Operations[i].Held {
				if !op.known[n] && !h.received[chunkID(h.id, op.Address, n)] {
					todo = append(todo, &ended{op: op, chunk: n})
				}
			}
		}
	}
	for part := range slices.Chunk(todo, atOnce) {
		var wg sync.WaitGroup
		for _, e := range part {
			wg.Go(func() { e.past, e.err = h.history(ctx, chunkID(h.id, e.op.Address, e.chunk), "") })
		}
		wg.Wait()
		for _, e := range part {
			if e.err != nil {
				return e.err
			}
			if e.past.away {
				continue // it was reset, and is being carried out once more
			}
			if err := h.record(ctx, e.op, e.chunk, e.past); err != nil {
				return err
			}
		}
	}
	return nil
}

// record writes what became of a chunk, and lets its workflow go.
func (h *Handover) record(ctx context.Context, op *handed, n int, p past) error {
	id := chunkID(h.id, op.Address, n)
	if p.cut || p.reset || p.taken {
		sheet := newSheet(p.chunk.Items)
		if err := sheet.play(p.log); err != nil {
			return err
		}
		now := time.Now()
		add(&p.log, sheet.suspect("its workflow was ended or reset from outside, and it may have been sent", now, now.Add(max(mostQuiet, p.outlives)), p.began))
	}
	b := p.log
	b.Events = append(slices.Clip(b.Events), plan.Event{At: time.Now(), Kind: runfile.EventReceived, Detail: id})
	if err := h.Journal.Commit(b); err != nil {
		return err
	}
	op.known[n], h.received[id] = true, true
	h.count(op, p)
	err := h.client.SignalWorkflow(ctx, id, "", signalReceived, nil)
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return nil
	}
	return err
}

// count tells whoever looks on.
func (h *Handover) count(op *handed, p past) {
	sheet := newSheet(p.chunk.Items)
	if sheet.play(p.log) != nil {
		return
	}
	op.requests += int64(len(p.log.Requests))
	for i := range sheet.items {
		it := &sheet.items[i]
		if it.State == plan.Planned || it.State == p.chunk.Items[i].State {
			continue
		}
		op.counts[it.State]++
		if h.Observe != nil {
			h.Observe(engine.Update{Operation: &op.Operation, Item: it})
		}
	}
}

// bring says of which operations all is done and in the run file.
func (h *Handover) bring(s Status) {
	for i, op := range h.ops {
		if i < len(s.Operations) && s.Operations[i].done() && len(op.known) == s.Operations[i].Next {
			select {
			case <-op.back:
			default:
				close(op.back)
			}
		}
	}
}

// complete tells whether all that was carried out is in the run file.
func (h *Handover) complete(s Status) bool {
	for i, op := range h.ops {
		if i < len(s.Operations) && len(op.known) < s.Operations[i].Next {
			return false
		}
	}
	return true
}

// finish lets the workflows go that are still there, and says how it ended.
func (h *Handover) finish(ctx context.Context, s Status) (End, error) {
	for _, op := range h.ops {
		for n := range op.uploaded {
			if !op.known[n] {
				if err := h.client.SignalWorkflow(ctx, chunkID(h.id, op.Address, n), "", signalReceived, nil); err != nil && passing(err) {
					return End{}, err
				}
			}
		}
	}
	if err := h.Journal.Commit(runfile.Batch{Events: []plan.Event{{At: time.Now(), Kind: runfile.EventReturned, Detail: h.id}}}); err != nil {
		return End{}, err
	}
	_ = h.client.SignalWorkflow(ctx, h.id, "", signalReceived, nil) // one that stays costs nothing but its place
	end := End{Result: engine.Result{Interrupted: s.Stopped}}
	for _, o := range s.Operations {
		if o.Stop != "" {
			end.Result.Stops = append(end.Result.Stops, engine.Stop{Operation: o.Address, Rule: o.Stop})
		}
	}
	if s.Fatal != "" {
		end.Result.Fatal = errors.New(s.Fatal)
	}
	return end, nil
}
