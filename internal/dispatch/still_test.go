package dispatch_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// TestStandstill: what is on its way while the API, or the machine, stands still
// arrives all at once when it goes on. No second at the API's clock holds more
// than the limit and one for it, where answers are many enough to tell, and few
// more where they aren't. Answers that take now longer and now shorter are not
// taken for it.
func TestStandstill(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{50, 200, 1000, 2000} {
		for _, usual := range []time.Duration{time.Millisecond, 200 * time.Millisecond} {
			for _, still := range []time.Duration{0, 12 * time.Millisecond, 40 * time.Millisecond, 300 * time.Millisecond} {
				var came []time.Duration // in order, by the API's clock
				synctest.Test(t, func(t *testing.T) { came = standing(limit, usual, still) })
				first, most := 0, 0
				for last := range came {
					for came[last]-came[first] >= time.Second {
						first++
					}
					most = max(most, last-first+1)
				}
				allowed := limit + 1
				if limit < 1000 && still > 0 {
					allowed = limit + 6 // shorter than what tells of it
				}
				if most > allowed {
					t.Errorf("%d/s, answers after %s, still for %s: %d came within a second", limit, usual, still, most)
				}
				used := float64(len(came)) / came[len(came)-1].Seconds() / float64(limit)
				if used < 0.99 && still == 0 || used < 0.985 && still < 100*time.Millisecond {
					t.Errorf("%d/s, answers after %s, still for %s: %.4f of it was used", limit, usual, still, used)
				}
			}
		}
	}
}

// standing is when requests come to an API that stands still for a while, more
// than a second after it did before, and answers after what is usual.
func standing(limit int, usual, still time.Duration) (came []time.Duration) {
	const length = 30 * time.Second
	random := rand.New(rand.NewPCG(3, uint64(limit)))
	var stills []time.Duration
	for at := time.Second; at < length; at += still + time.Second + time.Duration(random.Int64N(int64(300*time.Millisecond))) {
		stills = append(stills, at)
	}
	held := func(at time.Duration) time.Duration {
		for _, from := range stills {
			if at >= from && at < from+still {
				return from + still
			}
		}
		return at
	}
	drive(settings(float64(limit), 1000), length, func(at time.Duration, _ host.Call) (host.Answer, time.Duration) {
		comes := held(at)
		came = append(came, comes)
		took := usual/2 + time.Duration(random.ExpFloat64()*float64(usual/2))
		return host.Answer{Outcome: sdk.OutcomeDone, SentAt: time.Now(), Requests: 1}, held(comes+took) - at
	})
	slices.Sort(came)
	return came
}
