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
// that comes a window later. It costs half a percent of the rate.
const guard = 0.005

// catchUp is how late a dispatch may be without losing its place: below it the
// schedule stands, so that the mean rate is kept although timers are coarse.
const catchUp = 10 * time.Millisecond

// A Limiter gives permits at a rate.
//
// x/time/rate spaces them evenly, but a token bucket does not bound a window:
// after a stall it lets a burst follow on what was already under way. So a
// Limiter also keeps the last dispatches, and no window of one second holds
// more of them than the limit plus its burst less one.
//
// A Limiter belongs to one goroutine. Permits are stamped where they are
// taken; nobody sleeps with a reservation in hand.
type Limiter struct {
	bucket *rate.Limiter
	next   time.Time // when the bucket's next token falls due; it is already reserved

	window time.Duration // of ring, guard included
	ring   []time.Time   // the last dispatches, oldest at head
	head   int

	rest time.Time // nothing goes before it: Retry-After, a restart, a pause
}

// New returns a limiter whose first permit may go at start. A rate of zero
// requests a second is no limit.
func New(r plan.Rate, start time.Time) *Limiter {
	if r.RequestsPerSecond <= 0 {
		return &Limiter{rest: start}
	}
	burst := max(r.Burst, 1)
	n := int(math.Ceil(r.RequestsPerSecond)) + burst - 1
	window := float64(time.Second) * (1 + guard)
	if whole := math.Ceil(r.RequestsPerSecond); whole != r.RequestsPerSecond {
		window *= whole / r.RequestsPerSecond
	}
	l := &Limiter{
		bucket: rate.NewLimiter(rate.Limit(r.RequestsPerSecond), max(burst, int(r.RequestsPerSecond*catchUp.Seconds()))),
		window: time.Duration(window),
		ring:   make([]time.Time, n),
		rest:   start,
	}
	// The bucket is born full; only the burst that the file asked for is wanted.
	l.bucket.AllowN(start, l.bucket.Burst()-burst)
	l.reserve(start)
	return l
}

func (l *Limiter) reserve(now time.Time) {
	l.next = now.Add(l.bucket.ReserveN(now, 1).DelayFrom(now))
}

// Next returns when the next permit can be had, which may be in the past.
func (l *Limiter) Next() time.Time {
	if l.bucket == nil {
		return l.rest
	}
	at := l.rest
	if l.next.After(at) {
		at = l.next
	}
	if oldest := l.ring[l.head]; !oldest.IsZero() && oldest.Add(l.window).After(at) {
		at = oldest.Add(l.window)
	}
	return at
}

// Take stamps a dispatch at now, which must not be before [Limiter.Next].
func (l *Limiter) Take(now time.Time) {
	if l.bucket == nil {
		return
	}
	l.ring[l.head] = now
	l.head = (l.head + 1) % len(l.ring)
	l.reserve(now)
}

// Due returns how many permits fall due until the given time, at the least.
func (l *Limiter) Due(until time.Time) int {
	if l.bucket == nil {
		if l.rest.After(until) {
			return 0
		}
		return math.MaxInt
	}
	next := l.Next()
	if next.After(until) {
		return 0
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

// Slack is how long a dispatched request may take to leave before it would
// crowd the request that follows it: the time between two requests, and never
// so short that an ordinary scheduling delay would waste the permit.
func (l *Limiter) Slack() time.Duration {
	const least = 10 * time.Millisecond
	if l.bucket == nil {
		return time.Minute
	}
	return max(least, time.Duration(float64(time.Second)/float64(l.bucket.Limit())))
}

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

// Take stamps a dispatch with all of them.
func (ls Limiters) Take(now time.Time) {
	for _, l := range ls {
		l.Take(now)
	}
}

// Due is the fewest of theirs.
func (ls Limiters) Due(until time.Time) int {
	n := math.MaxInt
	for _, l := range ls {
		n = min(n, l.Due(until))
	}
	return n
}

// Slack is the shortest of theirs.
func (ls Limiters) Slack() time.Duration {
	d := time.Minute
	for _, l := range ls {
		d = min(d, l.Slack())
	}
	return d
}
