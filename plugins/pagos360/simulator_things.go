package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bulkrunner/runner/sdk"
)

// A thingID names a thing: every kind has ids of its own.
type thingID struct {
	resource resource
	id       string
}

// A thing is a debit request or an adhesion.
type thing struct {
	thingID
	state       string // in_process in its proper spelling
	created     time.Time
	due         time.Time // of a debit: when it is collected; zero is not by the clock
	amount      sdk.Decimal
	second      sdk.Decimal
	secondDue   time.Time
	month, year int
	description string
	comment     string
	canceledAt  time.Time
	metadata    json.RawMessage
	reference   string // of an adhesion
	adhesion    *thing // of a debit

	requests  uint32 // that named it, for the dice
	cancelled int
	made      int
}

func (t *thing) debit() bool { return t.resource == cardDebits || t.resource == debits }

func (t *thing) become(state string) { t.state = state }

// things is the simulation's memory, under one lock.
type things struct {
	mu     sync.Mutex
	known  map[thingID]*thing
	order  []*thing // as they were made
	strays map[thingID]uint32
	last   map[resource]int64 // the last id that was given
}

var (
	debitStates    = []string{pending, inProcess, paid, rejected, canceled, reverted, refunded, expired}
	adhesionStates = []string{signed, pendingToSign, canceled}
	buenosAires    = time.FixedZone("", -3*60*60)
)

// Seed makes the thing that an item acts on, with the adhesion behind it. A
// creation makes its own thing and needs only the adhesion. What is there
// already, as after generate, stays as it is where no state is asked for.
func (s *simulation) Seed(operation string, arguments json.RawMessage, state string) error {
	var given struct {
		ID             string      `json:"id"`
		CardAdhesionID string      `json:"card_adhesion_id"`
		AdhesionID     string      `json:"adhesion_id"`
		Reference      string      `json:"external_reference"`
		Amount         sdk.Decimal `json:"amount"`
	}
	if json.Unmarshal(arguments, &given) != nil {
		return fmt.Errorf("the arguments are not the JSON object they should be")
	}
	_, noun, _ := strings.Cut(operation, "_")
	r, ok := map[string]resource{cardDebits.root: cardDebits, debits.root: debits, cardAdhesions.root: cardAdhesions, adhesions.root: adhesions}[noun]
	if !ok {
		return fmt.Errorf("no operation is named %q", operation)
	}
	allowed := debitStates
	if r == cardAdhesions || r == adhesions {
		allowed = adhesionStates
	}
	if state = stateOf(state); state != "" && !slices.Contains(allowed, state) {
		return fmt.Errorf("no state is named %q: write %s", state, strings.Join(allowed, ", "))
	}
	now := s.now()
	s.things.mu.Lock()
	defer s.things.mu.Unlock()
	adhesion := given.CardAdhesionID + given.AdhesionID
	if strings.HasPrefix(operation, "create_") {
		s.things.adhesionOf(r, adhesion, now)
		return nil
	}
	if given.ID == "" {
		return fmt.Errorf("the arguments name no id")
	}
	t := s.things.known[thingID{r, given.ID}]
	switch {
	case t != nil && state == "":
		return nil
	case t == nil:
		t = &thing{thingID: thingID{r, given.ID}, state: allowed[0], amount: "1500.5", description: "Cuota", reference: "cli-" + given.ID}
		if given.Reference != "" {
			t.reference = given.Reference
		}
		if given.Amount != "" {
			t.amount = given.Amount
		}
		s.things.add(t, now)
		if t.debit() {
			if adhesion == "" {
				adhesion = "77"
			}
			t.adhesion = s.things.adhesionOf(r, adhesion, now)
			next := now.In(buenosAires).AddDate(0, 2, 0)
			t.month, t.year = int(next.Month()), next.Year()
		}
	}
	if state != "" {
		t.state = state
	}
	return nil
}

// adhesionOf finds the adhesion that a debit belongs to, or makes it. The lock
// is held.
func (m *things) adhesionOf(r resource, id string, now time.Time) *thing {
	of := adhesions
	if r == cardDebits {
		of = cardAdhesions
	}
	if t := m.known[thingID{of, id}]; t != nil {
		return t
	}
	t := &thing{thingID: thingID{of, id}, state: signed, description: "Cuotas", reference: "cli-" + id}
	m.add(t, now)
	return t
}

// add takes a thing in. The lock is held.
func (m *things) add(t *thing, now time.Time) {
	if n, err := strconv.ParseInt(t.id, 10, 64); err == nil && n > m.last[t.resource] {
		m.last[t.resource] = n
	}
	if t.created.IsZero() {
		t.created = now
	}
	t.requests = m.strays[t.thingID]
	delete(m.strays, t.thingID)
	m.known[t.thingID] = t
	m.order = append(m.order, t)
}

// give returns an id that nothing of the kind has. The lock is held.
func (m *things) give(r resource) string {
	m.last[r]++
	return strconv.FormatInt(m.last[r], 10)
}

// get finds a thing as it is now. The lock is held.
func (m *things) get(id thingID, f *faults, now time.Time) *thing {
	t := m.known[id]
	if t != nil {
		t.age(f, now)
	}
	return t
}

// age lets the clock work on a debit: it goes into process 48 business hours
// before it is due, and is then paid.
func (t *thing) age(f *faults, now time.Time) {
	due := t.due
	if due.IsZero() && t.resource == cardDebits && t.made > 0 {
		due = time.Date(t.year, time.Month(t.month), f.cutDay, 0, 0, 0, 0, buenosAires)
	}
	if due.IsZero() {
		return
	}
	if t.state == pending && !now.Before(businessDaysBefore(due, 2)) {
		t.become(inProcess)
	}
	if t.state == inProcess && !now.Before(due) {
		t.become(paid)
	}
}

func businessDaysBefore(t time.Time, days int) time.Time {
	for days > 0 {
		t = t.AddDate(0, 0, -1)
		if d := t.Weekday(); d != time.Saturday && d != time.Sunday {
			days--
		}
	}
	return t
}

// count numbers the requests that name a thing, known or not.
func (m *things) count(id thingID) uint32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := m.known[id]; t != nil {
		t.requests++
		return t.requests
	}
	m.strays[id]++
	return m.strays[id]
}

func (m *things) effects() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	effects := map[string]int{}
	for id, t := range m.known {
		for kind, n := range map[string]int{"cancel:": t.cancelled, "create:": t.made} {
			if n > 0 {
				effects[kind+id.resource.root+":"+id.id] = n
			}
		}
	}
	return effects
}

// generate makes n debits of cards and as many of bank accounts, eight to an
// adhesion. Seven of ten are pending, the others take turns through the states
// there are. Cards are debited in the next month and the one after in turn.
func (m *things) generate(n int, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now = now.In(buenosAires)
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, buenosAires)
	for i := range n {
		state := pending
		if i%10 >= 7 {
			state = debitStates[1+i/10%6]
		}
		amount := sdk.Decimal(fmt.Sprintf("%d.%02d", 1000+i*37%9000, i%4*25))
		for _, r := range []resource{cardDebits, debits} {
			due := first.AddDate(0, 1+i%2, 9+i%15)
			t := &thing{
				thingID: thingID{r, m.give(r)}, state: state, amount: amount, description: fmt.Sprintf("Cuota %d", i+1),
				created: now.AddDate(0, 0, -i%60), month: int(due.Month()), year: due.Year(),
				adhesion: m.adhesionOf(r, strconv.Itoa(4001+i/8), now),
			}
			if r == debits {
				t.secondDue = due
			}
			m.add(t, now)
		}
	}
}
