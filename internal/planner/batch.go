package planner

import (
	"context"
	"encoding/json"
	"runtime/debug"
	"time"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/rows"
)

// Batches are an operation's items on their way into the draft: while one batch
// is filled, the provider judges the arguments of those before, and the ones
// before these are written. What else there is to do is done by whoever fills
// them, in the order of the rows.
type batches struct {
	*planner
	op   *operation
	w    *writer
	ring [ahead + 1]batch
	at   int // which of them is filled; those after it are the ones before, the oldest first
}

// ahead is how many batches may be with the provider. With one, whoever fills
// the next waits for it where cores are few.
const ahead = 2

// A batch is some items after one another.
type batch struct {
	items  []plan.Item
	seeds  []eval.Item // of those that are not invalid
	bytes  int         // of arguments
	judged *judgement  // nil while it is filled
}

func (p *planner) batches(op *operation) *batches {
	b := &batches{planner: p, op: op, w: newWriter(p.draft)}
	for i := range b.ring {
		b.ring[i].items = make([]plan.Item, 0, batchSize)
	}
	return b
}

// add puts in one item, and hands a batch on that is full with it.
func (b *batches) add(ctx context.Context, it plan.Item, seed eval.Item) diag.List {
	f := &b.ring[b.at]
	f.items = append(f.items, it)
	f.bytes += len(it.Arguments)
	if it.State != plan.Invalid {
		f.seeds = append(f.seeds, seed)
	}
	if len(f.items) < batchSize && f.bytes < batchBytes {
		return nil
	}
	if diags := b.next(ctx); diags.HasErrors() {
		return diags
	}
	if ctx.Err() != nil {
		return failed(ctx.Err())
	}
	return nil
}

// next has the batch judged that was filled, finishes the oldest and goes on
// with that.
func (b *batches) next(ctx context.Context) diag.List {
	b.tick(b.op, time.Now())
	f := &b.ring[b.at]
	large := f.bytes >= batchBytes
	f.judged = judge(ctx, b.op, f.items)
	b.at = (b.at + 1) % len(b.ring)
	// A provider that may be started anew while it reads judges before; large
	// rows are not kept waiting.
	finish := 1
	if large || b.refreshes(b.op) {
		finish = len(b.ring)
	}
	for i := range finish {
		if diags := b.pass(ctx, &b.ring[(b.at+i)%len(b.ring)]); diags.HasErrors() {
			return diags
		}
	}
	if !large {
		return nil
	}
	if err := b.w.wait(); err != nil {
		return failed(err)
	}
	debug.FreeOSMemory() // what large rows leave behind would else be most of what a plan uses
	return nil
}

// pass finishes a batch and has it written. It is empty then.
func (b *batches) pass(ctx context.Context, f *batch) diag.List {
	if f.judged == nil {
		return nil
	}
	diags := b.complete(ctx, b.op, f.items, f.seeds, f.judged, b.w.note)
	f.judged = nil
	if diags.HasErrors() {
		return diags
	}
	clear(f.seeds)
	f.seeds, f.bytes = f.seeds[:0], 0
	var err error
	if f.items, err = b.w.add(f.items); err != nil {
		return failed(err)
	}
	return nil
}

// end finishes all that was added, and returns when it is written.
func (b *batches) end(ctx context.Context) diag.List {
	for range b.ring {
		if diags := b.next(ctx); diags.HasErrors() {
			return diags
		}
	}
	if err := b.w.wait(); err != nil {
		return failed(err)
	}
	return nil
}

// close lets the draft go. What was not finished isn't in it.
func (b *batches) close() {
	for _, f := range b.ring {
		if f.judged != nil {
			f.judged.cancel()
			<-f.judged.done
		}
	}
	b.w.close()
}

// A judgement is what the provider thinks of the arguments of some items.
type judgement struct {
	of       []int    // the items
	problems []string // of each, "" for none
	err      error
	done     chan struct{} // closed when all this is there
	cancel   context.CancelFunc
}

func judge(ctx context.Context, op *operation, items []plan.Item) *judgement {
	j := &judgement{of: make([]int, 0, len(items)), done: make(chan struct{})}
	arguments := make([]json.RawMessage, 0, len(items))
	for n := range items {
		if items[n].State == plan.Planned {
			arguments, j.of = append(arguments, items[n].Sent()), append(j.of, n)
		}
	}
	ctx, j.cancel = context.WithCancel(ctx)
	go func() {
		defer close(j.done)
		if len(arguments) > 0 {
			j.problems, j.err = op.provider.Instance.Check(ctx, op.Type, arguments)
		}
	}()
	return j
}

// complete does what is left to be done with items before they are written, once
// the provider has judged their arguments: live state is read and judged. What
// the run file is to say of that is handed to note.
func (p *planner) complete(ctx context.Context, op *operation, items []plan.Item, seeds []eval.Item, j *judgement, note func(...plan.Event) error) diag.List {
	<-j.done
	j.cancel()
	if j.err != nil {
		return failed(j.err)
	}
	for n, problem := range j.problems {
		if problem != "" {
			p.refuse(op, &items[j.of[n]], problem)
		}
	}
	if p.Seed != nil && len(seeds) > 0 {
		if err := p.Seed(ctx, op.config, seeds); err != nil {
			return failed(err)
		}
	}
	for n := range items {
		it := &items[n]
		it.IdempotencyKey = idempotencyKey(p.Run.ID, op.Address, it.Key)
		p.items.enter(op.Address, it)
	}
	if p.refreshes(op) {
		if diags := p.refresh(ctx, op, items, note); diags.HasErrors() {
			return diags
		}
	}
	for n := range items {
		it := &items[n]
		p.lastID++
		op.Counts[it.State]++
		if it.State != plan.Planned {
			continue
		}
		if it.Amount == "" {
			op.unpriced++
		}
		if err := op.totals.Add(it.Currency, it.Amount); err != nil {
			return failed(err)
		}
		if op.sample != nil {
			op.sample.enter(it, p.lastID)
		}
	}
	return nil
}

// refreshes tells whether the live state of every item is read.
func (p *planner) refreshes(op *operation) bool {
	return p.Refresh == RefreshAll && op.Settings.Reads && !op.partial
}

// refuse is the provider's word on an item's arguments.
func (p *planner) refuse(op *operation, it *plan.Item, problem string) {
	it.State = plan.Invalid
	it.Reason = p.badRow(op, &rows.Problem{Source: it.Source, Line: it.Row}, &eval.Problem{Diagnostic: diag.Diagnostic{
		Summary: "Invalid arguments",
		Detail:  sentence(it.Secret.Withhold(problem)),
		Subject: &op.config.Range,
	}})
}
