package view

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/plan"
)

// plainEvery is how often a line is written where nothing can be redrawn.
const plainEvery = 3 * time.Second

// An Apply shows a run while it is carried out. The engine calls it, and goes
// on at once.
type Apply interface {
	Started(runID string, toExecute int64)
	Item(engine.Update)
	Progress([]engine.Progress)
	Finished(state string, counts map[string]int64)
	Close() // gives back what it took of the terminal; may be called again
}

// NewApply returns the view for people where nothing can be redrawn: a line an
// operation every few seconds. total is what each operation has to settle, by
// address.
func NewApply(w io.Writer, total map[string]int64, limits map[string]float64) Apply {
	return &applyLines{w: w, total: total, limits: limits, rates: make(map[string]*meter)}
}

// applyLines writes from a goroutine of its own: whoever reads the lines may be
// slow, or have gone, and the engine waits for neither.
type applyLines struct {
	w      io.Writer
	total  map[string]int64
	limits map[string]float64
	rates  map[string]*meter
	last   time.Time
	texts  chan string // to the writer; nil while there is none
	done   chan struct{}
}

// A meter tells requests a second over the last few seconds.
type meter struct {
	at    []time.Time
	count []int64
}

func (m *meter) rate(now time.Time, n int64) float64 {
	m.at, m.count = append(m.at, now), append(m.count, n)
	for len(m.at) > 1 && now.Sub(m.at[0]) > 5*time.Second {
		m.at, m.count = m.at[1:], m.count[1:]
	}
	span := now.Sub(m.at[0]).Seconds()
	if span < 0.2 {
		return 0
	}
	return float64(n-m.count[0]) / span
}

func (v *applyLines) Started(string, int64) {}
func (v *applyLines) Item(engine.Update)    {}

func (v *applyLines) Progress(ps []engine.Progress) {
	now := time.Now()
	var lines []string
	for _, p := range ps {
		m := v.rates[p.Operation.Address]
		if m == nil {
			m = &meter{}
			v.rates[p.Operation.Address] = m
		}
		r := liveRow{p, strings.TrimPrefix(p.Operation.Address, "operation."), v.total[p.Operation.Address], v.limits[p.Operation.Address], m.rate(now, p.Requests)}
		if !r.idle() {
			lines = append(lines, r.line(now))
		}
	}
	if len(lines) == 0 || now.Sub(v.last) < plainEvery {
		return
	}
	v.last = now
	if v.texts == nil {
		v.texts, v.done = make(chan string, 1), make(chan struct{})
		go func(texts <-chan string, done chan<- struct{}) {
			defer close(done)
			for text := range texts {
				io.WriteString(v.w, text)
			}
		}(v.texts, v.done)
	}
	select {
	case v.texts <- strings.Join(lines, "\n") + "\n":
	default: // the last lines are still being written
	}
}

func (v *applyLines) Close() {
	if v.texts == nil {
		return
	}
	close(v.texts)
	select {
	case <-v.done:
	case <-time.After(closeWait):
	}
	v.texts = nil
}

// line is the operation where nothing can be redrawn.
func (r *liveRow) line(now time.Time) string {
	s := r.name + "  " + strings.TrimLeft(r.count(), " ")
	for _, state := range []plan.State{plan.Succeeded, plan.Skipped, plan.Unchanged, plan.Failed, plan.InDoubt, plan.Incident} {
		if n := r.Settled[state]; n > 0 {
			s += fmt.Sprintf("  %s %s", Count(n), outcomeWord(state.String()))
		}
	}
	if r.limit > 0 {
		s += fmt.Sprintf("  %.0f of %s", r.rate, Rate(r.limit))
	} else {
		s += fmt.Sprintf("  %.0f requests/s", r.rate)
	}
	if left, ok := r.left(); ok {
		s += "  " + Duration(left) + " left"
	}
	if r.Waiting != "" {
		s += "  " + r.wait(now)
	}
	return s
}

func (v *applyLines) Finished(string, map[string]int64) { v.Close() }

// NewApplyJSON returns the view for programs: one JSON object a line.
func NewApplyJSON(w io.Writer) Apply { return &applyJSON{enc: json.NewEncoder(w)} }

type applyJSON struct {
	enc  *json.Encoder
	last time.Time
}

// An applyEvent is one line of apply --json.
type applyEvent struct {
	Format    int              `json:"format"`
	Type      string           `json:"type"`
	At        time.Time        `json:"at"`
	Run       string           `json:"run,omitempty"`
	ToExecute *int64           `json:"to_execute,omitempty"`
	Operation string           `json:"operation,omitempty"`
	Key       string           `json:"key,omitempty"`
	State     string           `json:"state,omitempty"`
	Reason    string           `json:"reason,omitempty"`
	Attempts  *int             `json:"attempts,omitempty"`
	Requests  *int64           `json:"requests,omitempty"`
	InFlight  *int             `json:"in_flight,omitempty"`
	Waiting   string           `json:"waiting,omitempty"`
	Counts    map[string]int64 `json:"counts,omitempty"`
}

func (v *applyJSON) Close() {}

func (v *applyJSON) emit(e applyEvent) {
	e.Format, e.At = 1, time.Now().UTC()
	v.enc.Encode(e)
}

func (v *applyJSON) Started(runID string, toExecute int64) {
	v.emit(applyEvent{Type: "run_started", Run: runID, ToExecute: &toExecute})
}

func (v *applyJSON) Item(u engine.Update) {
	attempts := u.Item.Attempts
	v.emit(applyEvent{Type: "item", Operation: u.Operation.Address, Key: u.Item.Key, State: u.Item.State.String(), Reason: u.Item.Reason, Attempts: &attempts})
}

func (v *applyJSON) Progress(ps []engine.Progress) {
	if now := time.Now(); now.Sub(v.last) >= time.Second {
		v.last = now
		for _, p := range ps {
			counts := make(map[string]int64)
			for s, n := range p.Settled {
				counts[s.String()] = n
			}
			requests, inFlight := p.Requests, p.InFlight
			v.emit(applyEvent{Type: "progress", Operation: p.Operation.Address, Requests: &requests, InFlight: &inFlight, Waiting: p.Waiting, Counts: counts})
		}
	}
}

func (v *applyJSON) Finished(state string, counts map[string]int64) {
	v.emit(applyEvent{Type: "run_finished", State: state, Counts: counts})
}
