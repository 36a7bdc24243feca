package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/planner"
	"github.com/bulkrunner/runner/internal/providers"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/internal/view"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

func rehearseCommand(a *app) *cobra.Command {
	var faults []string
	cmd := &cobra.Command{
		Use:   "rehearse [PATH…]",
		Short: "Plan and apply against the providers' own simulators",
		Long:  "Rehearse plans and applies operation files against the providers' own simulators\non this machine, seeded from the lists: no real API, no credential. Its run file\nis kept under .runner/rehearsals/.",
		RunE:  func(_ *cobra.Command, args []string) error { return a.rehearse(args, faults) },
	}
	a.variables(cmd)
	cmd.Flags().StringArrayVar(&faults, "fault", nil, "turn on one of the simulator's faults: `name=value`")
	return cmd
}

func (a *app) rehearse(paths, faults []string) error {
	switches := make(map[string]string)
	for _, f := range faults {
		name, value, ok := strings.Cut(f, "=")
		if !ok {
			return refusal("Invalid fault", "--fault wants a name and a value: --fault lose_answer=0.1.")
		}
		switches[name] = value
	}
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
	scope, diags := eval.NewScope(cfg, given, created, eval.Rehearse())
	if diags.HasErrors() {
		return refuse(diags)
	}
	ctx, drain, stop := interrupts(context.Background())
	defer stop()

	run := newRun(cfg, scope, paths, created)
	run.Rehearsal = true
	a.begin(run.ID)
	stage, more := raise(ctx, cfg, scope, switches)
	if diags = append(diags, more...); diags.HasErrors() {
		return refuse(diags)
	}
	defer stage.close()
	s, more := a.connect(ctx, cfg, scope, connectOptions{endpoints: stage.endpoints, patience: patienceToApply})
	if diags = append(diags, more...); diags.HasErrors() {
		return refuse(diags)
	}
	defer s.close()

	path, err := newRunPath(rehearsalsFolder, run.ID, created)
	if err != nil {
		return err
	}
	keys, err := planner.Ephemeral()
	if err != nil {
		return refusal("Rehearsal can't be planned", sentence(err.Error()))
	}
	in := s.input(run, keys, planner.RefreshAll)
	in.Command = fmt.Sprintf("runner show %s --items --state invalid", path)
	in.Seed = stage.seed
	doc, more, err := a.write(cancelOn(ctx, drain), path, in, planner.Plan)
	if err != nil {
		return err
	}
	diags = append(diags, more...)
	if doc == nil {
		return refuse(diags)
	}
	a.tellPlanned(doc, path)
	if !a.json {
		doc.Plan(a.out)
		fmt.Fprintln(a.out)
	}
	if doc.Run.State != runfile.StatePlanned {
		return refuse(diags)
	}
	if names := scope.MadeUp(); len(names) > 0 {
		diags = append(diags, diag.Diagnostic{Severity: diag.Warning, Summary: "Values made up",
			Detail: fmt.Sprintf("Not set in the environment: %s. The rehearsal made up values, as for any credential; what compares something with them comes out otherwise than it would.", strings.Join(names, ", "))})
	}
	a.show(diags)
	j, err := runfile.Acquire(path)
	if err != nil {
		return a.runFileError(path, err)
	}
	defer j.Release()
	ops, err := j.Operations()
	if err != nil {
		return a.runFileError(path, err)
	}
	recalled, err := a.recall(ctx, in, path)
	if err != nil {
		return err
	}
	err = a.drive(ctx, drain, j, s, ops, recalled, run, path)
	if !a.json {
		fmt.Fprintf(a.out, "Rehearsed on the simulator; no real API was reached. The record: %s\n", path)
	}
	return a.hold(stage, path, err)
}

// A stage is the simulators of a rehearsal, each in a process of its own, so
// that a provider may die without its API dying with it.
type stage struct {
	config    *config.Config
	instances map[string]*providers.Instance // by address of the provider
	endpoints map[string]string
}

func (s *stage) close() {
	for _, i := range s.instances {
		i.Close()
	}
}

