package view

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

// What a report is made of. It loads nothing: all that it needs is in it.
var (
	//go:embed report/report.html
	reportPage string
	//go:embed report/report.css
	reportStyle string
	//go:embed report/report.js
	reportCode string
	//go:embed report/uplot/uPlot.iife.min.js
	uplotCode string
	//go:embed report/uplot/uPlot.min.css
	uplotStyle string
	//go:embed report/uplot/LICENSE
	uplotLicence string
)

// ReportHead is how a report's file begins, by which it is known.
const ReportHead = "<!doctype html>\n<!-- runner report -->\n"

var reportTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"count": Count, "amount": Amount, "span": Duration, "rate": Rate, "inert": Inert,
	"percent": percent,
	"at":      moment,
	"word":    outcomeWord,
	"name":    func(address string) string { return Inert(short(address)) },
	"verb":    verbWord,
	"add":     func(a, b int) int { return a + b },
}).Parse(reportPage))

// HTML writes the report as one page, which opens without a network. What the
// page may do is bound by the hashes of its scripts and styles; whatever comes
// from a list or an API is text in it, and text alone.
func (r *Report) HTML(w io.Writer, made time.Time) error {
	return r.page(w, made, uplotCode, reportCode)
}

func (r *Report) page(w io.Writer, made time.Time, codes ...string) error {
	data, err := json.Marshal(r.data()) // which escapes <, > and &
	if err != nil {
		return err
	}
	styles := []string{uplotStyle, reportStyle}
	page := struct {
		*Report
		Made   time.Time
		Policy string
		Styles []template.CSS
		Codes  []template.JS
		Data   template.JS
		Notice string
	}{Report: r, Made: made, Policy: policy(styles, codes), Data: template.JS(data), Notice: uplotLicence}
	for _, s := range styles {
		page.Styles = append(page.Styles, template.CSS(s))
	}
	for _, c := range codes {
		page.Codes = append(page.Codes, template.JS(c))
	}
	out := bufio.NewWriter(w)
	out.WriteString(ReportHead)
	if err := reportTemplate.Execute(out, page); err != nil {
		return err
	}
	return out.Flush()
}

// policy is the page's Content-Security-Policy.
func policy(styles, codes []string) string {
	hashes := func(of []string) string {
		var b strings.Builder
		for _, s := range of {
			sum := sha256.Sum256([]byte(s))
			fmt.Fprintf(&b, " 'sha256-%s'", base64.StdEncoding.EncodeToString(sum[:]))
		}
		return b.String()
	}
	return "default-src 'none'; base-uri 'none'; form-action 'none'; script-src" + hashes(codes) + "; style-src" + hashes(styles)
}

// data is what the page's script draws: charts, and the table of items. Rows
// are arrays and reasons are numbered, since there may be a hundred thousand.
func (r *Report) data() any {
	type apply struct {
		Start  int64    `json:"start"`
		Wide   int64    `json:"wide"`
		Sent   []int64  `json:"sent"`
		Waits  [][2]any `json:"waits"`
		Slowed [][2]any `json:"slowed"`
	}
	type pace struct {
		Limit     float64            `json:"limit"`
		Applies   []apply            `json:"applies"`
		Latencies map[string][]int64 `json:"latencies"`
	}
	seconds := func(waits []Wait) [][2]any {
		out := make([][2]any, 0, len(waits))
		for _, w := range waits {
			out = append(out, [2]any{float64(w.From.UnixMilli()) / 1000, float64(w.To.UnixMilli()) / 1000})
		}
		return out
	}
	paces := make([]pace, 0, len(r.Paces))
	for _, p := range r.Paces {
		of := pace{Limit: p.Limit, Latencies: make(map[string][]int64)}
		for _, a := range p.Applies {
			of.Applies = append(of.Applies, apply{a.Start, a.Wide, a.Sent, seconds(a.Waits), seconds(a.Slowed)})
		}
		for verb, l := range p.Latencies {
			of.Latencies[verbWord(verb)] = l.Buckets()
		}
		paces = append(paces, of)
	}
	var bounds []string
	for _, b := range latencyBounds {
		bounds = append(bounds, b.String())
	}
	operations, words, reasons := []string{}, []string{}, []string{}
	for _, op := range r.Operations {
		operations = append(operations, Inert(strings.TrimPrefix(op.Address, "operation.")))
	}
	for _, s := range plan.States {
		words = append(words, outcomeWord(s.String()))
	}
	number := make(map[string]int)
	rows := make([][]any, 0, len(r.Items))
	for _, it := range r.Items {
		n, ok := number[it.Reason]
		if !ok {
			n = len(reasons)
			number[it.Reason] = n
			reasons = append(reasons, Inert(it.Reason))
		}
		rows = append(rows, []any{it.Operation, Inert(it.Key), slices.Index(plan.States, it.State), strings.TrimSpace(Inert(it.Currency) + " " + Amount(Inert(it.Amount))),
			n, it.Attempts, it.Requests, it.Updated.UTC().Format("2006-01-02 15:04:05"), Inert(it.Place)})
	}
	return map[string]any{"paces": paces, "bounds": bounds, "operations": operations, "words": words, "reasons": reasons, "items": rows}
}

