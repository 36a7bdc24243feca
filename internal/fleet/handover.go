package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// A Handover is a run that is handed over, watched, and received again.
type Handover struct {
	*Connection
	Journal *runfile.Journal
	Header  Header
	Number  int

	// Become is set for each fed operation, by its number.
	Become map[int64]engine.Become

	Control <-chan engine.Command
	Leave   <-chan struct{} // asks, by being closed, to leave the run to its workers
	Observe func(engine.Update)
	Tick    func([]engine.Progress)

	id       string
	ops      []*handed
	leaving  chan struct{} // closed where the run is left
	received map[string]bool
	ticked   time.Time
	begun    time.Time  // handing over
	there    bool       // its workflow was begun, as the run file has it
	mu       sync.Mutex // of what is uploaded
}

// handed is an operation of it.
type handed struct {
	plan.Operation
	uploaded int // chunks
	canary   int
	whole    bool
	stop     string        // the rule that stops it before it has begun
	back     chan struct{} // closed when all of it is done and in the run file
	counts   plan.Counts
	requests int64
	known    map[int]bool            // chunks that are in the run file
	peeked   map[int]engine.Progress // of others, what their workers said last
}

// An End is how watching a run ended.
type End struct {
	Left   bool   // the run goes on
	Later  string // an operation that is not handed over yet, since what feeds it isn't back
	Result engine.Result
}

const (
	lookAtRun = 500 * time.Millisecond
	tickEvery = 2 * time.Second

	mostItems = 200       // of a chunk
	mostBytes = 256 << 10 // of a chunk's items, but for a single one
	mostItem  = 1 << 20   // of one

	// A workflow's task is done in milliseconds; one that was given to a worker
	// that has ended is given to another one after so long.
	taskTimeout = 5 * time.Second

	// mostQuiet outlives every request of a worker that nobody hears of.
	mostQuiet = 2 * time.Minute

	// leastChunks is into how many a run is divided where it has enough items,
	// so that several workers have something to do.
	leastChunks = 32
	leastItems  = 20
)

// Run hands over what hasn't been, and brings what becomes of it into the run
// file until all of it is there or the run is left.
func (h *Handover) Run(ctx context.Context) (End, error) {
	h.id = RunID(h.Header.Run, h.Number)
	events, err := h.Journal.Events()
	if err != nil {
		return End{}, err
	}
	h.received, h.leaving = make(map[string]bool), make(chan struct{})
	for _, e := range events {
		switch e.Kind {
		case runfile.EventReceived:
			h.received[e.Detail] = true
		case runfile.EventHandedOver:
			h.begun, h.there = e.At, false
		case runfile.EventBegun:
			h.there = true
		}
	}
	for _, op := range h.Header.Operations {
		h.ops = append(h.ops, &handed{Operation: op, counts: plan.Counts{}, back: make(chan struct{}), known: make(map[int]bool), peeked: make(map[int]engine.Progress)})
	}
	switch lost, err := h.begin(ctx); {
	case err != nil:
		return End{}, err
	case lost != "":
		return h.abandon(ctx, lost)
	}
	if !h.there { // no chunk is handed over before the file says this
		switch err := h.settleDown(ctx); {
		case ctx.Err() != nil:
			return h.left(), nil
		case err != nil:
			return End{}, err
		}
		if err := h.Journal.Commit(runfile.Batch{Events: []plan.Event{{At: time.Now(), Kind: runfile.EventBegun, Detail: h.id}}}); err != nil {
			return End{}, err
		}
	}
	uploading, cancel := context.WithCancel(ctx)
	defer cancel()
	uploaded := make(chan error, 1)
	go func() { uploaded <- h.upload(uploading) }()
	return h.watch(ctx, uploaded, cancel)
}

// begin starts the run's workflow unless it is there. Of one that was begun
// before, and isn't there any more or was ended from outside, it says so: what
// its workers did is not to be done again.
func (h *Handover) begin(ctx context.Context) (lost string, err error) {
	var gone *serviceerror.NotFound
	d, err := h.client.DescribeWorkflowExecution(ctx, h.id, "")
	switch {
	case err == nil:
		switch st := d.GetWorkflowExecutionInfo().GetStatus(); st {
		case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
			return "", nil
		default:
			return fmt.Sprintf("its workflow %s was ended from outside (%s)", h.id, st), nil
		}
	case !errors.As(err, &gone):
		return "", err
	case h.there:
		return fmt.Sprintf("its workflow %s is not there any more", h.id), nil
	}
	var providers []string
	first := run{Header: h.Header}
	for _, op := range h.Header.Operations {
		if name := strings.TrimPrefix(op.Provider, "provider."); !slices.Contains(providers, name) {
			providers = append(providers, name)
		}
		tally, err := h.Journal.Tally(op.ID)
		if err != nil {
			return "", err
		}
		first.Status.Operations = append(first.Status.Operations, OperationStatus{Address: op.Address, Tally: tally})
	}
	_, err = h.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: h.id, TaskQueue: Queue, WorkflowExecutionErrorWhenAlreadyStarted: true, WorkflowTaskTimeout: taskTimeout,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		TypedSearchAttributes: attributes(h.Header.Run, "", providers, stateRunning),
		StaticSummary:         "run " + h.Header.Run,
	}, workflowRun, first)
	if err == nil || alreadyThere(err) {
		return "", nil
	}
	if _, e := h.client.DescribeWorkflowExecution(ctx, h.id, ""); errors.As(e, &gone) {
		// Nothing has begun.
		if e := h.Journal.Commit(runfile.Batch{Events: []plan.Event{{At: time.Now(), Kind: runfile.EventReturned, Detail: h.id + ": it was not begun"}}}); e != nil {
			return "", e
		}
	}
	return "", err
}

