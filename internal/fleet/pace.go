package fleet

import (
	"maps"
	"math"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"
)

// One workflow owns each limit: that of a provider account, or of an operation
// of a run. Workers ask it for their share again and again. What it gives is
// whole requests a second, since only they bound a window, and the shares that
// are in use never add up to more than the limit: a share that was given holds
// for a while, by durations and not by clocks, and a second longer, in which
// its last requests still count.

const updateHold = "hold"

const (
	shareLives = 8 * time.Second // from when it was asked for
	shareEvery = 2 * time.Second // it is asked for

	// shareWindow is how long requests count after a share has ended.
	shareWindow = 1100 * time.Millisecond

	// A limit that nobody asks for is forgotten.
	ownerIdle = 10 * time.Minute
)

// A hold is what a worker asks for.
type hold struct {
	Worker  string        `json:"worker"`
	Wants   bool          `json:"wants"`             // it has something to send
	Rate    float64       `json:"rate,omitempty"`    // the whole limit, as its files have it, in requests a second; 0 is none
	Burst   int           `json:"burst,omitempty"`   //
	Places  int           `json:"places,omitempty"`  // requests in flight at most, of all workers; 0 is no limit
	Applied int           `json:"applied,omitempty"` // the last share that it keeps to
	Rests   time.Duration `json:"rests,omitempty"`   // the API has asked for a rest
}

// A share is what it gets.
type share struct {
	Number int           `json:"number"`
	Open   bool          `json:"open,omitempty"` // anything at all
	Rate   float64       `json:"rate,omitempty"`
	Burst  int           `json:"burst,omitempty"`
	Places int           `json:"places,omitempty"`
	Lives  time.Duration `json:"lives,omitempty"`
	Rests  time.Duration `json:"rests,omitempty"`
}

// An owner is the state of a limit's workflow.
type owner struct {
	Holders map[string]*holder `json:"holders,omitempty"`
	Rest    time.Time          `json:"rest,omitzero"`
	Given   int                `json:"given,omitempty"` // shares
	Asked   time.Time          `json:"asked,omitzero"`
}

// A holder is a worker, with the shares that it may still be using.
type holder struct {
	Ask   hold      `json:"ask"`
	At    time.Time `json:"at"`
	Given []given   `json:"given,omitempty"`
}

type given struct {
	share
	Until time.Time `json:"until"`
}

// paceFlow is the workflow of a limit.
func paceFlow(ctx workflow.Context, in owner) error {
	o := &in
	if o.Asked.IsZero() {
		o.Asked = workflow.Now(ctx)
	}
	err := workflow.SetUpdateHandler(ctx, updateHold, func(ctx workflow.Context, h hold) (share, error) {
		return o.give(workflow.Now(ctx), h), nil
	})
	if err != nil {
		return err
	}
	for {
		suggested := func() bool { return workflow.GetInfo(ctx).GetContinueAsNewSuggested() }
		if _, err := workflow.AwaitWithTimeout(ctx, ownerIdle, suggested); err != nil {
			return err
		}
		idle := workflow.Now(ctx).Sub(o.Asked) >= ownerIdle
		if !idle && !suggested() {
			continue
		}
		if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
			return err
		}
		if idle {
			return nil
		}
		return workflow.NewContinueAsNewError(ctx, workflowPace, *o)
	}
}

// give answers a worker.
func (o *owner) give(now time.Time, h hold) share {
	if o.Holders == nil {
		o.Holders = make(map[string]*holder)
	}
	o.Asked = now
	if rest := now.Add(h.Rests); h.Rests > 0 && rest.After(o.Rest) {
		o.Rest = rest
	}
	for name, other := range o.Holders {
		other.Given = slices.DeleteFunc(other.Given, func(g given) bool { return !g.Until.After(now) })
		if name != h.Worker && len(other.Given) == 0 && now.Sub(other.At) > shareLives {
			delete(o.Holders, name)
		}
	}
	me := o.Holders[h.Worker]
	if me == nil {
		me = &holder{}
		o.Holders[h.Worker] = me
	}
	me.Ask, me.At = h, now
	// Of the shares before the one that it keeps to now, only the last second counts.
	for i := range me.Given {
		if g := &me.Given[i]; g.Number < h.Applied && g.Until.After(now.Add(shareWindow)) {
			g.Until = now.Add(shareWindow)
		}
	}
	s := share{Lives: shareLives}
	if o.Rest.After(now) {
		s.Rests = o.Rest.Sub(now)
	}
	if h.Wants {
		o.divide(now, h.Worker, &s)
	}
	o.Given++
	s.Number = o.Given
	if s.Open {
		me.Given = append(me.Given, given{s, now.Add(shareLives + shareWindow)})
	}
	return s
}

// divide finds out what a worker may have: its part of the whole, as far as
// the others don't use it still.
func (o *owner) divide(now time.Time, worker string, s *share) {
	var wanting []string
	rate, burst, places := math.Inf(1), 1, math.MaxInt
	for _, name := range slices.Sorted(maps.Keys(o.Holders)) {
		h := o.Holders[name]
		if !h.Ask.Wants || now.Sub(h.At) > shareLives {
			continue
		}
		wanting = append(wanting, name)
		if h.Ask.Rate > 0 && h.Ask.Rate < rate { // files that differ: the least holds
			rate, burst = h.Ask.Rate, max(1, h.Ask.Burst)
		}
		if h.Ask.Places > 0 {
			places = min(places, h.Ask.Places)
		}
	}
	n, mine := len(wanting), slices.Index(wanting, worker)
	usedRate, usedPlaces := 0.0, 0
	for name, other := range o.Holders {
		if name == worker {
			continue
		}
		mostRate, mostPlaces := 0.0, 0
		for _, g := range other.Given {
			mostRate, mostPlaces = max(mostRate, bound(g.share)), max(mostPlaces, g.Places)
		}
		usedRate, usedPlaces = usedRate+mostRate, usedPlaces+mostPlaces
	}
	s.Open = true
	if !math.IsInf(rate, 1) {
		if s.Rate = part(rate, n, mine); s.Rate > rate-usedRate {
			s.Rate = whole(rate - usedRate)
		}
		s.Burst = 1
		if n == 1 && usedRate == 0 {
			s.Burst = burst
		}
		s.Open = s.Rate > 0
	}
	if places != math.MaxInt {
		s.Places = min(int(part(float64(places), n, mine)), places-usedPlaces)
		s.Open = s.Open && s.Places > 0
	}
	if !s.Open {
		*s = share{Lives: s.Lives, Rests: s.Rests}
	}
}

// bound is how many requests a second a share allows at the most, its burst
// included.
func bound(s share) float64 {
	if s.Rate == 0 {
		return 0
	}
	return s.Rate + float64(max(1, s.Burst)-1)
}

// part is one of n parts of a limit, in whole numbers; the first ones are the
// greater. A limit of less than one, or what it has beyond a whole number, is
// the first one's.
func part(limit float64, n, i int) float64 {
	units := math.Floor(limit)
	p := math.Floor(units / float64(n))
	if float64(i) < units-p*float64(n) {
		p++
	}
	if i == 0 {
		p += limit - units
	}
	return p
}

// whole is what is left of a limit, in whole numbers where that is one or more.
func whole(left float64) float64 {
	if left < 1 {
		return max(0, left)
	}
	return math.Floor(left)
}
