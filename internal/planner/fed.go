package planner

import (
	"bytes"
	"fmt"
	"time"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/sdk"
)

// fed plans an operation that takes up the items of another one: an item for
// each of those, of which nothing more is known before that one is settled.
func (p *planner) fed(cfg *config.Operation) (*operation, diag.List) {
	provider := p.Providers[cfg.Provider]
	name := operationName(provider.Schema, cfg)
	schema, _ := provider.Schema.Operation(name)
	op := &operation{
		Operation: plan.Operation{Address: cfg.Address(), Provider: cfg.Provider, Type: name, List: cfg.ForEach, Counts: plan.Counts{}},
		config:    cfg, provider: provider, schema: schema, totals: plan.Totals{},
	}
	var diags, more diag.List
	if op.Settings, diags = p.Scope.Settings(cfg, schema); diags.HasErrors() {
		return nil, diags
	}
	op.Settings.FedBy = cfg.FedBy()
	if op.program, _, more = CompileFed(p.Scope, p.Config, p.schema, cfg, schema); more.HasErrors() {
		return nil, append(diags, more...)
	}
	diags = append(diags, more...)
	if more = op.bounded(); more.HasErrors() {
		return nil, append(diags, more...)
	}
	if err := p.draft.AddOperation(&op.Operation); err != nil {
		return nil, append(diags, failed(err)...)
	}
	var from int64
	for _, other := range p.result.Operations {
		if other.Address == cfg.FedBy() {
			from = other.ID
		}
	}
	for after := int64(0); ; {
		page, err := p.draft.Drafted(from, after, batchSize)
		if err != nil {
			return nil, append(diags, failed(err)...)
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].ID
		taken, err := p.take(op, page)
		if err != nil {
			return nil, append(diags, failed(err)...)
		}
		op.Rows += int64(len(taken))
		p.tick(op, time.Now())
	}
	if err := p.draft.SetOperation(op.Operation); err != nil {
		return nil, append(diags, failed(err)...)
	}
	return op, diags
}

func (p *planner) schema(instance string) *sdk.Schema { return p.Providers[instance].Schema }

// take plans an item for each of those that will feed the operation.
func (p *planner) take(op *operation, page []plan.Item) ([]plan.Item, error) {
	items := make([]plan.Item, 0, len(page))
	for _, of := range page {
		if of.State == plan.Invalid {
			continue
		}
		it := plan.Item{
			Operation: op.ID, Key: of.Key, Source: of.Source, Row: of.Row, State: plan.Planned,
			IdempotencyKey: idempotencyKey(p.Run.ID, op.Address, of.Key), Context: feeding(of.ID),
		}
		p.items.enter(op.Address, &it)
		items = append(items, it)
	}
	op.Matching += int64(len(items))
	op.Counts[plan.Planned] += int64(len(items))
	p.lastID += int64(len(items))
	return items, p.draft.Add(items)
}

// feeding is the context of an item that is fed by another one; see
// [plan.Feeding].
func feeding(id int64) []byte { return fmt.Appendf(nil, `{"of":%d}`, id) }

// unfed is an item's context without the item that feeds it.
func unfed(context []byte) []byte {
	of := feeding(plan.Feeding(context))
	rest, ok := bytes.CutPrefix(context, of[:len(of)-1])
	switch {
	case !ok:
		return context
	case len(rest) == 1:
		return nil
	}
	return append([]byte{'{'}, rest[1:]...)
}

// bounded refuses a fed operation without bounds: what it will do is known only
// when nobody looks at the plan any more.
func (op *operation) bounded() (diags diag.List) {
	refuse := func(detail string) {
		diags = append(diags, diag.Diagnostic{
			Summary: "Operation without bounds", Detail: detail,
			Subject: &op.config.Range, In: fmt.Sprintf("operation %q %q", op.config.Type, op.config.Name),
		})
	}
	if !op.Settings.Limits.Said {
		refuse(fmt.Sprintf("Which items it executes is known only when %s is done, so say how many it may be: limits { max_items = … }.", op.config.FedBy()))
	}
	if op.program.HasMoney() && op.Settings.Limits.MaxTotal == nil {
		refuse(fmt.Sprintf("What its items are worth is known only when %s is done, so say how much it may be: limits { max_total = { COP = … } }.", op.config.FedBy()))
	}
	return diags
}

// CompileFed makes a fed operation's expressions ready, and the feed of the
// operation that feeds it. Schemas are those of the instances, by address.
func CompileFed(scope *eval.Scope, cfg *config.Config, schemas func(instance string) *sdk.Schema, op *config.Operation, schema *sdk.OperationSchema) (*eval.Program, *eval.Feed, diag.List) {
	from := cfg.Operations[op.FedBy()]
	feeds, ok := schemas(from.Provider).Operation(operationName(schemas(from.Provider), from))
	if !ok {
		return nil, nil, nil // which is said of that operation
	}
	feed, err := eval.NewFeed(feeds)
	if err != nil {
		return nil, nil, failed(err)
	}
	program, diags := scope.CompileFed(op, feed, schema)
	return program, feed, diags
}

// A Becoming makes of items that are fed by others what they are when those are
// settled.
type Becoming struct {
	program *eval.Program
	feed    *eval.Feed
	priced  bool // max_total counts what they are worth
}

// NewBecoming returns one for a fed operation with these limits.
func NewBecoming(program *eval.Program, feed *eval.Feed, limits plan.Limits) *Becoming {
	return &Becoming{program.Clone(), feed, limits.MaxTotal != nil}
}

// Item fills in what is known of it now that the one which feeds it is settled.
// The state is planned, or skipped or failed with the reason.
func (b *Becoming) Item(it, of *plan.Item) (plan.State, string) {
	row, err := b.feed.Row(of)
	if err != nil {
		return plan.Failed, "what feeds it can't be read: " + err.Error()
	}
	match, problem := b.program.Where(row)
	if problem != nil {
		return plan.Failed, problem.Error()
	}
	if !match && of.State == plan.Succeeded {
		return plan.Skipped, "where: it isn't for an item with such a result"
	}
	if !match {
		return plan.Skipped, "where: it isn't for an item that is " + outcome(of)
	}
	item, problems := b.program.Item(row)
	switch {
	case len(problems) > 0:
		return plan.Failed, problems[0].Error()
	case item.Sensitive != nil || item.WriteOnly != nil:
		return plan.Failed, "an argument is sensitive, and what becomes known only at apply can't be kept as a secret"
	case b.priced && item.Amount == "":
		return plan.Failed, "it has no amount, and max_total can't count what it is worth"
	}
	it.Later = true
	it.Arguments, it.Amount, it.Currency = item.Arguments, item.Amount, item.Currency
	it.Context = plan.Join(feeding(of.ID), item.Context)
	return plan.Planned, ""
}

// outcome is an item's state in a sentence.
func outcome(it *plan.Item) string {
	switch it.State {
	case plan.Incident:
		return "an incident"
	case plan.InDoubt:
		return "in doubt"
	}
	return it.State.String()
}
