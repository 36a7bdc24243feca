package simulator

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bulkrunner/runner/sdk"
)

// A Front stands before an API in miniature. Embedded in a simulation it is all
// of [sdk.Simulation] but Seed.
//
// It also serves benchmarks, so it adds little to a request beside net/http's
// own cost, and remembers things only where a share is above 0.
type Front struct {
	// Now is the API's clock. Whoever replaces it does so before the first
	// request.
	Now func() time.Time

	// Busy is the body of the answers with 429.
	Busy []byte

	handle   func(*http.Request) Task
	toggles  []Toggle
	settings atomic.Pointer[settings]
	ceiling  ceiling
	requests atomic.Int64

	// Faults of two forms take them in turn.
	throttled, paged, broken atomic.Int64

	mu       sync.Mutex
	attempts map[string]uint64 // requests, by what they are about
	effects  map[string]int
	outbox   outbox
}

// NewFront makes a front whose requests are taken apart by handle. It has the
// given switches beside those of every front.
func NewFront(own []Toggle, handle func(*http.Request) Task) *Front {
	f := &Front{
		Now: time.Now, Busy: []byte(`{"error":"too many requests"}`), handle: handle, toggles: withCommon(own),
		attempts: map[string]uint64{}, effects: map[string]int{},
	}
	f.settings.Store(&settings{})
	f.outbox.idle.L = &f.outbox.mu
	return f
}

// A Task is a request taken apart.
type Task struct {
	// Thing names what the request is about: the dice that decide on its
	// faults are thrown for each thing by itself.
	Thing string

	// Answer carries the request out.
	Answer func(*Fate) Answer

	// Spared says that no fault befalls the request that all fronts have, as
	// where a token is got: a fault's share is then that of the requests that
	// matter. Neither the limit nor slowness spares anything.
	Spared bool
}

// An Answer is what the API answers.
type Answer struct {
	Status int
	Body   []byte      // JSON; none is an answer without a word
	Header http.Header // beside Content-Type; nil for none
}

// JSON is an answer with a value as its body.
func JSON(status int, value any) Answer {
	body, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("simulator: the answer can't be written as JSON: %v", err))
	}
	return Answer{Status: status, Body: body}
}

// Body reads what a request brings, to a limit that no API has need of.
func Body(r *http.Request) ([]byte, error) {
	const most = 64 << 10
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err == nil && len(body) > most {
		err = fmt.Errorf("the body is larger than %d bytes", most)
	}
	return body, err
}

// ServeHTTP answers a request of the API.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.requests.Add(1)
	s := f.settings.Load()
	if n := limit.In(&Fate{settings: s}); n > 0 && !f.ceiling.admit(f.Now(), n) {
		f.slowDown(w)
		return
	}
	t := f.handle(r)
	fate := f.throw(s, t.Thing, f.attempt(s, t.Thing))
	if !t.Spared && f.before(w, fate) {
		return
	}
	a := t.Answer(fate)
	if d := slow.In(fate); d > 0 {
		pause(r, d)
	}
	if !t.Spared && f.after(w, fate, a) {
		return
	}
	write(w, a)
}

// attempt numbers the requests for a thing, where that matters.
func (f *Front) attempt(s *settings, thing string) uint64 {
	if !s.chance {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.attempts[thing]++
	return f.attempts[thing]
}

// Set turns a switch.
func (f *Front) Set(fault, value string) error {
	names := make([]string, len(f.toggles))
	for i, t := range f.toggles {
		if names[i] = t.described().Name; names[i] != fault {
			continue
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		s, err := f.settings.Load().with(t, value)
		if err == nil {
			f.settings.Store(s)
		}
		return err
	}
	return fmt.Errorf("the simulator has no fault named %q: it has %s", fault, strings.Join(names, ", "))
}

// Effect writes into the ledger that something has really happened to the
// thing of that name. Where an API has several kinds of effects the name tells
// them apart, as in cancel:A-1042: what happened twice under one name is a
// duplicate.
func (f *Front) Effect(thing string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.effects[thing]++
}

// Ledger tells what has really happened.
func (f *Front) Ledger() sdk.Ledger {
	f.mu.Lock()
	defer f.mu.Unlock()
	return sdk.Ledger{Requests: int(f.requests.Load()), Effects: maps.Clone(f.effects)}
}

func write(w http.ResponseWriter, a Answer) {
	kind := "application/json"
	if len(a.Body) == 0 {
		kind = "text/plain"
	}
	maps.Copy(w.Header(), a.Header)
	w.Header()["Content-Type"] = []string{kind}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // a caller that has gone needs no answer
}

func pause(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}
