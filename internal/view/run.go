package view

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// shownReasons is how many reasons of one state are named, and shownKeys how
// many items of one reason.
const (
	shownReasons = 4
	shownKeys    = 3
)

// A Document is a run as programs get it: the answer of plan and show with
// --json. Its shape is versioned by Format; fields are only ever added.
type Document struct {
	Format     int                 `json:"format"`
	Run        RunDocument         `json:"run"`
	Operations []OperationDocument `json:"operations"`
	Waiting    []WaitingDocument   `json:"waiting,omitempty"`
	Dropped    []string            `json:"dropped,omitempty"` // of what providers printed
}

// A RunDocument is the run as a whole.
type RunDocument struct {
	ID          string             `json:"id"`
	State       string             `json:"state"`
	CreatedAt   time.Time          `json:"created_at"`
	Runner      string             `json:"runner_version"`
	Digest      string             `json:"digest"`
	DigestLocal bool               `json:"digest_local,omitempty"` // the digest holds for this run file alone
	Rehearsal   bool               `json:"rehearsal"`
	Applies     int64              `json:"applies"`
	HandedOver  string             `json:"handed_over,omitempty"` // where the workers are that have it
	Providers   []runfile.Provider `json:"providers"`
	Lists       []runfile.List     `json:"lists"`
	Counts      map[string]int64   `json:"counts"`
}

// An OperationDocument is one operation of a run.
type OperationDocument struct {
	Address         string                       `json:"address"`
	Provider        string                       `json:"provider"`
	List            string                       `json:"list"`
	Rows            int64                        `json:"rows"`
	Matching        int64                        `json:"matching"`
	Counts          map[string]int64             `json:"counts"`
	Totals          map[string]map[string]string `json:"totals"` // by state and currency, exact decimals
	Reasons         []ReasonDocument             `json:"reasons"`
	RequestsPerItem int                          `json:"requests_per_item"`
	RequestsPerSec  float64                      `json:"requests_per_second"`
	EstimateSeconds float64                      `json:"estimate_seconds"`
	Settings        plan.Settings                `json:"settings"`
	Largest         []LargeDocument              `json:"largest,omitempty"` // of show alone, see [NewSummary]
	Odd             []string                     `json:"odd,omitempty"`     // the same
}

// A ReasonDocument counts the items of a state that have the same reason.
type ReasonDocument struct {
	State  string   `json:"state"`
	Reason string   `json:"reason"`
	Items  int64    `json:"items"`
	Keys   []string `json:"keys"` // the first few
}

// NewDocument gathers what people and programs are shown of a run.
func NewDocument(f *runfile.File) (*Document, error) {
	groups, err := f.Groups("reason")
	if err != nil {
		return nil, err
	}
	return gather(f, groups)
}

// NewPlanned is NewDocument of a plan that was just written, whose groups by
// reason the draft has gathered.
func NewPlanned(f *runfile.File, groups []runfile.Group) (*Document, error) { return gather(f, groups) }

// NewBrief is NewDocument without the reasons and the totals, for which every
// item has to be read: two seconds for a million.
func NewBrief(f *runfile.File) (*Document, error) { return gather(f, nil) }

func gather(f *runfile.File, groups []runfile.Group) (*Document, error) {
	run, err := f.Run()
	if err != nil {
		return nil, err
	}
	ops, err := f.Operations()
	if err != nil {
		return nil, err
	}
	d := &Document{Format: 1, Run: RunDocument{
		ID: run.ID, State: run.State, CreatedAt: run.CreatedAt, Runner: run.RunnerVersion, Digest: run.Digest, DigestLocal: run.DigestLocal,
		Rehearsal: run.Rehearsal, Applies: run.Epoch, Providers: run.Providers, Lists: run.Lists, Counts: map[string]int64{},
	}}
	events, err := f.Events()
	if err != nil {
		return nil, err
	}
	if address, away, _ := runfile.Away(events); away {
		d.Run.HandedOver = address
	}
	d.Waiting, d.Dropped = waited(run, ops, events), dropped(events)
	for _, op := range ops {
		op.Settings.Columns = nil // those of tables; the provider's schema says more of them
		o := OperationDocument{
			Address: op.Address, Provider: op.Provider, List: op.List, Rows: op.Rows, Matching: op.Matching,
			Counts: map[string]int64{}, Totals: map[string]map[string]string{}, Settings: op.Settings,
			RequestsPerItem: 1, RequestsPerSec: rateOf(run, op),
		}
		if op.Settings.Reads {
			o.RequestsPerItem = 2
		}
		for _, s := range plan.States {
			n := op.Counts[s]
			if n == 0 {
				continue
			}
			o.Counts[s.String()] = n
			d.Run.Counts[s.String()] += n
			if totals := runfile.Totals(groupsOf(groups, op.Address, s)); len(totals) > 0 {
				o.Totals[s.String()] = totals
			}
		}
		if o.RequestsPerSec > 0 {
			o.EstimateSeconds = float64(op.Counts[plan.Planned]*int64(o.RequestsPerItem)) / o.RequestsPerSec
		}
		for _, g := range groups {
			if g.Operation == op.Address && g.Value != "" {
				o.Reasons = append(o.Reasons, ReasonDocument{State: g.State.String(), Reason: g.Value, Items: g.Items, Keys: g.Keys})
			}
		}
		slices.SortStableFunc(o.Reasons, func(a, b ReasonDocument) int { return int(b.Items - a.Items) })
		d.Operations = append(d.Operations, o)
	}
	return d, nil
}

