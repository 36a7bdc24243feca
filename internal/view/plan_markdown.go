package view

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

const (
	// mostComment is how many bytes a comment has at most. GitHub takes 65,536
	// characters; what is left is for the words of whoever posts it.
	mostComment = 60_000

	// mostMessage is how many bytes one message has of them, and mostMessages
	// how many messages of a severity are shown.
	mostMessage  = 2_000
	mostMessages = 10

	// shownExamples is how many of an operation's items are named.
	shownExamples = 10
)

// A Comment is a plan for those who approve it in a pull request.
type Comment struct {
	*Document                   // nil where no plan came about
	Examples  [][]ExampleItem   // of each operation: the first items to execute
	Messages  diag.List         // errors and warnings
	Sources   map[string][]byte // of operation files, for the lines in messages
	Command   string            // carries out this plan and no other; "" where nothing can
	Kept      string            // the run file; "" where the plan isn't kept
}

// An ExampleItem is one item of a comment.
type ExampleItem struct {
	Key, Amount, Currency string
	Place                 string // file:line of its row
}

// NewComment gathers what a comment says of a plan.
func NewComment(f *runfile.File) (*Comment, error) {
	doc, err := NewSummary(f)
	if err != nil {
		return nil, err
	}
	c := &Comment{Document: doc, Examples: make([][]ExampleItem, len(doc.Operations))}
	ops, err := f.Operations()
	if err != nil {
		return nil, err
	}
	for i, op := range ops {
		if op.Counts[plan.Planned] == 0 {
			continue
		}
		for it, err := range f.Items(runfile.Filter{Operation: op.ID, States: []plan.State{plan.Planned}, Limit: shownExamples}) {
			if err != nil {
				return nil, err
			}
			place := ""
			if it.Source != "" {
				place = fmt.Sprintf("%s:%d", it.Source, it.Row)
			}
			c.Examples[i] = append(c.Examples[i], ExampleItem{it.Key, it.Amount, it.Currency, place})
		}
	}
	return c, nil
}

// Markdown writes the comment. It never has more than [mostComment] bytes, and
// says where something is left out for that.
func (c *Comment) Markdown(w io.Writer) error {
	s := sheet{room: mostComment}
	if c.Document == nil {
		s.line("## %s", c.headline())
		c.messages(&s)
		return s.end(w, "The log of the job has the rest.")
	}
	s.line("## %s\n", c.headline())
	if worth := c.worth(); worth != "" {
		s.line("- to execute: %s", worth)
	}
	kept := ""
	if c.Kept != "" {
		kept = fmt.Sprintf(", kept in %s as run %s", quoted(c.Kept), quoted(c.Run.ID))
	}
	s.line("- planned %s UTC by runner %s%s", moment(c.Run.CreatedAt), quoted(c.Run.Runner), kept)
	s.line("- digest %s", quoted(c.Run.Digest))
	if c.Run.DigestLocal {
		s.line("- the digest holds for this run file alone: without a key of fingerprints it covers sensitive arguments as they were encrypted")
	}
	if c.Command != "" {
		s.line("\nThis plan, and no other, is carried out by:\n\n%s", fenced("sh", Inert(c.Command)))
	}
	c.messages(&s)
	for i, op := range c.Operations {
		c.operation(&s, op, c.Examples[i])
	}
	all := "All of it is shown by runner show of the run file, if plan keeps one with --out."
	if c.Kept != "" {
		all = "All of it is shown by runner show " + quoted(c.Kept) + "."
	}
	return s.end(w, all)
}

// headline is the comment in one line.
func (c *Comment) headline() string {
	if c.Document == nil {
		errors, _ := c.split()
		switch len(errors) {
		case 0:
			return "No plan: it was interrupted"
		case 1:
			return "No plan: 1 error"
		}
		return fmt.Sprintf("No plan: %d errors", len(errors))
	}
	word := "Plan"
	if c.Run.State == runfile.StateUnusable {
		word = "Plan can't be applied"
	}
	atMost := ""
	for _, op := range c.Operations {
		if op.Settings.FedBy != "" {
			atMost = "at most "
		}
	}
	n := c.Run.Counts
	s := fmt.Sprintf("%s: %s%s to execute, %s unchanged, %s skipped", word, atMost, Count(n["planned"]), Count(n["unchanged"]), Count(n["skipped"]))
	if n["invalid"] > 0 {
		s += fmt.Sprintf(", %s invalid", Count(n["invalid"]))
	}
	return s
}

