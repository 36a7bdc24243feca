package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// upload starts the workflows of all chunks that aren't there.
func (h *Handover) upload(ctx context.Context) error {
	status, err := h.status(ctx)
	if err != nil {
		return err
	}
	for i, op := range h.ops {
		if i < len(status.Operations) {
			h.mu.Lock()
			op.uploaded, op.canary, op.whole = status.Operations[i].Uploaded, status.Operations[i].Canary, status.Operations[i].Whole
			h.mu.Unlock()
		}
	}
	// What is fed by another operation is known when that is back.
	for _, fed := range []bool{false, true} {
		for _, op := range h.ops {
			if status.Over || op.whole || fed != (op.Settings.FedBy != "") {
				continue
			}
			may := true
			if fed {
				may, err = h.fed(ctx, op)
			}
			if err == nil && may {
				err = h.uploadOperation(ctx, op)
			}
			if err != nil {
				return fmt.Errorf("hand over %s: %w", op.Address, err)
			}
		}
	}
	return nil
}

// fed waits until all that feeds an operation is in the run file, and reports
// whether its items may be handed over: not those of one that is more than its
// file allows, nor where the run is left before.
func (h *Handover) fed(ctx context.Context, op *handed) (bool, error) {
	at := slices.IndexFunc(h.ops, func(o *handed) bool { return o.Address == op.Settings.FedBy })
	select {
	case <-h.ops[at].back:
	case <-h.leaving:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
	rule, err := engine.Exceeded(h.Journal, &op.Operation, h.Become[op.ID])
	if err != nil || rule == "" {
		return err == nil, err
	}
	h.mu.Lock()
	op.whole, op.stop = true, rule
	h.mu.Unlock()
	return false, h.say(ctx, op)
}

func (h *Handover) uploadOperation(ctx context.Context, op *handed) error {
	after := int64(0)
	if op.uploaded > 0 {
		p, err := h.history(ctx, chunkID(h.id, op.Address, op.uploaded-1), "")
		if err != nil {
			return err
		}
		after = p.chunk.Last
	}
	provider, _ := h.Header.Provider(op.Provider)
	items := &toSend{journal: h.Journal, operation: op.ID, after: after, become: h.Become[op.ID]}
	size := int64(mostItems)
	if n := (op.Counts[plan.Planned] + op.Counts[plan.InDoubt]) / leastChunks; n < size {
		size = max(leastItems, n)
	}
	tally, err := h.Journal.Tally(op.ID)
	if err != nil {
		return err
	}
	stages := engine.Stages(op.Settings.Canary, tally.Settled)
	for said := time.Now(); ; {
		c := chunk{Run: h.id, Operation: op.Address, Chunk: op.uploaded, Queue: AccountQueue(provider)}
		most := size
		canary := false
		if op.uploaded == op.canary && len(stages) > 0 {
			most, canary = min(stages[0], mostItems), true
		}
		if c.Items, c.Last, err = items.next(most); err != nil {
			return err
		}
		if len(c.Items) == 0 {
			break
		}
		if canary {
			c.Canary = []int64{int64(len(c.Items))}
			if stages[0] -= int64(len(c.Items)); stages[0] <= 0 {
				stages = stages[1:]
			}
		}
		id := chunkID(h.id, op.Address, op.uploaded)
		start := client.StartWorkflowOptions{
			ID: id, TaskQueue: Queue, WorkflowExecutionErrorWhenAlreadyStarted: true, WorkflowTaskTimeout: taskTimeout,
			WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
			TypedSearchAttributes: attributes(h.Header.Run, op.Address, []string{strings.TrimPrefix(op.Provider, "provider.")}, stateWaiting),
			StaticSummary:         fmt.Sprintf("%d items from %q", len(c.Items), c.Items[0].Key),
		}
		err := persist(ctx, func() error {
			_, err := h.client.ExecuteWorkflow(ctx, start, workflowChunk, c)
			return err
		})
		if alreadyThere(err) { // its own word on which items it has
			p, e := h.history(ctx, id, "")
			if e != nil {
				return e
			}
			items.resume(p.chunk.Last)
			canary, err = len(p.chunk.Canary) > 0, nil
		}
		if err != nil {
			return err
		}
		h.mu.Lock()
		op.uploaded++
		if canary {
			op.canary++
		}
		h.mu.Unlock()
		if op.uploaded%8 == 0 || time.Since(said) > time.Second {
			said = time.Now()
			if err := h.say(ctx, op); err != nil {
				return err
			}
		}
	}
	h.mu.Lock()
	op.whole = true
	h.mu.Unlock()
	return h.say(ctx, op)
}

// say tells the run's workflow which chunks are there.
func (h *Handover) say(ctx context.Context, op *handed) error {
	err := persist(ctx, func() error {
		return h.client.SignalWorkflow(ctx, h.id, "", signalUploaded, uploaded{Operation: op.Address, Chunks: op.uploaded, Canary: op.canary, Whole: op.whole, Stop: op.stop})
	})
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) { // it is over
		return nil
	}
	return err
}

