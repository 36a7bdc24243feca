package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/pace"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/sdk"
)

// An Account is a provider instance that a worker holds the credential of.
type Account struct {
	Record   runfile.Provider
	Provider *engine.Provider
	Schema   *sdk.Schema

	worker *Worker
	ctx    context.Context // of the worker
	name   string          // of this worker, to the owners of limits
	desk   desk
	do     chan func(*engine.Engine)
	over   chan struct{} // closed when the engine has ended
	fatal  error

	mu     sync.Mutex
	shared map[string]*limit // by the limit's name
	ready  map[string]*Ready // by the run's workflow and the operation
}

// Ready is what carrying out an operation of a run needs on a worker.
type Ready struct {
	Judge   func(context, live []byte) (eval.Verdict, string, error)
	Differs func(amount, currency string, live json.RawMessage) string
	Fill    func(*plan.Item) error
	header  *Header
}

// A Worker carries items out with the accounts that it holds.
type Worker struct {
	*Connection
	Accounts []*Account

	// Prepare compiles what an operation needs of its run's sources, with the
	// account's provider.
	Prepare func(*Header, plan.Operation, *Account) (*Ready, error)

	// Told is called when an account takes a chunk up or lets go of it.
	Told func(account *Account, chunk string, taken bool)
}

// mostChunks is how many chunks a worker carries out at a time for one account.
// What one of them waits for doesn't hold the others up.
const mostChunks = 4

// Run serves until drain is closed, and then until what is in flight is
// settled, or until ctx is cancelled. It returns why an account can't be served
// any more.
func (w *Worker) Run(ctx context.Context, drain <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	host, _ := os.Hostname()
	flows := worker.New(w.client, Queue, worker.Options{DisableRegistrationAliasing: true, StickyScheduleToStartTimeout: time.Second})
	flows.RegisterWorkflowWithOptions(runFlow, workflow.RegisterOptions{Name: workflowRun})
	flows.RegisterWorkflowWithOptions(chunkFlow, workflow.RegisterOptions{Name: workflowChunk})
	flows.RegisterWorkflowWithOptions(paceFlow, workflow.RegisterOptions{Name: workflowPace})
	workers := []worker.Worker{flows}
	failed := make(chan error, len(w.Accounts))
	var engines sync.WaitGroup
	for n, a := range w.Accounts {
		a.worker, a.ctx, a.name = w, ctx, fmt.Sprintf("%s/%d/%d/%d", host, os.Getpid(), n, time.Now().UnixNano())
		a.do, a.over = make(chan func(*engine.Engine)), make(chan struct{})
		a.shared, a.ready = make(map[string]*limit), make(map[string]*Ready)
		own := worker.New(w.client, AccountQueue(a.Record), worker.Options{
			DisableWorkflowWorker: true, MaxConcurrentActivityExecutionSize: mostChunks, WorkerStopTimeout: time.Hour,
		})
		own.RegisterActivityWithOptions(a.carry, activity.RegisterOptions{Name: activityCarry})
		workers = append(workers, own)
		now := time.Now()
		a.Provider.Line.Share(now, plan.Rate{RequestsPerSecond: a.Record.Rate, Burst: a.Record.Burst}, a.Record.MaxInFlight, now.Add(-time.Second))
		engines.Go(func() {
			if err := a.drive(ctx, drain); err != nil {
				failed <- fmt.Errorf("%s: %w", a.Record.Address, err)
			}
		})
	}
	for n, one := range workers {
		if err := one.Start(); err != nil {
			for _, started := range workers[:n] {
				started.Stop()
			}
			return err
		}
	}
	var err error
	select {
	case <-drain:
	case <-ctx.Done():
	case err = <-failed:
		cancelEngines(w.Accounts)
	}
	engines.Wait()
	if err == nil && ctx.Err() != nil {
		return nil // at once: what was under way is in doubt
	}
	var stopping sync.WaitGroup
	for _, one := range workers {
		stopping.Go(one.Stop)
	}
	stopping.Wait()
	return err
}

