package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/card"
	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/planner"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/internal/view"
)

// planOptions are the flags of plan.
type planOptions struct {
	out        string
	recipients []string
	refresh    planner.Refresh
	detailed   bool
	markdown   bool
}

func planCommand(a *app) *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan [PATH…]",
		Short: "Show what would happen to each item",
		Long:  "Plan reads lists, filters, validates every item, reads live state, judges guards\nand limits, and shows what would happen to each item. It sends nothing but reads.",
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case o.markdown && a.json:
				return refusal("Invalid command line", "--markdown and --json both want standard output. Keep the plan with --out, and read it again with runner show --json.")
			case o.markdown:
				return a.commented(func() error { return a.plan(args, o) })
			}
			return a.plan(args, o)
		},
	}
	a.variables(cmd)
	recipientFlag(cmd, &o.recipients)
	cmd.Flags().StringVar(&o.out, "out", "", "keep the plan as a run file: `FILE`")
	refreshFlag(cmd, &o.refresh, "read live state")
	cmd.Flags().BoolVar(&o.detailed, "detailed-exitcode", false, "exit 2 when there are items to execute")
	cmd.Flags().BoolVar(&o.markdown, "markdown", false, "write Markdown for a pull request, errors too")
	return cmd
}

// commented carries out a plan whose Markdown goes to standard output: with its
// errors and warnings, which go to standard error as well. Whoever posts it
// needs nothing else.
func (a *app) commented(plan func() error) error {
	a.comment = &view.Comment{Sources: a.sources}
	err := plan()
	var s *status
	if errors.As(err, &s) {
		a.show(s.diags)
		err = exit(s.code)
	}
	if failed := a.comment.Markdown(a.out); failed != nil && err == nil {
		err = refusal("Plan can't be written", plain(failed)+".")
	}
	return err
}

func (a *app) plan(paths []string, o planOptions) error {
	out, keep := o.out, o.out != ""
	if !keep {
		dir, err := os.MkdirTemp("", "runner-plan-")
		if err != nil {
			return refusal("Plan can't be written", plain(err)+".")
		}
		defer os.RemoveAll(dir)
		out = filepath.Join(dir, "plan.run")
	}
	ctx, drain, stop := interrupts(context.Background())
	defer stop()
	ctx = cancelOn(ctx, drain)

	if len(paths) == 0 {
		paths = []string{"."}
	}
	cfg, err := a.load(paths)
	if err != nil {
		return err
	}
	given, err := a.given(cfg)
	if err != nil {
		return err
	}
	created := time.Now().UTC()
	scope, diags := eval.NewScope(cfg, given, created)
	if diags.HasErrors() {
		return refuse(diags)
	}
	keys, err := newKeys(o.recipients, out)
	if err != nil {
		return err
	}
	run := newRun(cfg, scope, paths, created)
	a.begin(run.ID)
	s, more := a.connect(ctx, cfg, scope, connectOptions{patience: patienceToPlan})
	if diags = append(diags, more...); diags.HasErrors() {
		return refuse(diags)
	}
	defer s.close()
	in := s.input(run, keys, o.refresh)
	if keep {
		in.Command = fmt.Sprintf("runner show %s --items --state invalid", out)
	}
	doc, more, err := a.write(ctx, out, in, planner.Plan)
	if err != nil {
		return err
	}
	if diags = append(diags, more...); doc == nil {
		return refuse(diags)
	}
	if keep {
		// Without the note apply reads every item before it executes it, which
		// is all that a missing state folder costs.
		_ = runfile.Note(doc.Run.ID, out)
	} else {
		out = ""
	}
	if a.comment != nil {
		a.comment.Kept, a.comment.Command = out, applying(doc.Run, out, paths)
	}
	a.tellPlanned(doc, out)
	if err := a.present(doc, diags, out); err != nil {
		return err
	}
	if o.detailed && doc.Run.Counts[plan.Planned.String()] > 0 {
		return exit(exitToExecute)
	}
	return nil
}

// present shows a plan and what is to be said of it. path is where it is kept,
// "" when it isn't. A plan that can't be applied is an error.
func (a *app) present(doc *view.Document, diags diag.List, path string) error {
	switch {
	case a.json:
		if err := a.document(doc, diags); err != nil {
			return err
		}
		diags = nil
	case a.comment == nil:
		doc.Plan(a.out)
		if path != "" && doc.Run.State == runfile.StatePlanned {
			fmt.Fprintf(a.out, "Saved to %s. To carry it out: runner apply %s\n", path, path)
		}
	}
	if doc.Run.State != runfile.StatePlanned {
		return refuse(diags)
	}
	a.show(diags)
	return nil
}

