package view

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/plan"
)

// LiveOptions are what a live view of an apply needs beside its terminal.
type LiveOptions struct {
	Total  map[string]int64   // what each operation has to settle, by address
	Limits map[string]float64 // requests a second
	Color  bool
	Drain  <-chan struct{} // closed when the apply is to stop gently
	Keys   bool            // p and q do something
}

// NewApplyLive returns the view for people on a terminal that can be redrawn.
func NewApplyLive(out *os.File, o LiveOptions) *ApplyLive {
	v := &ApplyLive{options: o, rates: make(map[string]*meter), plain: NewApply(out, o.Total, o.Limits)}
	v.live = NewLive(out, v.draw)
	return v
}

// An ApplyLive is the view of an apply on a terminal. It keeps the latest of
// what the engine said, which the terminal's side takes: neither waits for the
// other.
type ApplyLive struct {
	options LiveOptions
	rates   map[string]*meter
	latest  atomic.Pointer[[]liveRow]
	live    *Live
	plain   Apply // where the live view has come to an end before the apply
}

// A liveRow is where an operation stood.
type liveRow struct {
	engine.Progress
	name  string
	total int64
	limit float64
	rate  float64
}

func (v *ApplyLive) Started(string, int64) {}
func (v *ApplyLive) Item(engine.Update)    {}

func (v *ApplyLive) Progress(ps []engine.Progress) {
	if !v.live.Alive() {
		v.plain.Progress(ps)
		return
	}
	now := time.Now()
	rows := make([]liveRow, len(ps))
	for i, p := range ps {
		address := p.Operation.Address
		if v.rates[address] == nil {
			v.rates[address] = &meter{}
		}
		p.Settled = maps.Clone(p.Settled)
		rows[i] = liveRow{p, strings.TrimPrefix(address, "operation."), v.options.Total[address], v.options.Limits[address], v.rates[address].rate(now, p.Requests)}
	}
	v.latest.Store(&rows)
}

func (v *ApplyLive) Finished(string, map[string]int64) { v.Close() }

func (v *ApplyLive) Close() {
	v.live.Close()
	v.plain.Close()
}

// Paused tells whether an operation is paused at present.
func (v *ApplyLive) Paused() bool {
	if rows := v.latest.Load(); rows != nil {
		for _, r := range *rows {
			if r.Waiting == engine.Paused {
				return true
			}
		}
	}
	return false
}

func (v *ApplyLive) draw(width, height int) (lines []string) {
	rows := v.latest.Load()
	if rows == nil {
		return nil
	}
	now := time.Now()
	paused, flying := false, 0
	var shown []liveRow
	var names, counts int // how wide they are
	for _, r := range *rows {
		if !r.idle() {
			shown = append(shown, r)
			names, counts = max(names, runes(r.name)), max(counts, runes(r.count()))
		}
	}
	for i, r := range shown {
		more := r.lines(width, names, counts, v.options.Color, now)
		if len(lines)+len(more) > height-2 && len(lines) > 0 {
			n := int64(len(shown) - i)
			lines = append(lines, Count(n)+plural(n, " more operation", " more operations"))
			break
		}
		lines = append(lines, more...)
	}
	for _, r := range *rows {
		paused = paused || r.Waiting == engine.Paused
		flying += r.InFlight
	}
	select {
	case <-v.options.Drain:
		again := "Ctrl-C"
		if v.options.Keys {
			again = "q or Ctrl-C"
		}
		return append(lines, cut(fmt.Sprintf("stopping: %s in flight, which %s settled; %s again stops at once", requests(flying), plural(int64(flying), "is", "are"), again), width-1))
	default:
	}
	switch {
	case v.options.Keys && paused:
		lines = append(lines, cut("p resumes, q stops gently", width-1))
	case v.options.Keys:
		lines = append(lines, cut("p pauses, q stops gently", width-1))
	}
	return lines
}

func requests(n int) string {
	return Count(int64(n)) + plural(int64(n), " request", " requests")
}

// Colours carry nothing that a word beside them doesn't.
const green = "\x1b[32m"

var stateInk = map[plan.State]string{plan.Succeeded: green, plan.Failed: red, plan.Incident: red, plan.InDoubt: yellow}

// A piece is text with a colour, or none.
type piece struct{ text, ink string }

// done is how many items are settled.
func (r *liveRow) done() (n int64) {
	for s, of := range r.Settled {
		if s != plan.InDoubt {
			n += of
		}
	}
	return n
}