// worth are the exact totals of what is to be executed, over all operations.
func (c *Comment) worth() string {
	var groups []runfile.Group
	for _, op := range c.Operations {
		groups = append(groups, runfile.Group{Amounts: op.Totals["planned"]})
	}
	return quotedMoney(runfile.Totals(groups))
}

// quotedMoney are totals by currency, whose names come from lists.
func quotedMoney(totals map[string]string) string {
	var parts []string
	for _, currency := range slices.Sorted(maps.Keys(totals)) {
		parts = append(parts, quoted(strings.TrimSpace(currency+" "+Amount(totals[currency]))))
	}
	return strings.Join(parts, ", ")
}

// split divides the messages into errors and warnings.
func (c *Comment) split() (errors, warnings diag.List) {
	for _, d := range c.Messages {
		if d.Severity == diag.Error {
			errors = append(errors, d)
		} else {
			warnings = append(warnings, d)
		}
	}
	return errors, warnings
}

// messages writes errors and warnings as the terminal shows them.
func (c *Comment) messages(s *sheet) {
	errors, warnings := c.split()
	for _, of := range []struct {
		title string
		list  diag.List
	}{{"Errors", errors}, {"Warnings", warnings}} {
		if len(of.list) == 0 {
			continue
		}
		s.line("\n### %s\n", of.title)
		for i, d := range of.list {
			if i == mostMessages {
				s.line("And %d more: see the log of the job.", len(of.list)-i)
				break
			}
			var b strings.Builder
			Diagnostics(&b, diag.List{d}, c.Sources, DiagnosticOptions{})
			if i > 0 {
				s.blank()
			}
			s.line("%s", fenced("text", cutLines(b.String(), mostMessage)))
		}
	}
}

// operation writes what would become of one operation's items.
func (c *Comment) operation(s *sheet, op OperationDocument, examples []ExampleItem) {
	s.line("\n### %s\n", quoted(short(op.Address)))
	for _, p := range c.Run.Providers {
		if p.Address != op.Provider {
			continue
		}
		account := ""
		if p.Account != "" {
			account = ", account " + quoted(p.Account)
		}
		s.line("- %s %s at %s%s, %s", quoted(p.Name), quoted(p.Version), quoted(p.Environment), account, Rate(op.RequestsPerSec))
	}
	c.list(s, op)
	if op.Counts["planned"] > 0 && op.EstimateSeconds > 0 {
		s.line("- estimated %s, %s", op.estimate(), op.each())
	}
	s.line("\n| | items | amount |\n|---|---:|---|")
	for _, state := range []string{"planned", "unchanged", "skipped", "invalid"} {
		if state != "planned" && op.Counts[state] == 0 {
			continue
		}
		s.line("| %s | %s | %s |", op.action(state), Count(op.Counts[state]), quotedMoney(op.Totals[state]))
	}
	s.blank()
	for _, rule := range rules(op) {
		s.line("- %s", rule)
	}
	if op.Counts["invalid"] > 0 && c.Run.State != runfile.StateUnusable {
		s.line("- invalid rows are left out, as the list says")
	}
	for _, odd := range op.Odd {
		s.line("- odd: %s", spoken(odd))
	}
	if len(op.Largest) > 0 {
		s.line("\n#### Largest amounts\n\n| amount | key | | row |\n|---:|---|---|---|")
		for _, l := range op.Largest {
			place := ""
			if l.Source != "" {
				place = quoted(fmt.Sprintf("%s:%d", l.Source, l.Row))
			}
			s.line("| %s | %s | %s | %s |", quoted(amountOf(l)), quoted(l.Key), op.action(l.State), place)
		}
	}
	if len(examples) > 0 {
		title := "To execute"
		if n := op.Counts["planned"]; n > int64(len(examples)) {
			title = fmt.Sprintf("The first %d of %s to execute", len(examples), Count(n))
		}
		s.line("\n#### %s\n\n| key | amount | row |\n|---|---:|---|", title)
		for _, e := range examples {
			amount, place := "", ""
			if e.Amount != "" {
				amount = quoted(strings.TrimSpace(e.Currency + " " + Amount(e.Amount)))
			}
			if e.Place != "" {
				place = quoted(e.Place)
			}
			s.line("| %s | %s | %s |", quoted(e.Key), amount, place)
		}
	}
	op.why(s)
}

