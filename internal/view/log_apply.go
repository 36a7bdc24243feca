package view

import (
	"context"
	"log/slog"
	"time"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/planner"
	"github.com/bulkrunner/runner/internal/runfile"
)

// LogEvery is how often a log says how far a plan or an apply is.
const LogEvery = 10 * time.Second

// Planned writes what a plan has become: a line a list and an operation, and
// one for the whole. path is where it is kept, "" when it isn't.
func (l *Log) Planned(d *Document, path string) {
	if !l.On() {
		return
	}
	for _, list := range d.Run.Lists {
		l.Info("list read", "list", list.Address, "source", list.Source, "rows", list.Rows, "digest", list.Digest)
	}
	for _, op := range d.Operations {
		l.Info("operation planned", "operation", op.Address, "rows", op.Rows, "matching", op.Matching, counts(op.Counts))
	}
	l.Info("planned", "state", d.Run.State, "digest", d.Run.Digest, "path", path, counts(d.Run.Counts))
}

// Planning writes how far a plan is.
func (l *Log) Planning(at planner.Progress) {
	l.Info("planning", "operation", at.Operation, "rows", at.Rows, "read", at.Read, "waiting", at.Waiting)
}

// counts are items by state.
func counts(by map[string]int64) slog.Attr {
	var attrs []any
	for _, s := range plan.States {
		if n := by[s.String()]; n > 0 {
			attrs = append(attrs, slog.Int64(s.String(), n))
		}
	}
	return slog.Group("items", attrs...)
}

// Committed writes what was just made durable: events, and each request on the
// level of debugging.
func (l *Log) Committed(b runfile.Batch) {
	if !l.On() {
		return
	}
	for _, e := range b.Events {
		level := slog.LevelInfo
		switch e.Kind {
		case "stopped", "throttled", "slowed", "unreachable", "token_refused", "protocol_error", "provider_ended", "provider_killed":
			level = slog.LevelWarn
		}
		l.Log(context.Background(), level, "event", "kind", e.Kind, "detail", e.Detail)
	}
	if !l.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	for _, r := range b.Requests {
		took := time.Duration(0)
		if !r.SentAt.IsZero() && r.SettledAt.After(r.SentAt) {
			took = r.SettledAt.Sub(r.SentAt)
		}
		l.Debug("request", "item", r.Item, "verb", r.Verb, "outcome", r.Outcome, "code", r.Code, "took_ms", took.Milliseconds())
	}
}

// NewApplyLog returns the view of an apply that writes it to a log. No item has
// a line of its own but on the level of debugging.
func NewApplyLog(l *Log) Apply { return &applyLog{Log: l, last: time.Now()} }

type applyLog struct {
	*Log
	last time.Time
}

func (v *applyLog) Started(_ string, toExecute int64) {
	v.Info("apply began", "to_execute", toExecute)
}

func (v *applyLog) Item(u engine.Update) {
	if v.Enabled(context.Background(), slog.LevelDebug) {
		v.Debug("item", "operation", u.Operation.Address, "key", u.Item.Key, "state", u.Item.State.String(), "reason", u.Item.Reason, "attempts", u.Item.Attempts)
	}
}

func (v *applyLog) Progress(ps []engine.Progress) {
	now := time.Now()
	if now.Sub(v.last) < LogEvery {
		return
	}
	v.last = now
	for _, p := range ps {
		settled := make(map[string]int64)
		for s, n := range p.Settled {
			settled[s.String()] = n
		}
		v.Info("progress", "operation", p.Operation.Address, "requests", p.Requests, "in_flight", p.InFlight, "waiting", p.Waiting, counts(settled))
	}
}

func (v *applyLog) Finished(state string, by map[string]int64) {
	level := slog.LevelInfo
	if state != runfile.StateFinished {
		level = slog.LevelWarn
	}
	v.Log.Log(context.Background(), level, "apply ended", "state", state, counts(by))
}

func (v *applyLog) Close() {}

// Together is several views of one apply.
func Together(views ...Apply) Apply { return together(views) }

type together []Apply

func (all together) Started(run string, n int64) {
	for _, v := range all {
		v.Started(run, n)
	}
}

func (all together) Item(u engine.Update) {
	for _, v := range all {
		v.Item(u)
	}
}

func (all together) Progress(ps []engine.Progress) {
	for _, v := range all {
		v.Progress(ps)
	}
}

func (all together) Finished(state string, counts map[string]int64) {
	for _, v := range all {
		v.Finished(state, counts)
	}
}

func (all together) Close() {
	for _, v := range all {
		v.Close()
	}
}
