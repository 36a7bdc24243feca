package view

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// An ItemDocument is one item as programs get it.
type ItemDocument struct {
	Operation      string               `json:"operation"`
	Key            string               `json:"key"`
	Source         string               `json:"source,omitempty"`
	Row            int64                `json:"row"`
	State          string               `json:"state"`
	Reason         string               `json:"reason"`
	Attempts       int                  `json:"attempts"`
	Amount         string               `json:"amount,omitempty"` // exact, in major units
	Currency       string               `json:"currency,omitempty"`
	IdempotencyKey string               `json:"idempotency_key,omitempty"`
	Arguments      json.RawMessage      `json:"arguments,omitempty"`
	Live           json.RawMessage      `json:"live,omitempty"`
	Result         json.RawMessage      `json:"result,omitempty"`
	UpdatedAt      time.Time            `json:"updated_at"`
	Transitions    []TransitionDocument `json:"transitions,omitempty"`
	Requests       []RequestDocument    `json:"requests,omitempty"`
}

// A TransitionDocument is one change of an item's state.
type TransitionDocument struct {
	At     time.Time   `json:"at"`
	From   *plan.State `json:"from"`
	To     plan.State  `json:"to"`
	Reason string      `json:"reason"`
	Apply  int64       `json:"apply"`
}

// A RequestDocument is one API request made for an item.
type RequestDocument struct {
	Verb      string     `json:"verb"`
	SentAt    *time.Time `json:"sent_at"` // null when it never left
	SettledAt *time.Time `json:"settled_at"`
	Outcome   string     `json:"outcome"`
	Code      string     `json:"code,omitempty"`
	Message   string     `json:"message,omitempty"`
}

// Items lists the items that the filter chooses and returns how many there
// were. Where its limit left some out, next is the number of the last that was
// listed: After it come the others. Items asked for by key come with their
// history.
func Items(w io.Writer, f *runfile.File, filter runfile.Filter, asJSON bool) (n, next int64, err error) {
	out := bufio.NewWriter(w)
	defer out.Flush()
	ops, err := f.Operations()
	if err != nil {
		return 0, 0, err
	}
	addresses := make(map[int64]string)
	for _, op := range ops {
		addresses[op.ID] = op.Address
	}
	if asJSON {
		fmt.Fprint(out, `{"format":1,"items":[`)
	}
	if !counted(ops, filter.States) {
		filter.After = math.MaxInt64 // there are none to look for
	}
	limit, last := int64(filter.Limit), int64(0)
	if limit > 0 {
		filter.Limit++ // to see whether there are more
	}
	for it, err := range f.Items(filter) {
		if err != nil {
			return n, 0, err
		}
		if limit > 0 && n == limit {
			next = last
			break
		}
		last = it.ID
		d := ItemDocument{
			Operation: addresses[it.Operation], Key: it.Key, Source: it.Source, Row: it.Row, State: it.State.String(), Reason: it.Reason,
			Attempts: it.Attempts, Amount: it.Amount, Currency: it.Currency, IdempotencyKey: it.IdempotencyKey,
			Arguments: it.Arguments, Live: it.Live, Result: it.Result, UpdatedAt: it.UpdatedAt,
		}
		if filter.Key != "" {
			if err := d.history(f, it.ID); err != nil {
				return n, 0, err
			}
		}
		if asJSON {
			if n > 0 {
				out.WriteByte(',')
			}
			b, err := json.Marshal(d)
			if err != nil {
				return n, 0, err
			}
			out.WriteByte('\n')
			out.Write(b)
		} else {
			d.write(out, len(ops) > 1)
		}
		n++
	}
	switch {
	case asJSON && next > 0:
		fmt.Fprintf(out, "\n],\"next\":%d}\n", next)
	case asJSON:
		fmt.Fprintln(out, "\n]}")
	case n == 0:
		fmt.Fprintln(out, "No items.")
	}
	return n, next, nil
}

