package dispatch_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bulkrunner/runner/internal/dispatch"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/providers"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// An api answers calls by a function of the time since its start.
type api struct {
	line   *dispatch.Line
	start  time.Time
	events chan providers.Event
	answer func(at time.Duration, c host.Call) (host.Answer, time.Duration)
	sent   []time.Duration
	flying []int // in flight when each was sent
	killed int
}

func (a *api) Kill() { a.killed++ }

func (a *api) Send(calls []host.Call) {
	for _, c := range calls {
		at := time.Since(a.start)
		a.sent = append(a.sent, at)
		a.flying = append(a.flying, a.line.InFlight())
		answer, takes := a.answer(at, c)
		if takes < 0 {
			continue // never answered
		}
		answer.ID = c.ID
		time.AfterFunc(takes, func() { a.events <- providers.Event{Answers: []host.Answer{answer}} })
	}
}

// drive sends as many requests as the line lets it until end, and returns the
// outcomes by when they came.
func drive(s dispatch.Settings, end time.Duration, answer func(time.Duration, host.Call) (host.Answer, time.Duration)) (*api, *dispatch.Line) {
	a := &api{start: time.Now(), events: make(chan providers.Event, 1024), answer: answer}
	if s.Timeout == 0 {
		s.Timeout = 30 * time.Second
	}
	line := dispatch.NewLine(s, a, a.start)
	a.line = line
	limits := line.Limits(nil)
	for time.Since(a.start) < end && line.Err() == nil {
		now := time.Now()
		for line.Open() && line.InFlight() < line.Places() && !limits.Next().After(now) {
			line.Call(now, limits, host.Call{Verb: host.Execute}, nil)
		}
		wake := now.Add(100 * time.Millisecond)
		if t := line.Tick(now); !t.IsZero() && t.Before(wake) {
			wake = t
		}
		if t := limits.Next(); t.After(now) && t.Before(wake) {
			wake = t
		}
		line.Flush()
		select {
		case ev := <-a.events:
			line.Handle(time.Now(), ev)
		case <-time.After(max(0, wake.Sub(now))):
		}
	}
	return a, line
}

func between(sent []time.Duration, from, to time.Duration) (n int) {
	for _, at := range sent {
		if at >= from && at < to {
			n++
		}
	}
	return n
}

var done = host.Answer{Outcome: sdk.OutcomeDone}

func settings(rate float64, places int) dispatch.Settings {
	return dispatch.Settings{Name: "provider.test", Rate: plan.Rate{RequestsPerSecond: rate, Burst: 1}, MaxInFlight: places, Patience: 10 * time.Minute}
}

// TestD5RetryAfterIsHonoured: nothing leaves within a Retry-After, and what
// follows comes within a second of its end.
func TestD5RetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{time.Second, 5 * time.Second, 10 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			var until time.Duration
			a, line := drive(settings(50, 8), 3*time.Second+after+2*time.Second, func(at time.Duration, _ host.Call) (host.Answer, time.Duration) {
				if at > time.Second && until == 0 {
					until = at + 10*time.Millisecond + after
					return host.Answer{Outcome: sdk.OutcomeThrottled, After: after}, 10 * time.Millisecond
				}
				return done, 10 * time.Millisecond
			})
			if line.Err() != nil {
				t.Fatal(line.Err())
			}
			if n := between(a.sent, until-after+time.Millisecond, until); n > 0 {
				t.Errorf("%d requests left within a Retry-After of %s", n, after)
			}
			if n := between(a.sent, until, until+time.Second); n == 0 {
				t.Errorf("nothing left in the second after a Retry-After of %s", after)
			}
		})
	}
}

