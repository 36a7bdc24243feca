package cli

import (
	"slices"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/internal/telemetry"
	"github.com/bulkrunner/runner/internal/view"
)

// begin names the run of this command wherever it is told of, and begins to
// tell collectors of it if the environment asks for that.
func (a *app) begin(run string) {
	a.log.Of(run)
	if !a.told {
		a.told = true
		t, err := telemetry.Start(a.command, Version, a.began)
		if a.telemetry = t; err != nil {
			a.untold(err)
		}
	}
	a.telemetry.Of(run)
}

// end ends what is told of the command.
func (a *app) end(code int) {
	if err := a.telemetry.Close(code); err != nil {
		a.untold(err)
	}
	a.log.Close()
}

// untold says that collectors were not told of the run. It goes to standard
// error also with --json: it is no part of the result.
func (a *app) untold(err error) {
	d := diag.List{{Severity: diag.Warning, Summary: "Telemetry was not delivered", Detail: sentence(err.Error()) + " The run itself is as its run file says."}}
	a.logDiagnostics(d)
	view.Diagnostics(a.err, d, nil, view.DiagnosticOptions{})
}

// tellPlanned tells of a plan that was just made.
func (a *app) tellPlanned(doc *view.Document, path string) {
	a.log.Planned(doc, path)
	if a.telemetry == nil {
		return
	}
	var ops []plan.Operation
	for _, op := range doc.Operations {
		counts := plan.Counts{}
		for _, s := range plan.States {
			if n := op.Counts[s.String()]; n > 0 {
				counts[s] = n
			}
		}
		ops = append(ops, plan.Operation{Address: op.Address, Provider: op.Provider, Rows: op.Rows, Counts: counts})
	}
	a.telemetry.Planned(doc.Run.State, ops)
}

// tellApply is the view of an apply by collectors, nil where there are none.
func (a *app) tellApply(j *runfile.Journal, ops []plan.Operation, totals map[string]int64) (view.Apply, error) {
	if a.telemetry == nil {
		return nil, nil
	}
	var all []telemetry.Operation
	for _, op := range ops {
		first, err := j.Items(op.ID, 0, 1)
		if err != nil {
			return nil, err
		}
		if len(first) > 0 {
			all = append(all, telemetry.Operation{Operation: op, First: first[0].ID, Total: totals[op.Address]})
		}
	}
	slices.SortFunc(all, func(x, y telemetry.Operation) int { return int(x.First - y.First) })
	return a.telemetry.Apply(all), nil
}

// committed tells of what was just made durable, nil where nobody wants to know.
func (a *app) committed() func(runfile.Batch) {
	if !a.log.On() && a.telemetry == nil {
		return nil
	}
	return func(b runfile.Batch) {
		a.log.Committed(b)
		a.telemetry.Committed(b)
	}
}
