package fleet

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// tick says how far the run is: what is in the run file, and of what is away
// what its workers have said last.
func (h *Handover) tick(ctx context.Context, s Status) {
	if h.Tick == nil || time.Since(h.ticked) < tickEvery {
		return
	}
	h.ticked = time.Now()
	out := make([]engine.Progress, 0, len(h.ops))
	for i, op := range h.ops {
		p := engine.Progress{Operation: &op.Operation, Settled: maps.Clone(op.counts), Requests: op.requests}
		if i < len(s.Operations) {
			h.peek(ctx, op, &s.Operations[i], &p)
			if s.Operations[i].Paused {
				p.Waiting = engine.Paused
			}
		}
		out = append(out, p)
	}
	h.Tick(out)
}

// peek adds what the workers of chunks that are away have said of them.
func (h *Handover) peek(ctx context.Context, op *handed, s *OperationStatus, p *engine.Progress) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for n := range op.peeked {
		if op.known[n] {
			delete(op.peeked, n)
		}
	}
	for _, a := range s.Away {
		wg.Go(func() {
			d, err := h.client.DescribeWorkflowExecution(ctx, chunkID(h.id, op.Address, a.Chunk), "")
			if err != nil {
				return
			}
			if st := d.GetWorkflowExecutionInfo().GetStatus(); st != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
				// Nobody else tells the run of it.
				_ = h.client.SignalWorkflow(ctx, h.id, "", signalEnded, endedChunk{Operation: op.Address, ending: ending{Chunk: a.Chunk, Stop: fmt.Sprintf("the end of its workflow %s from outside (%s)", chunkID(h.id, op.Address, a.Chunk), st)}})
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for _, pending := range d.GetPendingActivities() {
				if said, ok := h.said(pending.GetHeartbeatDetails().GetPayloads()); ok {
					op.peeked[a.Chunk] = said
				}
			}
		})
	}
	wg.Wait()
	for n, said := range op.peeked {
		p.Requests += said.Requests
		if slices.ContainsFunc(s.Away, func(a away) bool { return a.Chunk == n }) {
			p.InFlight += said.InFlight
		}
		for state, n := range said.Settled {
			p.Settled[state] += n
		}
	}
	if len(s.Away) == 0 && s.Next > 0 {
		return
	}
	provider, _ := h.Header.Provider(op.Provider)
	if !h.served(ctx, AccountQueue(provider), enumspb.TASK_QUEUE_TYPE_ACTIVITY) {
		p.Waiting = fmt.Sprintf("no worker is there for account %s of %s", provider.Account, provider.Name)
	} else if !h.served(ctx, Queue, enumspb.TASK_QUEUE_TYPE_WORKFLOW) {
		p.Waiting = "no worker is there"
	}
}

// said is how far a chunk is by its worker's last heartbeat.
func (h *Handover) said(parts []*commonpb.Payload) (p engine.Progress, ok bool) {
	p.Settled = plan.Counts{}
	for _, part := range parts {
		var b runfile.Batch
		if h.convert.FromPayload(part, &b) != nil {
			return p, false
		}
		p.Requests += int64(len(b.Requests))
		for _, c := range b.Changes {
			switch {
			case c.To == plan.Started:
				p.InFlight++
			case c.From == plan.Started:
				p.InFlight--
			}
			if c.To.Final() || c.To == plan.InDoubt {
				p.Settled[c.To]++
			}
			if c.From == plan.InDoubt {
				p.Settled[plan.InDoubt]--
			}
		}
	}
	return p, len(parts) > 0
}

// served tells whether some worker has asked for work of a queue lately, as
// far as is known.
func (h *Handover) served(ctx context.Context, queue string, kind enumspb.TaskQueueType) bool {
	d, err := h.client.DescribeTaskQueue(ctx, queue, kind)
	return err != nil || len(d.GetPollers()) > 0
}