// groupsOf are the groups of an operation's items in a state.
func groupsOf(groups []runfile.Group, operation string, state plan.State) (some []runfile.Group) {
	for _, g := range groups {
		if g.Operation == operation && g.State == state {
			some = append(some, g)
		}
	}
	return some
}

func rateOf(run runfile.Run, op plan.Operation) float64 {
	rate := 0.0
	for _, p := range run.Providers {
		if p.Address == op.Provider {
			rate = p.Rate
		}
	}
	if own := op.Settings.Rate.RequestsPerSecond; own > 0 && (rate <= 0 || own < rate) {
		rate = own
	}
	return rate
}

// Plan writes what a run would do.
func (d *Document) Plan(w io.Writer) {
	atMost := ""
	for _, op := range d.Operations {
		d.head(w, op)
		if op.Settings.FedBy != "" {
			line(w, "at most", op.Counts["planned"], "known when "+op.Settings.FedBy+" is done")
			atMost = "at most "
		} else {
			line(w, "execute", op.Counts["planned"], money(op.Totals["planned"]))
		}
		for _, s := range []string{"unchanged", "skipped", "invalid"} {
			d.reasons(w, op, s)
		}
		if op.Counts["planned"] > 0 && op.EstimateSeconds > 0 {
			fmt.Fprintf(w, "  %-14s %11s   %s\n", "estimated", op.estimate(), op.each())
		}
		notes := remarks(op)
		if op.Counts["invalid"] > 0 && d.Run.State != runfile.StateUnusable {
			notes = append(notes, "invalid rows are left out, as the list says")
		}
		for _, remark := range notes {
			fmt.Fprintf(w, "  %-14s %11s   %s\n", "", "", remark)
		}
		op.striking(w)
		fmt.Fprintln(w)
	}
	c := d.Run.Counts
	fmt.Fprintf(w, "Plan: %s%s to execute, %s unchanged, %s skipped", atMost, Count(c["planned"]), Count(c["unchanged"]), Count(c["skipped"]))
	if c["invalid"] > 0 {
		fmt.Fprintf(w, ", %s invalid", Count(c["invalid"]))
	}
	fmt.Fprintf(w, ".   %s\n", d.Run.Digest)
	if d.Run.DigestLocal {
		fmt.Fprintln(w, "The digest holds for this run file alone: without a key of fingerprints it covers sensitive arguments as they were encrypted.")
	}
	if d.Run.State == runfile.StateUnusable {
		fmt.Fprintln(w, "This plan can't be applied.")
	}
}

// estimate is how long the operation's requests take at its rate.
func (op *OperationDocument) estimate() string {
	if op.EstimateSeconds < 1 {
		return "under 1s"
	}
	return Duration(time.Duration(op.EstimateSeconds * float64(time.Second)))
}

// each is which requests an item takes.
func (op *OperationDocument) each() string {
	if op.RequestsPerItem == 2 {
		return "2 requests an item: a read for the guard, then the execution"
	}
	return "1 request an item"
}

// Outcome writes what a run has done.
func (d *Document) Outcome(w io.Writer) {
	for _, op := range d.Operations {
		d.head(w, op)
		for _, s := range plan.States {
			if n := op.Counts[s.String()]; n > 0 {
				if s == plan.Succeeded || s == plan.Planned || s == plan.Started {
					line(w, done(s.String()), n, money(op.Totals[s.String()]))
					continue
				}
				d.reasons(w, op, s.String())
			}
		}
		op.striking(w)
		fmt.Fprintln(w)
	}
	var parts []string
	for _, s := range plan.States {
		if n := d.Run.Counts[s.String()]; n > 0 {
			word := outcomeWord(s.String())
			if s == plan.Incident {
				word = plural(n, "incident", "incidents")
			}
			parts = append(parts, Count(n)+" "+word)
		}
	}
	if len(parts) == 0 {
		parts = []string{"no items"}
	}
	d.remarked(w)
	fmt.Fprintf(w, "Run %s: %s.\n", d.Run.State, strings.Join(parts, ", "))
}

