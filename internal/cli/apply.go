package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/planner"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/internal/view"
)

// applyOptions are the flags of apply.
type applyOptions struct {
	autoApprove   bool
	digest        string
	acceptAccount bool
	proceed       []string // operations that go on after a stop
	refresh       planner.Refresh
	named         string   // the PATHs that were given, where they were planned just now
	recipients    []string // of the sensitive arguments, when planning a PATH
	on            string   // the address of a namespace of Temporal, "" for this process
}

func applyCommand(a *app) *cobra.Command {
	var o applyOptions
	cmd := &cobra.Command{
		Use:   "apply RUNFILE | PATH…",
		Short: "Carry out a plan, or take up a run where it stopped",
		Long:  "Apply drives a run file to completion. Operation files are planned first, shown,\nand confirmed by typing the number of items to execute. The same command after a\ncrash or Ctrl-C carries on where the run stopped.",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 && !isOperationPath(args[0]) {
				return a.applyFile(args[0], o)
			}
			return a.applyPaths(args, o)
		},
	}
	a.variables(cmd)
	cmd.Flags().BoolVar(&o.autoApprove, "auto-approve", false, "don't ask for the number of items")
	cmd.Flags().StringVar(&o.digest, "expect-digest", "", "refuse a plan with another digest: `sha256:…`")
	cmd.Flags().BoolVar(&o.acceptAccount, "accept-account", false, "accept another account or credential than the plan was made with")
	cmd.Flags().StringArrayVar(&o.proceed, "continue-after-stop", nil, "let an `operation` go on that a rule stopped")
	onFlag(cmd, &o.on, "have workers carry it out: `temporal://HOST:7233/NAMESPACE`")
	recipientFlag(cmd, &o.recipients)
	refreshFlag(cmd, &o.refresh, "read live state when planning a PATH")
	return cmd
}

