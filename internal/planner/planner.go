// Package planner turns configuration and rows, and what the API says of
// them, into items. It writes them into a draft of a run file and sends
// nothing but reads.
package planner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"

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
	Refresh   bool   // read live state where operations ask for it
	Command   string // lists all the bad rows, for messages; "" when nothing will

	// Seed, if set, is given every item before anything is read. A rehearsal
	// fills its simulators with it.
	Seed func(ctx context.Context, op *config.Operation, seeds []eval.Item) error

	// Tick is told from time to time how far the plan is.
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
	p := &planner{Input: in, draft: draft, items: sha256.New(), bad: &diag.Rows{Command: in.Command}, listed: make(map[string]listed), answers: make(map[string]*rows.Answer)}
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
	items   hash.Hash
	bad     *diag.Rows
	lastID  int64
	renamed map[int64]int64         // of a retry: IDs of its items by those that they had
	become  map[int64]settled       // … and items of the former run that it leaves out, since they are known to do nothing
	again   bool                    // a retry, of items and sources that are frozen
	listed  map[string]listed       // lists of APIs that have been read, by address
	stdin   string                  // the operation that has read standard input
	answers map[string]*rows.Answer // what queries gave, by the address of their list
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
	more, ok := p.rows(ctx, op, list)
	diags = append(diags, more...)
	if !ok {
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

// rows plans every row of a list. It reports false when the list can't be
// planned to its end.
func (p *planner) rows(ctx context.Context, op *operation, list rows.Reader) (diag.List, bool) {
	keys := rows.NewKeys()
	defer keys.Close()
	w := newWriter(p.draft)
	defer w.close() // nobody else may use the draft before
	batch := make([]plan.Item, 0, batchSize)
	seeds := make([]eval.Item, 0, batchSize)
	bytes := 0
	flush := func() diag.List {
		p.tick(op, time.Now())
		if len(batch) == 0 {
			return nil
		}
		if diags := p.batch(ctx, op, batch, seeds); diags.HasErrors() {
			return diags
		}
		var err error
		if batch, err = w.add(batch); err != nil {
			return failed(err)
		}
		clear(seeds)
		if bytes >= batchBytes {
			if err := w.wait(); err != nil {
				return failed(err)
			}
			debug.FreeOSMemory() // what large rows leave behind would else be most of what a plan uses
		}
		seeds, bytes = seeds[:0], 0
		return nil
	}
	for {
		row, err := list.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *rows.Problem
		if err != nil && !errors.As(err, &bad) {
			return failed(err), false
		}
		if bad != nil {
			if bad.Fatal {
				p.badRow(op, bad, nil)
				return nil, false
			}
			op.Rows++
			row.Source, row.Line = bad.Source, bad.Line
			batch = append(batch, p.invalid(op, row, "", p.badRow(op, bad, nil)))
			if key := op.keyOfBad(list, row, bad); key != "" {
				if _, err := p.repeated(op, row, key, keys); err != nil {
					return failed(err), false
				}
			}
		} else {
			op.Rows++
			item, seed, keep, err := p.row(op, row, keys)
			if err != nil {
				return failed(err), false
			}
			if !keep {
				continue
			}
			bytes += len(item.Arguments)
			batch, seeds = append(batch, item), append(seeds, seed)
			if item.State == plan.Invalid {
				seeds = seeds[:len(seeds)-1]
			}
		}
		if len(batch) == batchSize || bytes >= batchBytes {
			if diags := flush(); diags.HasErrors() {
				return diags, false
			}
			if ctx.Err() != nil {
				return failed(ctx.Err()), false
			}
		}
	}
	if diags := flush(); diags.HasErrors() {
		return diags, false
	}
	if err := w.wait(); err != nil {
		return failed(err), false
	}
	for _, doubt := range keys.Doubts() {
		doubt.Column = op.program.KeyColumn()
		p.tell(op, diag.Warning, doubt, nil)
	}
	return nil, true
}

// row plans one row. It reports false for a row that where leaves out.
func (p *planner) row(op *operation, row rows.Row, keys *rows.Keys) (plan.Item, eval.Item, bool, error) {
	at := &rows.Problem{Source: row.Source, Line: row.Place().Line}
	key, problem := op.program.Key(row)
	if problem == nil {
		reason, err := p.repeated(op, row, key, keys)
		if err != nil {
			return plan.Item{}, eval.Item{}, false, err
		}
		if reason != "" {
			return p.invalid(op, row, key, reason), eval.Item{}, true, nil
		}
		var match bool
		if match, problem = op.program.Where(row); problem == nil && !match {
			return plan.Item{}, eval.Item{}, false, nil
		}
	}
	if problem != nil {
		return p.invalid(op, row, key, p.badRow(op, at, problem)), eval.Item{}, true, nil
	}
	op.Matching++
	item, problems := op.program.Item(row)
	if len(problems) > 0 {
		reason := ""
		for _, problem := range problems {
			reason = p.badRow(op, at, problem)
		}
		return p.invalid(op, row, key, reason), eval.Item{}, true, nil
	}
	it := plan.Item{
		Operation: op.ID,
		Key:       item.Key,
		Source:    row.Source,
		Row:       row.Place().Line,
		State:     plan.Planned,
		Arguments: item.Arguments,
		Amount:    item.Amount,
		Currency:  item.Currency,
		Context:   item.Context,
	}
	if problem := p.keep(op, &it, item); problem != nil {
		return p.invalid(op, row, key, p.badRow(op, at, problem)), eval.Item{}, true, nil
	}
	item.Arguments = it.Sent()
	return it, item, true, nil
}

// repeated refuses a row whose key another one has, and returns the reason. It
// refuses the plan whatever on_invalid says: which of the two rows is meant
// would be a guess about money.
func (p *planner) repeated(op *operation, row rows.Row, key string, keys *rows.Keys) (string, error) {
	at := row.Place()
	first, repeated, err := keys.Add(key, at)
	if err != nil || !repeated {
		return "", err
	}
	where := fmt.Sprintf("at line %d", first.Line)
	if first.Source != at.Source {
		where = "at " + first.String()
	}
	return p.tell(op, diag.Error, &rows.Problem{
		Source: row.Source, Line: row.Line, Column: op.program.KeyColumn(), Value: key,
		Summary: "Repeated key",
		Detail:  fmt.Sprintf("%q names the row %s already. A key names one row: remove one of the two, or choose another key.", key, where),
	}, nil), nil
}

// keyOfBad is the key of a row with a bad cell, so that another row with the
// same key is still found out. It is "" where the key can't be relied on.
func (op *operation) keyOfBad(list rows.Reader, row rows.Row, bad *rows.Problem) string {
	column := op.program.KeyColumn()
	if row.Text == nil || column == bad.Column {
		return ""
	}
	if !slices.Contains(list.Columns(), rows.Column{Name: column, Type: rows.String}) {
		return ""
	}
	key, problem := op.program.Key(row)
	if problem != nil {
		return ""
	}
	return key
}

func (p *planner) invalid(op *operation, row rows.Row, key, reason string) plan.Item {
	return plan.Item{Operation: op.ID, Key: op.program.Storable(key), Source: row.Source, Row: row.Place().Line, State: plan.Invalid, Reason: reason}
}

// batch finishes items: the provider checks their arguments, live state is
// read and judged. What is left is to write them.
func (p *planner) batch(ctx context.Context, op *operation, items []plan.Item, seeds []eval.Item) diag.List {
	if diags := p.check(ctx, op, items); diags.HasErrors() {
		return diags
	}
	if p.Seed != nil && len(seeds) > 0 {
		if err := p.Seed(ctx, op.config, seeds); err != nil {
			return failed(err)
		}
	}
	for n := range items {
		it := &items[n]
		it.IdempotencyKey = idempotencyKey(p.Run.ID, op.Address, it.Key)
		enter(p.items, op.Address, it)
	}
	if p.Refresh && op.Settings.Reads && !op.partial {
		if diags := p.refresh(ctx, op, items); diags.HasErrors() {
			return diags
		}
	}
	now := time.Now().UTC()
	for n := range items {
		it := &items[n]
		it.UpdatedAt = now
		op.Counts[it.State]++
		if it.State == plan.Planned {
			if it.Amount == "" {
				op.unpriced++
			}
			if err := op.totals.Add(it.Currency, it.Amount); err != nil {
				return failed(err)
			}
		}
	}
	return nil
}

// check has the provider judge the arguments of items.
func (p *planner) check(ctx context.Context, op *operation, items []plan.Item) diag.List {
	arguments := make([]json.RawMessage, 0, len(items))
	which := make([]int, 0, len(items))
	for n := range items {
		if items[n].State == plan.Planned {
			arguments, which = append(arguments, items[n].Sent()), append(which, n)
		}
	}
	if len(arguments) == 0 {
		return nil
	}
	problems, err := op.provider.Instance.Check(ctx, op.Type, arguments)
	if err != nil {
		return failed(err)
	}
	for n, problem := range problems {
		if problem == "" {
			continue
		}
		it := &items[which[n]]
		it.State = plan.Invalid
		it.Reason = p.badRow(op, &rows.Problem{Source: it.Source, Line: it.Row}, &eval.Problem{Diagnostic: diag.Diagnostic{
			Summary: "Invalid arguments",
			Detail:  sentence(it.Secret.Withhold(problem)),
			Subject: &op.config.Range,
		}})
	}
	return nil
}

// sentence ends a provider's words with a full stop.
func sentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// badRow tells what is wrong with a row: an error, or a warning if such rows
// are left out.
func (p *planner) badRow(op *operation, at *rows.Problem, problem *eval.Problem) string {
	if op.leaveOut && !at.Fatal {
		return p.tell(op, diag.Warning, at, problem)
	}
	return p.tell(op, diag.Error, at, problem)
}

// tell collects what is wrong with a row and returns it as an item's reason.
func (p *planner) tell(op *operation, severity diag.Severity, at *rows.Problem, problem *eval.Problem) string {
	d := diag.Diagnostic{Summary: at.Summary, Detail: at.Detail}
	value := at.Value
	if op.program.Secret(at.Column) {
		value, d.Detail = "", "The value isn't shown, because the column gives a secret argument."
	}
	if problem != nil {
		d = problem.Diagnostic
	}
	if d.In == "" {
		d.In = fmt.Sprintf("operation %q %q", op.config.Type, op.config.Name)
	}
	if d.Subject == nil {
		d.Subject = &op.config.ForEachRange
	}
	row := diag.Row{Source: at.Source, Line: at.Line, Column: at.Column, Value: value}
	if d.Row != nil {
		row.Column, row.Value = d.Row.Column, d.Row.Value
	}
	row.Value, row.Column = eval.MaskCards(row.Value), eval.MaskCards(row.Column)
	d.Detail = eval.MaskCards(d.Detail)
	d.Row = &row
	d.Severity = severity
	p.bad.Add(d)
	return d.Summary + ": " + d.Detail
}

// idempotencyKey is the same for an item over all attempts and crashes of its run.
func idempotencyKey(run, operation, key string) string {
	sum := sha256.Sum256([]byte(run + "\x00" + operation + "\x00" + key))
	return hex.EncodeToString(sum[:16])
}

// operationName takes the provider's prefix off an operation's type.
func operationName(s *sdk.Schema, op *config.Operation) string {
	return op.Type[len(s.Name)+1:]
}

// failed is an error as a diagnostic.
func failed(err error) diag.List {
	return diag.List{{Summary: "Planning failed", Detail: err.Error() + "."}}
}
