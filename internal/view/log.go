package view

import (
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// logged is how many lines of a log may wait to be written.
const logged = 4096

// A Log is what happens, as lines for whatever gathers them. Who writes to it
// never waits: a reader that is slow or gone costs lines, and how many is said
// in the next one.
type Log struct {
	*slog.Logger
	lines *lines // nil where it is written nowhere

	all, own *slog.Logger // of no run: into the lines, and straight to the reader
}

// NewLog returns a log of the lines from a level on, as text or JSON.
func NewLog(w io.Writer, level slog.Level, asJSON bool) *Log {
	l := &Log{lines: &lines{texts: make(chan []byte, logged), done: make(chan struct{})}}
	handler := func(w io.Writer) *slog.Logger {
		o := &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				a.Value = slog.TimeValue(a.Value.Time().UTC())
			}
			return a
		}}
		if asJSON {
			return slog.New(slog.NewJSONHandler(w, o))
		}
		return slog.New(slog.NewTextHandler(w, o))
	}
	l.all, l.own = handler(l.lines), handler(w)
	l.Logger = l.all
	l.lines.own.Store(l.own)
	go l.lines.copy(w)
	return l
}

// NoLog returns a log that is written nowhere.
func NoLog() *Log { return &Log{Logger: slog.New(slog.DiscardHandler)} }

// On tells whether anything is written.
func (l *Log) On() bool { return l.lines != nil }

// Of names the run on every line from now on.
func (l *Log) Of(run string) {
	if l.On() {
		l.Logger = l.all.With("run", run)
		l.lines.own.Store(l.own.With("run", run))
	}
}

// Close waits a moment until what is left has been written.
func (l *Log) Close() {
	if !l.On() {
		return
	}
	l.lines.close()
	select {
	case <-l.lines.done:
	case <-time.After(closeWait):
	}
}

// lines are those on their way to the reader. A handler makes each with one
// call of Write.
type lines struct {
	texts chan []byte
	done  chan struct{}
	lost  atomic.Int64                // lines for which there was no room
	own   atomic.Pointer[slog.Logger] // straight to the reader

	mu     sync.Mutex
	closed bool
}

// copy writes them until there are no more.
func (l *lines) copy(w io.Writer) {
	defer close(l.done)
	for text := range l.texts {
		w.Write(text)
		if n := l.lost.Swap(0); n > 0 {
			l.own.Load().Warn("lines were dropped", "lines", n)
		}
	}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return len(p), nil
	}
	select {
	case l.texts <- append([]byte(nil), p...):
	default:
		l.lost.Add(1)
	}
	return len(p), nil
}

func (l *lines) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.texts)
	}
}