// isOperationPath tells operation files and folders from run files.
func isOperationPath(path string) bool {
	if config.IsOperationFile(path) {
		return true
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// applyFile carries out a run file.
func (a *app) applyFile(path string, o applyOptions) error {
	j, err := runfile.Acquire(path)
	if err != nil {
		return a.runFileError(path, err)
	}
	defer j.Release()
	// The requests of a former apply, or of the plan's reads, are counted by
	// the server's clock still: the limit begins after them. The last of them
	// left before the file was ours.
	quiet := time.Now().Add(paceWindow)
	forgetCommands(path)
	run, err := j.Run()
	if err != nil {
		return a.runFileError(path, err)
	}
	ops, err := j.Operations()
	if err != nil {
		return a.runFileError(path, err)
	}
	a.begin(run.ID)
	switch {
	case run.State == runfile.StateUnusable:
		return refuse(diag.List{{Summary: "Plan can't be applied", Detail: "Some of its rows are invalid, or it exceeds a limit. Correct them and plan again.", Command: fmt.Sprintf("runner show %s --items --state invalid", path)}})
	case run.Rehearsal:
		return refusal("Rehearsal can't be applied", "The run file is the record of a rehearsal, whose simulator is gone. Plan the operation files themselves.")
	case o.digest != "" && o.digest != run.Digest:
		return refusal("Another plan than expected", fmt.Sprintf("The plan's digest is %s, and --expect-digest demands %s. Nothing was sent.", run.Digest, o.digest))
	case run.State == runfile.StateFinished:
		return a.finished(path)
	}
	if err := a.verify(path, j, run, ops, o.digest); err != nil {
		return err
	}
	if err := a.checkRetried(j, ops, path); err != nil {
		return err
	}
	if o.on != "" {
		return a.handOver(path, j, run, ops, o)
	}
	if err := a.checkAway(j, path); err != nil {
		return err
	}

	cfg, diags := config.Parse(sourcesOf(run))
	if cfg, err = a.loaded(cfg, diags); err != nil {
		return err
	}
	given, err := a.givenFor(cfg, run)
	if err != nil {
		return err
	}
	scope, diags := eval.NewScope(cfg, given, run.CreatedAt)
	if diags.HasErrors() {
		return refuse(diags)
	}
	if err := a.checkStops(j, ops, o, path); err != nil {
		return err
	}

	keys, err := keysOf(run, path)
	if err != nil {
		return err
	}
	ctx, drain, stop := interrupts(context.Background())
	defer stop()
	s, more := a.connect(ctx, cfg, scope, connectOptions{inherited: []*os.File{j.LockFile()}, quiet: quiet, patience: patienceToApply})
	if diags = append(diags, more...); diags.HasErrors() {
		return refuse(diags)
	}
	defer s.close()
	if err := s.compare(run, o); err != nil {
		return err
	}

	recalled, err := a.recall(ctx, s.input(run, keys, planner.RefreshNone), path)
	if err != nil {
		return err
	}
	left := remaining(ops)
	if left == 0 {
		// Nothing is left to send; what is in doubt may still be settled.
		o.autoApprove = true
	}
	if !o.autoApprove {
		if err := a.confirm(left, cmp.Or(o.named, path), drain); err != nil {
			return err
		}
	}
	known, err := runfile.Claim(run.ID, path, run.Epoch > 0)
	if err != nil {
		return refusal("Run belongs to another file", sentence(err.Error()))
	}
	if !known {
		if err := s.readEverything(ops); err != nil {
			return err
		}
	}
	return a.drive(ctx, drain, j, s, ops, recalled, run, path)
}

// recall finds the secret arguments of what is not settled yet.
func (a *app) recall(ctx context.Context, in planner.Input, path string) (*planner.Recalled, error) {
	f, err := runfile.Open(path)
	if err != nil {
		return nil, a.runFileError(path, err)
	}
	defer f.Close()
	recalled, diags := planner.Recall(ctx, in, f, plan.Planned, plan.Started, plan.InDoubt)
	if diags.HasErrors() {
		return nil, refuse(diags)
	}
	return recalled, nil
}

// paceWindow is the window that the limit bounds, with a little to spare.
const paceWindow = 1010 * time.Millisecond

// remaining is how many items an apply may still execute.
func remaining(ops []plan.Operation) (n int64) {
	for _, op := range ops {
		n += op.Counts[plan.Planned] + op.Counts[plan.Started]
	}
	return n
}

// readDocument reads a run with [view.NewDocument] or [view.NewBrief].
func readDocument(path string, read func(*runfile.File) (*view.Document, error)) (*view.Document, error) {
	f, err := runfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(f)
}

// afterwards reads a run that was just carried out. Who asks twice to end it
// doesn't wait for every item to be read.
func afterwards(ctx context.Context, path string) (*view.Document, error) {
	type read struct {
		doc *view.Document
		err error
	}
	whole := make(chan read, 1)
	go func() {
		doc, err := readDocument(path, view.NewDocument)
		whole <- read{doc, err}
	}()
	select {
	case r := <-whole:
		return r.doc, r.err
	case <-ctx.Done():
		return readDocument(path, view.NewBrief)
	}
}

// sourcesOf are the operation files as the plan read them.
func sourcesOf(run runfile.Run) (sources []config.Source) {
	json.Unmarshal(run.Config, &sources)
	return sources
}

// runFileError says what is wrong with a run file before anything was sent.
func (a *app) runFileError(path string, err error) error {
	summary := "Run file can't be used"
	var held *runfile.HeldError
	if errors.As(err, &held) {
		summary = "Run file is held by another apply"
	}
	d := diag.Diagnostic{Summary: summary, Detail: sentence(err.Error())}
	if errors.Is(err, runfile.ErrCorrupt) {
		d.Summary, d.Detail = "Run file is damaged", d.Detail+afterDamage
	}
	if errors.Is(err, runfile.ErrNotRunFile) && isOperationPath(path) {
		d.Detail = fmt.Sprintf("%s holds operations, and this command wants a run file. To make one:", path)
		name, _, _ := strings.Cut(filepath.Base(path), ".ops.hcl")
		d.Command = fmt.Sprintf("runner plan --out %s.run %s", name, path)
	}
	return refuse(diag.List{d})
}

// afterDamage is what remains to be done with a damaged run file.
const afterDamage = " Nothing is sent from a damaged file. If a copy of it was saved since its last apply, copy that over it with cp, so that it stays the same file. Otherwise only the API knows what was done: plan anew, with reads, which pass over it."

// stoppedWriting says that the run file could not be written while requests
// were under way, and what came back that it doesn't hold.
func (a *app) stoppedWriting(path string, err error, unrecorded ...plan.Change) error {
	d := diag.Diagnostic{
		Summary: "Run file can't be written",
		Detail:  sentence(err.Error()) + " Sending was stopped at once. What was under way is in doubt, and the next apply settles it by reading. When the disk is in order again:",
		Command: "runner apply " + path,
	}
	if errors.Is(err, runfile.ErrCorrupt) {
		d = diag.Diagnostic{Summary: "Run file is damaged", Detail: sentence(err.Error()) + " Sending was stopped at once." + afterDamage}
	}
	diags := diag.List{d}
	if len(unrecorded) > 0 {
		diags = append(diags, diag.Diagnostic{
			Summary: "Outcomes are not in the run file",
			Detail: fmt.Sprintf("%s came after the last that %s holds:\n\n%s\nKeep this list. Where the API can be read the next apply finds the same by itself; what it leaves in doubt is settled by this list with runner resolve.",
				answers(len(unrecorded)), path, outcomes(path, unrecorded)),
		})
	}
	return &status{code: exitFatal, diags: diags}
}

// unreadable says that what an apply has done is in its run file, which can't
// be read just now.
func (a *app) unreadable(path, state string, err error) error {
	return &status{code: exitFatal, diags: diag.List{{
		Summary: "Run file can't be read",
		Detail:  sentence(err.Error()) + fmt.Sprintf(" The apply ended as %s, and all that it did is in the file. When the disk is in order again:", state),
		Command: "runner show " + path,
	}}}
}

func answers(n int) string {
	if n == 1 {
		return "1 answer"
	}
	return view.Count(int64(n)) + " answers"
}

// outcomes lists changes that a run file doesn't hold.
func outcomes(path string, changes []plan.Change) string {
	f, err := runfile.Open(path)
	if err == nil {
		defer f.Close()
	}
	var b strings.Builder
	for _, c := range changes {
		name := fmt.Sprintf("item %d", c.Item)
		if err == nil {
			for it, err := range f.Items(runfile.Filter{After: c.Item - 1, Limit: 1}) {
				if err == nil && it.ID == c.Item {
					name = it.Key
				}
			}
		}
		fmt.Fprintf(&b, "    %s  %s", name, c.To)
		if c.Reason != "" {
			fmt.Fprintf(&b, ": %s", c.Reason)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
