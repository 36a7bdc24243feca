package planner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/dispatch"
	"github.com/bulkrunner/runner/internal/pace"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/rows"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

const (
	// maxPages and maxListed bound what a list of the API may bring, since all
	// of it is held in memory until it is planned: its end must be seen before
	// anything is made of its beginning.
	maxPages  = 100_000
	maxListed = 512 << 20 // bytes of rows
)

// A pager reads one list of an API to its end, page by page. All of it is read
// before any row is planned: pages are places in a list that moves while the
// operation works on it, and a run that cancelled between two pages would step
// over rows.
type pager struct {
	provider *Provider
	config   *config.List
	schema   *sdk.ListSchema
	filter   json.RawMessage
	tick     func(rows int64, now time.Time)
	note     func(...plan.Event) error

	rows    []json.RawMessage
	bytes   int
	keys    map[string]int // the row's number, by its key
	cursors map[string]bool
}

// list reads a list of an API, once for all operations that use it, and tells
// of its problems once.
func (p *planner) list(ctx context.Context, l *config.List) (listed, diag.List) {
	if read, ok := p.listed[l.Address()]; ok {
		return read, nil
	}
	provider := p.Providers[l.Provider]
	schema, ok := provider.Schema.List(listName(provider.Schema, l))
	if !ok {
		return listed{}, failed(fmt.Errorf("provider %s has no list %q", provider.Schema.Name, l.Type))
	}
	filter, diags := p.Scope.Filter(l, schema)
	if diags.HasErrors() {
		return listed{}, diags
	}
	r := &pager{
		provider: provider, config: l, schema: schema, filter: filter, note: p.draft.AddEvents,
		tick: func(n int64, now time.Time) {
			if p.Tick != nil {
				waiting, _ := provider.Line.Waiting(now)
				p.Tick(Progress{Operation: l.Address(), Read: n, Waiting: waiting})
			}
		},
		keys: make(map[string]int), cursors: make(map[string]bool),
	}
	problem := r.readAll(ctx)
	if problem != nil {
		diags = append(diags, *problem)
	}
	read := listed{rows.NewListed(l.Address(), Columns(schema), r.rows), problem != nil}
	p.listed[l.Address()] = read
	return read, diags
}

// listed is a list that has been read.
type listed struct {
	*rows.Listed
	partial bool // not to its end
}

// listName takes the provider's prefix off a list's type.
func listName(s *sdk.Schema, l *config.List) string { return l.Type[len(s.Name)+1:] }

// Columns are the columns that the rows of a provider's list have.
func Columns(schema *sdk.ListSchema) []rows.Column {
	columns := make([]rows.Column, 0, len(schema.Row))
	for _, a := range schema.Row {
		c := rows.Column{Name: a.Name, Type: rows.Any}
		switch {
		case a.Decimal:
			c.Type = rows.Decimal
		case string(a.Type) == `"string"`:
			c.Type = rows.String
		case string(a.Type) == `"number"`:
			c.Type = rows.Number
		case string(a.Type) == `"bool"`:
			c.Type = rows.Bool
		}
		columns = append(columns, c)
	}
	return columns
}

func (r *pager) readAll(ctx context.Context) *diag.Diagnostic {
	cursor := ""
	for n := 1; ; n++ {
		page, problem := r.page(ctx, cursor, n)
		if problem == nil {
			problem = r.take(page)
		}
		if problem != nil {
			return problem
		}
		r.tick(int64(len(r.rows)), time.Now())
		if page.Next == "" {
			return r.end(page)
		}
		if r.cursors[page.Next] || page.Next == cursor {
			return r.problem("List goes in a circle", fmt.Sprintf("The page after page %d is one that was read before, so the list has no end.", n))
		}
		r.cursors[page.Next] = true
		cursor = page.Next
		if n == maxPages {
			return r.problem("List too long", fmt.Sprintf("After %d pages it had not ended. Narrow it with its filters.", maxPages))
		}
	}
}

