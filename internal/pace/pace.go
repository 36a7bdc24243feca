// Package pace keeps the rate: one permit for each request, taken at the
// moment of dispatch.
package pace

import (
	"math"
	"time"

	"golang.org/x/time/rate"

	"github.com/bulkrunner/runner/internal/plan"
)

// guard is how much longer than its window the pacer waits, so that a request
// which the network held up a little does not share a second with the request
// that comes a window later. It costs nine thousandths of the rate. With five,
// 2,000 requests a second were up to 2,008 as they arrived.
const guard = 0.009

// catchUp is how late a dispatch may be without losing its place: below it the
// schedule stands, so that the mean rate is kept although a machine has other
// things to do. What is late by no more than bunch, as with coarse timers, goes
// at once; the rest is caught up at twice the rate, and not in a burst.
const (
	catchUp = 100 * time.Millisecond
	bunch   = 10 * time.Millisecond
)

// A Limiter gives permits at a rate.
//
// x/time/rate spaces them evenly, but a token bucket does not bound a window:
// after a stall it lets a burst follow on what was already under way. So a
// Limiter also keeps the last dispatches, and no window of one second holds
// more of them than the limit plus its burst less one.
//
// A request leaves a little after its dispatch, and one that is late crowds
// those that follow. So the Limiter counts from when a request has left, where
// that is told, and else from when it may have left at the latest: no second
// holds more than one request above the bound as they leave. What was held up
// on its way counts from when it was not, see [Permit.Held].
//
// A Limiter belongs to one goroutine, and so do its permits. They are stamped
// where they are taken; nobody sleeps with a reservation in hand.
type Limiter struct {
	bucket *rate.Limiter
	haste  *rate.Limiter // spaces what is caught up
	next   time.Time     // when both buckets' next tokens fall due; they are already reserved

	bare   time.Duration // the window: a second, or more for a rate that is no whole number
	window time.Duration // guard included
	ring   []*Permit     // the last dispatches, one more than a window may hold; the oldest is at head
	head   int

	rest  time.Time // nothing goes before it: Retry-After, a restart, a pause
	until time.Time // nothing goes after it; zero is no end
}

// Never is a time that doesn't come.
var Never = time.Unix(1<<40, 0)

// Shared returns a limiter that gives no permit before [Limiter.Share] says how
// much of a limit is this process's.
func Shared(now time.Time) *Limiter {
	return &Limiter{rest: now, until: now.Add(-time.Second)}
}

// New returns a limiter whose first permit may go at start. A rate of zero
// requests a second is no limit.
func New(r plan.Rate, start time.Time) *Limiter {
	if r.RequestsPerSecond <= 0 {
		return &Limiter{rest: start}
	}
	burst := max(r.Burst, 1)
	n := int(math.Ceil(r.RequestsPerSecond)) + burst - 1
	bare := float64(time.Second)
	if whole := math.Ceil(r.RequestsPerSecond); whole != r.RequestsPerSecond {
		bare *= whole / r.RequestsPerSecond
	}
	l := &Limiter{
		bucket: rate.NewLimiter(rate.Limit(r.RequestsPerSecond), max(burst, int(r.RequestsPerSecond*catchUp.Seconds()))),
		haste:  rate.NewLimiter(2*rate.Limit(r.RequestsPerSecond), max(burst, int(r.RequestsPerSecond*bunch.Seconds()))),
		bare:   time.Duration(bare),
		window: time.Duration(bare * (1 + guard)),
		ring:   make([]*Permit, n+1),
		rest:   start,
	}
	// Buckets are born full; only the burst that the file asked for is wanted.
	l.bucket.AllowN(start, l.bucket.Burst()-burst)
	l.haste.AllowN(start, l.haste.Burst()-burst)
	l.reserve(start)
	return l
}

func (l *Limiter) reserve(now time.Time) {
	l.next = now.Add(max(l.bucket.ReserveN(now, 1).DelayFrom(now), l.haste.ReserveN(now, 1).DelayFrom(now)))
}