// TestD5RateAdaptsToRefusals: an API that allows less than the file says is
// found, and the file's limit is found again when it allows that.
func TestD5RateAdaptsToRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var recent []time.Duration
		refused := 0
		a, line := drive(settings(100, 16), 10*time.Minute, func(at time.Duration, _ host.Call) (host.Answer, time.Duration) {
			for len(recent) > 0 && at-recent[0] >= time.Second {
				recent = recent[1:]
			}
			allowed := 30
			if at > 5*time.Minute {
				allowed = 1000
			}
			if len(recent) >= allowed {
				refused++
				return host.Answer{Outcome: sdk.OutcomeThrottled, After: time.Second}, 20 * time.Millisecond
			}
			recent = append(recent, at)
			return done, 20 * time.Millisecond
		})
		if line.Err() != nil {
			t.Fatal(line.Err())
		}
		if share := float64(refused) / float64(between(a.sent, 0, 5*time.Minute)); share > 0.1 {
			t.Errorf("%.0f%% of the requests were refused while the API allowed 30/s of 100/s", 100*share)
		}
		if rate := between(a.sent, 9*time.Minute, 10*time.Minute); rate < 60*99 {
			t.Errorf("four minutes after the API recovered %d requests went in a minute, of 6000", rate)
		}
		most, from := 0, 0
		for to := range a.sent {
			for a.sent[to]-a.sent[from] >= time.Second {
				from++
			}
			most = max(most, to-from+1)
		}
		if most > 100 {
			t.Errorf("the worst second holds %d requests, the file allows 100", most)
		}
	})
}

// TestD6TroubleIsNotFedMore: an API that is down is probed, not hammered, and
// is not stormed when it comes back.
func TestD6TroubleIsNotFedMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const down, up = time.Minute, 11 * time.Minute
		a, line := drive(settings(100, 32), 20*time.Minute, func(at time.Duration, _ host.Call) (host.Answer, time.Duration) {
			if at > down && at < up {
				return host.Answer{Outcome: sdk.OutcomeNotNow, Code: "http_503"}, 20 * time.Millisecond
			}
			return done, 20 * time.Millisecond
		})
		if line.Err() != nil {
			t.Fatal(line.Err())
		}
		if n := between(a.sent, down+time.Second, up); n > 100 {
			t.Errorf("%d requests were sent to an API that was down for ten minutes", n)
		}
		if n := between(a.sent, up+2*time.Minute, up+3*time.Minute); n < 5900 {
			t.Errorf("%d requests a minute went two minutes after it came back, of 6000", n)
		}
	})
}

// TestD7PlacesFollowTheAPI: an API that slows down gets fewer requests at once,
// never more than the ceiling, and all of them again within a minute.
func TestD7PlacesFollowTheAPI(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := settings(0, 64)
		s.Timeout = 8 * time.Second
		a, line := drive(s, 4*time.Minute, func(at time.Duration, _ host.Call) (host.Answer, time.Duration) {
			if at > 10*time.Second && at < 2*time.Minute {
				return done, 5 * time.Second
			}
			return done, 50 * time.Millisecond
		})
		if line.Err() != nil {
			t.Fatal(line.Err())
		}
		most := func(from, to time.Duration) (n int) {
			for i, at := range a.sent {
				if at >= from && at < to {
					n = max(n, a.flying[i])
				}
			}
			return n
		}
		slowest, recovered := most(115*time.Second, 2*time.Minute), most(3*time.Minute, 4*time.Minute)
		if n := most(0, time.Hour); n > 64 {
			t.Errorf("%d requests were in flight at once, the ceiling is 64", n)
		}
		if slowest > 32 {
			t.Errorf("%d requests were still in flight when each took 5s", slowest)
		}
		if recovered < 57 {
			t.Errorf("a minute after the API was fast again %d requests were in flight at the most", recovered)
		}
	})
}

// TestC2SilenceIsEnded: a provider that keeps silent past a deadline is killed.
func TestC2SilenceIsEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := settings(10, 4)
		s.Timeout = 5 * time.Second
		a, _ := drive(s, 8*time.Second, func(time.Duration, host.Call) (host.Answer, time.Duration) { return host.Answer{}, -1 })
		if a.killed == 0 {
			t.Error("a silent provider was not killed within its deadline and two seconds")
		}
	})
}

func TestUnreachableForLongIsFatal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, line := drive(settings(10, 4), 20*time.Minute, func(time.Duration, host.Call) (host.Answer, time.Duration) {
			return host.Answer{Outcome: sdk.OutcomeNotSent, Code: "connect"}, time.Millisecond
		})
		if line.Err() == nil || !strings.Contains(line.Err().Error(), "out of reach") {
			t.Errorf("after 20 minutes: %v", line.Err())
		}
		if len(a.sent) > 200 {
			t.Errorf("%d attempts were made to reach it", len(a.sent))
		}
	})
}
