package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"
	temporallog "go.temporal.io/sdk/log"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/fleet"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/internal/secret"
	"github.com/bulkrunner/runner/internal/view"
)

func onFlag(cmd *cobra.Command, to *string, usage string) {
	cmd.Flags().StringVar(to, "on", "", usage)
}

// connectTo connects to the namespace that --on names. What travels is
// encrypted where the environment names a key.
func (a *app) connectTo(ctx context.Context, on string) (*fleet.Connection, error) {
	at, err := fleet.ParseAddress(on)
	if err != nil {
		return nil, refusal("Invalid address", sentence(err.Error()))
	}
	o := fleet.Options{Logger: temporallog.NewStructuredLogger(a.log.Logger), Interceptors: a.telemetry.Interceptors()}
	if file := os.Getenv(envIdentity); file != "" {
		ids, err := secret.ReadIdentities(file)
		if err == nil {
			var ok bool
			if o.Key, ok = ids[0].(*age.X25519Identity); !ok {
				err = fmt.Errorf("the first key in %s is of another kind than age-keygen makes", file)
			}
		}
		if err != nil {
			return nil, refusal("Private key can't be used", fmt.Sprintf("%s names the file of the key to which all that travels is encrypted: %s.", envIdentity, err))
		}
	}
	bounded, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	c, err := fleet.Connect(bounded, at, o)
	if err != nil {
		return nil, refusal("Temporal can't be reached", sentence(err.Error())+" Nothing was sent. See whether it runs there, and correct the address of --on or the variables of Temporal.")
	}
	return c, nil
}

// checkAway refuses what only whoever has the run may do, while its workers
// have it.
func (a *app) checkAway(j *runfile.Journal, path string) error {
	events, err := j.Events()
	if err != nil {
		return a.runFileError(path, err)
	}
	address, away, _ := runfile.Away(events)
	if !away {
		return nil
	}
	return refuse(diag.List{{
		Summary: "Run was handed over",
		Detail:  fmt.Sprintf("%s is carried out by workers on %s, and what they have done is not in this file yet. To watch it, and get back what became of it:", path, address),
		Command: fmt.Sprintf("runner apply --on %s %s", address, path),
	}})
}

// handOver has a run carried out by workers, and watches them.
func (a *app) handOver(path string, j *runfile.Journal, run runfile.Run, ops []plan.Operation, o applyOptions) error {
	events, err := j.Events()
	if err != nil {
		return a.runFileError(path, err)
	}
	at, err := fleet.ParseAddress(o.on)
	if err != nil {
		return refusal("Invalid address", sentence(err.Error()))
	}
	address, away, number := runfile.Away(events)
	if away && address != at.String() {
		return refuse(diag.List{{Summary: "Run was handed over", Detail: fmt.Sprintf("Workers on %s have it, not those on %s.", address, at), Command: fmt.Sprintf("runner apply --on %s %s", address, path)}})
	}
	if !away {
		if err := a.checkStops(j, ops, o, path); err != nil {
			return err
		}
	}
	ctx, drain, stop := interrupts(context.Background())
	defer stop()
	c, err := a.connectTo(ctx, o.on)
	if err != nil {
		return err
	}
	defer c.Close()
	if diags := fit(ops, run, c.Encrypted); diags.HasErrors() {
		return refuse(diags)
	}
	become, feeds, err := a.becoming(ctx, run, ops)
	if err != nil {
		return err
	}
	left := remaining(ops)
	if left > 0 && !away && !o.autoApprove {
		if err := a.confirm(left, cmp.Or(o.named, path), drain); err != nil {
			return err
		}
	}
	known, err := runfile.Claim(run.ID, path, run.Epoch > 0)
	if err != nil {
		return refusal("Run belongs to another file", sentence(err.Error()))
	}
	if _, err := j.Begin(time.Now().UTC()); err != nil {
		return a.runFileError(path, err)
	}
	now := time.Now().UTC()
	begun := []plan.Event{{At: now, Kind: view.EventApplied, Detail: "by " + who()}}
	if !away {
		begun = append(begun, plan.Event{At: now, Kind: runfile.EventHandedOver, Detail: fmt.Sprintf("%s as %s", at, fleet.RunID(run.ID, number))})
	}
	if err := j.Commit(runfile.Batch{Events: begun}); err != nil {
		return a.stoppedWriting(path, err)
	}
	totals, limits := make(map[string]int64), make(map[string]float64)
	for _, op := range ops {
		totals[op.Address] = op.Counts[plan.Planned] + op.Counts[plan.Started] + op.Counts[plan.InDoubt]
		limits[op.Address] = op.Settings.Rate.RequestsPerSecond
		for _, p := range run.Providers {
			if p.Address == op.Provider && p.Rate > 0 && (limits[op.Address] == 0 || p.Rate < limits[op.Address]) {
				limits[op.Address] = p.Rate
			}
		}
	}
	v, typed := a.watch(drain, totals, limits)
	defer v.Close()
	v.Started(run.ID, left)
	listening, deaf := context.WithCancel(ctx)
	h := &fleet.Handover{
		Connection: c, Journal: j, Number: number, Become: become,
		Header: fleet.Header{
			Run: run.ID, CreatedAt: run.CreatedAt, Config: run.Config, Variables: run.Variables, Withheld: run.Withheld,
			Secrets: run.Secrets, Providers: run.Providers, Operations: ops, Feeds: feeds, AcceptAccount: o.acceptAccount, ReadAll: !known, By: who(),
		},
		Control: commands(listening, path, typed), Leave: drain, Observe: v.Item, Tick: v.Progress,
	}
	end, err := h.Run(a.telemetry.Under(ctx))
	deaf()
	if err != nil {
		v.Finished(runfile.StateFailed, nil)
		return a.lostTouch(j, path, at, err)
	}
	if end.Left {
		return a.leave(j, v, path, at, end.Later)
	}
	if ops, err = j.Operations(); err != nil {
		return a.stoppedWriting(path, err)
	}
	waiting, err := engine.Waiting(j, ops)
	if err != nil {
		return a.stoppedWriting(path, err)
	}
	if n := remaining(ops) - waiting; n > 0 && end.Result.Fatal == nil && !end.Result.Interrupted && len(end.Result.Stops) == 0 {
		end.Result.Fatal = fmt.Errorf("%s %s came back without being carried out", view.Count(n), items(n))
	}
	return a.conclude(ctx, j, v, end.Result, path)
}