// action is what the plan would do with the items of a state.
func (op *OperationDocument) action(state string) string {
	switch {
	case state == "planned" && op.Settings.FedBy != "":
		return "at most"
	case state == "planned":
		return "execute"
	}
	return word(state)
}

// list says where the items come from.
func (c *Comment) list(s *sheet, op OperationDocument) {
	if op.Settings.FedBy != "" {
		s.line("- fed by %s: %s, known when that is done", quoted(op.Settings.FedBy), plural(op.Rows, "1 item", Count(op.Rows)+" items"))
		return
	}
	from, reading := "", ""
	for _, l := range c.Run.Lists {
		if l.Address != op.List {
			continue
		}
		if l.Source != "" && l.Source != l.Address {
			from = " from " + quoted(l.Source)
		}
		if l.Reading != "" {
			reading = ", read with: " + quoted(l.Reading)
		}
	}
	s.line("- %s%s: %s, %s%s", quoted(op.List), from, plural(op.Rows, "1 row", Count(op.Rows)+" rows"), plural(op.Matching, "1 matches", Count(op.Matching)+" match"), reading)
}

// why writes the reasons of what is not executed.
func (op *OperationDocument) why(s *sheet) {
	if len(op.Reasons) == 0 {
		return
	}
	s.line("\n#### Not executed, by reason\n\n| | items | reason | such as |\n|---|---:|---|---|")
	shown := 0
	for _, r := range op.Reasons {
		if r.State == "planned" {
			continue
		}
		if shown == markdownReasons {
			s.line("| | | and %d more reasons | |", len(op.Reasons)-shown)
			break
		}
		shown++
		var keys []string
		for _, k := range r.Keys {
			if k != "" { // a row without one
				keys = append(keys, quoted(k))
			}
		}
		s.line("| %s | %s | %s | %s |", word(r.State), Count(r.Items), quoted(firstLine(r.Reason)), strings.Join(keys, ", "))
	}
}

// rules are the limits and guards that hold when the plan is applied.
func rules(op OperationDocument) (out []string) {
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	s := op.Settings
	var most []string
	switch {
	case s.Limits.MaxItems < 0:
		most = append(most, "any number of items")
	case s.Limits.Said:
		most = append(most, plural(s.Limits.MaxItems, "1 item", Count(s.Limits.MaxItems)+" items"))
	}
	if s.Limits.MaxShare > 0 {
		most = append(most, percent(s.Limits.MaxShare, 1.0)+" of the rows")
	}
	if len(s.Limits.MaxTotal) > 0 {
		most = append(most, quotedMoney(s.Limits.MaxTotal))
	}
	if len(most) > 0 {
		add("limits: at most %s", strings.Join(most, ", "))
	}
	for _, g := range s.Guards {
		add("guard: %s, otherwise %s", quoted(strings.Join(strings.Fields(g.Condition), " ")), quoted(g.Otherwise))
	}
	if len(s.Canary) > 0 {
		var steps []string
		for _, n := range s.Canary {
			steps = append(steps, Count(n))
		}
		add("canary: %s items alone, before the rest", strings.Join(steps, ", then "))
	}
	for _, remark := range remarks(op) {
		add("%s", spoken(remark))
	}
	return out
}
