package view

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/sdk"
)

// mostBins bounds what is kept of when requests were sent: beyond it bins get
// twice as wide.
const mostBins = 20_000

// A ReportPace is how fast a provider's requests went, and why not faster.
type ReportPace struct {
	Provider  string
	Limit     float64 // requests a second that its file allows; 0 is no limit
	Sent      int64   // requests that left
	Unsent    int64   // that certainly never did
	Untimed   int64   // of which no answer says when, or whether, they did
	Latencies map[string]*Latency
	Applies   []PaceApply
	Spent     Spent // over all applies

	bins map[int64]int64 // requests by when they were sent, in widths since 1970
	wide int64           // seconds in a bin
}

// A PaceApply is one apply as its chart shows it.
type PaceApply struct {
	Start  int64   // of the first bin, in seconds since 1970
	Wide   int64   // seconds in a bin
	Sent   []int64 // requests in each bin
	Waits  []Wait
	Slowed []Wait
}

// A Wait is a time in which nothing was sent, or less than the limit.
type Wait struct {
	From, To time.Time
	Why      string
}

// Spent is where the time of applies went.
type Spent struct {
	Whole   time.Duration
	AtLimit time.Duration // what the requests that were sent need at the limit
	Waits   []SpentWait   // by cause, the longest first
	Slowed  time.Duration // lost to going below the limit after a refusal for pace
	Rest    time.Duration // starting, waiting for answers, settling
}

// A SpentWait is the time in which nothing was sent for one reason.
type SpentWait struct {
	Why   string
	Times int
	Took  time.Duration
}

// Waited is the time in which nothing was sent for a reason that was recorded.
func (s Spent) Waited() (d time.Duration) {
	for _, w := range s.Waits {
		d += w.Took
	}
	return d
}

func newReportPace(provider string, limit float64) *ReportPace {
	return &ReportPace{Provider: provider, Limit: limit, Latencies: make(map[string]*Latency), bins: make(map[int64]int64), wide: 1}
}

func (p *ReportPace) count(q plan.Request) {
	switch {
	case q.SentAt.IsZero() && q.Outcome == sdk.OutcomeNotSent.String():
		p.Unsent++
		return
	case q.SentAt.IsZero():
		p.Untimed++
		return
	}
	p.Sent++
	p.bins[q.SentAt.Unix()/p.wide]++
	if len(p.bins) > mostBins {
		wider := make(map[int64]int64, len(p.bins)/2)
		for at, n := range p.bins {
			wider[at/2] += n
		}
		p.bins, p.wide = wider, 2*p.wide
	}
	if q.SettledAt.IsZero() || q.Code == "provider_ended" {
		return // no answer came
	}
	l := p.Latencies[q.Verb]
	if l == nil {
		l = &Latency{}
		p.Latencies[q.Verb] = l
	}
	l.add(q.SettledAt.Sub(q.SentAt))
}

// account finds out where the time of each apply went.
func (p *ReportPace) account(applies []ReportApply, events []plan.Event, ops []plan.Operation) {
	waits, slowed := p.waits(applies, events, ops)
	total := make(map[string]*SpentWait)
	var order []*SpentWait
	for _, a := range applies {
		mine := PaceApply{Start: a.Began.Unix() / p.wide * p.wide, Waits: clip(waits, a.Began, a.Ended), Slowed: clip(slowed, a.Began, a.Ended)}
		mine.Wide, mine.Sent = p.between(a.Began, a.Ended)
		p.Applies = append(p.Applies, mine)

		whole := a.Ended.Sub(a.Began)
		p.Spent.Whole += whole
		var sent int64
		for _, n := range mine.Sent {
			sent += n
		}
		at := time.Duration(0)
		if p.Limit > 0 {
			at = time.Duration(float64(sent) / p.Limit * float64(time.Second))
		}
		waited := time.Duration(0)
		for _, w := range mine.Waits {
			of := total[w.Why]
			if of == nil {
				of = &SpentWait{Why: w.Why}
				total[w.Why] = of
				order = append(order, of)
			}
			of.Times++
			of.Took += w.To.Sub(w.From)
			waited += w.To.Sub(w.From)
		}
		lost := time.Duration(0)
		for _, s := range without(mine.Slowed, mine.Waits) {
			if p.Limit > 0 {
				lost += max(0, s.To.Sub(s.From)-time.Duration(p.sent(s.From, s.To)/p.Limit*float64(time.Second)))
			}
		}
		// A request takes no time of its own at the limit's edges, so the
		// parts may exceed the whole by one of them.
		at = min(at, max(0, whole-waited-lost))
		p.Spent.AtLimit += at
		p.Spent.Slowed += lost
		p.Spent.Rest += max(0, whole-at-waited-lost)
	}
	slices.SortStableFunc(order, func(a, b *SpentWait) int { return int(b.Took - a.Took) })
	for _, w := range order {
		p.Spent.Waits = append(p.Spent.Waits, *w)
	}
}

