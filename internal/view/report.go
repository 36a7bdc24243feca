package view

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

const (
	// mostItems is how many items a report's table holds. Of a greater run it
	// holds what did not go well, and of the rest every so-manieth.
	mostItems = 100_000

	// mostEvents is how many events a report lists, and mostAnswers how many
	// kinds of answers.
	mostEvents  = 500
	mostAnswers = 100
)

// A Report is what happened in a run, for people who were not there. It is
// gathered in one pass over the items and their requests, and its size is
// bounded whatever the run's.
type Report struct {
	*Document
	Paths    []string
	Counted  bool // it was read while an apply was writing
	Applies  []ReportApply
	Planned  map[string]map[string]int64 // by operation: items by their state in the plan
	Paces    []*ReportPace               // in the order of the run's providers
	Answers  []ReportAnswer              // the most frequent first
	More     int64                       // requests whose kind of answer isn't in Answers
	Repeated int64                       // items that were executed more than once
	Extra    int64                       // executions beyond an item's first
	Events   []plan.Event
	Untold   int // events left out of Events
	Items    []ReportItem
	Total    int64 // items of the run
	Sampled  int64 // of the items that went well every so-manieth is in Items; 0 where all are
	Cut      bool  // even of those that didn't go well some are left out
}

// A ReportApply is one apply of a run.
type ReportApply struct {
	Began, Ended time.Time
	By           string // "" where it isn't recorded
	State        string // how it ended; "" where it was broken off
}

// A ReportAnswer counts requests with the same answer.
type ReportAnswer struct {
	Verb, Outcome, Code string
	Message             string // of the first
	Requests            int64
}

// A ReportItem is one line of the table of items.
type ReportItem struct {
	Operation        int // in Document.Operations
	Key              string
	State            plan.State
	Amount, Currency string
	Reason           string
	Attempts         int
	Requests         int
	Updated          time.Time
	Place            string // file:line of its row
}

// bad tells whether somebody will look for an item in this state.
func bad(s plan.State) bool {
	return s == plan.Failed || s == plan.InDoubt || s == plan.Incident || s == plan.Invalid || s == plan.Started
}

// NewReport gathers the report of a run.
func NewReport(f *runfile.File) (*Report, error) {
	doc, err := NewDocument(f)
	if err != nil {
		return nil, err
	}
	run, err := f.Run()
	if err != nil {
		return nil, err
	}
	ops, err := f.Operations()
	if err != nil {
		return nil, err
	}
	events, err := f.Events()
	if err != nil {
		return nil, err
	}
	r := &Report{Document: doc, Paths: run.Paths, Planned: make(map[string]map[string]int64)}
	r.applies(events)
	for _, p := range run.Providers {
		r.Paces = append(r.Paces, newReportPace(p.Address, p.Rate))
	}
	if err := r.pass(f, ops); err != nil {
		return nil, err
	}
	r.ends(run.State)
	for _, p := range r.Paces {
		p.account(r.Applies, events, ops)
	}
	if r.Untold = len(events) - mostEvents; r.Untold > 0 {
		// How it began and how it ended.
		events = append(events[:mostEvents/2:mostEvents/2], events[len(events)-mostEvents/2:]...)
	}
	r.Events, r.Untold = events, max(0, r.Untold)
	return r, nil
}

// EventApplied says who began an apply.
const EventApplied = "applied"

// applies reads from the events when the run was applied.
func (r *Report) applies(events []plan.Event) {
	for _, e := range events {
		last := len(r.Applies) - 1
		switch {
		case e.Kind == runfile.EventApplyStarted:
			r.Applies = append(r.Applies, ReportApply{Began: e.At, Ended: e.At})
			continue
		case last < 0:
			continue
		case e.Kind == EventApplied:
			r.Applies[last].By = strings.TrimPrefix(e.Detail, "by ")
		case e.Kind == "finished":
			r.Applies[last].State = strings.TrimPrefix(e.Detail, "the apply ended: ")
		case r.Applies[last].State != "" || e.Kind == "resolved" || e.Kind == "retried":
			continue // between two applies
		}
		if e.At.After(r.Applies[last].Ended) {
			r.Applies[last].Ended = e.At
		}
	}
}

// saw keeps that something happened at a time: an apply that was broken off
// ended with the last of it.
func (r *Report) saw(at time.Time) {
	for i := len(r.Applies) - 1; i >= 0; i-- {
		a := &r.Applies[i]
		if !at.Before(a.Began) {
			if a.State == "" && at.After(a.Ended) {
				a.Ended = at
			}
			return
		}
	}
}

