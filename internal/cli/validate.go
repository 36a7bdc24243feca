package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/planner"
	"github.com/bulkrunner/runner/internal/rows"
	"github.com/bulkrunner/runner/sdk"
)

func validateCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate [PATH…]",
		Short: "Judge operation files without lists or network",
		Long:  "Validate judges all that can be judged without lists or network: syntax, types,\nreferences, and arguments against the providers' schemas. Variables need no\nvalues.",
		RunE:  func(_ *cobra.Command, args []string) error { return a.validate(args) },
	}
	a.variables(cmd)
	return cmd
}

func (a *app) validate(paths []string) error {
	cfg, err := a.load(paths)
	if err != nil {
		return err
	}
	given, err := a.given(cfg)
	if err != nil {
		return err
	}
	scope, diags := eval.NewScope(cfg, given, time.Now().UTC(), eval.Validate())
	if diags.HasErrors() {
		return refuse(diags)
	}
	instances, more := launch(context.Background(), cfg, usedProviders(cfg))
	if diags = append(diags, more...); diags.HasErrors() {
		return refuse(diags)
	}
	schemas := make(map[string]*sdk.Schema)
	for address, i := range instances {
		defer i.Close()
		schemas[address] = i.Schema
	}
	diags = append(diags, checkOperations(cfg, schemas)...)
	if diags = append(diags, checkLists(cfg, schemas)...); diags.HasErrors() {
		return refuse(diags)
	}
	for _, address := range slices.Sorted(maps.Keys(instances)) {
		p := cfg.Providers[address]
		_, _, more := scope.ProviderConfig(p, schemas[address].Config, nil)
		diags = append(diags, more...)
		_, _, _, more = scope.Rate(p, schemas[address].RateLimit)
		diags = append(diags, more...)
	}
	diags = append(diags, planner.CheckLists(cfg, scope)...)
	for _, address := range usedLists(cfg) {
		l := cfg.Lists[address]
		list, _ := schemas[l.Provider].List(strings.TrimPrefix(l.Type, schemas[l.Provider].Name+"_"))
		_, more := scope.Filter(l, list)
		diags = append(diags, more...)
	}
	for _, address := range slices.Sorted(maps.Keys(cfg.Operations)) {
		op := cfg.Operations[address]
		schema, _ := schemas[op.Provider].Operation(strings.TrimPrefix(op.Type, schemas[op.Provider].Name+"_"))
		_, more := scope.Settings(op, schema)
		diags = append(diags, more...)
		if op.FedBy() != "" {
			_, _, more = planner.CompileFed(scope, cfg, func(instance string) *sdk.Schema { return schemas[instance] }, op, schema)
			diags = append(diags, more...)
			continue
		}
		var columns []rows.Column
		if l := cfg.Lists[op.ForEach]; l.Provider != "" {
			list, _ := schemas[l.Provider].List(strings.TrimPrefix(l.Type, schemas[l.Provider].Name+"_"))
			columns = planner.Columns(list)
		}
		_, more = scope.Compile(op, columns, schema)
		diags = append(diags, more...)
	}
	if diags.HasErrors() {
		return refuse(diags)
	}
	a.show(diags)
	return a.say(fmt.Sprintf("Valid: %s in %s.", counted(len(cfg.Operations), "operation"), counted(len(cfg.Sources), "file")),
		map[string]any{"format": 1, "valid": true, "operations": len(cfg.Operations), "diagnostics": append(diag.List{}, diags...)})
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// say writes a result: a line for people, or a document for programs.
func (a *app) say(line string, document any) error {
	if a.json {
		return json.NewEncoder(a.out).Encode(document)
	}
	fmt.Fprintln(a.out, line)
	return nil
}