// waits reads from the events when nothing was sent and when less than the
// limit. None of the first overlap.
func (p *ReportPace) waits(applies []ReportApply, events []plan.Event, ops []plan.Operation) (waits, slowed []Wait) {
	var down, slow time.Time
	var why string
	paused := make(map[string]bool)
	var since time.Time
	mine := func(op plan.Operation) bool { return op.Provider == p.Provider }
	all := func() bool {
		n := 0
		for _, op := range ops {
			if mine(op) {
				if !paused[op.Address] {
					return false
				}
				n++
			}
		}
		return n > 0
	}
	apply := -1
	end := func(at time.Time) { // of an apply
		if !down.IsZero() {
			waits = append(waits, Wait{down, at, why})
		}
		if !slow.IsZero() {
			slowed = append(slowed, Wait{slow, at, "slowed"})
		}
		if !since.IsZero() {
			waits = append(waits, Wait{since, at, "paused by a person"})
		}
		for i := len(waits) - 1; i >= 0 && waits[i].To.After(at); i-- {
			waits[i].To = at // the next apply doesn't know of it
		}
		down, slow, since = time.Time{}, time.Time{}, time.Time{}
		clear(paused)
	}
	for _, e := range events {
		switch e.Kind {
		case runfile.EventApplyStarted:
			if apply >= 0 {
				end(applies[apply].Ended)
			} else {
				end(e.At)
				waits, slowed = nil, nil // what the plan's reads met
			}
			apply++
			continue
		case "finished":
			end(e.At)
			continue
		case "controlled":
			do, rest, _ := strings.Cut(e.Detail, " ")
			if do != "pause" && do != "resume" {
				continue
			}
			operation, _, _ := strings.Cut(rest, " ")
			for _, op := range ops {
				if operation == "by" || operation == op.Address {
					paused[op.Address] = do == "pause"
				}
			}
			switch {
			case all() && since.IsZero():
				since = e.At
			case !all() && !since.IsZero():
				waits = append(waits, Wait{since, e.At, "paused by a person"})
				since = time.Time{}
			}
			continue
		}
		detail, ok := strings.CutPrefix(e.Detail, p.Provider+": ")
		if !ok {
			continue
		}
		switch e.Kind {
		case "provider_ended":
			if down.IsZero() {
				down, why = e.At, "the provider's process was started again"
			}
		case "provider_restarted":
			if !down.IsZero() {
				waits = append(waits, Wait{down, e.At, why})
				down = time.Time{}
			}
		case "slowed":
			slow = e.At
		case "recovered":
			if !slow.IsZero() {
				slowed = append(slowed, Wait{slow, e.At, "slowed"})
				slow = time.Time{}
			}
		default:
			if cause, span, ok := strings.Cut(detail, "; nothing is sent for "); ok {
				if d, err := time.ParseDuration(span); err == nil && d > 0 {
					waits = append(waits, Wait{e.At, e.At.Add(d), cause})
				}
			}
		}
	}
	if apply >= 0 && apply < len(applies) {
		end(applies[apply].Ended)
	}
	return disjoint(waits), slowed
}

// disjoint cuts from each wait what an earlier one has of it, and puts waits
// for the same reason that touch together.
func disjoint(waits []Wait) (out []Wait) {
	slices.SortStableFunc(waits, func(a, b Wait) int { return a.From.Compare(b.From) })
	for _, w := range waits {
		if n := len(out); n > 0 {
			last := &out[n-1]
			if w.From.Before(last.To) {
				w.From = last.To
			}
			if w.From.Equal(last.To) && w.Why == last.Why && w.To.After(w.From) {
				last.To = w.To
				continue
			}
		}
		if w.To.After(w.From) {
			out = append(out, w)
		}
	}
	return out
}

