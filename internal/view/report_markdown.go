package view

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// Markdown writes what matters of the report for a pull request or a ticket.
func (r *Report) Markdown(w io.Writer, made time.Time) error {
	out := bufio.NewWriter(w)
	p := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	rehearsal := ""
	if r.Run.Rehearsal {
		rehearsal = " (a rehearsal)"
	}
	var counts []string
	for _, s := range r.States() {
		counts = append(counts, Count(s.Items)+" "+s.Word)
	}
	p("## Run %s%s: %s\n", quoted(r.Run.State), rehearsal, strings.Join(counts, ", "))
	p("- run %s, digest %s", quoted(r.Run.ID), quoted(r.Run.Digest))
	for _, path := range r.Paths {
		p("- of %s, planned %s UTC", quoted(path), moment(r.Run.CreatedAt))
	}
	for _, of := range r.Run.Providers {
		account := ""
		if of.Account != "" {
			account = ", account " + quoted(of.Account)
		}
		p("- %s %s at %s%s, %s", quoted(of.Name), quoted(of.Version), quoted(of.Environment), account, Rate(of.Rate))
	}
	for _, a := range r.Applies {
		by := "whom isn't recorded"
		if a.By != "" {
			by = quoted(a.By)
		}
		p("- applied by %s, %s to %s UTC (%s): %s", by, moment(a.Began), moment(a.Ended), Duration(a.Ended.Sub(a.Began)), quoted(a.State))
	}

	p("\n### Plan against outcome\n")
	p("| operation | state | in the plan | now |\n|---|---|---:|---:|")
	for _, op := range r.Operations {
		for _, row := range r.Outcomes(op.Address) {
			state := outcomeWord(row.State)
			if row.State == "planned" {
				state = "to execute, or not executed"
			}
			p("| %s | %s | %s | %s |", quoted(short(op.Address)), state, Count(row.Planned), Count(row.Came))
		}
	}
	if rows := r.Money(); len(rows) > 0 {
		p("\n### Money\n")
		p("| operation | state | currency | amount |\n|---|---|---|---:|")
		for _, row := range rows {
			p("| %s | %s | %s | %s |", quoted(short(row.Operation)), outcomeWord(row.State), quoted(row.Currency), Amount(row.Amount))
		}
	}
	list := func(title string, rows []ReasonRow) {
		if len(rows) == 0 {
			return
		}
		p("\n### %s\n", title)
		for i, row := range rows {
			if i == markdownReasons {
				p("- and more: see the run file")
				break
			}
			keys := make([]string, 0, len(row.Keys))
			for _, k := range row.Keys {
				keys = append(keys, quoted(k))
			}
			such := ""
			if len(keys) > 0 {
				such = " (" + strings.Join(keys, ", ") + ")"
			}
			p("- %s %s: %s%s", Count(row.Items), outcomeWord(row.State), quoted(row.Reason), such)
		}
	}
	list("Incidents", r.Incidents())
	if stops := r.Stops(); len(stops) > 0 {
		p("\n### Stops\n")
		for i, e := range stops {
			if i == markdownReasons {
				p("- and more: see the run file")
				break
			}
			p("- %s UTC %s: %s", moment(e.At), quoted(e.Kind), quoted(e.Detail))
		}
	}
	list("Failures", r.Failures())

	paces := r.Paces
	if len(r.Applies) == 0 {
		paces = nil
	} else {
		p("\n### Pace\n")
	}
	for _, of := range paces {
		p("- %s: %s requests left, limit %s", quoted(short(of.Provider)), Count(of.Sent), Rate(of.Limit))
		s := of.Spent
		if of.Limit > 0 {
			p("  - of %s, %s (%s) is what they need at the limit", Duration(s.Whole), Duration(s.AtLimit), percent(s.AtLimit, s.Whole))
		}
		for _, wait := range s.Waits {
			times := fmt.Sprintf("%d times", wait.Times)
			if wait.Times == 1 {
				times = "once"
			}
			p("  - %s (%s) waited, %s: %s", Duration(wait.Took), percent(wait.Took, s.Whole), times, quoted(wait.Why))
		}
		if s.Slowed > 0 {
			p("  - %s (%s) lost to going below the limit after refusals for pace", Duration(s.Slowed), percent(s.Slowed, s.Whole))
		}
		p("  - %s (%s) for the rest: starting, waiting for answers, settling", Duration(s.Rest), percent(s.Rest, s.Whole))
		for _, verb := range []string{"execute", "read", "auth"} {
			if l := of.Latencies[verb]; l != nil {
				p("  - %s: half of the answers within %s, 99 %% within %s, the longest %s", verbWord(verb), l.Within(0.5), l.Within(0.99), l.Within(1))
			}
		}
	}
	if r.Repeated > 0 {
		p("- %s items were executed more than once, %s executions beyond the first in all", Count(r.Repeated), Count(r.Extra))
	}
	p("\nMade %s UTC from the run file, which alone is the record.", moment(made))
	return out.Flush()
}