// idle tells whether the apply has nothing to do with the operation, as where
// a former one has done all of it.
func (r *liveRow) idle() bool {
	return r.total == 0 && len(r.Settled) == 0 && r.Requests == 0 && r.InFlight == 0 && r.Waiting == ""
}

// count is how far it is. An operation that another one feeds has no total.
func (r *liveRow) count() string {
	if r.total == 0 {
		return Count(r.done())
	}
	total := Count(r.total)
	return fmt.Sprintf("%*s/%s", len(total), Count(r.done()), total)
}

// lines is the operation on one line where there is room, and else on two. Its
// name and its count are given the same room in all of them.
func (r *liveRow) lines(width, names, counts int, color bool, now time.Time) []string {
	done := r.done()
	// Numbers keep their places while they grow.
	pace := fmt.Sprintf("%4.0f requests/s", r.rate)
	if r.limit > 0 {
		pace = fmt.Sprintf("%*.0f of %s", len(fmt.Sprintf("%.0f", r.limit)), r.rate, Rate(r.limit))
	}
	first := []piece{{fmt.Sprintf("%*s", counts, r.count()), ""}}
	second := []piece{}
	for _, state := range []plan.State{plan.Succeeded, plan.Skipped, plan.Unchanged, plan.Failed, plan.InDoubt, plan.Incident} {
		if n := r.Settled[state]; n > 0 {
			second = append(second, piece{Count(n) + " " + outcomeWord(state.String()), stateInk[state]})
		}
	}
	tail := []piece{{pace, ""}}
	left := strings.Repeat(" ", len("59m 59s left"))
	if d, ok := r.left(); ok {
		left = fmt.Sprintf("%7s left", Duration(d))
	}
	tail = append(tail, piece{left, ""})
	var waits []piece
	if r.Waiting != "" {
		waits = append(waits, piece{r.wait(now), yellow})
	}
	const least, most = 10, 40 // of the bar
	whole := join(first, second, tail, waits)
	if room := width - 1 - names - 2 - length(whole) - 2; room >= least {
		return []string{fmt.Sprintf("%-*s", names, r.name) + "  " + bar(done, r.total, min(room, most)) + "  " + paint(whole, color)}
	}
	whole = join(first, tail)
	// What tells operations apart is at the end of their names.
	names = min(names, max(8, width-1-least-4-length(whole)))
	name := fmt.Sprintf("%-*s", names, cutFront(r.name, names))
	room := width - 1 - runes(name) - 4 - length(whole)
	if room < 3 {
		whole = cutPieces(whole, width-1-runes(name)-4-3)
		room = 3
	}
	lines := []string{name + "  " + bar(done, r.total, min(room, most)) + "  " + paint(whole, color)}
	if below := join(second, waits); len(below) > 0 {
		lines = append(lines, "  "+paint(cutPieces(below, width-3), color))
	}
	return lines
}

// wait is what it waits for, and how long still.
func (r *liveRow) wait(now time.Time) string {
	s := "waiting: " + Inert(r.Waiting)
	if r.Until.After(now) {
		s += ", " + Duration(r.Until.Sub(now))
	}
	return s
}

// left is how long the rest takes at the present rate.
func (r *liveRow) left() (time.Duration, bool) {
	done := r.done()
	if done <= 0 || done >= r.total || r.rate <= 0 || r.Requests <= 0 {
		return 0, false
	}
	return time.Duration(float64(r.total-done) * float64(r.Requests) / float64(done) / r.rate * float64(time.Second)), true
}

func bar(done, total int64, width int) string {
	full := 0
	if total > 0 {
		full = int(min(done, total) * int64(width) / total)
	}
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

func join(of ...[]piece) (all []piece) {
	for _, p := range of {
		all = append(all, p...)
	}
	return all
}

func runes(s string) int { return len([]rune(s)) }

// length is how wide pieces are with two spaces between them.
func length(of []piece) (n int) {
	for i, p := range of {
		if i > 0 {
			n += 2
		}
		n += runes(p.text)
	}
	return n
}

// cutPieces shortens pieces to a width.
func cutPieces(of []piece, width int) (out []piece) {
	for _, p := range of {
		room := width - length(out)
		if len(out) > 0 {
			room -= 2
		}
		if room < 2 {
			break
		}
		out = append(out, piece{cut(p.text, room), p.ink})
	}
	return out
}

func paint(of []piece, color bool) string {
	var b strings.Builder
	for i, p := range of {
		if i > 0 {
			b.WriteString("  ")
		}
		if color && p.ink != "" {
			b.WriteString(p.ink + p.text + reset)
		} else {
			b.WriteString(p.text)
		}
	}
	return b.String()
}