// fit refuses what can't be carried out by workers.
func fit(ops []plan.Operation, run runfile.Run, encrypted bool) (diags diag.List) {
	refuse := func(summary, detail string) {
		diags = append(diags, diag.Diagnostic{Summary: summary, Detail: detail + " Nothing was sent."})
	}
	for _, op := range ops {
		if len(op.Settings.WriteOnly) > 0 {
			refuse("Write-only arguments can't travel", fmt.Sprintf("No file may hold %s of %s, and neither may Temporal's history: apply takes them from the list, on the machine that has it. Carry this run out without --on.", listed(op.Settings.WriteOnly), op.Address))
		}
	}
	if run.Secrets.Sealed != "" && !encrypted {
		refuse("Private key is missing", fmt.Sprintf("The run has sensitive arguments, so all that travels is to be encrypted. Name the file of one private key of the plan's recipients here and on every worker: %s=FILE.", envIdentity))
	}
	return diags
}

// lostTouch says why a run can't be watched any more.
func (a *app) lostTouch(j *runfile.Journal, path string, at fleet.Address, err error) error {
	now := time.Now().UTC()
	if e := j.SetState(runfile.StateFailed, plan.Event{At: now, Kind: "finished", Detail: "the apply ended: " + runfile.StateFailed}); e != nil {
		return a.stoppedWriting(path, e)
	}
	return &status{code: exitFatal, diags: diag.List{{
		Summary: "Run can't be followed",
		Detail:  sentence(err.Error()) + " What its workers have begun goes on. When that is mended, the same command takes it up again:",
		Command: fmt.Sprintf("runner apply --on %s %s", at, path),
	}}}
}

// leave ends watching a run whose workers go on.
func (a *app) leave(j *runfile.Journal, v view.Apply, path string, at fleet.Address, later string) error {
	now := time.Now().UTC()
	if err := j.SetState(runfile.StateInterrupted, plan.Event{At: now, Kind: "left", Detail: "to its workers on " + at.String()}); err != nil {
		return a.stoppedWriting(path, err)
	}
	if err := j.Release(); err != nil {
		return a.stoppedWriting(path, err)
	}
	doc, err := readDocument(path, view.NewBrief)
	if err != nil {
		return a.unreadable(path, runfile.StateInterrupted, err)
	}
	v.Finished(runfile.StateInterrupted, doc.Run.Counts)
	detail := fmt.Sprintf("The run goes on on %s, and what becomes of its items waits there.", at)
	if later != "" {
		detail += fmt.Sprintf(" %s is handed over when what feeds it is back in the run file, not before.", later)
	}
	return &status{code: exitInterrupted, diags: diag.List{{
		Severity: diag.Warning, Summary: "Left to its workers",
		Detail:  detail + " To watch it again, and bring that into the run file:",
		Command: fmt.Sprintf("runner apply --on %s %s", at, path),
	}}}
}

// listed is "card" and "cvv" without an and: "card", "cvv".
func listed(names []string) string {
	s := ""
	for i, n := range names {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("%q", n)
	}
	return s
}
