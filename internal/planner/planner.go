// Package planner turns configuration and rows, and what the API says of
// them, into items. It writes them into a draft of a run file and sends
// nothing but reads.
package planner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/dispatch"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/providers"
	"github.com/bulkrunner/runner/internal/rows"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/sdk"
)

// batchSize is how many rows are planned together: enough that a batch costs
// the provider one question, few enough that a plan stays small in memory.
const batchSize = 1024

// batchBytes is how much of arguments is planned together: rows may be large.
const batchBytes = 8 << 20

// A Provider is one configured instance.
type Provider struct {
	Record   runfile.Provider
	Instance *providers.Instance
	Schema   *sdk.Schema
	Line     *dispatch.Line
	Events   <-chan providers.Event
}

// An Input is what a plan is made of.
type Input struct {
	Run       runfile.Run
	Config    *config.Config
	Scope     *eval.Scope
	Providers map[string]*Provider // by address
	Keys      Keys
	Refresh   Refresh
	Command   string // lists all the bad rows, for messages; "" when nothing will

	// Seed, if set, is given every item before anything is read. A rehearsal
	// fills its simulators with it.
	Seed func(ctx context.Context, op *config.Operation, seeds []eval.Item) error

	// Tick is told from time to time how far the plan is, and when each
	// operation begins.
	Tick func(Progress)
}

// Progress is how far a plan is with an operation.
type Progress struct {
	Operation  string
	Rows, Read int64  // read from the list, and from the API
	Waiting    string // what its provider waits for, "" for nothing
}

// A Result is what the run file does not hold.
type Result struct {
	Run        runfile.Run
	Operations []plan.Operation
}

// Plan fills the draft. Diagnostics with errors mean a plan that can be looked
// at and never applied, if Result.Operations is set, or no plan at all.
func Plan(ctx context.Context, in Input, draft *runfile.Draft) (*Result, diag.List) {
	if len(in.Config.Operations) == 0 && len(in.Config.Sources) > 0 {
		return nil, diag.List{{
			Summary: "No operations",
			Detail:  "Nothing says what is to be done: the operation files have no operation block. Add one, or name the file that has it beside those that it needs.",
			Subject: &hcl.Range{Filename: in.Config.Sources[0].Name, Start: hcl.InitialPos, End: hcl.InitialPos},
		}}
	}
	p := &planner{Input: in, draft: draft, items: newItemsDigest(), bad: &diag.Rows{Command: in.Command}, listed: make(map[string]listed), answers: make(map[string]*rows.Answer)}
	p.items.own = true
	defer func() {
		for _, a := range p.answers {
			a.Close()
		}
	}()
	run := in.Run
	if err := draft.SetRun(run); err != nil {
		return nil, failed(err)
	}
	result := &Result{}
	p.result = result
	var diags diag.List
	lists := make(map[string]runfile.List)
	for _, op := range inOrder(in.Config) {
		p.begin(op.Address())
		planned, more := p.operation(ctx, op, lists)
		diags = append(diags, more...)
		if planned == nil {
			return nil, append(diags, p.bad.List()...)
		}
		result.Operations = append(result.Operations, planned.Operation)
	}
	for _, address := range slices.Sorted(maps.Keys(lists)) {
		run.Lists = append(run.Lists, lists[address])
	}
	return p.finish(result, run, append(diags, p.bad.List()...))
}

// finish fills in what is known of a run only when all of it is planned.
func (p *planner) finish(result *Result, run runfile.Run, diags diag.List) (*Result, diag.List) {
	for _, address := range slices.Sorted(maps.Keys(p.Providers)) {
		run.Providers = append(run.Providers, p.Providers[address].Record)
	}
	run.Secrets, run.DigestLocal = p.secrets, p.local
	run.Digest = digest(run, result.Operations, p.items)
	run.State = runfile.StatePlanned
	if diags.HasErrors() {
		run.State = runfile.StateUnusable
	}
	if err := p.draft.SetRun(run); err != nil {
		return nil, append(diags, failed(err)...)
	}
	result.Run = run
	return result, diags
}

type planner struct {
	Input
	draft   *runfile.Draft
	result  *Result         // as far as it is planned
	secrets runfile.Secrets // the keys that its items depend on
	local   bool            // something is in the digest as it was encrypted, which is never alike twice
	items   *itemsDigest
	bad     *diag.Rows
	lastID  int64                   // of the items that were handed to the draft
	renamed map[int64]int64         // of a retry: IDs of its items by those that they had
	become  map[int64]settled       // … and items of the former run that it leaves out, since they are known to do nothing
	again   bool                    // a retry, of items and sources that are frozen
	listed  map[string]listed       // lists of APIs that have been read, by address
	stdin   string                  // the operation that has read standard input
	answers map[string]*rows.Answer // what queries gave, by the address of their list
}

