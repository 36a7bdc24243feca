package cli

import (
	"fmt"
	"strings"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/view"
)

// after is what is to be done after an apply that did not end well. A rehearsal
// can't be taken up, for its simulator is gone: it only says what happened.
func (a *app) after(r engine.Result, doc *view.Document, path string) (diags diag.List) {
	say := func(severity diag.Severity, summary, what, next, command string) {
		d := diag.Diagnostic{Severity: severity, Summary: summary, Detail: what}
		if !doc.Run.Rehearsal || strings.HasPrefix(command, "runner show") {
			d.Detail, d.Command = what+" "+next, command
		}
		diags = append(diags, d)
	}
	for _, s := range r.Stops {
		say(diag.Error, "Operation stopped",
			fmt.Sprintf("%s was stopped by %s. What had been sent is settled or in doubt; the rest was not sent.", s.Operation, s.Rule),
			"When you have seen to the cause, let it go on:",
			fmt.Sprintf("runner apply --continue-after-stop %s %s", s.Operation, path))
	}
	if r.Fatal != nil {
		say(diag.Error, "Apply stopped", strings.TrimSuffix(r.Fatal.Error(), ".")+".",
			"When that is mended, the run can be taken up where it stopped:", "runner apply "+path)
	}
	if r.Interrupted {
		say(diag.Warning, "Interrupted", "The rest was not sent.", "To carry on where the run stopped:", "runner apply "+path)
	}
	if n := doc.Run.Counts[plan.InDoubt.String()]; n > 0 {
		what := fmt.Sprintf("%s %s may or may not have been carried out, and reading could not tell. Look at each at the provider before anything is sent again.", view.Count(n), items(n))
		if len(r.Stops) > 0 || r.Fatal != nil || r.Interrupted {
			what = fmt.Sprintf("%s %s may or may not have been carried out. The next apply reads them first.", view.Count(n), items(n))
		}
		say(diag.Warning, "Items in doubt", what, "To list them:", fmt.Sprintf("runner show %s --items --state in_doubt", path))
	}
	if n := doc.Run.Counts[plan.Failed.String()]; n > 0 {
		say(diag.Warning, "Items failed", fmt.Sprintf("%s %s failed, with proof that nothing happened.", view.Count(n), items(n)),
			"To list them:", fmt.Sprintf("runner show %s --items --state failed", path))
	}
	if n := doc.Run.Counts[plan.Invalid.String()]; n > 0 {
		say(diag.Warning, "Rows left out", fmt.Sprintf("%s left out of the list, as its on_invalid says.", invalidRows(n)),
			"To list them:", fmt.Sprintf("runner show %s --items --state invalid", path))
	}
	return diags
}

func invalidRows(n int64) string {
	if n == 1 {
		return "1 invalid row was"
	}
	return view.Count(n) + " invalid rows were"
}

// finished answers an apply of a run that is over: nothing changes.
func (a *app) finished(path string) error {
	doc, err := readDocument(path, view.NewDocument)
	if err != nil {
		return a.runFileError(path, err)
	}
	if a.json {
		view.NewApplyJSON(a.out).Finished(doc.Run.State, doc.Run.Counts)
	} else {
		doc.Outcome(a.out)
		fmt.Fprintln(a.err, "The run was finished before; nothing was sent.")
	}
	if doc.Run.Counts[plan.Failed.String()]+doc.Run.Counts[plan.Incident.String()]+doc.Run.Counts[plan.Invalid.String()] > 0 {
		return exit(exitUnfinished)
	}
	return nil
}
