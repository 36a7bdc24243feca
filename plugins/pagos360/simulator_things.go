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
	"github.com/bulkrunner/runner/sdk/simulator"
)

// A thingID names a thing: every kind has ids of its own.
type thingID struct {
	resource resource
	id       string
}

// A thing is a debit request or an adhesion.
type thing struct {
	thingID
	state, before string // in_process in its proper spelling
	changed       time.Time
	created       time.Time
	due           time.Time // of a debit: when it is collected
	timed         bool      // the clock moves it on
	amount        sdk.Decimal
	second        sdk.Decimal
	secondDue     time.Time
	month, year   int
	description   string
	comment       string
	canceledAt    time.Time
	metadata      json.RawMessage
	adhesion      *thing // of a debit

	// Of an adhesion.
	reference, holder, holderID, email, cbu, short string
}

func (t *thing) debit() bool { return t.resource == cardDebits || t.resource == debits }

// become changes a thing's state, and tells of it. The lock is held.
func (s *simulation) become(t *thing, state string, f *simulator.Fate, now time.Time) {
	t.before, t.state, t.changed = t.state, state, now
	s.notify(t, f, now)
}

// shown is the state that a read tells, which may lag behind.
func (t *thing) shown(f *simulator.Fate, now time.Time) string {
	if lag := readLag.In(f); lag > 0 && t.before != "" && now.Sub(t.changed) < lag {
		return t.before
	}
	return t.state
}

// things is the simulation's memory, under one lock.
type things struct {
	mu    sync.Mutex
	known map[thingID]*thing
	order []*thing           // as they were made
	last  map[resource]int64 // the last id that was given
	aged  time.Time          // when all were last aged
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
	now := s.clock(s.Fate(""))
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
		t = &thing{thingID: thingID{r, given.ID}, state: allowed[0], amount: "1500.5", description: "Cuota"}
		if given.Amount != "" {
			t.amount = given.Amount
		}
		s.things.add(t, now)
		if !t.debit() {
			t.name(given.Reference)
		} else {
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
	t := &thing{thingID: thingID{of, id}, state: signed, description: "Cuotas"}
	t.name("")
	m.add(t, now)
	return t
}

// name gives an adhesion that was seeded a holder.
func (t *thing) name(reference string) {
	t.reference, t.holder, t.holderID, t.email = "cli-"+t.id, "Titular Simulado", "20123456789", "titular@example.com"
	t.cbu, t.short = "0000003100010000000001", "Cuotas"
	if reference != "" {
		t.reference = reference
	}
}

// add takes a thing in. The lock is held.
func (m *things) add(t *thing, now time.Time) {
	if n, err := strconv.ParseInt(t.id, 10, 64); err == nil && n > m.last[t.resource] {
		m.last[t.resource] = n
	}
	if t.created.IsZero() {
		t.created = now
	}
	m.known[t.thingID] = t
	m.order = append(m.order, t)
}

// give returns an id that nothing of the kind has. The lock is held.
func (m *things) give(r resource) string {
	m.last[r]++
	return strconv.FormatInt(m.last[r], 10)
}

// age lets the clock work on a debit that the API made: it goes into process 48
// business hours before it is due, and is then paid, or rejected. The lock is
// held.
func (s *simulation) age(t *thing, f *simulator.Fate, now time.Time) {
	if !t.timed {
		return
	}
	if t.state == pending && !now.Before(businessDaysBefore(t.due, 2)) {
		s.become(t, inProcess, f, now)
	}
	if t.state == inProcess && !now.Before(t.due) {
		end := paid
		if s.Fate(t.resource.root + ":" + t.id).Befalls(rejectDue) {
			end = rejected
		}
		s.become(t, end, f, now)
	}
}

// ageAll does it to all, where somebody is told of it: others see it when they
// look. The lock is held.
func (s *simulation) ageAll(f *simulator.Fate, now time.Time) {
	if now.Sub(s.things.aged) < time.Second || simulator.NotifyURL.In(f) == "" {
		return
	}
	s.things.aged = now
	for _, t := range s.things.order {
		s.age(t, f, now)
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
				t.due = due
			}
			m.add(t, now)
		}
	}
}
