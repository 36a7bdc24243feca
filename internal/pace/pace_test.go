package pace_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bulkrunner/runner/internal/pace"
	"github.com/bulkrunner/runner/internal/plan"
)

// dispatch takes permits as the engine does, until end: it waits for the next
// one, wakes a little late, and stamps. stall may hold it up further.
func dispatch(l *pace.Limiter, end time.Time, late func() time.Duration) []time.Time {
	var sent []time.Time
	for {
		now := time.Now()
		if at := l.Next(); at.After(now) {
			time.Sleep(at.Sub(now) + late())
			continue
		}
		if !now.Before(end) {
			return sent
		}
		l.Take(now)
		sent = append(sent, now)
	}
}

// worst is the greatest number of dispatches in any half-open second.
func worst(sent []time.Time) int {
	most, from := 0, 0
	for to := range sent {
		for sent[to].Sub(sent[from]) >= time.Second {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

func TestNoSecondHoldsMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	for _, limit := range []float64{0.5, 1, 2.5, 5, 10, 50, 100, 200, 1000, 2000} {
		for _, trouble := range []string{"none", "late timers", "stalls"} {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(1, uint64(limit)))
				late := func() time.Duration { return 0 }
				switch trouble {
				case "late timers":
					late = func() time.Duration { return time.Duration(random.Int64N(int64(time.Millisecond))) }
				case "stalls":
					late = func() time.Duration {
						if random.IntN(40) == 0 {
							return time.Duration(random.Int64N(int64(3 * time.Second)))
						}
						return 0
					}
				}
				const seconds = 60
				start := time.Now()
				sent := dispatch(pace.New(plan.Rate{RequestsPerSecond: limit, Burst: 1}, start), start.Add(seconds*time.Second), late)

				allowed := int(limit)
				if float64(allowed) < limit {
					allowed++
				}
				if w := worst(sent); w > allowed {
					t.Errorf("limit %v, %s: worst second holds %d", limit, trouble, w)
				}
				if mean := float64(len(sent)) / seconds; trouble != "stalls" && mean < 0.99*limit {
					t.Errorf("limit %v, %s: mean %.3f/s is below 0.99 of it", limit, trouble, mean)
				}
			})
		}
	}
}

func TestBurstIsSpentAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		sent := dispatch(pace.New(plan.Rate{RequestsPerSecond: 10, Burst: 5}, start), start.Add(10*time.Second), func() time.Duration { return 0 })
		if at := sent[4].Sub(start); at != 0 {
			t.Errorf("the fifth request of a burst of 5 went after %s", at)
		}
		if w := worst(sent); w > 14 {
			t.Errorf("worst second holds %d, more than 10 + 5 - 1", w)
		}
	})
}

func TestNothingGoesWhileResting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		l := pace.New(plan.Rate{RequestsPerSecond: 100, Burst: 1}, start)
		l.Take(start)
		l.Rest(start.Add(5 * time.Second))
		l.Rest(start.Add(time.Second)) // a shorter rest does not shorten a longer one
		sent := dispatch(l, start.Add(7*time.Second), func() time.Duration { return 0 })
		if first := sent[0].Sub(start); first < 5*time.Second {
			t.Errorf("a request went %s into a rest of 5s", first)
		}
		if w := worst(sent); w > 100 {
			t.Errorf("worst second after the rest holds %d", w)
		}
	})
}

func TestNoLimit(t *testing.T) {
	t.Parallel()
	l := pace.New(plan.Rate{}, time.Time{})
	now := time.Now()
	for range 1000 {
		if l.Next().After(now) {
			t.Fatal("a limiter without a limit made a request wait")
		}
		l.Take(now)
	}
}
