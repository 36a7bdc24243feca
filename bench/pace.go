package main

import (
	"fmt"
	"slices"
	"time"
)

// paceWork looks at the pace of requests over half a minute each, at the clock
// of whom they reach.
func paceWork(b *bench) (figures, error) {
	out := figures{}
	for _, limit := range []int{50, 200, 2000} {
		n := b.items(30 * limit)
		times, err := b.paced(n, rate{limit, 1})
		if err != nil {
			return nil, err
		}
		slices.SortFunc(times, time.Time.Compare)
		took := times[len(times)-1].Sub(times[0])
		out[fmt.Sprintf("requests in the worst second of %4d/s", limit)] = float64(worstSecond(times))
		out[fmt.Sprintf("share of %4d/s that is used", limit)] = float64(len(times)-1) / took.Seconds() / float64(limit)
	}
	return out, nil
}

// paced are the times at which the requests of an apply arrive.
func (b *bench) paced(n int, r rate) ([]time.Time, error) {
	s, err := b.stage(n)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if _, err = b.planCancels(s.dir, s.gate.URL, r); err != nil {
		return nil, err
	}
	if _, err = b.runner(s.dir, "apply", "--auto-approve", "cancel.run"); err != nil {
		return nil, err
	}
	if times := s.gate.came(); len(times) == n {
		return times, nil
	}
	return nil, fmt.Errorf("%d requests came, of %d items", len(s.gate.came()), n)
}

// worstSecond is how many of the times, which are sorted, lie within a second
// at the most.
func worstSecond(times []time.Time) (most int) {
	first := 0
	for last := range times {
		for times[last].Sub(times[first]) >= time.Second {
			first++
		}
		most = max(most, last-first+1)
	}
	return most
}