func verbWord(verb string) string {
	switch verb {
	case "execute":
		return "executions"
	case "read":
		return "reads"
	case "auth":
		return "authentication"
	}
	return Inert(verb)
}

// percent is a share of a whole, in words of a reader.
func percent(part, whole any) string {
	number := func(v any) float64 {
		switch v := v.(type) {
		case int64:
			return float64(v)
		case time.Duration:
			return float64(v)
		case float64:
			return v
		}
		panic(fmt.Sprintf("a share of %T", v))
	}
	if number(whole) <= 0 {
		return "–"
	}
	share := 100 * number(part) / number(whole)
	if share > 0 && share < 0.1 {
		return "under 0.1 %"
	}
	return fmt.Sprintf("%.1f %%", share)
}

// States counts the items by state, in the order of [plan.States].
func (r *Report) States() (rows []StateRow) {
	for _, s := range plan.States {
		if n := r.Run.Counts[s.String()]; n > 0 {
			rows = append(rows, StateRow{outcomeWord(s.String()), n})
		}
	}
	return rows
}

// A StateRow counts the items in a state.
type StateRow struct {
	Word  string
	Items int64
}

// A MoneyRow is what the items of a state are worth in a currency.
type MoneyRow struct{ Operation, State, Currency, Amount string }

// Money lists what items are worth, by operation, state and currency.
func (r *Report) Money() (rows []MoneyRow) {
	for _, op := range r.Operations {
		for _, s := range plan.States {
			totals := op.Totals[s.String()]
			for _, currency := range slices.Sorted(maps.Keys(totals)) {
				rows = append(rows, MoneyRow{op.Address, s.String(), currency, totals[currency]})
			}
		}
	}
	return rows
}

// An OutcomeRow holds what became of an operation's items against its plan.
type OutcomeRow struct {
	State         string
	Planned, Came int64
}

// Outcomes are the states that an operation's plan or outcome has.
func (r *Report) Outcomes(address string) (rows []OutcomeRow) {
	for _, op := range r.Operations {
		if op.Address != address {
			continue
		}
		for _, s := range plan.States {
			if p, c := r.Planned[address][s.String()], op.Counts[s.String()]; p+c > 0 {
				rows = append(rows, OutcomeRow{s.String(), p, c})
			}
		}
	}
	return rows
}

// A ReasonRow is a reason with its operation.
type ReasonRow struct {
	Operation string
	ReasonDocument
}

// reportReasons is how many reasons of one kind a report names.
const reportReasons = 50

// reasons are those of items in these states, the most frequent first.
func (r *Report) reasons(states ...plan.State) (rows []ReasonRow) {
	for _, op := range r.Operations {
		for _, reason := range op.Reasons {
			if slices.ContainsFunc(states, func(s plan.State) bool { return s.String() == reason.State }) {
				rows = append(rows, ReasonRow{op.Address, reason})
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b ReasonRow) int { return int(min(max(b.Items-a.Items, -1), 1)) })
	if more := rows[min(len(rows), reportReasons):]; len(more) > 0 {
		rest := ReasonRow{ReasonDocument: ReasonDocument{Reason: fmt.Sprintf("%s more reasons", Count(int64(len(more))))}}
		for _, row := range more {
			rest.Items += row.Items
		}
		rows = append(rows[:reportReasons:reportReasons], rest)
	}
	return rows
}

// Failures are the reasons of what did not go well, incidents aside.
func (r *Report) Failures() []ReasonRow { return r.reasons(plan.Failed, plan.InDoubt, plan.Invalid) }

// Passed are the reasons of what was passed over.
func (r *Report) Passed() []ReasonRow { return r.reasons(plan.Skipped, plan.Unchanged) }

// Incidents are the reasons of incidents.
func (r *Report) Incidents() []ReasonRow { return r.reasons(plan.Incident) }

// Stops are the events of operations that a rule stopped, or a person let go on.
func (r *Report) Stops() (some []plan.Event) {
	for _, e := range r.Events {
		if e.Kind == "stopped" || e.Kind == "continued" {
			some = append(some, e)
		}
	}
	return some
}