// toSend reads the items of an operation that are still to be carried out or
// settled.
type toSend struct {
	journal   *runfile.Journal
	operation int64
	after     int64
	become    engine.Become // of a fed operation
	page      []plan.Item
	end       bool
}

func (t *toSend) resume(after int64) { t.after, t.page, t.end = after, nil, false }

// next returns the items of the next chunk. What they became only now is in the
// run file before they travel, so that one which may have been sent is never
// judged anew.
func (t *toSend) next(most int64) (items []item, last int64, err error) {
	bytes := 0
	var became []plan.Known
	for int64(len(items)) < most {
		if len(t.page) == 0 {
			if t.end {
				break
			}
			if t.page, err = t.journal.Items(t.operation, t.after, 1000); err != nil {
				return nil, 0, err
			}
			t.end = len(t.page) < 1000
			if len(t.page) == 0 {
				break
			}
		}
		it := t.page[0]
		unwritten := t.become != nil && len(it.Arguments) == 0 && it.State == plan.Planned
		if unwritten {
			if known, err := t.known(&it); err != nil {
				return nil, 0, err
			} else if !known {
				t.after, t.page = it.ID, t.page[1:]
				continue
			}
		}
		if it.State == plan.Planned || it.State == plan.InDoubt {
			it.Live, it.Result = nil, nil // an apply reads them anew
			n := len(it.Arguments) + len(it.Context) + len(it.Sealed) + len(it.Key) + len(it.Source) + 200
			if n > mostItem {
				return nil, 0, fmt.Errorf("item %q has %d bytes of arguments, and Temporal takes no more than a megabyte of one: carry this run out without --on", it.Key, n)
			}
			if len(items) > 0 && bytes+n > mostBytes {
				break
			}
			bytes += n
			out := item{Item: it}
			if unwritten {
				became = append(became, it.Known())
			}
			if it.State == plan.InDoubt {
				if out.Requests, err = t.journal.Requests(it.ID); err != nil {
					return nil, 0, err
				}
			}
			items, last = append(items, out), it.ID
		}
		t.after, t.page = it.ID, t.page[1:]
	}
	return items, last, t.journal.Commit(runfile.Batch{Known: became})
}

// known makes of an item what it is now that the one which feeds it is settled.
// It reports false for one that isn't sent: its state says why, in the run file,
// or what feeds it is in doubt.
func (t *toSend) known(it *plan.Item) (bool, error) {
	of, err := t.journal.Item(plan.Feeding(it.Context))
	if err != nil || !of.State.Final() {
		return false, err
	}
	state, reason := plan.Failed, "what feeds it answered more than travels back from a worker, so what it is can't be told"
	if !isClipped(&of) {
		state, reason = t.become(it, &of)
	}
	if state == plan.Planned {
		return true, nil
	}
	return false, t.journal.Commit(runfile.Batch{Changes: []plan.Change{{Item: it.ID, From: plan.Planned, To: state, Reason: reason, At: time.Now(), Attempts: -1}}})
}
