package fakeprovider

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/bulkrunner/runner/sdk"
)

// A simulation is the whole API: things by their id.
type simulation struct {
	token string

	mu       sync.Mutex
	things   map[string]*thing
	notes    map[string]noteArgs // by the thing's id
	effects  map[string]int
	requests int
	switches switches
}

func newSimulation(c Config) sdk.Simulation {
	return &simulation{token: c.Token, things: map[string]*thing{}, notes: map[string]noteArgs{}, effects: map[string]int{}, switches: newSwitches()}
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

// Set implements [sdk.Simulation].
func (s *simulation) Set(fault, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ours, err := s.setList(fault, value); ours {
		return err
	}
	return s.switches.set(fault, value)
}

// Ledger implements [sdk.Simulation].
func (s *simulation) Ledger() sdk.Ledger {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sdk.Ledger{Requests: s.requests, Effects: maps.Clone(s.effects)}
}

// ServeHTTP answers
//
//	GET  /things             a page of the things there are
//	GET  /things/ID          what the thing is
//	POST /things/ID/cancel   cancelled if open, refunded if paid
//	POST /things/ID/pay      paid, each time anew
//	POST /things/ID/blind    an effect without a state
//	POST /things/ID/note     another; what it said is kept
//	GET  /things/ID/note     what the last note said
func (s *simulation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests++
	f := s.switches.draw(s.requests)
	s.mu.Unlock()

	if !f.before(w) {
		return
	}
	status, body := s.answer(r, f.flip)
	f.after(w, status, body)
}

func (s *simulation) answer(r *http.Request, flip bool) (int, any) {
	if s.token != "" && r.Header.Get("Authorization") != "Bearer "+s.token {
		return http.StatusUnauthorized, refusal{"unauthenticated", "the token is wrong"}
	}
	if r.Method == http.MethodGet && r.URL.Path == "/things" {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.list(r.URL.Query())
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/things/")
	id, action := rest, ""
	if r.Method == http.MethodPost {
		i := max(0, strings.LastIndex(rest, "/"))
		id, action = rest[:i], rest[i:]
	}
	if !ok || id == "" {
		return http.StatusNotFound, refusal{"no_such_path", "there is nothing here"}
	}
	var sent struct {
		target
		Note string `json:"note"`
		Card string `json:"card"`
	}
	_ = json.NewDecoder(r.Body).Decode(&sent)
	if read, ok := strings.CutSuffix(id, "/note"); ok && r.Method == http.MethodGet {
		s.mu.Lock()
		defer s.mu.Unlock()
		return http.StatusOK, s.notes[read]
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	t, known := s.things[id]
	switch {
	case action == "/pay" && !known:
		t = &thing{ID: id, State: "open"}
		s.things[id] = t
	case !known:
		return http.StatusNotFound, refusal{"not_found", "there is no thing " + id}
	}
	if r.Method == http.MethodGet {
		answer := *t
		if flip && t.State == "open" {
			t.State = "paid"
		}
		return http.StatusOK, answer
	}
	if action == "/note" {
		s.notes[t.ID] = noteArgs{ID: t.ID, Note: sent.Note, Card: sent.Card}
	}
	return s.act(t, action, sent.target)
}

// act has an action's effect. It is called with the lock held.
func (s *simulation) act(t *thing, action string, sent target) (int, any) {
	switch {
	case action == "/cancel" && t.State == "open":
		t.State = "cancelled"
	case action == "/cancel" && t.State == "paid":
		t.State = "refunded"
	case action == "/cancel":
		return http.StatusConflict, refusal{"not_open", "the thing is " + t.State}
	case action == "/pay" && (t.State == "open" || t.State == "paid"):
		t.State, t.Amount, t.Currency = "paid", sent.Amount, sent.Currency
	case action == "/pay":
		return http.StatusConflict, refusal{"not_open", "the thing is " + t.State}
	case action == "/blind", action == "/note":
	default:
		return http.StatusNotFound, refusal{"no_such_path", "there is nothing here"}
	}
	s.effects[t.ID]++
	return http.StatusOK, *t
}

type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}