func alreadyThere(err error) bool {
	var there *serviceerror.WorkflowExecutionAlreadyStarted
	return errors.As(err, &there)
}

// settleDown puts in doubt what an apply of this machine has left started, and
// waits until nothing of it can be on its way.
func (h *Handover) settleDown(ctx context.Context) error {
	now := time.Now()
	last := now
	for _, op := range h.ops {
		quiet, err := engine.Doubt(h.Journal, op.ID, now, nil)
		if err != nil {
			return err
		}
		if quiet.After(last) {
			last = quiet
		}
	}
	select {
	case <-time.After(last.Sub(now)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// status reads where the run stands.
func (h *Handover) status(ctx context.Context) (s Status, err error) {
	d, err := h.client.DescribeWorkflowExecution(ctx, h.id, "")
	if err != nil {
		return s, err
	}
	memo := d.GetWorkflowExecutionInfo().GetMemo().GetFields()[memoStatus]
	if memo == nil { // nobody has carried it on yet
		for _, op := range h.ops {
			s.Operations = append(s.Operations, OperationStatus{Address: op.Address})
		}
	} else if err := h.convert.FromPayload(memo, &s); err != nil {
		return s, err
	}
	if st := d.GetWorkflowExecutionInfo().GetStatus(); !s.Over && st != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING && st != enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW {
		return s, errLost
	}
	return s, nil
}

// errLost means that the run's workflow was ended from outside before the run
// was over.
var errLost = errors.New("the run's workflow was ended from outside")

// watch brings back what became of the items.
func (h *Handover) watch(ctx context.Context, uploaded <-chan error, stopUpload func()) (End, error) {
	tick := time.NewTicker(lookAtRun)
	defer tick.Stop()
	left := false
	leave := h.Leave
	uploading := true
	trouble := time.Time{}
	steering, rest := context.WithCancel(ctx)
	steered := make(chan error, 1)
	var wheel sync.WaitGroup
	wheel.Go(func() { steered <- h.obey(steering) })
	defer wheel.Wait()
	defer rest()
	for {
		status, err := h.status(ctx)
		if err == nil {
			err = h.receive(ctx, status)
		}
		switch {
		case ctx.Err() != nil:
			return h.left(), nil
		case errors.Is(err, errLost):
			stopUpload()
			if uploading {
				<-uploaded
			}
			return h.abandon(ctx, fmt.Sprintf("its workflow %s was ended from outside", h.id))
		case err != nil && !passing(err):
			return End{}, err
		case err != nil && trouble.IsZero():
			trouble = time.Now()
		case err == nil:
			trouble = time.Time{}
			h.tick(ctx, status)
			h.bring(status)
			if status.Over && h.complete(status) {
				stopUpload()
				if uploading {
					<-uploaded
				}
				return h.finish(ctx, status)
			}
		}
		if left && !uploading {
			return h.left(), nil
		}
		select {
		case <-tick.C:
		case <-leave:
			leave, left = nil, true
			close(h.leaving)
		case err := <-uploaded:
			if err != nil && ctx.Err() == nil {
				return End{}, err
			}
			uploading, uploaded = false, nil
		case err := <-steered:
			if ctx.Err() == nil {
				return End{}, err
			}
		case <-ctx.Done():
			return h.left(), nil
		}
	}
}

// left is the end of watching a run that goes on.
func (h *Handover) left() End {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, op := range h.ops {
		if op.Settings.FedBy != "" && !op.whole {
			return End{Left: true, Later: op.Address}
		}
	}
	return End{Left: true}
}

// passing tells whether an error of Temporal's may go by.
func passing(err error) bool {
	var (
		away      *serviceerror.Unavailable
		late      *serviceerror.DeadlineExceeded
		exhausted *serviceerror.ResourceExhausted
		internal  *serviceerror.Internal
	)
	return errors.As(err, &away) || errors.As(err, &late) || errors.As(err, &exhausted) || errors.As(err, &internal) || errors.Is(err, context.DeadlineExceeded)
}

// persist asks Temporal again and again while it is only out of reach.
func persist(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		if err == nil || !passing(err) || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Second):
		}
	}
}

// obey passes commands on until watching ends: a command doesn't wait for what
// is brought back, of which there may be much.
func (h *Handover) obey(ctx context.Context) error {
	for {
		select {
		case c := <-h.Control:
			var gone *serviceerror.NotFound
			if err := h.steer(ctx, c); err != nil && !errors.As(err, &gone) { // the run is over
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// steer passes a person's command on and records it.
func (h *Handover) steer(ctx context.Context, c engine.Command) error {
	done := c.Done
	c.Done = nil
	if err := persist(ctx, func() error { return h.client.SignalWorkflow(ctx, h.id, "", signalCommand, c) }); err != nil {
		return err
	}
	if err := h.Journal.Commit(runfile.Batch{Events: []plan.Event{{At: time.Now(), Kind: "controlled", Detail: c.String()}}}); err != nil {
		return err
	}
	if done != nil {
		done()
	}
	return nil
}