func cancelEngines(accounts []*Account) {
	for _, a := range accounts {
		select {
		case a.do <- func(e *engine.Engine) { e.Drain() }:
		case <-a.over:
		}
	}
}

// drive runs the account's engine.
func (a *Account) drive(ctx context.Context, drain <-chan struct{}) error {
	defer close(a.over)
	account := &limit{account: a, key: AccountQueue(a.Record), most: use{plan.Rate{RequestsPerSecond: a.Record.Rate, Burst: a.Record.Burst}, a.Record.MaxInFlight}}
	a.mu.Lock()
	a.shared[account.key] = account
	a.mu.Unlock()
	go account.hold()
	result, err := engine.New(&a.desk, nil, engine.Options{Provider: a.Provider, Do: a.do, Drain: drain}).Run(ctx)
	if err == nil {
		err = result.Fatal
	}
	a.fatal = err
	return err
}

// errLeaving gives a chunk to another worker.
func errLeaving(why string) error {
	return temporal.NewApplicationErrorWithOptions(why, "leaving", temporal.ApplicationErrorOptions{NextRetryDelay: 200 * time.Millisecond})
}

// An unfit error ends a chunk: no worker like this one can carry it out.
type unfit struct{ error }

func errUnfit(err error) error { return unfit{err} }

// carry is the activity that carries out what is left of a chunk. What former
// attempts have committed is in its result also where this worker can't go on:
// nobody else would know it.
func (a *Account) carry(ctx context.Context, in carry) (carried, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(a.ctx, cancel)()
	info := activity.GetInfo(ctx)
	of, err := a.worker.history(ctx, info.WorkflowExecution.ID, info.WorkflowExecution.RunID)
	if err != nil {
		return carried{}, err
	}
	s := &slot{
		of:      in.Run + "/" + in.Operation,
		service: a.worker.client.WorkflowService(), convert: a.worker.convert, ctx: ctx, leave: make(chan struct{}), beaten: time.Now(),
		sheet: newSheet(of.chunk.Items),
	}
	s.request = workflowservice.RecordActivityTaskHeartbeatRequest{Namespace: a.worker.Address.Namespace, TaskToken: info.TaskToken, Identity: a.name}
	if err := s.sheet.play(of.log); err != nil {
		return carried{}, err
	}
	s.sheet.tally, s.sheet.reset, s.sheet.settled, s.sheet.bytes = in.Leave.Tally, false, 0, 0
	if err := s.takeUp(ctx); err != nil {
		return carried{}, err
	}
	out, err := a.carryOn(ctx, in, of, s)
	if no := (unfit{}); errors.As(err, &no) {
		return carried{Log: s.log, End: ending{Left: s.sheet.left(true), Fatal: no.Error()}}, nil
	}
	return out, err
}

