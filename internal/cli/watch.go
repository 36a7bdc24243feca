package cli

import (
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/planner"
	"github.com/bulkrunner/runner/internal/telemetry"
	"github.com/bulkrunner/runner/internal/view"
)

// screen is the terminal that can be drawn on, nil where there is none: where
// standard error isn't one, or has a log on it, or only a dumb one or one without room, or somebody
// else is working on it while this process is in the background.
func (a *app) screen() *os.File {
	f, ok := a.err.(*os.File)
	if a.json || a.log.On() || !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" || os.Getenv("TERM") == "" || !view.Foreground(f) {
		return nil
	}
	if width, height, err := term.GetSize(int(f.Fd())); err != nil || width < 20 || height < 3 {
		return nil // it has no room, or doesn't say how much
	}
	return f
}

// watch chooses the view of an apply. What is typed into it comes as commands,
// as from runner control.
func (a *app) watch(drain <-chan struct{}, totals map[string]int64, limits map[string]float64) (view.Apply, <-chan engine.Command) {
	v, typed := a.seen(drain, totals, limits)
	if a.log.On() {
		v = view.Together(v, view.NewApplyLog(a.log))
	}
	return v, typed
}

// seen is the view of those who look on.
func (a *app) seen(drain <-chan struct{}, totals map[string]int64, limits map[string]float64) (view.Apply, <-chan engine.Command) {
	if a.json {
		return view.NewApplyJSON(a.out), nil
	}
	out := a.screen()
	if out == nil {
		return view.NewApply(a.err, totals, limits), nil
	}
	w := &watched{typed: make(chan engine.Command, 1)}
	if in, ok := a.in.(*os.File); ok {
		w.keys = view.OpenKeys(in, w.press)
	}
	w.ApplyLive = view.NewApplyLive(out, view.LiveOptions{Total: totals, Limits: limits, Color: !a.noColor, Drain: drain, Keys: w.keys != nil})
	w.ready.Store(true)
	return w, w.typed
}

// watched is a live view whose terminal's keys are read.
type watched struct {
	*view.ApplyLive
	keys  *view.Keys
	typed chan engine.Command
	ready atomic.Bool
}

// press does what a key is for. It never waits: what comes while a command is
// still on its way is dropped, as a second press of the same key would be.
func (w *watched) press(key byte) {
	switch {
	case key == 'q':
		interruptSelf()
	case key == 'p' && w.ready.Load():
		c := engine.Command{Do: engine.Pause, Who: who(), Reason: "by the key p", At: time.Now().UTC()}
		if w.Paused() {
			c.Do = engine.Resume
		}
		select {
		case w.typed <- c:
		default:
		}
	}
}

func (w *watched) Finished(state string, counts map[string]int64) {
	w.ApplyLive.Finished(state, counts)
	w.keys.Close()
}

func (w *watched) Close() {
	w.ApplyLive.Close()
	w.keys.Close()
}

// interruptSelf is Ctrl-C.
func interruptSelf() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		self.Signal(os.Interrupt)
	}
}

// A planProgress tells how far a long plan is: on a terminal all the time, and
// else from time to time.
type planProgress struct {
	w    io.Writer
	last time.Time
	live *view.PlanLive

	log    *view.Log
	logged time.Time
	told   *telemetry.Telemetry
}

func (a *app) planProgress() *planProgress {
	p := &planProgress{w: a.err, log: a.log, logged: time.Now(), told: a.telemetry}
	switch {
	case a.json:
		p.w = io.Discard
	case a.screen() != nil:
		p.live = view.NewPlanLive(a.screen())
	}
	return p
}

func (p *planProgress) tick(at planner.Progress) {
	now := time.Now()
	if p.last.IsZero() {
		p.last = now
	}
	if now.Sub(p.logged) >= view.LogEvery {
		p.logged = now
		p.log.Planning(at)
	}
	if strings.HasPrefix(at.Operation, "operation.") { // and not a list of an API
		p.told.Planning(at.Operation)
	}
	switch {
	case p.live != nil:
		p.live.Progress(at)
	case now.Sub(p.last) >= 3*time.Second:
		p.last = now
		io.WriteString(p.w, view.PlanLine(at)+"\n")
	}
}

func (p *planProgress) close() {
	if p.live != nil {
		p.live.Close()
	}
}
