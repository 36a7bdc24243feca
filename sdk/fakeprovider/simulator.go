package fakeprovider

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/simulator"
)

// A simulation is the whole API: things by their id.
type simulation struct {
	*simulator.Front
	token string

	mu        sync.Mutex
	things    map[string]*thing
	notes     map[string]noteArgs // by the thing's id
	before    map[string][]past   // what things were, where reads lag
	kept      map[string]*kept    // by idempotency key
	pageFails int                 // pages that are still to fail
}

func newSimulation(c Config) sdk.Simulation {
	s := &simulation{token: c.Token, things: map[string]*thing{}, notes: map[string]noteArgs{}, before: map[string][]past{}, kept: map[string]*kept{}}
	s.Front = simulator.NewFront(switches, s.handle)
	return s
}

var states = []string{"open", "cancelled", "refunded", "paid"}

// Seed implements [sdk.Simulation]. The default state is open.
func (s *simulation) Seed(operation string, arguments json.RawMessage, state string) error {
	var t target
	if err := json.Unmarshal(arguments, &t); err != nil || t.ID == "" {
		return fmt.Errorf("the arguments of %s name no thing", operation)
	}
	if state == "" {
		state = "open"
	}
	if state == "absent" {
		return nil
	}
	if !slices.Contains(states, state) {
		return fmt.Errorf("state %q is none of %s and absent", state, strings.Join(states, ", "))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.things[t.ID] = &thing{t.ID, state, t.Amount, t.Currency}
	return nil
}

// handle answers
//
//	GET  /things             a page of the things there are
//	GET  /things/ID          what the thing is
//	POST /things/ID/cancel   cancelled if open, refunded if paid
//	POST /things/ID/pay      paid, each time anew
//	POST /things/ID/blind    an effect without a state
//	POST /things/ID/note     another; what it said is kept
//	GET  /things/ID/note     what the last note said
func (s *simulation) handle(r *http.Request) simulator.Task {
	id, ok := strings.CutPrefix(r.URL.Path, "/things/")
	action := ""
	if r.Method == http.MethodPost {
		i := max(0, strings.LastIndex(id, "/"))
		id, action = id[:i], id[i:]
	}
	listed := r.Method == http.MethodGet && r.URL.Path == "/things"
	if k, ok := r.Context().Value(known{}).(*kept); ok && k.answer.Status != 0 {
		return simulator.Task{Thing: id, Spared: true, Answer: func(*simulator.Fate) simulator.Answer { return k.answer }}
	}
	return simulator.Task{Thing: id, Answer: func(f *simulator.Fate) simulator.Answer {
		switch {
		case f.Befalls(rest):
			return resting()
		case s.token != "" && r.Header.Get("Authorization") != "Bearer "+s.token:
			return simulator.JSON(http.StatusUnauthorized, refusal{"unauthenticated", "the token is wrong"})
		case listed:
			return s.list(f, r.URL.Query())
		case !ok || id == "":
			return simulator.JSON(http.StatusNotFound, refusal{"no_such_path", "there is nothing here"})
		}
		a := s.answer(f, r, id, action)
		s.keep(r, a)
		return a
	}}
}

func (s *simulation) answer(f *simulator.Fate, r *http.Request, id, action string) simulator.Answer {
	var sent struct {
		target
		Note string `json:"note"`
		Card string `json:"card"`
	}
	if body, err := simulator.Body(r); err == nil {
		_ = json.Unmarshal(body, &sent)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if read, ok := strings.CutSuffix(id, "/note"); ok && r.Method == http.MethodGet {
		return simulator.JSON(http.StatusOK, s.notes[read])
	}
	t, there := s.things[id]
	switch {
	case action == "/pay" && !there:
		t = &thing{ID: id, State: "open"}
		s.things[id] = t
	case !there:
		return simulator.JSON(http.StatusNotFound, refusal{"not_found", "there is no thing " + id})
	}
	if r.Method == http.MethodGet {
		shown := simulator.JSON(http.StatusOK, s.shown(f, t))
		if t.State == "open" && f.Befalls(flip) {
			t.State = "paid"
		}
		return shown
	}
	if action == "/note" {
		s.notes[t.ID] = noteArgs{ID: t.ID, Note: sent.Note, Card: sent.Card}
	}
	return s.act(f, t, action, sent.target)
}

// act has an action's effect. It is called with the lock held.
func (s *simulation) act(f *simulator.Fate, t *thing, action string, sent target) simulator.Answer {
	was := *t
	switch {
	case action == "/cancel" && t.State == "open":
		t.State = "cancelled"
	case action == "/cancel" && t.State == "paid":
		t.State = "refunded"
	case action == "/cancel":
		return simulator.JSON(http.StatusConflict, refusal{"not_open", "the thing is " + t.State})
	case action == "/pay" && (t.State == "open" || t.State == "paid"):
		t.State, t.Amount, t.Currency = "paid", sent.Amount, sent.Currency
	case action == "/pay":
		return simulator.JSON(http.StatusConflict, refusal{"not_open", "the thing is " + t.State})
	case action == "/blind", action == "/note":
	default:
		return simulator.JSON(http.StatusNotFound, refusal{"no_such_path", "there is nothing here"})
	}
	s.Effect(t.ID)
	s.age(f, was)
	return simulator.JSON(http.StatusOK, t)
}

type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}