// clip is what of waits lies between two moments.
func clip(waits []Wait, from, to time.Time) (out []Wait) {
	for _, w := range waits {
		if w.From.Before(from) {
			w.From = from
		}
		if w.To.After(to) {
			w.To = to
		}
		if w.To.After(w.From) {
			out = append(out, w)
		}
	}
	return out
}

// without is what of the first waits is in none of the second, which are in
// order and don't overlap.
func without(of, but []Wait) (out []Wait) {
	for _, w := range of {
		for _, b := range clip(but, w.From, w.To) {
			if b.From.After(w.From) {
				out = append(out, Wait{w.From, b.From, w.Why})
			}
			w.From = b.To
		}
		if w.To.After(w.From) {
			out = append(out, w)
		}
	}
	return out
}

// sent is about how many requests were sent between two moments.
func (p *ReportPace) sent(from, to time.Time) (n float64) {
	a, b := float64(from.UnixMilli())/1000, float64(to.UnixMilli())/1000
	wide := float64(p.wide)
	for at := int64(math.Floor(a / wide)); float64(at)*wide < b; at++ {
		share := (min(b, float64(at+1)*wide) - max(a, float64(at)*wide)) / wide
		n += float64(p.bins[at]) * share
	}
	return n
}

// between is when requests were sent in an apply, in as many bins as a chart
// can show.
func (p *ReportPace) between(from, to time.Time) (wide int64, sent []int64) {
	const most = 600
	first, last := from.Unix()/p.wide, to.Unix()/p.wide
	together := (last-first)/most + 1
	sent = make([]int64, (last-first)/together+1)
	for at := first; at <= last; at++ {
		sent[(at-first)/together] += p.bins[at]
	}
	return together * p.wide, sent
}

// Busiest is the most requests a second that a chart of the provider shows.
func (p *ReportPace) Busiest() (most float64) {
	for _, a := range p.Applies {
		for _, n := range a.Sent {
			most = max(most, float64(n)/float64(a.Wide))
		}
	}
	return most
}

// Bounds of the buckets in which latencies are shown.
var latencyBounds = []time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second,
	20 * time.Second, 50 * time.Second,
}

// A Latency is how long answers took. It is counted in steps of a twentieth,
// so a quantile is never more than that above the true one.
type Latency struct {
	Answers int64
	Longest time.Duration
	steps   [256]int64
}

const latencyStep = 1.05

func (l *Latency) add(d time.Duration) {
	d = max(d, time.Millisecond) // the run file has milliseconds
	l.Answers++
	l.Longest = max(l.Longest, d)
	l.steps[min(len(l.steps)-1, int(math.Ceil(math.Log(float64(d.Milliseconds()))/math.Log(latencyStep)-1e-9)))]++
}

// Quantile is the time within which this share of the answers came.
func (l *Latency) Quantile(share float64) time.Duration {
	rank := int64(math.Ceil(share * float64(l.Answers)))
	for i, n := range l.steps {
		if rank -= n; rank <= 0 && l.Answers > 0 {
			return min(l.Longest, time.Duration(math.Pow(latencyStep, float64(i))*float64(time.Millisecond)))
		}
	}
	return l.Longest
}

// Buckets are the answers by [latencyBounds], with what took longer last.
func (l *Latency) Buckets() []int64 {
	out := make([]int64, len(latencyBounds)+1)
	for i, n := range l.steps {
		took := time.Duration(math.Pow(latencyStep, float64(i)) * float64(time.Millisecond) * (1 - 1e-9))
		at, _ := slices.BinarySearch(latencyBounds, took)
		out[at] += n
	}
	return out
}

// Within is a quantile for people. 1 is the longest.
func (l *Latency) Within(share float64) string {
	d := l.Longest
	if share < 1 {
		d = l.Quantile(share)
	}
	if d < time.Second {
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + " ms"
	}
	return Duration(d)
}
