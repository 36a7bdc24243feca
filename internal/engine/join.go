package engine

import (
	"time"

	"github.com/bulkrunner/runner/internal/dispatch"
	"github.com/bulkrunner/runner/internal/runfile"
)

// Join adds an operation to a run under way, for which [Joined] is set and on
// which no other depends. Only what [Options.Do] brings may call it. What an
// apply that has ended left started is the caller's to put in doubt.
func (e *Engine) Join(op *Operation) error {
	tally, err := e.journal.Tally(op.ID)
	if err != nil {
		return err
	}
	p := newOperation(op, e.lane(op.Provider))
	p.resume(tally, op.Joined.Settled)
	e.operations = append(e.operations, p)
	return nil
}

// let takes note of whether an operation that joined is to be let go. What is
// marked started and not sent then has its mark taken back, and what came back
// settles its item, unless nobody takes note of it any more.
func (op *operation) let() {
	j := op.Joined
	if j == nil {
		return
	}
	select {
	case <-j.Leave:
		op.left = true
	default:
	}
	op.lost = op.lost || j.Lost()
}

// part lets operations go that joined and of which nothing is under way any
// more. They are told so behind all that the recorder still has of them.
func (e *Engine) part() {
	kept := e.operations[:0]
	for _, op := range e.operations {
		if op.Joined == nil || op.active > 0 || !op.exhausted && !e.halted(op) {
			kept = append(kept, op)
			continue
		}
		fatal := e.fatal
		e.recorder.add(runfile.Batch{}, func() { op.Joined.Ended(op.stopped, fatal) })
	}
	clear(e.operations[len(kept):])
	e.operations = kept
}

// Drain stops the run gently, as [Options.Drain] does. Only what [Options.Do]
// brings may call it.
func (e *Engine) Drain() { e.draining = true }

// Outlives is for how long a request can have its effect after its item was
// marked, at the most.
func Outlives(line *dispatch.Line) time.Duration { return line.Timeout + markAhead + afterQuiet }
