package view

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// A WaitingDocument is what waiting for a provider has cost a run, over all
// its applies.
type WaitingDocument struct {
	Provider string          `json:"provider"`
	Seconds  float64         `json:"seconds"` // in which nothing was sent
	Causes   []CauseDocument `json:"causes"`  // in the order in which they came first
	Slowed   float64         `json:"slowed"`  // seconds below the limit after a refusal for pace
}

// A CauseDocument is the part of a wait that has one cause.
type CauseDocument struct {
	Cause   string  `json:"cause"`
	Times   int     `json:"times"`
	Seconds float64 `json:"seconds"`
}

// waited finds in the events what waiting has cost. A provider that nothing
// waited for isn't among them.
func waited(run runfile.Run, ops []plan.Operation, events []plan.Event) (all []WaitingDocument) {
	var r Report
	r.applies(events)
	for _, p := range run.Providers {
		w := WaitingDocument{Provider: p.Address, Causes: []CauseDocument{}}
		waits, slowed := newReportPace(p.Address, p.Rate).waits(r.Applies, events, ops)
		at := make(map[string]int)
		for _, a := range r.Applies {
			for _, one := range clip(waits, a.Began, a.Ended) {
				i, ok := at[one.Why]
				if !ok {
					i = len(w.Causes)
					at[one.Why] = i
					w.Causes = append(w.Causes, CauseDocument{Cause: one.Why})
				}
				took := one.To.Sub(one.From).Seconds()
				w.Causes[i].Times++
				w.Causes[i].Seconds += took
				w.Seconds += took
			}
			for _, one := range without(clip(slowed, a.Began, a.Ended), waits) {
				w.Slowed += one.To.Sub(one.From).Seconds()
			}
		}
		if w.Seconds+w.Slowed > 0 {
			all = append(all, w)
		}
	}
	return all
}

// dropped is what is said of providers that printed more than is kept.
func dropped(events []plan.Event) (said []string) {
	for _, e := range events {
		if e.Kind == "output_dropped" {
			said = append(said, e.Detail)
		}
	}
	return said
}

// remarked writes a line for each provider that was waited for, for what was
// dropped of each, and for workers that have the run.
func (d *Document) remarked(w io.Writer) {
	seconds := func(s float64) string { return Duration(time.Duration(s * float64(time.Second))) }
	for _, p := range d.Waiting {
		var parts []string
		for _, c := range p.Causes {
			parts = append(parts, fmt.Sprintf("%s, %s in %s %s", Inert(c.Cause), seconds(c.Seconds), Count(int64(c.Times)), plural(int64(c.Times), "wait", "waits")))
		}
		if p.Slowed > 0 {
			parts = append(parts, fmt.Sprintf("and %s below the limit after a refusal for pace", seconds(p.Slowed)))
		}
		fmt.Fprintf(w, "%s waited %s: %s.\n", p.Provider, seconds(p.Seconds), strings.Join(parts, "; "))
	}
	for _, s := range d.Dropped {
		fmt.Fprintln(w, Inert(s))
	}
	if d.Run.HandedOver != "" {
		fmt.Fprintf(w, "Workers on %s have the run, and what they did of late is not in this file yet: runner apply --on brings it here.\n", Inert(d.Run.HandedOver))
	}
}
