package fleet

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// Whoever comes, goes silent or comes back, and however late answers are: the
// shares that are in use, and those of the last second, never add up to more
// than the limit; and when nobody comes or goes, all of it is given out.
func TestSharesAddUp(t *testing.T) {
	t.Parallel()
	for _, limit := range []float64{0.5, 1, 2.5, 3, 20, 200} {
		for seed := range uint64(12) {
			random := rand.New(rand.NewPCG(seed, uint64(limit*10)))
			type worker struct {
				share  share
				until  time.Time // by its own count
				next   time.Time // when it asks again
				answer time.Time // when the answer to its last question comes
				asked  time.Time
				coming share
				silent bool
				ended  map[time.Time]float64 // shares that it had before
			}
			workers := map[string]*worker{}
			var o owner
			used := 0.0 // when nobody has come or gone for long
			start := time.Unix(1_000_000, 0)
			churn := start.Add(90 * time.Second)
			for now := start; now.Before(start.Add(150 * time.Second)); now = now.Add(50 * time.Millisecond) {
				if now.Before(churn) && random.IntN(60) == 0 {
					name := fmt.Sprint(random.IntN(5))
					if w := workers[name]; w == nil {
						workers[name] = &worker{next: now, ended: map[time.Time]float64{}}
					} else {
						w.silent = !w.silent // it dies, or wakes up
					}
				}
				sum := 0.0
				for name, w := range workers {
					if w.silent && random.IntN(2) == 0 {
						continue
					}
					if !w.answer.IsZero() && !now.Before(w.answer) {
						if w.share.Open {
							end := now
							if w.until.Before(now) {
								end = w.until
							}
							w.ended[end] = max(w.ended[end], w.share.Rate)
						}
						w.share, w.until, w.answer = w.coming, w.asked.Add(w.coming.Lives), time.Time{}
					}
					if w.answer.IsZero() && !now.Before(w.next) && !w.silent {
						w.asked = now
						w.coming = o.give(now.Add(time.Duration(random.IntN(100))*time.Millisecond), hold{Worker: name, Wants: true, Rate: limit, Places: 64, Applied: w.share.Number})
						w.answer, w.next = now.Add(time.Duration(100+random.IntN(300))*time.Millisecond), now.Add(shareEvery)
					}
				}
				for _, w := range workers {
					most := 0.0
					if w.until.After(now.Add(-time.Second)) && w.share.Open {
						most = w.share.Rate
					}
					for end, rate := range w.ended {
						if end.After(now.Add(-time.Second)) {
							most = max(most, rate)
						}
					}
					sum += most
				}
				if sum > limit+1e-9 {
					t.Fatalf("limit %v, seed %d: shares of %v a second are in use after %s", limit, seed, sum, now.Sub(start))
				}
				if now.After(churn.Add(40 * time.Second)) {
					used = max(used, sum)
				}
			}
			alive := false
			for _, w := range workers {
				alive = alive || !w.silent
			}
			if alive && used < limit-1e-9 {
				t.Fatalf("limit %v, seed %d: only %v a second are given out", limit, seed, used)
			}
		}
	}
}

// A share that others have given back is free a second later, in which their
// last requests count still.
func TestShareIsFreeAfterItsWindow(t *testing.T) {
	t.Parallel()
	var o owner
	now := time.Unix(1_000_000, 0)
	ask := func(worker string, applied int) share {
		return o.give(now, hold{Worker: worker, Wants: true, Rate: 10, Places: 10, Applied: applied})
	}
	a := ask("a", 0)
	if a.Rate != 10 || a.Places != 10 {
		t.Fatalf("alone: %+v", a)
	}
	if b := ask("b", 0); b.Open {
		t.Errorf("b gets what a has: %+v", b)
	}
	a = ask("a", a.Number)
	if a.Rate != 5 {
		t.Fatalf("a of two: %+v", a)
	}
	if b := ask("b", 0); b.Open {
		t.Errorf("b gets what a may not have heard of: %+v", b)
	}
	a = ask("a", a.Number)
	now = now.Add(shareWindow / 2)
	if b := ask("b", 0); b.Open {
		t.Errorf("b gets what counts still: %+v", b)
	}
	now = now.Add(shareWindow)
	if b := ask("b", 0); b.Rate != 5 || b.Places != 5 {
		t.Errorf("b of two: %+v", b)
	}
	// What the API asked of one holds for all.
	o.give(now, hold{Worker: "a", Wants: true, Rate: 10, Places: 10, Rests: 30 * time.Second})
	now = now.Add(10 * time.Second)
	if b := ask("b", 0); b.Rests != 20*time.Second {
		t.Errorf("b rests for %s", b.Rests)
	}
}

// Where files differ, the least limit holds; a burst is for one alone.
func TestShareOfDifferentFiles(t *testing.T) {
	t.Parallel()
	var o owner
	now := time.Unix(1_000_000, 0)
	if s := o.give(now, hold{Worker: "a", Wants: true, Rate: 10, Burst: 4}); s.Rate != 10 || s.Burst != 4 || s.Places != 0 {
		t.Errorf("alone: %+v", s)
	}
	now = now.Add(shareLives + shareWindow + time.Second)
	o.give(now, hold{Worker: "b", Wants: true, Rate: 4, Burst: 2})
	if s := o.give(now, hold{Worker: "a", Wants: true, Rate: 10, Burst: 4}); s.Open {
		t.Errorf("a gets more than is left: %+v", s)
	}
	if s := o.give(now, hold{Worker: "c"}); s.Open {
		t.Errorf("c, which wants nothing, gets %+v", s)
	}
}
