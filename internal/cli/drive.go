package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/planner"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/internal/view"
	"github.com/bulkrunner/runner/sdk"
)

// drive runs the engine over a run file and says how it ended.
func (a *app) drive(ctx context.Context, drain <-chan struct{}, j *runfile.Journal, s *session, ops []plan.Operation, recalled *planner.Recalled, run runfile.Run, path string) error {
	driven, totals, limits, diags := s.operations(ops, recalled)
	if diags.HasErrors() {
		return refuse(diags)
	}
	if _, err := j.Begin(time.Now().UTC()); err != nil {
		return a.runFileError(path, err)
	}
	by := plan.Event{At: time.Now().UTC(), Kind: view.EventApplied, Detail: "by " + who()}
	if err := j.Commit(runfile.Batch{Events: []plan.Event{by}}); err != nil {
		return a.stoppedWriting(path, err)
	}
	v, typed := a.watch(drain, totals, limits)
	defer v.Close()
	if told, err := a.tellApply(j, ops, totals); err != nil {
		return a.stoppedWriting(path, err)
	} else if told != nil {
		v = view.Together(v, told)
	}
	v.Started(run.ID, remaining(ops))
	listening, deaf := context.WithCancel(ctx)
	result, err := engine.New(observe(j, a.committed()), driven, engine.Options{Observe: v.Item, Tick: v.Progress, Control: commands(listening, path, typed), Drain: drain}).Run(ctx)
	deaf()
	if err != nil {
		v.Finished(runfile.StateFailed, nil)
		return a.stoppedWriting(path, err, result.Unrecorded...)
	}
	return a.conclude(ctx, j, v, result, path, s.noise(time.Now().UTC())...)
}

// conclude writes how an apply ended, and says it.
func (a *app) conclude(ctx context.Context, j *runfile.Journal, v view.Apply, result engine.Result, path string, events ...plan.Event) error {
	state, code := runfile.StateFinished, exitDone
	switch {
	case result.Interrupted:
		state, code = runfile.StateInterrupted, exitInterrupted
	case result.Fatal != nil:
		state, code = runfile.StateFailed, exitFatal
	case len(result.Stops) > 0:
		state, code = runfile.StateStopped, exitStopped
	}
	ops, err := j.Operations()
	if err != nil {
		return a.stoppedWriting(path, err)
	}
	unfinished := int64(0)
	for _, op := range ops {
		// Rows that were left out as invalid were not done either.
		unfinished += op.Counts[plan.Failed] + op.Counts[plan.InDoubt] + op.Counts[plan.Incident] + op.Counts[plan.Invalid]
		if state == runfile.StateFinished && op.Counts[plan.InDoubt] > 0 {
			state = runfile.StateUnsettled
		}
	}
	if code == exitDone && unfinished > 0 {
		code = exitUnfinished
	}
	if err := j.SetState(state, append(events, plan.Event{At: time.Now().UTC(), Kind: "finished", Detail: "the apply ended: " + state})...); err != nil {
		return a.stoppedWriting(path, err)
	}
	if err := j.Release(); err != nil {
		return a.stoppedWriting(path, err)
	}
	doc, err := afterwards(ctx, path)
	if err != nil {
		return a.unreadable(path, state, err)
	}
	v.Finished(state, doc.Run.Counts)
	if !a.json {
		doc.Outcome(a.out)
	}
	return &status{code: code, diags: a.after(result, doc, path)}
}

// operations joins what the run file says of operations with their providers.
func (s *session) operations(ops []plan.Operation, recalled *planner.Recalled) (driven []*engine.Operation, totals map[string]int64, limits map[string]float64, diags diag.List) {
	totals, limits = make(map[string]int64), make(map[string]float64)
	shared := make(map[string]*engine.Provider)
	for _, op := range ops {
		p := s.providers[op.Provider]
		if shared[op.Provider] == nil {
			shared[op.Provider] = &engine.Provider{Line: p.Line, Events: p.Events}
		}
		schema, ok := p.Schema.Operation(op.Type)
		if !ok {
			diags = append(diags, diag.Diagnostic{Summary: "Unknown operation", Detail: fmt.Sprintf("Provider %q no longer has the operation %q.", p.Schema.Name, op.Type)})
			continue
		}
		program, become, more := s.program(s.config.Operations[op.Address], schema, op.Settings.Limits)
		if diags = append(diags, more...); more.HasErrors() {
			continue
		}
		driven = append(driven, &engine.Operation{
			Operation: op, Provider: shared[op.Provider], Schema: schema,
			Judge: func(context, live []byte) (eval.Verdict, string, error) {
				j, err := program.Judge(context, live)
				return j.Verdict, j.Reason, err
			},
			Differs: program.Differs,
			Become:  become,
			Fill:    recalled.Fill,
		})
		totals[op.Address] = op.Counts[plan.Planned] + op.Counts[plan.Started] + op.Counts[plan.InDoubt]
		limits[op.Address] = p.Record.Rate
		if own := op.Settings.Rate.RequestsPerSecond; own > 0 && (own < limits[op.Address] || limits[op.Address] == 0) {
			limits[op.Address] = own
		}
	}
	return driven, totals, limits, diags
}

// program is what an apply needs of an operation's expressions: its guards, and
// for an operation that is fed by another one what its items become.
func (s *session) program(op *config.Operation, schema *sdk.OperationSchema, limits plan.Limits) (*eval.Program, func(it, of *plan.Item) (plan.State, string), diag.List) {
	if op.FedBy() == "" {
		program, diags := s.scope.Compile(op, nil, schema)
		return program, nil, diags
	}
	program, feed, diags := planner.CompileFed(s.scope, s.config, func(instance string) *sdk.Schema { return s.providers[instance].Schema }, op, schema)
	if diags.HasErrors() {
		return nil, nil, diags
	}
	return program, planner.NewBecoming(program, feed, limits).Item, diags
}
