package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/planner"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/sdk"
)

// becoming is what the fed operations of a run need that is handed over, by
// their numbers and addresses. What their items become is found out here, where
// the run file is, by the schemas of their providers and without a credential.
func (a *app) becoming(ctx context.Context, run runfile.Run, ops []plan.Operation) (map[int64]engine.Become, map[string]sdk.OperationSchema, error) {
	if !slices.ContainsFunc(ops, func(op plan.Operation) bool { return op.Settings.FedBy != "" }) {
		return nil, nil, nil
	}
	cfg, diags := config.Parse(sourcesOf(run))
	cfg, err := a.loaded(cfg, diags)
	if err != nil {
		return nil, nil, err
	}
	given, err := a.givenFor(cfg, run)
	if err != nil {
		return nil, nil, err
	}
	scope, diags := eval.NewScope(cfg, given, run.CreatedAt, eval.Validate())
	if diags.HasErrors() {
		return nil, nil, refuse(diags)
	}
	used := make(map[string]bool)
	for _, op := range ops {
		if op.Settings.FedBy != "" {
			diags = append(diags, unvalued(cfg, op.Address, run.Withheld, given)...)
			used[op.Provider], used[cfg.Operations[op.Settings.FedBy].Provider] = true, true
		}
	}
	if diags.HasErrors() {
		return nil, nil, refuse(diags)
	}
	instances, more := launch(ctx, cfg, slices.Sorted(maps.Keys(used)))
	if diags = append(diags, more...); diags.HasErrors() {
		return nil, nil, refuse(diags)
	}
	schemas := make(map[string]*sdk.Schema)
	for _, p := range run.Providers {
		i := instances[p.Address]
		if i == nil {
			continue
		}
		defer i.Close()
		schemas[p.Address] = i.Schema
		diags = append(diags, compareProgram(p, i.Schema.Version, i.Program.Checksum)...)
	}
	if diags.HasErrors() {
		return nil, nil, refuse(diags)
	}
	become, feeds := make(map[int64]engine.Become), make(map[string]sdk.OperationSchema)
	for _, op := range ops {
		if op.Settings.FedBy == "" {
			continue
		}
		schema, known := schemas[op.Provider].Operation(op.Type)
		from := cfg.Operations[op.Settings.FedBy]
		of, feeding := schemas[from.Provider].Operation(from.Type[len(schemas[from.Provider].Name)+1:])
		if !known || !feeding {
			return nil, nil, refusal("Unknown operation", fmt.Sprintf("The providers here no longer have %s or %s.", op.Address, op.Settings.FedBy))
		}
		program, feed, more := planner.CompileFed(scope, cfg, func(instance string) *sdk.Schema { return schemas[instance] }, cfg.Operations[op.Address], schema)
		if diags = append(diags, more...); more.HasErrors() {
			continue
		}
		become[op.ID], feeds[op.Address] = planner.NewBecoming(program, feed, op.Settings.Limits).Item, *of
	}
	if diags.HasErrors() {
		return nil, nil, refuse(diags)
	}
	return become, feeds, nil
}

// unvalued refuses a fed operation whose items depend on a sensitive variable
// that has no value here.
func unvalued(cfg *config.Config, address string, withheld []string, given map[string]eval.Given) (diags diag.List) {
	op := cfg.Operations[address]
	for _, name := range cfg.ItemVariables(op) {
		if _, ok := given[name]; !ok && slices.Contains(withheld, name) {
			diags = append(diags, diag.Diagnostic{
				Summary: "Variable without a value",
				Detail:  fmt.Sprintf("What the items of %s are depends on var.%s, and is found out here when %s is done. Give it in the environment as RUNNER_VAR_%s, or with --var-file. Nothing was sent.", address, name, op.FedBy(), name),
				Subject: op.Range.Ptr(),
			})
		}
	}
	return diags
}