// ends names how the last apply ended.
func (r *Report) ends(state string) {
	for i := range r.Applies {
		if r.Applies[i].State == "" {
			if r.Applies[i].State = "broken off"; i == len(r.Applies)-1 && state == runfile.StateRunning {
				r.Applies[i].State = "running, or broken off"
			}
		}
	}
}

// pass goes once over the items and, beside them, over their requests.
func (r *Report) pass(f *runfile.File, ops []plan.Operation) error {
	var goodItems, badItems int64
	pace := make(map[int64]*ReportPace)
	index := make(map[int64]int)
	for i, op := range ops {
		for s, n := range op.Counts {
			if bad(s) {
				badItems += n
			} else {
				goodItems += n
			}
		}
		index[op.ID] = i
		r.Planned[op.Address] = make(map[string]int64)
		for _, p := range r.Paces {
			if p.Provider == op.Provider {
				pace[op.ID] = p
			}
		}
	}
	r.Total = goodItems + badItems
	room := int64(mostItems) - min(badItems, mostItems*9/10)
	every := (goodItems + room - 1) / room
	if every > 1 {
		r.Sampled = every
	}

	answers := newAnswers()
	next, stop := iter.Pull2(f.RequestLog())
	defer stop()
	request, err, more := next()
	if err != nil {
		return err
	}
	// requests takes in those of one item, and of none that went before.
	requests := func(item int64, p *ReportPace) (n, executions int, err error) {
		for more && request.Item <= item {
			of := p
			if request.Item == 0 && len(r.Paces) == 1 {
				of = r.Paces[0] // whose token it was isn't recorded
			}
			if of != nil {
				of.count(request)
			}
			answers.count(request)
			r.saw(request.SentAt)
			r.saw(request.SettledAt)
			if request.Item > 0 {
				if n++; request.Verb == "execute" {
					executions++
				}
			}
			if request, err, more = next(); err != nil {
				return n, executions, err
			}
		}
		return n, executions, nil
	}
	if _, _, err := requests(0, nil); err != nil {
		return err
	}
	var seen int64
	for it, err := range f.Items(runfile.Filter{}) {
		if err != nil {
			return err
		}
		n, executions, err := requests(it.ID, pace[it.Operation])
		if err != nil {
			return err
		}
		if executions > 1 {
			r.Repeated++
			r.Extra += int64(executions - 1)
		}
		i := index[it.Operation]
		r.Planned[ops[i].Address][r.plannedAs(it, n).String()]++
		if !bad(it.State) {
			if seen++; r.Sampled > 0 && seen%r.Sampled != 1 {
				continue
			}
		}
		if len(r.Items) >= mostItems {
			r.Cut = r.Cut || bad(it.State)
			continue
		}
		place := ""
		if it.Source != "" {
			place = fmt.Sprintf("%s:%d", it.Source, it.Row)
		}
		r.Items = append(r.Items, ReportItem{i, it.Key, it.State, it.Amount, it.Currency, it.Reason, it.Attempts, n, it.UpdatedAt, place})
	}
	r.Answers, r.More = answers.all()
	return nil
}

// plannedAs is the state that the plan gave an item. What no apply has touched
// is as the plan left it, and an apply touches only what is to be executed.
func (r *Report) plannedAs(it plan.Item, requests int) plan.State {
	switch it.State {
	case plan.Unchanged, plan.Skipped, plan.Invalid:
		if requests == 0 && (len(r.Applies) == 0 || it.UpdatedAt.Before(r.Applies[0].Began)) {
			return it.State
		}
	}
	return plan.Planned
}

// answers counts requests by their answer, in bounded memory.
type answers struct {
	by    map[ReportAnswer]*ReportAnswer
	order []*ReportAnswer
	more  int64
}

func newAnswers() *answers { return &answers{by: make(map[ReportAnswer]*ReportAnswer)} }

func (a *answers) count(q plan.Request) {
	id := ReportAnswer{Verb: q.Verb, Outcome: q.Outcome, Code: q.Code}
	of := a.by[id]
	if of == nil {
		if len(a.order) >= 10*mostAnswers {
			a.more++
			return
		}
		of = &ReportAnswer{Verb: q.Verb, Outcome: q.Outcome, Code: q.Code, Message: q.Message}
		a.by[id] = of
		a.order = append(a.order, of)
	}
	of.Requests++
}

func (a *answers) all() (all []ReportAnswer, more int64) {
	slices.SortStableFunc(a.order, func(x, y *ReportAnswer) int { return int(min(max(y.Requests-x.Requests, -1), 1)) })
	for i, of := range a.order {
		if i < mostAnswers {
			all = append(all, *of)
		} else {
			a.more += of.Requests
		}
	}
	return all, a.more
}