// take keeps the rows of a page. A row that comes twice is the sign of a list
// that moved between two pages; what moved the other way was stepped over.
func (r *pager) take(page host.Page) *diag.Diagnostic {
	for _, row := range page.Rows {
		var members map[string]json.RawMessage
		var key string
		if json.Unmarshal(row, &members) != nil || json.Unmarshal(members[r.schema.Key], &key) != nil || key == "" {
			return r.problem("List can't be read", fmt.Sprintf("Row %d has no %s. This is a bug in the provider.", len(r.rows)+1, r.schema.Key))
		}
		if first, twice := r.keys[key]; twice {
			return r.problem("List moved while it was read", fmt.Sprintf("%s %q came as row %d and again as row %d: something was added or taken away between two pages, so that other rows may have been stepped over. Plan again.", r.schema.Key, key, first, len(r.rows)+1))
		}
		if r.bytes += len(row); r.bytes > maxListed {
			return r.problem("List too long", fmt.Sprintf("A list of the API is held in memory until its end is seen, and %d MiB had not shown it. Narrow it with its filters.", maxListed>>20))
		}
		r.rows = append(r.rows, row)
		r.keys[key] = len(r.rows)
	}
	return nil
}

// end judges the last page.
func (r *pager) end(page host.Page) *diag.Diagnostic {
	switch {
	case !page.Complete && page.Reason != "":
		return r.problem("List is not complete", fmt.Sprintf("%d rows came, and the provider says that they are not all: %s", len(r.rows), sentence(page.Reason)))
	case !page.Complete:
		return r.problem("List is not complete", fmt.Sprintf("%d rows came, and the provider does not say that they are all.", len(r.rows)))
	case page.Total != int64(len(r.rows)):
		return r.problem("List moved while it was read", fmt.Sprintf("The API counts %d rows, and %d came. Plan again.", page.Total, len(r.rows)))
	}
	return nil
}

func (r *pager) problem(summary, detail string) *diag.Diagnostic {
	return &diag.Diagnostic{
		Summary: summary,
		Detail:  detail + " This plan can be looked at, and never applied.",
		Subject: &r.config.Range, In: fmt.Sprintf("list %q %q", r.config.Type, r.config.Name),
	}
}

// page asks for one page until an answer can be relied on. To ask is free of
// effects, so it is repeated under the rules of reads.
func (r *pager) page(ctx context.Context, cursor string, n int) (host.Page, *diag.Diagnostic) {
	line := r.provider.Line
	limits := line.Limits(nil)
	for tries := 1; ; {
		if problem := r.wait(ctx, limits, n); problem != nil {
			return host.Page{}, problem
		}
		call := line.Lend(time.Now(), limits, host.Call{Verb: host.Read, Operation: r.schema.Name})
		page, answer, err := r.provider.Instance.List(ctx, host.PageCall{
			List: r.schema.Name, Filter: r.filter, Cursor: cursor, Deadline: call.Deadline, LeaveBefore: call.LeaveBefore,
		})
		if err != nil {
			return host.Page{}, r.unreadable(n, err.Error())
		}
		line.Return(time.Now(), call, answer)
		if err := r.note(line.Notes()...); err != nil {
			return host.Page{}, r.unreadable(n, err.Error())
		}
		switch {
		case answer.Outcome == sdk.OutcomeDone:
			return page, nil
		case harmless(answer.Outcome):
		case answer.Outcome == sdk.OutcomeRefused, tries == plan.DefaultRetry.MaxAttempts:
			return host.Page{}, r.unreadable(n, dispatch.Words(answer))
		default:
			pause := max(answer.After, plan.DefaultRetry.MinBackoff<<(tries-1))
			line.Pause(time.Now(), min(pause, plan.DefaultRetry.MaxBackoff), "a page of a list could not be read", "page_failed")
			tries++
		}
	}
}

func (r *pager) unreadable(n int, why string) *diag.Diagnostic {
	return r.problem("List can't be read", fmt.Sprintf("Page %d can't be read: %s", n, sentence(why)))
}

// wait lets the line do what it has to until a page may be asked for.
func (r *pager) wait(ctx context.Context, limits pace.Limiters, n int) *diag.Diagnostic {
	line := r.provider.Line
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		if err := line.Err(); err != nil {
			return r.unreadable(n, err.Error())
		}
		again := line.Tick(now)
		line.Flush()
		next := limits.Next()
		if line.Open() && !next.After(now) {
			return nil
		}
		wake := now.Add(time.Second)
		if line.Open() && next.Before(wake) {
			wake = next
		}
		if !again.IsZero() && again.Before(wake) {
			wake = again
		}
		timer.Reset(max(0, wake.Sub(now)))
		select {
		case ev, ok := <-r.provider.Events:
			if !ok {
				return r.unreadable(n, errGone.Error())
			}
			line.Handle(time.Now(), ev)
		case <-timer.C:
			r.tick(int64(len(r.rows)), time.Now())
		case <-ctx.Done():
			return r.unreadable(n, ctx.Err().Error())
		}
	}
}

var errGone = errors.New("the provider is gone")
