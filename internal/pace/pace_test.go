package pace_test

import (
	"math"
	"math/rand/v2"
	"slices"
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

// TestLateDepartures: where requests leave late, each by up to what its permit
// allows, no second holds more than the limit and one as they leave, whenever
// it becomes known when they left; and the limit is used.
func TestLateDepartures(t *testing.T) {
	t.Parallel()
	for _, limit := range []float64{0.5, 1, 10, 50, 100, 200, 1000, 2000} {
		for _, told := range []time.Duration{time.Millisecond, 300 * time.Millisecond, 5 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(2, uint64(limit)))
				const seconds = 30
				start := time.Now()
				l := pace.New(plan.Rate{RequestsPerSecond: limit, Burst: 1}, start)
				type flight struct {
					*pace.Permit
					at    time.Time // when it left; zero for one that came too late
					known time.Time
				}
				var flying []flight
				var left []time.Time
				for now := start; now.Before(start.Add(seconds * time.Second)); now = time.Now() {
					for len(flying) > 0 && !flying[0].known.After(now) {
						if flying[0].at.IsZero() {
							flying[0].Unused()
						} else {
							flying[0].Left(flying[0].at)
						}
						flying = flying[1:]
					}
					if at := l.Next(); at.After(now) {
						next := at
						if len(flying) > 0 && flying[0].known.Before(next) {
							next = flying[0].known
						}
						time.Sleep(next.Sub(now))
						continue
					}
					f := flight{Permit: l.Take(now), known: now.Add(told)}
					// Calm and bad moments take turns, so that what is late
					// falls into one second with what isn't.
					slack := f.LeaveBefore().Sub(now)
					switch late := time.Duration(random.Int64N(int64(slack))); {
					case random.IntN(500) == 0: // not sent
					case now.Sub(start)/(750*time.Millisecond)%2 == 0:
						f.at = now.Add(slack - 1 - late/10)
					default:
						f.at = now.Add(late / 100)
					}
					if !f.at.IsZero() {
						left = append(left, f.at)
					}
					flying = append(flying, f)
				}
				slices.SortFunc(left, time.Time.Compare)
				allowed := int(math.Ceil(limit))
				if w := worst(left); w > allowed+1 {
					t.Errorf("limit %v, told after %s: worst second holds %d", limit, told, w)
				}
				if used := float64(len(left)) / seconds / limit; limit >= 10 && used < 0.98 {
					t.Errorf("limit %v, told after %s: %.3f of it was used", limit, told, used)
				}
			})
		}
	}
}

// TestPermitIsNotFooled: a provider that says a request left before it could,
// or after it might, moves no window.
func TestPermitIsNotFooled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, lie := range []time.Duration{-time.Hour, time.Hour} {
			start := time.Now()
			l := pace.New(plan.Rate{RequestsPerSecond: 10, Burst: 1}, start)
			for range 30 {
				now := time.Now()
				if at := l.Next(); at.After(now) {
					time.Sleep(at.Sub(now))
					now = time.Now()
				}
				l.Take(now).Left(now.Add(lie))
			}
			if took := time.Since(start); took < 2900*time.Millisecond || took > 3100*time.Millisecond {
				t.Errorf("30 requests at 10/s took %s", took)
			}
			time.Sleep(2 * time.Second)
		}
	})
}