// counted tells whether any items are in one of the states, or in any for none,
// as the counts have it. A look at all items costs a moment for a million.
func counted(ops []plan.Operation, states []plan.State) bool {
	for _, op := range ops {
		for _, s := range states {
			if op.Counts[s] > 0 {
				return true
			}
		}
	}
	return len(states) == 0
}

func (d *ItemDocument) history(f *runfile.File, id int64) error {
	transitions, err := f.Transitions(id)
	if err != nil {
		return err
	}
	for _, t := range transitions {
		d.Transitions = append(d.Transitions, TransitionDocument{At: t.At, From: t.From, To: t.To, Reason: t.Reason, Apply: t.Epoch})
	}
	requests, err := f.Requests(id)
	if err != nil {
		return err
	}
	moment := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	for _, r := range requests {
		d.Requests = append(d.Requests, RequestDocument{Verb: r.Verb, SentAt: moment(r.SentAt), SettledAt: moment(r.SettledAt), Outcome: r.Outcome, Code: r.Code, Message: r.Message})
	}
	return nil
}

func (d *ItemDocument) write(w io.Writer, named bool) {
	name := Inert(d.Key)
	if named {
		name = strings.TrimPrefix(d.Operation, "operation.") + "  " + name
	}
	place := ""
	if d.Source != "" {
		place = fmt.Sprintf("  %s:%d", Inert(d.Source), d.Row)
	}
	amount := strings.TrimSpace(d.Currency + " " + Amount(d.Amount))
	fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-24s %-10s %16s  %s%s", name, strings.ReplaceAll(d.State, "_", " "), amount, firstLine(Inert(d.Reason)), place), " "))
	if d.Transitions == nil && d.Requests == nil {
		return
	}
	stamp := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
	for _, t := range d.Transitions {
		from := "(plan)"
		if t.From != nil {
			from = t.From.String()
		}
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("    %s  %s → %s  %s", stamp(t.At), from, t.To, Inert(t.Reason)), " "))
	}
	for _, r := range d.Requests {
		at := "never left              "
		if r.SentAt != nil {
			at = stamp(*r.SentAt)
		}
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("    %s  request: %s, %s  %s", at, r.Verb, r.Outcome, Inert(strings.TrimSpace(r.Code+" "+r.Message))), " "))
	}
	if len(d.Live) > 0 {
		fmt.Fprintf(w, "    live    %s\n", Inert(string(d.Live)))
	}
	if len(d.Result) > 0 {
		fmt.Fprintf(w, "    result  %s\n", Inert(string(d.Result)))
	}
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// Groups counts items that share something.
func Groups(w io.Writer, by string, groups []runfile.Group, asJSON bool) error {
	if asJSON {
		type group struct {
			Operation string            `json:"operation"`
			State     string            `json:"state"`
			Value     string            `json:"value"`
			Items     int64             `json:"items"`
			Keys      []string          `json:"keys,omitempty"`
			Amounts   map[string]string `json:"amounts,omitempty"`
		}
		out := make([]group, 0, len(groups))
		for _, g := range groups {
			out = append(out, group{g.Operation, g.State.String(), g.Value, g.Items, g.Keys, g.Amounts})
		}
		return json.NewEncoder(w).Encode(map[string]any{"format": 1, "group_by": by, "groups": out})
	}
	last := ""
	for _, g := range groups {
		if g.Operation != last {
			fmt.Fprintln(w, g.Operation)
			last = g.Operation
		}
		amounts := ""
		for _, c := range slices.Sorted(maps.Keys(g.Amounts)) {
			amounts += "  " + strings.TrimSpace(c+" "+Amount(g.Amounts[c]))
		}
		value := firstLine(Inert(g.Value))
		if by != "reason" {
			value = "" // the line has it already
		}
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %-10s %11s%s  %s", strings.ReplaceAll(g.State.String(), "_", " "), Count(g.Items), amounts, value), " "))
	}
	return nil
}
