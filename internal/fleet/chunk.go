package fleet

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// The names of what workflows take and give.
const (
	workflowRun   = "run"
	workflowChunk = "chunk"
	workflowPace  = "pace"

	activityCarry = "carry"

	signalLeave    = "leave"    // to a chunk: carry your items out
	signalHold     = "hold"     // to a chunk: stop gently, and wait
	signalTaken    = "taken"    // to a chunk, by its worker: from now on its items may be sent
	signalReceived = "received" // to a chunk or a run: all that you know is in the run file
	signalEnded    = "ended"    // to a run: a chunk's activity has ended
	signalUploaded = "uploaded" // to a run: chunks are there
	signalCommand  = "command"  // to a run: a person steers it

	memoStatus = "status"
)

// Search attributes, all of them keywords.
var (
	attributeRun       = temporal.NewSearchAttributeKeyKeyword("RunnerRun")
	attributeOperation = temporal.NewSearchAttributeKeyKeyword("RunnerOperation")
	attributeProvider  = temporal.NewSearchAttributeKeyKeyword("RunnerProvider")
	attributeState     = temporal.NewSearchAttributeKeyKeyword("RunnerState")
)

// States of a workflow, as its search attribute has them.
const (
	stateWaiting  = "waiting" // to be let go
	stateRunning  = "running"
	stateHolding  = "holding" // to be let go of gently
	stateEnded    = "ended"   // what became of it is not in the run file yet
	stateReceived = "received"
)

// chunkFlow is the workflow of a chunk: it waits to be let go, has its items
// carried out, says how far that went, and stays until all of it is in the run
// file, since what is open is never thrown away.
//
// Its activity is never cancelled, since Temporal would throw away what the
// activity's heartbeats have told of it: that it is to stop says the state, for
// which its worker looks.
func chunkFlow(ctx workflow.Context, in chunk) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx) // it is ended by the run alone
	leaves := workflow.GetSignalChannel(ctx, signalLeave)
	holds := workflow.GetSignalChannel(ctx, signalHold)
	received := workflow.GetSignalChannel(ctx, signalReceived)
	held, left := 0, len(in.Items)
	for {
		var with leave
		may, over := false, false
		workflow.NewSelector(ctx).
			AddReceive(holds, func(c workflow.ReceiveChannel, _ bool) {
				var h halt
				c.Receive(ctx, &h)
				held = max(held, h.Number)
			}).
			AddReceive(leaves, func(c workflow.ReceiveChannel, _ bool) { may = c.Receive(ctx, &with) }).
			AddReceive(received, func(c workflow.ReceiveChannel, _ bool) { over = c.Receive(ctx, nil) }).
			Select(ctx)
		if over {
			return workflow.UpsertTypedSearchAttributes(ctx, attributeState.ValueSet(stateReceived))
		}
		if !may {
			continue
		}
		end := ending{Chunk: in.Chunk, Left: left}
		if with.Number > held {
			if err := workflow.UpsertTypedSearchAttributes(ctx, attributeState.ValueSet(stateRunning)); err != nil {
				return err
			}
			var err error
			if end, err = carryOut(ctx, in, with, holds); err != nil {
				return err
			}
			left = end.Left
			if err := workflow.UpsertTypedSearchAttributes(ctx, attributeState.ValueSet(stateEnded)); err != nil {
				return err
			}
		}
		if err := workflow.SignalExternalWorkflow(ctx, in.Run, "", signalEnded, endedChunk{in.Operation, end}).Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Warn("the run's workflow is gone", "run", in.Run)
		}
	}
}

// carryOut runs the activity until it ends, and says so when it is to be held.
func carryOut(ctx workflow.Context, in chunk, with leave, holds workflow.ReceiveChannel) (ending, error) {
	done := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           in.Queue,
		HeartbeatTimeout:    lostAfter,
		StartToCloseTimeout: 30 * 24 * time.Hour, // a heartbeat that is missed says sooner that it is over
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second},
	}), activityCarry, carry{Run: in.Run, Operation: in.Operation, Leave: with})
	var result struct {
		End ending `json:"end"` // the log stays in the history, where whoever has the run file reads it
	}
	var err, told error
	for over := false; !over; {
		workflow.NewSelector(ctx).
			AddFuture(done, func(f workflow.Future) { over, err = true, f.Get(ctx, &result) }).
			AddReceive(holds, func(c workflow.ReceiveChannel, _ bool) {
				var h halt
				if c.Receive(ctx, &h); h.Number > with.Number {
					told = workflow.UpsertTypedSearchAttributes(ctx, attributeState.ValueSet(stateHolding))
				}
			}).
			Select(ctx)
	}
	end := result.End
	if err != nil {
		var why *temporal.ApplicationError
		end.Left, end.Fatal = len(in.Items), err.Error()
		if errors.As(err, &why) {
			end.Fatal = why.Message()
		}
	}
	end.Chunk = in.Chunk
	return end, told
}
