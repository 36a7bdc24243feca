package planner

import (
	"context"
	"errors"
	"fmt"

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
	p := &planner{Input: in, draft: draft, items: newItemsDigest(), bad: &diag.Rows{Command: in.Command}, again: true, renamed: make(map[int64]int64), become: make(map[int64]settled)}
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
		p.begin(old.Address)
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
			ID: old.ID, Address: old.Address, Provider: old.Provider, Type: old.Type, Settings: old.Settings,
			List: old.List, Rows: old.Rows, Counts: plan.Counts{},
		},
		config: cfg, provider: provider, schema: schema, totals: plan.Totals{},
	}
	if old.Settings.FedBy != "" {
		return p.retryFed(ctx, op, former)
	}
	var diags diag.List
	if op.program, diags = p.Scope.Compile(cfg, nil, schema); diags.HasErrors() {
		return nil, diags
	}
	if err := p.draft.AddOperation(&op.Operation); err != nil {
		return nil, failed(err)
	}
	b := &retried{planner: p, op: op}
	for it, err := range former.Items(runfile.Filter{Operation: old.ID, States: again}) {
		if err != nil {
			return nil, failed(err)
		}
		if err := recalled.Fill(&it); err != nil {
			return nil, failed(fmt.Errorf("%q: %w", it.Key, err))
		}
		if diags := b.add(ctx, it); diags.HasErrors() {
			return nil, diags
		}
	}
	if diags := b.flush(ctx); diags.HasErrors() {
		return nil, diags
	}
	diags = append(diags, op.checkLimits()...)
	if err := p.draft.SetOperation(op.Operation); err != nil {
		return nil, append(diags, failed(err)...)
	}
	return op, diags
}

// retried gathers items of a former run to be planned together.
type retried struct {
	*planner
	op     *operation
	batch  []plan.Item
	former []int64 // their IDs in the former run
}

func (b *retried) add(ctx context.Context, it plan.Item) diag.List {
	b.note(it)
	b.op.Matching++
	b.former = append(b.former, it.ID)
	b.batch = append(b.batch, plan.Item{
		Operation: b.op.ID, Key: it.Key, Source: it.Source, Row: it.Row, State: plan.Planned,
		Arguments: it.Arguments, Fingerprint: it.Fingerprint, Sealed: it.Sealed, Secret: it.Secret,
		Amount: it.Amount, Currency: it.Currency, Context: it.Context,
	})
	if len(b.batch) < batchSize {
		return nil
	}
	return b.flush(ctx)
}

func (b *retried) flush(ctx context.Context) diag.List {
	if diags := b.complete(ctx, b.op, b.batch, nil, judge(ctx, b.op, b.batch), b.draft.AddEvents); diags.HasErrors() {
		return diags
	}
	if err := b.draft.Add(b.batch); err != nil {
		return failed(err)
	}
	for i, id := range b.former {
		b.renamed[id] = b.batch[i].ID
	}
	b.batch, b.former = b.batch[:0], b.former[:0]
	return nil
}

// retryFed plans a fed operation again. What feeds it and is retried itself
// feeds it again; of the rest, what it was known to be is frozen, and what it
// wasn't is known by now.
func (p *planner) retryFed(ctx context.Context, op *operation, former *runfile.File) (*operation, diag.List) {
	program, feed, diags := CompileFed(p.Scope, p.Config, p.schema, op.config, op.schema)
	if diags.HasErrors() {
		return nil, diags
	}
	op.program = program
	old := op.ID
	if err := p.draft.AddOperation(&op.Operation); err != nil {
		return nil, failed(err)
	}
	become := NewBecoming(program, feed, op.Settings.Limits)
	b := &retried{planner: p, op: op}
	for it, err := range former.Items(runfile.Filter{Operation: old}) {
		if err != nil {
			return nil, failed(err)
		}
		of := plan.Feeding(it.Context)
		switch untouched := it.State == plan.Failed || it.State == plan.Planned; {
		case p.renamed[of] != 0 && (untouched || it.State == plan.Skipped || it.State == plan.Unchanged):
			taken, err := p.take(op, []plan.Item{{ID: p.renamed[of], Key: it.Key, Source: it.Source, Row: it.Row, State: plan.Planned}})
			if err != nil {
				return nil, failed(err)
			}
			p.renamed[it.ID] = taken[0].ID // it feeds others in its turn
			continue
		case !untouched:
			continue
		case len(it.Arguments) == 0:
			from, err := p.one(former, of)
			if err != nil {
				return nil, failed(err)
			}
			was := it.State
			if state, reason := become.Item(&it, &from); state != plan.Planned {
				if was == plan.Planned {
					p.become[it.ID] = settled{state, reason}
				}
				continue
			}
		}
		// What feeds it isn't in this run.
		it.Context = unfed(it.Context)
		if diags := b.add(ctx, it); diags.HasErrors() {
			return nil, diags
		}
	}
	if diags := b.flush(ctx); diags.HasErrors() {
		return nil, diags
	}
	if err := p.draft.SetOperation(op.Operation); err != nil {
		return nil, failed(err)
	}
	return op, nil
}

// one is an item of a former run that feeds another one.
func (p *planner) one(former *runfile.File, id int64) (plan.Item, error) {
	for it, err := range former.Items(runfile.Filter{After: id - 1, Limit: 1}) {
		if err == nil && it.ID != id {
			break
		}
		if s, ok := p.become[id]; ok {
			it.State, it.Reason = s.state, s.reason
		}
		return it, err
	}
	return plan.Item{}, fmt.Errorf("there is no item %d, which feeds another one", id)
}

// settled is what an item that was never sent has come to all the same.
type settled struct {
	state  plan.State
	reason string
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