// Share changes the limiter to a part of a limit that several processes hold
// together. What is asked for by until has also left by then, and nothing is
// given beyond it. Dispatches of the last window count on, so no second holds
// more than the smaller or the greater share, whichever it began with. A rate
// of zero requests a second is no limit.
func (l *Limiter) Share(now time.Time, r plan.Rate, until time.Time) {
	l.until = until
	if r.RequestsPerSecond <= 0 {
		l.bucket, l.ring = nil, nil
		return
	}
	if l.bucket != nil && float64(l.bucket.Limit()) == r.RequestsPerSecond {
		return
	}
	start := now
	if l.rest.After(now) {
		start = l.rest
	}
	next := New(r, start)
	next.next = start.Add(time.Duration(float64(time.Second) / r.RequestsPerSecond)) // not at once: the one before may have just gone
	for n := min(len(l.ring), len(next.ring)); n > 0; n-- {
		next.ring[len(next.ring)-n] = l.ring[(l.head+len(l.ring)-n)%len(l.ring)]
	}
	next.rest, next.until = l.rest, until
	*l = *next
}

// Next returns when the next permit can be had, which may be in the past.
func (l *Limiter) Next() time.Time {
	at := l.due()
	if !l.until.IsZero() && at.Add(leastSlack).After(l.until) {
		return Never
	}
	return at
}

func (l *Limiter) due() time.Time {
	if l.bucket == nil {
		return l.rest
	}
	at := l.rest
	if l.next.After(at) {
		at = l.next
	}
	if oldest := l.ring[(l.head+1)%len(l.ring)]; oldest.counts() && oldest.at.Add(l.window).After(at) {
		at = oldest.at.Add(l.window)
	}
	if before := l.ring[l.head]; before.counts() && before.over(l).After(at) {
		at = before.over(l)
	}
	return at
}

// Take stamps a dispatch at now, which must not be before [Limiter.Next].
func (l *Limiter) Take(now time.Time) *Permit { return Limiters{l}.Take(now, 0) }

func (l *Limiter) take(p *Permit) {
	if l.bucket == nil {
		return
	}
	l.ring[l.head] = p
	l.head = (l.head + 1) % len(l.ring)
	l.reserve(p.at)
}

// Due returns how many permits fall due until the given time, at the least.
func (l *Limiter) Due(until time.Time) int {
	next := l.Next()
	if next.After(until) {
		return 0
	}
	if l.bucket == nil {
		return math.MaxInt
	}
	return 1 + int(until.Sub(next).Seconds()*float64(l.bucket.Limit()))
}

// Slow changes the rate to one that is not above the one it was made with.
// The windows stay those of the first rate.
func (l *Limiter) Slow(now time.Time, requestsPerSecond float64) {
	if l.bucket == nil {
		return
	}
	l.bucket.SetLimitAt(now, rate.Limit(requestsPerSecond))
	l.haste.SetLimitAt(now, 2*rate.Limit(requestsPerSecond))
	if slowest := now.Add(time.Duration(float64(time.Second) / requestsPerSecond)); l.next.After(slowest) {
		l.next = slowest // the token in hand was reserved at a slower rate
	}
}

// Rest lets no permit go before until.
func (l *Limiter) Rest(until time.Time) {
	if until.After(l.rest) {
		l.rest = until
	}
}

// slack is how long a dispatched request may take to leave before it would
// crowd the request that follows it: the time between two requests, and never
// so short that an ordinary scheduling delay would waste the permit.
func (l *Limiter) slack() time.Duration {
	if l.bucket == nil {
		return time.Minute
	}
	return max(leastSlack, time.Duration(float64(time.Second)/float64(l.bucket.Limit())))
}

const leastSlack = 10 * time.Millisecond

// Limiters are limits that all hold at once: the provider's, and the narrower
// one of an operation.
type Limiters []*Limiter

// Next returns when all of them give a permit.
func (ls Limiters) Next() time.Time {
	var at time.Time
	for _, l := range ls {
		if t := l.Next(); t.After(at) {
			at = t
		}
	}
	return at
}

// Take stamps a dispatch with all of them. The request may take leeway to
// leave, where that is more than is usual.
func (ls Limiters) Take(now time.Time, leeway time.Duration) *Permit {
	p := &Permit{at: now, before: now.Add(max(leeway, ls.slack()))}
	for _, l := range ls {
		if !l.until.IsZero() && l.until.Before(p.before) {
			p.before = l.until
		}
		l.take(p)
	}
	return p
}

// Due is the fewest of theirs.
func (ls Limiters) Due(until time.Time) int {
	n := math.MaxInt
	for _, l := range ls {
		n = min(n, l.Due(until))
	}
	return n
}

// slack is the shortest of theirs.
func (ls Limiters) slack() time.Duration {
	d := time.Minute
	for _, l := range ls {
		d = min(d, l.slack())
	}
	return d
}
