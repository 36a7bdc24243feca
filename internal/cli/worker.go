package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/fleet"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/planner"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/sdk"
)

func workerCommand(a *app) *cobra.Command {
	var on string
	cmd := &cobra.Command{
		Use:   "worker --on temporal://HOST:7233/NAMESPACE [PATH…]",
		Short: "Carry out runs that were handed over to Temporal",
		Long:  "Worker carries out the items of runs that were handed over with apply --on, with\nthe provider accounts that the operation files in PATH configure: their credentials\nstay here. Any number of workers share an account's limits. Ctrl-C ends it gently;\nwhat it had begun goes on at another one.",
		RunE:  func(_ *cobra.Command, args []string) error { return a.work(on, args) },
	}
	a.variables(cmd)
	onFlag(cmd, &on, "the `address` of a namespace: temporal://HOST:7233/NAMESPACE")
	return cmd
}

func (a *app) work(on string, paths []string) error {
	if on == "" {
		return refusal("Address missing", "Say which namespace of Temporal to serve: --on temporal://HOST:7233/NAMESPACE.")
	}
	cfg, err := a.load(paths)
	if err != nil {
		return err
	}
	given, err := a.given(cfg)
	if err != nil {
		return err
	}
	scope, diags := eval.NewScope(cfg, given, time.Now().UTC())
	if diags.HasErrors() {
		return refuse(diags)
	}
	if len(cfg.Providers) == 0 {
		return refusal("No provider", "The operation files configure no provider, so this worker would have nothing to carry anything out with. Name files with provider blocks.")
	}
	a.begin("")
	ctx, drain, stop := interrupts(context.Background())
	defer stop()
	c, err := a.connectTo(ctx, on)
	if err != nil {
		return err
	}
	defer c.Close()
	s, more := a.connect(ctx, cfg, scope, connectOptions{all: true, patience: patienceToApply})
	if diags = append(diags, more...); diags.HasErrors() {
		return refuse(diags)
	}
	defer s.close()
	w := &fleet.Worker{Connection: c, Prepare: a.ready, Told: a.tellTaken}
	for _, address := range slices.Sorted(maps.Keys(s.providers)) {
		p := s.providers[address]
		w.Accounts = append(w.Accounts, &fleet.Account{Record: p.Record, Schema: p.Schema, Provider: &engine.Provider{Line: p.Line, Events: p.Events}})
		if !a.json {
			fmt.Fprintf(a.err, "%s serves account %q (%s).\n", address, p.Record.Account, p.Record.Environment)
		}
	}
	if err := w.Run(ctx, drain); err != nil {
		return &status{code: exitFatal, diags: diag.List{{Summary: "Worker stopped", Detail: sentence(err.Error()) + " What it had begun is settled or in doubt, and goes on at another worker. When the cause is mended, start it again."}}}
	}
	select {
	case <-drain:
		return nil
	default:
		return exit(exitInterrupted)
	}
}

// tellTaken tells what a worker does.
func (a *app) tellTaken(account *fleet.Account, chunk string, taken bool) {
	word := "lets go of"
	if taken {
		word = "takes up"
	}
	a.log.Info(word, "chunk", chunk, "provider", account.Record.Address)
}

// ready compiles what a worker needs of an operation of a run that somebody
// handed over. The run's sources say how its items are judged; with which
// account they are carried out is this worker's to say.
func (a *app) ready(h *fleet.Header, op plan.Operation, account *fleet.Account) (*fleet.Ready, error) {
	var sources []config.Source
	if err := json.Unmarshal(h.Config, &sources); err != nil {
		return nil, errors.New("the sources of the run can't be read")
	}
	cfg, diags := config.Parse(sources)
	if cfg != nil {
		diags = append(diags, config.CheckVersion(cfg, Version)...)
	}
	if diags.HasErrors() {
		return nil, worded(diags)
	}
	// What the plan was made with holds; sensitive values, which do not travel,
	// are this worker's.
	given, err := eval.StoredVariables(cfg, h.Variables)
	if err != nil {
		return nil, err
	}
	here, err := a.given(cfg)
	if err != nil {
		return nil, errors.New("the values of variables that this worker was given can't be read")
	}
	for _, name := range h.Withheld {
		if g, ok := here[name]; ok {
			given[name] = g
		}
	}
	scope, diags := eval.NewScope(cfg, given, h.CreatedAt)
	if diags.HasErrors() {
		return nil, worded(diags)
	}
	schema, ok := account.Schema.Operation(op.Type)
	source := cfg.Operations[op.Address]
	if !ok || source == nil {
		return nil, fmt.Errorf("the provider %q %s of this worker has no operation %q", account.Schema.Name, account.Schema.Version, op.Type)
	}
	program, diags := compile(scope, cfg, h, source, schema)
	if diags.HasErrors() {
		return nil, worded(diags)
	}
	keys, err := keysOf(runfile.Run{Secrets: h.Secrets}, "")
	if err != nil {
		return nil, errors.New("the private key of this worker opens none of the run's sensitive arguments")
	}
	recalled, diags := planner.Sealed(keys, h.Secrets, op)
	if diags.HasErrors() {
		return nil, worded(diags)
	}
	return &fleet.Ready{
		Judge: func(context, live []byte) (eval.Verdict, string, error) {
			j, err := program.Judge(context, live)
			return j.Verdict, j.Reason, err
		},
		Differs: program.Differs,
		Fill: func(it *plan.Item) error {
			number := it.Operation
			it.Operation = op.ID
			defer func() { it.Operation = number }()
			return recalled.Fill(it)
		},
	}, nil
}

// compile makes an operation's guards ready. What a fed one looks at is of the
// types that the operation has which feeds it.
func compile(scope *eval.Scope, cfg *config.Config, h *fleet.Header, op *config.Operation, schema *sdk.OperationSchema) (*eval.Program, diag.List) {
	if op.FedBy() == "" {
		return scope.Compile(op, nil, schema)
	}
	feeds := func(instance string) *sdk.Schema {
		return &sdk.Schema{Name: cfg.Providers[instance].Name, Operations: []sdk.OperationSchema{h.Feeds[op.Address()]}}
	}
	program, _, diags := planner.CompileFed(scope, cfg, feeds, op, schema)
	if program == nil && !diags.HasErrors() {
		diags = append(diags, diag.Diagnostic{Summary: "Unknown operation", Detail: op.Address() + " is fed by an operation of which the run tells nothing."})
	}
	return program, diags
}

// worded is the first error among diagnostics.
func worded(diags diag.List) error {
	for _, d := range diags {
		if d.Severity == diag.Error {
			return fmt.Errorf("%s: %s", d.Summary, d.Detail)
		}
	}
	return errors.New("it can't be compiled")
}
