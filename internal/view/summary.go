package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/bulkrunner/runner/internal/runfile"
)

// A LargeDocument is an item with one of the largest amounts of its operation
// and currency.
type LargeDocument struct {
	Key      string `json:"key"`
	Source   string `json:"source,omitempty"`
	Row      int64  `json:"row"`
	State    string `json:"state"`
	Amount   string `json:"amount"`
	Currency string `json:"currency,omitempty"`
}

// NewSummary is NewDocument with the largest amounts and what looks odd, for
// somebody who can't look at every item. The largest are told where an operation
// has more than these.
func NewSummary(f *runfile.File) (*Document, error) {
	s, err := f.Summary()
	if err != nil {
		return nil, err
	}
	d, err := gather(f, s.Groups)
	if err != nil {
		return nil, err
	}
	for i := range d.Operations {
		op, w := &d.Operations[i], s.Operations[i]
		for _, a := range w.Currencies {
			if a.Items > int64(len(a.Largest)) {
				for _, l := range a.Largest {
					op.Largest = append(op.Largest, LargeDocument{Key: l.Key, Source: l.Source, Row: l.Row, State: l.State.String(), Amount: l.Amount, Currency: a.Currency})
				}
			}
		}
		op.Odd = odd(w)
	}
	return d, nil
}

// odd says what somebody would want to look at before they believe the rest.
func odd(w runfile.Worth) (all []string) {
	of := func(n int64, one, many string) { all = append(all, plural(n, "1 item "+one, Count(n)+" items "+many)) }
	for _, a := range w.Currencies {
		in := ""
		if a.Currency != "" {
			in = " in " + a.Currency
		}
		if times := a.Outlying(); times > 0 {
			all = append(all, fmt.Sprintf("the largest amount%s is %s times the average", in, Count(times)))
		}
		if a.Zero > 0 {
			of(a.Zero, "has an amount of 0"+in, "have an amount of 0"+in)
		}
	}
	if w.Without > 0 && len(w.Currencies) > 0 {
		of(w.Without, "has no amount", "have no amount")
	}
	if w.Retried > 0 {
		of(w.Retried, "was tried more than once", "were tried more than once")
	}
	return all
}

// striking writes the largest amounts and what looks odd.
func (op *OperationDocument) striking(w io.Writer) {
	width := 11
	for _, l := range op.Largest {
		width = max(width, len(amountOf(l)))
	}
	name := "largest"
	for _, l := range op.Largest {
		place := ""
		if l.Source != "" {
			place = fmt.Sprintf("  %s:%d", Inert(l.Source), l.Row)
		}
		fmt.Fprintf(w, "  %-14s %*s   %s, %s%s\n", name, width, amountOf(l), Inert(l.Key), outcomeWord(l.State), place)
		name = ""
	}
	name = "odd"
	for _, text := range op.Odd {
		fmt.Fprintf(w, "  %-14s %11s   %s\n", name, "", text)
		name = ""
	}
}

func amountOf(l LargeDocument) string { return strings.TrimSpace(l.Currency + " " + Amount(l.Amount)) }
