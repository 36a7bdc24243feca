package dispatch

import (
	"time"

	"github.com/bulkrunner/runner/internal/pace"
	"github.com/bulkrunner/runner/sdk/host"
)

// Lend takes a permit of the limits, which must be due, for a call that goes
// another way than the stream: a page of a list, which the protocol asks for
// with a call of its own, one after the other. It fills in the call's times. Such a call ends by
// itself at its deadline, so the line doesn't watch over it.
func (l *Line) Lend(now time.Time, limits pace.Limiters, c host.Call) host.Call {
	l.lent = limits.Take(now, l.leeway(now))
	c.LeaveBefore = l.lent.LeaveBefore()
	c.Deadline = now.Add(l.Timeout)
	return c
}

// Return takes in what became of a call that was lent its permit, as
// [Line.Handle] does for those of the stream.
func (l *Line) Return(now time.Time, c host.Call, a host.Answer) {
	l.departed(now, l.lent, a)
	l.heed(now, &c, a)
	l.learn(now, &c, a)
}