// applying is the command that carries out a plan and no other, "" where there
// is nothing to carry out or nothing may be.
func applying(run view.RunDocument, kept string, paths []string) string {
	switch {
	case run.State != runfile.StatePlanned || run.Counts[plan.Planned.String()] == 0:
		return ""
	case kept != "":
		return fmt.Sprintf("runner apply %s --expect-digest %s", quoted(kept), run.Digest)
	case run.DigestLocal:
		return "" // another plan of the same has another digest
	}
	words := []string{"runner apply"}
	for _, p := range paths {
		words = append(words, quoted(p))
	}
	return strings.Join(append(words, "--expect-digest", run.Digest), " ")
}

// document writes a run, and what is to be said of it, as one JSON document.
func (a *app) document(doc *view.Document, diags diag.List) error {
	return json.NewEncoder(a.out).Encode(struct {
		*view.Document
		Diagnostics diag.List `json:"diagnostics"`
	}{doc, append(diag.List{}, diags...)})
}

// input is what the planner needs of a session.
func (s *session) input(run runfile.Run, keys planner.Keys, refresh planner.Refresh) planner.Input {
	return planner.Input{Run: run, Config: s.config, Scope: s.scope, Providers: s.providers, Keys: keys, Refresh: refresh}
}

// write plans into a run file. A document is returned when the file was
// written, be it that the plan can't be applied.
func (a *app) write(ctx context.Context, path string, in planner.Input,
	make func(context.Context, planner.Input, *runfile.Draft) (*planner.Result, diag.List)) (*view.Document, diag.List, error) {
	if shown := card.Mask(path); shown != path {
		return nil, nil, refusal("Name looks like a card number", fmt.Sprintf("The name of a run file is shown and kept, and %q has what looks like a card number in it. Give the file or its folder another name.", shown))
	}
	draft, err := runfile.Create(path)
	if err != nil {
		return nil, nil, refusal("Plan can't be written", sentence(err.Error()))
	}
	defer draft.Discard()
	progress := a.planProgress()
	defer progress.close()
	in.Tick = progress.tick
	result, diags := make(ctx, in, draft)
	progress.close()
	if ctx.Err() != nil {
		if !a.json {
			fmt.Fprintln(a.err, "Interrupted. No plan was written, and nothing but reads was sent.")
		}
		return nil, nil, exit(exitInterrupted)
	}
	if result == nil {
		return nil, diags, nil
	}
	if err := draft.Commit(); err != nil {
		return nil, nil, refusal("Plan can't be written", sentence(err.Error()))
	}
	f, err := runfile.Open(path)
	if err != nil {
		return nil, nil, refusal("Plan can't be read back", sentence(err.Error()))
	}
	defer f.Close()
	doc, err := a.planned(f, draft)
	if err != nil {
		return nil, nil, refusal("Plan can't be read back", sentence(err.Error()))
	}
	return doc, diags, nil
}

// planned tells of a plan that was just made what is asked for.
func (a *app) planned(f *runfile.File, draft *runfile.Draft) (*view.Document, error) {
	if a.comment == nil {
		if groups, ok := draft.Groups(); ok {
			return view.NewPlanned(f, groups)
		}
		return view.NewDocument(f)
	}
	c, err := view.NewComment(f)
	if err != nil {
		return nil, err
	}
	a.comment.Document, a.comment.Examples = c.Document, c.Examples
	return c.Document, nil
}

// newRun is a run at its beginning.
func newRun(cfg *config.Config, scope *eval.Scope, paths []string, created time.Time) runfile.Run {
	var id [10]byte
	rand.Read(id[:])
	sources, _ := json.Marshal(cfg.Sources)
	values, withheld := scope.Variables()
	return runfile.Run{
		ID: hex.EncodeToString(id[:]), CreatedAt: created, RunnerVersion: Version,
		State: runfile.StatePlanned, Paths: paths, Config: sources, Variables: values, Withheld: withheld,
	}
}

// cancelOn derives a context that ends with ctx or when signal is closed.
func cancelOn(ctx context.Context, signal <-chan struct{}) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-signal:
			cancel(errors.New("interrupted"))
		case <-ctx.Done():
		}
	}()
	return ctx
}