func (a *Account) carryOn(ctx context.Context, in carry, of past, s *slot) (carried, error) {
	info := activity.GetInfo(ctx)
	ready, err := a.prepare(ctx, in)
	if err != nil {
		return carried{}, err
	}
	op, _ := ready.header.Operation(in.Operation)
	schema, ok := a.Schema.Operation(op.Type)
	if !ok {
		return carried{}, errUnfit(fmt.Errorf("the provider of this worker has no operation %q", op.Type))
	}
	op.Settings.Canary, op.Settings.Abort = of.chunk.Canary, in.Leave.Abort
	if r := in.Leave.Rate.RequestsPerSecond; r > 0 && (op.Settings.Rate.RequestsPerSecond == 0 || r < op.Settings.Rate.RequestsPerSecond) {
		op.Settings.Rate = in.Leave.Rate
	}
	if ready.header.ReadAll && schema.Kind != sdk.KindQuery {
		if !schema.Reads || !schema.Settles {
			return carried{}, errUnfit(fmt.Errorf("the plan was not made on the machine that handed it over, so another copy of it may have been applied, and the items of %s can't be read to find out", op.Address))
		}
		op.Settings.Reads = true
	}
	id := a.desk.open(s)
	defer func() {
		s.mu.Lock()
		s.lose() // nothing of it is sent any more, whatever its engine has of it
		s.mu.Unlock()
		a.desk.close(s)
	}()
	line := a.Provider.Line
	if !of.taken {
		if err := a.worker.client.SignalWorkflow(ctx, info.WorkflowExecution.ID, info.WorkflowExecution.RunID, signalTaken, taken{engine.Outlives(line)}); err != nil {
			return carried{}, err
		}
	}
	now := time.Now()
	until := now.Add(max(of.outlives, engine.Outlives(line)))
	s.sheet.rebase(now)
	unknown := (of.reset || of.taken) && len(s.parts) == 0
	switch {
	case len(s.parts) > 0:
	case !unknown:
		s.commit(runfile.Batch{}) // whoever comes next finds that nothing was sent
	default:
		s.commit(s.sheet.suspect("what was done of it before is not known any more, and it may have been sent", now, until, of.began))
	}
	quiet, err := engine.Doubt(&a.desk, id, now, &until)
	if err != nil {
		return carried{}, err
	}
	joined := &engine.Joined{Settled: s.sheet.settled, Leave: s.leave, Lost: s.isLost, Quiet: quiet}
	if unknown || info.Attempt > 1 {
		joined.Quiet = until // also what it didn't live to say may be on its way
	}
	own, end := a.limits(ready.header, op)
	defer end()
	joined.Own = own
	type how struct {
		stop  string
		fatal error
	}
	ended := make(chan how, 1)
	joined.Ended = func(stop string, fatal error) { ended <- how{stop, fatal} }
	op.ID = id
	go s.keep(func(ctx context.Context) bool {
		return a.worker.state(ctx, info.WorkflowExecution.ID, info.WorkflowExecution.RunID) == stateHolding
	})
	if a.worker.Told != nil {
		a.worker.Told(a, info.WorkflowExecution.ID, true)
		defer a.worker.Told(a, info.WorkflowExecution.ID, false)
	}
	err = a.run(ctx, func(e *engine.Engine) error {
		return e.Join(&engine.Operation{Operation: op, Provider: a.Provider, Schema: schema, Judge: ready.Judge, Differs: ready.Differs, Fill: ready.Fill, Joined: joined})
	})
	if err != nil {
		return carried{}, errLeaving(err.Error())
	}
	var over how
	select {
	case over = <-ended:
	case <-a.over:
		select {
		case over = <-ended:
		default:
			return carried{}, errLeaving("the worker has ended")
		}
	case <-ctx.Done():
		return carried{}, ctx.Err()
	}
	counted := strings.Contains(over.stop, "(max_failures = ") // against a part of what the whole operation may have
	if over.stop != "" && !counted {
		a.desk.hold(s)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost {
		return carried{}, errLeaving("somebody else carries it on")
	}
	if whole, _ := ready.header.Operation(in.Operation); counted && s.sheet.tally.Failures < whole.Settings.Abort.MaxFailures {
		// It has used up what it may add, and the rule isn't broken.
		over.stop, s.held = "", true
	}
	out := carried{Log: s.log, End: ending{
		Left: s.sheet.left(s.held || s.left), Reset: s.sheet.reset, Stop: over.stop,
		Tally: runfile.Tally{Settled: s.sheet.tally.Settled - in.Leave.Tally.Settled, Failures: s.sheet.tally.Failures - in.Leave.Tally.Failures, Consecutive: s.sheet.tally.Consecutive},
	}}
	if over.stop != "" {
		out.Log.Events = append(out.Log.Events, plan.Event{At: time.Now().UTC(), Kind: "stopped", Detail: in.Operation + ": " + over.stop})
	}
	switch {
	case over.fatal != nil:
		out.End.Fatal = over.fatal.Error()
	case over.stop == "" && out.End.Left > 0 && !s.left && !s.held:
		return carried{}, errLeaving("the worker was asked to end")
	}
	s.lost = true // nothing is to be heard of it any more
	return out, nil
}

// run has something done in the engine's loop.
func (a *Account) run(ctx context.Context, do func(*engine.Engine) error) error {
	done := make(chan error, 1)
	select {
	case a.do <- func(e *engine.Engine) { done <- do(e) }:
	case <-a.over:
		return errors.New("the worker has ended")
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-a.over:
		return errors.New("the worker has ended")
	}
}

// takeUp takes over what a former attempt has committed.
func (s *slot) takeUp(ctx context.Context) error {
	if !activity.HasHeartbeatDetails(ctx) {
		return nil
	}
	raw := make([]converter.RawValue, mostParts+1)
	to := make([]any, len(raw))
	for i := range raw {
		to[i] = &raw[i]
	}
	if err := activity.GetHeartbeatDetails(ctx, to...); err != nil {
		return err
	}
	for _, r := range raw {
		if r.Payload() == nil {
			break
		}
		var b runfile.Batch
		if err := converter.GetDefaultDataConverter().FromPayload(r.Payload(), &b); err != nil {
			return err
		}
		if err := s.sheet.play(b); err != nil {
			return err
		}
		add(&s.log, b)
	}
	part, err := s.convert.ToPayload(s.log)
	s.parts = append(s.parts, part)
	return err
}

// prepare finds or makes what an operation of a run needs here.
func (a *Account) prepare(ctx context.Context, in carry) (*Ready, error) {
	key := in.Run + " " + in.Operation
	a.mu.Lock()
	ready := a.ready[key]
	a.mu.Unlock()
	if ready != nil {
		return ready, nil
	}
	h, err := a.worker.header(ctx, in.Run)
	if err != nil {
		return nil, err
	}
	op, ok := h.Operation(in.Operation)
	was, known := h.Provider(op.Provider)
	switch {
	case !ok || !known:
		return nil, errUnfit(fmt.Errorf("the run has no operation %s", in.Operation))
	case was.Version != a.Record.Version:
		return nil, errUnfit(fmt.Errorf("the plan was made with provider %q %s, and this worker has %s: install the former here, or plan anew", was.Name, was.Version, a.Record.Version))
	case was.Fingerprint != a.Record.Fingerprint && !h.AcceptAccount:
		return nil, errUnfit(fmt.Errorf("the plan was made with another credential for account %q than this worker has. If only the credential was rotated, hand the run over with --accept-account", was.Account))
	}
	if ready, err = a.worker.Prepare(h, op, a); err != nil {
		return nil, errUnfit(err)
	}
	ready.header = h
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.ready) > 100 {
		clear(a.ready)
	}
	a.ready[key] = ready
	return ready, nil
}

// limits notes that a chunk of an operation needs the account's limit, and the
// operation's own where it has one, which it returns, until end is called.
func (a *Account) limits(h *Header, op plan.Operation) (own *pace.Limiter, end func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	was, _ := h.Provider(op.Provider)
	end = a.shared[AccountQueue(a.Record)].begin(use{plan.Rate{RequestsPerSecond: was.Rate, Burst: was.Burst}, was.MaxInFlight})
	if op.Settings.Rate.RequestsPerSecond == 0 {
		return nil, end
	}
	key := fmt.Sprintf("%s/%s/%v", h.Run, op.Address, op.Settings.Rate.RequestsPerSecond)
	l := a.shared[key]
	if l == nil {
		l = &limit{account: a, key: key, own: pace.Shared(time.Now())}
		a.shared[key] = l
		go l.hold()
	}
	account, mine := end, l.begin(use{rate: op.Settings.Rate})
	return l.own, func() { mine(); account() }
}