// begin tells that an operation is planned from now on. They are planned one
// after another.
func (p *planner) begin(address string) {
	if p.Tick != nil {
		p.Tick(Progress{Operation: address})
	}
}

// inOrder lists the operations so that each comes after those it depends on,
// by address otherwise.
func inOrder(cfg *config.Config) []*config.Operation {
	var out []*config.Operation
	done := make(map[string]bool)
	var visit func(address string)
	visit = func(address string) {
		if done[address] {
			return
		}
		done[address] = true
		op := cfg.Operations[address]
		for _, dep := range slices.Sorted(slices.Values(op.DependsOn)) {
			visit(dep)
		}
		out = append(out, op)
	}
	for _, address := range slices.Sorted(maps.Keys(cfg.Operations)) {
		visit(address)
	}
	return out
}

// An operation is one operation while it is planned.
type operation struct {
	plan.Operation
	config   *config.Operation
	provider *Provider
	schema   *sdk.OperationSchema
	program  *eval.Program
	totals   plan.Totals
	unpriced int64 // items to execute that have no amount
	read     int64
	sample   *sample
	leaveOut bool // invalid rows are left out, and don't refuse the plan; a repeated key does
	partial  bool // its list was not read to its end: the plan is only looked at
}

func (p *planner) operation(ctx context.Context, cfg *config.Operation, lists map[string]runfile.List) (*operation, diag.List) {
	if cfg.FedBy() != "" {
		return p.fed(cfg)
	}
	provider := p.Providers[cfg.Provider]
	name := operationName(provider.Schema, cfg)
	schema, _ := provider.Schema.Operation(name)
	op := &operation{
		Operation: plan.Operation{Address: cfg.Address(), Provider: cfg.Provider, Type: name, List: cfg.ForEach, Counts: plan.Counts{}},
		config:    cfg, provider: provider, schema: schema, totals: plan.Totals{},
		leaveOut: p.Config.Lists[cfg.ForEach].LeaveOut,
	}
	var diags diag.List
	if op.Settings, diags = p.Scope.Settings(cfg, schema); diags.HasErrors() {
		return nil, diags
	}
	if more := p.recallable(op); more.HasErrors() {
		return nil, append(diags, more...)
	}
	list, more := p.open(ctx, op)
	if diags = append(diags, more...); list == nil {
		return nil, diags
	}
	defer list.Close()
	if op.program, more = p.Scope.Compile(cfg, list.Columns(), schema); more.HasErrors() {
		return nil, append(diags, more...)
	}
	diags = append(diags, more...)
	if more = p.keepable(op); more.HasErrors() {
		return nil, append(diags, more...)
	}
	op.Settings.WriteOnly = op.program.WriteOnly()
	if err := p.draft.AddOperation(&op.Operation); err != nil {
		return nil, append(diags, failed(err)...)
	}
	if p.Refresh > RefreshNone && op.Settings.Reads && !op.partial {
		op.sample = newSample(int(p.Refresh))
	}
	more, ok := p.rows(ctx, op, list)
	diags = append(diags, more...)
	if !ok {
		return nil, diags
	}
	more = p.readSample(ctx, op)
	if diags = append(diags, more...); more.HasErrors() {
		return nil, diags
	}
	record := runfile.List{Address: cfg.ForEach, Source: list.Source(), Digest: list.Digest(), Rows: op.Rows, Reading: list.Reading()}
	if before, ok := lists[record.Address]; ok && before != record {
		return nil, append(diags, diag.Diagnostic{
			Summary: "List changed while it was read",
			Detail:  fmt.Sprintf("%s was read twice and was not the same. Plan again when nothing writes to it.", record.Source),
			Subject: &cfg.ForEachRange,
		})
	}
	lists[record.Address] = record
	diags = append(diags, op.checkLimits()...)
	if err := p.draft.SetOperation(op.Operation); err != nil {
		return nil, append(diags, failed(err)...)
	}
	return op, diags
}

// idempotencyKey is the same for an item over all attempts and crashes of its run.
func idempotencyKey(run, operation, key string) string {
	var room [256]byte
	b := append(append(room[:0], run...), 0)
	b = append(append(b, operation...), 0)
	sum := sha256.Sum256(append(b, key...))
	return string(hex.AppendEncode(room[:0], sum[:16]))
}

// operationName takes the provider's prefix off an operation's type.
func operationName(s *sdk.Schema, op *config.Operation) string {
	return op.Type[len(s.Name)+1:]
}

// failed is an error as a diagnostic.
func failed(err error) diag.List {
	return diag.List{{Summary: "Planning failed", Detail: err.Error() + "."}}
}
