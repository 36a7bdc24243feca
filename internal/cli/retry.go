package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/planner"
	"github.com/bulkrunner/runner/internal/runfile"
)

func retryCommand(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "retry RUNFILE --out F",
		Short: "Plan again what failed or was never sent",
		Long:  "Retry makes a new plan of what failed in a run, or was never sent, from its frozen\nitems, each read and guarded again. It refuses while items are in doubt.",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return a.retry(args[0], out) },
	}
	a.variables(cmd)
	cmd.Flags().StringVar(&out, "out", "", "the new run file: `FILE`")
	return cmd
}

func (a *app) retry(path, out string) error {
	if out == "" {
		return refusal("Run file missing", "Say where the new plan goes: --out again.run.")
	}
	j, err := runfile.Acquire(path) // while an apply runs nobody knows what will fail
	if err != nil {
		return a.runFileError(path, err)
	}
	defer j.Release()
	former, err := runfile.Open(path)
	if err != nil {
		return a.runFileError(path, err)
	}
	defer former.Close()
	was, err := former.Run()
	if err != nil {
		return a.runFileError(path, err)
	}
	switch {
	case was.Rehearsal:
		return refusal("Rehearsal can't be retried", "The run file is the record of a rehearsal, whose simulator is gone. Rehearse the operation files again.")
	case was.Epoch == 0:
		return refuse(diag.List{{Summary: "Run has not begun", Detail: fmt.Sprintf("Nothing of %s has failed, for it was never applied. To carry it out:", path), Command: "runner apply " + path}})
	}
	events, err := j.Events()
	if err != nil {
		return a.runFileError(path, err)
	}
	if err := a.checkAway(j, path); err != nil {
		return err
	}
	cfg, diags := config.Parse(sourcesOf(was))
	if cfg, err = a.loaded(cfg, diags); err != nil {
		return err
	}
	given, err := a.givenFor(cfg, was)
	if err != nil {
		return err
	}
	created := time.Now().UTC()
	scope, diags := eval.NewScope(cfg, given, was.CreatedAt)
	if diags.HasErrors() {
		return refuse(diags)
	}
	keys, err := keysOf(was, out)
	if err != nil {
		return err
	}
	ctx, drain, stop := interrupts(context.Background())
	defer stop()
	ctx = cancelOn(ctx, drain)
	run := newRun(cfg, scope, was.Paths, created)
	a.begin(run.ID)
	s, more := a.connect(ctx, cfg, scope, connectOptions{patience: patienceToPlan})
	if diags = append(diags, more...); diags.HasErrors() {
		return refuse(diags)
	}
	defer s.close()
	if err := s.compare(was, applyOptions{}); err != nil {
		return err
	}
	in := s.input(run, keys, planner.RefreshAll)
	in.Command = fmt.Sprintf("runner show %s --items --state invalid", out)
	doc, more, err := a.write(ctx, out, in, func(ctx context.Context, in planner.Input, draft *runfile.Draft) (*planner.Result, diag.List) {
		return planner.Retry(ctx, in, former, draft)
	})
	if err != nil {
		return err
	}
	if diags = append(diags, more...); doc == nil {
		return refuse(diags)
	}
	if doc.Run.State == runfile.StatePlanned {
		if before := retriedIn(events); before != "" && before != out {
			diags = append(diags, diag.Diagnostic{
				Severity: diag.Warning, Summary: "Planned again before",
				Detail: fmt.Sprintf("%s was planned again in %s already. If both plans are carried out, an item may be carried out twice: remove one of them.", path, before),
			})
		}
		event := plan.Event{At: time.Now().UTC(), Kind: eventRetried, Detail: out}
		if err := j.Commit(runfile.Batch{Events: []plan.Event{event}}); err != nil {
			os.Remove(out) // both files would send what was never sent
			return a.runFileError(path, err)
		}
	}
	_ = runfile.Note(doc.Run.ID, out)
	a.tellPlanned(doc, out)
	return a.present(doc, diags, out)
}

// eventRetried records where a run was planned again: the items that it never
// sent are that plan's from then on.
const eventRetried = "retried"

// retriedIn is the file of the last plan that was made of a run's items, "" if
// there was none.
func retriedIn(events []plan.Event) (path string) {
	for _, e := range events {
		if e.Kind == eventRetried {
			path = e.Detail
		}
	}
	return path
}

// checkRetried refuses to send items that a later plan has taken over.
func (a *app) checkRetried(j *runfile.Journal, ops []plan.Operation, path string) error {
	events, err := j.Events()
	if err != nil {
		return a.runFileError(path, err)
	}
	again := retriedIn(events)
	if again == "" || remaining(ops) == 0 {
		return nil
	}
	return refuse(diag.List{{
		Summary: "Run was planned again",
		Detail:  fmt.Sprintf("What %s never sent is in %s now, and would be carried out twice. If that file is gone, make it anew with runner retry. To carry it out:", path, again),
		Command: "runner apply " + again,
	}})
}
