package dispatch

import (
	"fmt"
	"time"

	"github.com/bulkrunner/runner/internal/pace"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// The configured rate and the configured places in flight are a contract.
// Adaptation only ever goes below them, and finds its way back.
const (
	slower     = 0.7  // of the rate, after a refusal for pace
	faster     = 0.05 // of the configured rate, for each second without one
	leastShare = 0.05 // of the configured rate is the slowest that it gets

	narrower = 0.9 // of the places in flight, after an answer that was slow or lost

	// troubled is how many answers in a row must have proved nothing useful
	// before the line takes the API for down: then it pauses with a growing
	// back-off and probes with one request at a time.
	troubled = 10

	// Retries take at most this share of the rate, beyond a small stock, so
	// that an API in trouble is not asked more often than one in health.
	retryShare = 0.1
	retryStock = 100
)

// adaptation is how far a line stays below what it may do.
type adaptation struct {
	rate    float64   // requests a second at present; 0 where there is no limit
	changed time.Time // when rate was last changed
	slowed  bool

	places  float64 // requests in flight at present
	trouble int     // answers in a row that proved nothing useful
	retries *pace.Limiter

	leeway  time.Duration // that calls need to leave; 0 is what is usual
	hurried time.Time     // when one last came too late
}

func newAdaptation(s Settings, start time.Time) adaptation {
	a := adaptation{rate: s.Rate.RequestsPerSecond, places: float64(s.MaxInFlight)}
	if s.Rate.RequestsPerSecond > 0 {
		a.retries = pace.New(plan.Rate{RequestsPerSecond: s.Rate.RequestsPerSecond * retryShare, Burst: retryStock}, start)
	}
	return a
}

// Share changes the line to a part of its account's limits that several
// processes hold together: of its rate, until a time beyond which nothing goes,
// and of its places in flight. What was learnt of the API's mood stays, as a
// part of the new share.
func (l *Line) Share(now time.Time, r plan.Rate, places int, until time.Time) {
	full := l.Rate.RequestsPerSecond
	part := 1.0
	if l.adapt.slowed && full > 0 {
		part = l.adapt.rate / full
	}
	l.limiter.Share(now, r, until)
	if l.adapt.places >= float64(l.MaxInFlight) {
		l.adapt.places = float64(places)
	}
	l.adapt.places = min(l.adapt.places, float64(places))
	if l.Rate, l.MaxInFlight = r, places; r.RequestsPerSecond != full {
		l.adapt.rate = r.RequestsPerSecond * part
		if part < 1 {
			l.limiter.Slow(now, l.adapt.rate)
		}
		l.adapt.retries = nil
		if r.RequestsPerSecond > 0 {
			l.adapt.retries = pace.New(plan.Rate{RequestsPerSecond: r.RequestsPerSecond * retryShare, Burst: retryStock}, now)
		}
	}
}

// Rests is for how long from now on the API has asked for nothing to be sent,
// which concerns all that share its limits.
func (l *Line) Rests(now time.Time) time.Duration { return max(0, l.throttled.Sub(now)) }

// Places is how many requests may be in flight at present, from 1 to the
// configured number.
func (l *Line) Places() int {
	if l.adapt.trouble >= troubled {
		return 1
	}
	return max(1, int(l.adapt.places))
}

// Retries returns the limits that hold for a request which repeats another,
// beside those of every request.
func (l *Line) Retries() *pace.Limiter { return l.adapt.retries }

// leeway is how long a call may take to leave. It halves while none is late.
func (l *Line) leeway(now time.Time) time.Duration {
	const calm = 10 * time.Second
	for l.adapt.leeway > 0 && now.Sub(l.adapt.hurried) >= calm {
		l.adapt.leeway /= 2
		l.adapt.hurried = l.adapt.hurried.Add(calm)
	}
	return l.adapt.leeway
}

// transfer is how long arguments take at the least to be read by their
// provider, with a machine that has other things to do: a second for a message
// of the largest size.
func transfer(arguments []byte) time.Duration {
	const second = 16 << 20
	return time.Duration(len(arguments)) * time.Second / second
}

// learn adapts to one answer.
func (l *Line) learn(now time.Time, c *host.Call, a host.Answer) {
	if c.Verb == host.Authenticate || a.Outcome == sdk.OutcomeNotSent {
		return
	}
	switch a.Outcome {
	case sdk.OutcomeThrottled:
		l.slow(now)
		return
	case sdk.OutcomeUnknown, sdk.OutcomeNotNow:
		l.adapt.trouble++
		if l.adapt.trouble >= troubled {
			l.Pause(now, l.pauses.NextBackOff(), "the API answers with nothing but trouble", "troubled")
		}
	default:
		l.adapt.trouble = 0
	}
	took := now.Sub(c.Deadline.Add(-l.Timeout))
	switch {
	case a.Outcome == sdk.OutcomeUnknown || took > l.Timeout/2:
		l.adapt.places = max(1, l.adapt.places*narrower)
	case 2*(len(l.inFlight)+1) >= int(l.adapt.places):
		l.adapt.places = min(float64(l.MaxInFlight), l.adapt.places+1)
	}
}

// slow lowers the rate, once for all the answers to requests that were sent at
// the former one.
func (l *Line) slow(now time.Time) {
	full := l.Rate.RequestsPerSecond
	if full <= 0 || now.Sub(l.adapt.changed) < time.Second && l.adapt.slowed {
		return
	}
	l.setRate(now, max(full*leastShare, l.adapt.rate*slower))
	if !l.adapt.slowed {
		l.note(now, "slowed", fmt.Sprintf("after a refusal for pace, requests go at %.3g a second; the file's limit is %v", l.adapt.rate, full))
	}
	l.adapt.slowed = true
}

// recover raises the rate again while no refusal comes.
func (l *Line) recover(now time.Time) {
	full := l.Rate.RequestsPerSecond
	if !l.adapt.slowed || now.Before(l.until) || now.Sub(l.adapt.changed) < time.Second {
		return
	}
	rate := l.adapt.rate + full*faster
	if rate >= full {
		rate, l.adapt.slowed = full, false
		l.note(now, "recovered", fmt.Sprintf("requests go at the file's limit of %v a second again", full))
	}
	l.setRate(now, rate)
}

func (l *Line) setRate(now time.Time, rate float64) {
	l.adapt.rate, l.adapt.changed = rate, now
	l.limiter.Slow(now, rate)
}