func (d *Document) head(w io.Writer, op OperationDocument) {
	name := strings.TrimPrefix(op.Provider, "provider.")
	where := ""
	for _, p := range d.Run.Providers {
		if p.Address == op.Provider && p.Environment != "" {
			where = " " + p.Environment
			if p.Account != "" {
				where = fmt.Sprintf(" %s, account %s", p.Environment, Inert(p.Account))
			}
		}
	}
	fmt.Fprintf(w, "%s      %s%s · %s\n", op.Address, name, where, Rate(op.RequestsPerSec))
	if op.Settings.FedBy != "" {
		fmt.Fprintf(w, "  %-30s %s\n", op.List, plural(op.Rows, "1 item", Count(op.Rows)+" items"))
	} else {
		fmt.Fprintf(w, "  %-30s %s, %s\n", op.List, plural(op.Rows, "1 row", Count(op.Rows)+" rows"), plural(op.Matching, "1 matches", Count(op.Matching)+" match"))
	}
	for _, l := range d.Run.Lists {
		if l.Address == op.List && l.Reading != "" {
			fmt.Fprintf(w, "  %-30s read with: %s\n", "", Inert(l.Reading))
		}
	}
}

// reasons writes the items of a state, by reason.
func (d *Document) reasons(w io.Writer, op OperationDocument, state string) {
	n := op.Counts[state]
	if n == 0 {
		return
	}
	var of []ReasonDocument
	for _, r := range op.Reasons {
		if r.State == state {
			of = append(of, r)
		}
	}
	text := func(r ReasonDocument) string {
		s := Inert(r.Reason)
		if i := strings.IndexByte(s, '\n'); i >= 0 {
			s = s[:i]
		}
		if len(r.Keys) > 0 && state != "unchanged" {
			keys := make([]string, 0, shownKeys)
			for _, k := range r.Keys[:min(len(r.Keys), shownKeys)] {
				if k != "" { // a row without one
					keys = append(keys, Inert(k))
				}
			}
			if len(keys) == 0 {
				return s
			}
			more := ""
			if r.Items > int64(len(keys)) {
				more = ", …"
			}
			s += " (" + strings.Join(keys, ", ") + more + ")"
		}
		return s
	}
	switch {
	case len(of) == 0:
		line(w, word(state), n, "")
	case len(of) == 1:
		line(w, word(state), n, text(of[0]))
	default:
		line(w, word(state), n, "")
		for i, r := range of {
			if i == shownReasons {
				fmt.Fprintf(w, "  %-14s %11s   and %d more reasons\n", "", "", len(of)-i)
				break
			}
			fmt.Fprintf(w, "  %-14s %11s   %s\n", "", Count(r.Items), text(r))
		}
	}
}

func line(w io.Writer, what string, n int64, text string) {
	fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %-14s %11s   %s", what, Count(n), text), " "))
}

// remarks are the defaults that change what runs: they are never silent.
func remarks(op OperationDocument) (out []string) {
	s := op.Settings
	if !s.Limits.Said {
		out = append(out, fmt.Sprintf("at most %d items, since the file says no max_items", s.Limits.MaxItems))
	}
	if s.Dropped != nil {
		out = append(out, fmt.Sprintf("the file drops the provider's own guard: %s is %s", s.Dropped.Attribute, strings.Join(s.Dropped.Allowed, " or ")))
	}
	if s.Default != nil {
		out = append(out, fmt.Sprintf("the provider's own guard: %s is %s", s.Default.Attribute, strings.Join(s.Default.Allowed, " or ")))
	}
	if len(s.WriteOnly) > 0 {
		out = append(out, strings.Join(s.WriteOnly, ", ")+": in no file; apply reads them from the list again")
	}
	if s.ByHand {
		out = append(out, "if an answer is lost, its item is in doubt until a person settles it: no read can")
	}
	return out
}

func word(state string) string {
	if state == "skipped" {
		return "skip"
	}
	return strings.ReplaceAll(state, "_", " ")
}

// done is a state's name once a run has begun.
func done(state string) string {
	if state == "planned" {
		return outcomeWord(state)
	}
	return word(state)
}

func outcomeWord(state string) string {
	switch state {
	case "planned":
		return "not executed"
	case "in_doubt":
		return "in doubt"
	}
	return state
}

func money(totals map[string]string) string {
	var parts []string
	for _, currency := range slices.Sorted(maps.Keys(totals)) {
		parts = append(parts, strings.TrimSpace(currency+" "+Amount(totals[currency])))
	}
	return strings.Join(parts, ", ")
}
