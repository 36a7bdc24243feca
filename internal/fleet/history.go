package fleet

import (
	"context"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/sdk"
)

// A past is what the history of a chunk's workflow says.
type past struct {
	chunk chunk
	began time.Time     // when its items may have been sent at the earliest
	log   runfile.Batch // of activities that have ended
	reset bool          // the workflow was reset since the last of them, or an activity ended without a word
	taken bool          // a worker took its items up since
	away  bool          // an activity is under way
	cut   bool          // it was ended from outside meanwhile

	outlives time.Duration // requests of whoever took it up
}

// history reads the history of a chunk's workflow, which is its journal.
func (c *Connection) history(ctx context.Context, id, run string) (p past, err error) {
	begun := false
	events := c.client.GetWorkflowHistory(ctx, id, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return p, err
		}
		switch e.GetEventType() {
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
			start := e.GetWorkflowExecutionStartedEventAttributes()
			begun, p.began = true, e.GetEventTime().AsTime()
			if err := c.convert.FromPayloads(start.GetInput(), &p.chunk); err != nil {
				return p, err
			}
		case enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED:
			p.reset = p.reset || e.GetWorkflowTaskFailedEventAttributes().GetCause() == enumspb.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			b, err := c.result(e.GetActivityTaskCompletedEventAttributes())
			if err != nil {
				return p, err
			}
			add(&p.log, b)
			p.reset, p.taken, p.away = false, false, false
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			p.away = true
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED, enumspb.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT, enumspb.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
			p.reset, p.away = true, false
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
			if a := e.GetWorkflowExecutionSignaledEventAttributes(); a.GetSignalName() == signalTaken {
				var by taken
				if err := c.convert.FromPayloads(a.GetInput(), &by); err != nil {
					return p, err
				}
				p.taken, p.outlives = true, max(p.outlives, by.Outlives)
			}
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
			enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
			p.cut, p.away = p.away, false
		}
	}
	if !begun {
		return p, fmt.Errorf("the history of %s has no beginning", id)
	}
	return p, nil
}

func (c *Connection) result(a *historypb.ActivityTaskCompletedEventAttributes) (runfile.Batch, error) {
	var done carried
	err := c.convert.FromPayloads(a.GetResult(), &done)
	return done.Log, err
}

// suspect puts all that is planned in doubt, where what its workflow knew of it
// is gone. Nobody knows when it was sent: since it began, at the earliest.
func (s *sheet) suspect(reason string, now, until, began time.Time) (b runfile.Batch) {
	for _, it := range s.in(plan.InDoubt, 0, len(s.items)) { // it may have been sent again
		b.Changes = append(b.Changes, plan.Change{Item: it.ID, From: plan.InDoubt, To: plan.Planned, Reason: reason, At: now, Attempts: -1})
	}
	for _, it := range slices.Concat(s.in(plan.Planned, 0, len(s.items)), s.in(plan.InDoubt, 0, len(s.items))) {
		b.Changes = append(b.Changes,
			plan.Change{Item: it.ID, From: plan.Planned, To: plan.Started, At: now, Attempts: -1, Deadline: until},
			plan.Change{Item: it.ID, From: plan.Started, To: plan.InDoubt, Reason: reason, At: now, Attempts: -1, Deadline: until})
		b.Requests = append(b.Requests, plan.Request{Item: it.ID, Verb: "execute", Deadline: began, Outcome: sdk.OutcomeUnknown.String(), Code: "lost", Message: reason})
	}
	return b
}

// state is a workflow's, as its search attribute has it; "" where it isn't known.
func (c *Connection) state(ctx context.Context, id, run string) (state string) {
	d, err := c.client.DescribeWorkflowExecution(ctx, id, run)
	if err != nil {
		return ""
	}
	p := d.GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields()[attributeState.GetName()]
	_ = converter.GetDefaultDataConverter().FromPayload(p, &state)
	return state
}

// header reads what a run's workflow was begun with.
func (c *Connection) header(ctx context.Context, id string) (*Header, error) {
	events := c.client.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	if !events.HasNext() {
		return nil, fmt.Errorf("the history of %s has no beginning", id)
	}
	e, err := events.Next()
	if err != nil {
		return nil, err
	}
	var r run
	err = c.convert.FromPayloads(e.GetWorkflowExecutionStartedEventAttributes().GetInput(), &r)
	return &r.Header, err
}
