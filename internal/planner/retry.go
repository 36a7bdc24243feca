package planner

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// Retry fills the draft with what failed in a former run, or was never sent:
// the items as they were frozen then, each read and judged anew. Lists are not
// read again. The items get new idempotency keys, for nothing has happened to
// any of them: that is what failed means.
func Retry(ctx context.Context, in Input, former *runfile.File, draft *runfile.Draft) (*Result, diag.List) {
	ops, err := former.Operations()
	if err != nil {
		return nil, failed(err)
	}
	was, err := former.Run()
	if err != nil {
		return nil, failed(err)
	}
	for _, op := range ops {
		if n := op.Counts[plan.InDoubt] + op.Counts[plan.Started]; n > 0 {
			return nil, diag.List{{
				Summary: "Items in doubt",
				Detail:  fmt.Sprintf("%s of %s may have been carried out, and a retry could carry them out twice. Apply the run again, so that they are read, and settle with runner resolve what reading can't tell.", items(n), op.Address),
			}}
		}
	}
	p := &planner{Input: in, draft: draft, items: sha256.New(), bad: &diag.Rows{Command: in.Command}, again: true}
	run := in.Run
	run.Lists = was.Lists
	if err := draft.SetRun(run); err != nil {
		return nil, failed(err)
	}
	recalled, diags := Recall(ctx, in, former, again...)
	if diags.HasErrors() {
		return nil, diags
	}
	result := &Result{}
	for _, old := range ops {
		op, more := p.retry(ctx, old, former, recalled)
		diags = append(diags, more...)
		if op == nil {
			return nil, append(diags, p.bad.List()...)
		}
		result.Operations = append(result.Operations, op.Operation)
	}
	return p.finish(result, run, append(diags, p.bad.List()...))
}

func (p *planner) retry(ctx context.Context, old plan.Operation, former *runfile.File, recalled *Recalled) (*operation, diag.List) {
	cfg := p.Config.Operations[old.Address]
	provider := p.Providers[old.Provider]
	schema, ok := provider.Schema.Operation(old.Type)
	if cfg == nil || !ok {
		return nil, failed(errors.New("the run file names an operation that its own sources or its provider do not have"))
	}
	op := &operation{
		Operation: plan.Operation{
			Address: old.Address, Provider: old.Provider, Type: old.Type, Settings: old.Settings,
			List: old.List, Rows: old.Rows, Counts: plan.Counts{},
		},
		config: cfg, provider: provider, schema: schema, totals: plan.Totals{},
	}
	var diags diag.List
	if op.program, diags = p.Scope.Compile(cfg, nil, schema); diags.HasErrors() {
		return nil, diags
	}
	if err := p.draft.AddOperation(&op.Operation); err != nil {
		return nil, failed(err)
	}
	batch := make([]plan.Item, 0, batchSize)
	for it, err := range former.Items(runfile.Filter{Operation: old.ID, States: again}) {
		if err != nil {
			return nil, failed(err)
		}
		if err := recalled.Fill(&it); err != nil {
			return nil, failed(fmt.Errorf("%q: %w", it.Key, err))
		}
		p.note(it)
		op.Matching++
		batch = append(batch, plan.Item{
			Operation: op.ID, Key: it.Key, Source: it.Source, Row: it.Row, State: plan.Planned,
			Arguments: it.Arguments, Fingerprint: it.Fingerprint, Sealed: it.Sealed, Secret: it.Secret,
			Amount: it.Amount, Currency: it.Currency, Context: it.Context,
		})
		if len(batch) == batchSize {
			if diags := p.batch(ctx, op, batch, nil); diags.HasErrors() {
				return nil, diags
			}
			batch = batch[:0]
		}
	}
	if diags := p.batch(ctx, op, slices.Clip(batch), nil); diags.HasErrors() {
		return nil, diags
	}
	diags = append(diags, op.checkLimits()...)
	if err := p.draft.SetOperation(op.Operation); err != nil {
		return nil, append(diags, failed(err)...)
	}
	return op, diags
}

// again are the states whose items a retry takes up: nothing has happened to
// any of them.
var again = []plan.State{plan.Failed, plan.Planned}

func items(n int64) string {
	if n == 1 {
		return "1 item"
	}
	return fmt.Sprintf("%d items", n)
}
