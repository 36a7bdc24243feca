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

func planCommand(a *app) *cobra.Command {
	var out string
	var recipients []string
	var refresh, detailed bool
	cmd := &cobra.Command{
		Use:   "plan [PATH…]",
		Short: "Show what would happen to each item",
		Long:  "Plan reads lists, filters, validates every item, reads live state, judges guards\nand limits, and shows what would happen to each item. It sends nothing but reads.",
		RunE: func(_ *cobra.Command, args []string) error {
			return a.plan(args, out, recipients, refresh, detailed)
		},
	}
	a.variables(cmd)
	recipientFlag(cmd, &recipients)
	cmd.Flags().StringVar(&out, "out", "", "keep the plan as a run file: `FILE`")
	cmd.Flags().BoolVar(&refresh, "refresh", true, "read live state")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit 2 when there are items to execute")
	return cmd
}

func (a *app) plan(paths []string, out string, recipients []string, refresh, detailed bool) error {
	keep := out != ""
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
	keys, err := newKeys(recipients, out)
	if err != nil {
		return err
	}
	s, more := connect(ctx, cfg, scope, connectOptions{patience: patienceToPlan})
	if diags = append(diags, more...); diags.HasErrors() {
		return refuse(diags)
	}
	defer s.close()
	in := s.input(newRun(cfg, scope, paths, created), keys, refresh)
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
	if err := a.present(doc, diags, out); err != nil {
		return err
	}
	if detailed && doc.Run.Counts[plan.Planned.String()] > 0 {
		return exit(exitToExecute)
	}
	return nil
}

// present shows a plan and what is to be said of it. path is where it is kept,
// "" when it isn't. A plan that can't be applied is an error.
func (a *app) present(doc *view.Document, diags diag.List, path string) error {
	if a.json {
		if err := a.document(doc, diags); err != nil {
			return err
		}
		diags = nil
	} else {
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

// document writes a run, and what is to be said of it, as one JSON document.
func (a *app) document(doc *view.Document, diags diag.List) error {
	return json.NewEncoder(a.out).Encode(struct {
		*view.Document
		Diagnostics diag.List `json:"diagnostics"`
	}{doc, append(diag.List{}, diags...)})
}

// input is what the planner needs of a session.
func (s *session) input(run runfile.Run, keys planner.Keys, refresh bool) planner.Input {
	return planner.Input{Run: run, Config: s.config, Scope: s.scope, Providers: s.providers, Keys: keys, Refresh: refresh}
}

// write plans into a run file. A document is returned when the file was
// written, be it that the plan can't be applied.
func (a *app) write(ctx context.Context, path string, in planner.Input,
	make func(context.Context, planner.Input, *runfile.Draft) (*planner.Result, diag.List)) (*view.Document, diag.List, error) {
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
	doc, err := view.NewDocument(f)
	if err != nil {
		return nil, nil, refusal("Plan can't be read back", sentence(err.Error()))
	}
	return doc, diags, nil
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