// raise starts a simulator for every provider that is used.
func raise(ctx context.Context, cfg *config.Config, scope *eval.Scope, faults map[string]string) (*stage, diag.List) {
	instances, diags := launch(ctx, cfg, usedProviders(cfg))
	if diags.HasErrors() {
		return nil, diags
	}
	s := &stage{config: cfg, instances: instances, endpoints: make(map[string]string)}
	for _, address := range slices.Sorted(maps.Keys(instances)) {
		i, p := instances[address], cfg.Providers[address]
		if !i.Schema.Simulates {
			diags = append(diags, diag.Diagnostic{Summary: "Provider can't be rehearsed", Detail: fmt.Sprintf("Provider %q %s has no simulator.", p.Name, i.Schema.Version), Subject: &p.Range})
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(faults)) {
			if !slices.ContainsFunc(i.Schema.Faults, func(f sdk.Fault) bool { return f.Name == name }) {
				var names []string
				for _, f := range i.Schema.Faults {
					names = append(names, f.Name)
				}
				diags = append(diags, diag.Diagnostic{Summary: "Unknown fault", Detail: fmt.Sprintf("The simulator of provider %q has no fault %q. It has: %s.", p.Name, name, strings.Join(names, ", "))})
			}
		}
		values, _, more := scope.ProviderConfig(p, i.Schema.Config, nil)
		if diags = append(diags, more...); diags.HasErrors() {
			continue
		}
		endpoint, err := i.Simulate(ctx, host.Simulation{Config: values, Faults: populated(cfg, address, i.Schema, faults)})
		if err != nil {
			diags = append(diags, diag.Diagnostic{Summary: "Simulator can't be started", Detail: providerTrouble(err), Subject: &p.Range})
			continue
		}
		s.endpoints[address] = endpoint
	}
	if diags.HasErrors() {
		s.close()
		return nil, diags
	}
	return s, diags
}

// generated is how many things a rehearsal's simulator makes up.
const generated = "200"

// populated are the faults of a provider's simulator. Where its items come
// from a list of the API nothing says what there is, so the simulator makes
// things up unless a fault says how many.
func populated(cfg *config.Config, provider string, schema *sdk.Schema, faults map[string]string) map[string]string {
	lists := slices.ContainsFunc(usedLists(cfg), func(address string) bool { return cfg.Lists[address].Provider == provider })
	can := slices.ContainsFunc(schema.Faults, func(f sdk.Fault) bool { return f.Name == generate })
	if _, said := faults[generate]; said || !lists || !can {
		return faults
	}
	faults = maps.Clone(faults)
	faults[generate] = generated
	return faults
}

// generate is the fault by which a simulator makes things up; see
// [sdk.Simulator].
const generate = "generate"

// seed makes the things that items act on.
func (s *stage) seed(ctx context.Context, op *config.Operation, seeds []eval.Item) error {
	i := s.instances[op.Provider]
	out := make([]host.Seed, 0, len(seeds))
	for _, it := range seeds {
		out = append(out, host.Seed{Operation: strings.TrimPrefix(op.Type, i.Schema.Name+"_"), Arguments: it.Arguments, State: it.State})
	}
	_, err := i.Simulate(ctx, host.Simulation{Seeds: out})
	return err
}

// hold holds the run file against what the simulators say has happened.
func (a *app) hold(s *stage, path string, driven error) error {
	effects, twice := 0, 0
	for _, endpoint := range s.endpoints {
		l, err := ledger(endpoint)
		if err != nil {
			return refusal("Simulator's ledger can't be read", sentence(err.Error()))
		}
		for _, n := range l.Effects {
			effects += n
			if n > 1 {
				twice++
			}
		}
	}
	doc, err := readDocument(path, view.NewDocument)
	if err != nil {
		return a.runFileError(path, err)
	}
	succeeded := 0
	for _, op := range doc.Operations {
		if op.Settings.Kind == string(sdk.KindMutation) {
			succeeded += int(op.Counts[plan.Succeeded.String()])
		}
	}
	inDoubt := int(doc.Run.Counts[plan.InDoubt.String()] + doc.Run.Counts[plan.Incident.String()])
	if !a.json {
		fmt.Fprintf(a.out, "The simulator counted %s effects, %d of them twice; the run file says %s succeeded.\n", view.Count(int64(effects)), twice, view.Count(int64(succeeded)))
	}
	if twice > 0 || effects < succeeded || effects > succeeded+inDoubt {
		return &status{code: exitFatal, diags: diag.List{{
			Summary: "Run file and simulator disagree",
			Detail:  fmt.Sprintf("The simulator counted %d effects, %d of them more than once, and the run file says that %d items succeeded and %d are in doubt. This is a bug: please report it with the run file.", effects, twice, succeeded, inDoubt),
			Command: "runner show " + path,
		}}}
	}
	return driven
}

func ledger(endpoint string) (l sdk.Ledger, err error) {
	client := &http.Client{Timeout: 10 * time.Second}
	res, err := client.Get(endpoint + "/_simulator/ledger")
	if err != nil {
		return l, fmt.Errorf("ask the simulator for its ledger: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 256<<20))
	if err != nil {
		return l, fmt.Errorf("read the simulator's ledger: %w", err)
	}
	return l, json.Unmarshal(body, &l)
}
