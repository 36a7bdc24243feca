package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bulkrunner/runner/sdk"
)

// A simulatedOrder is kept small: a benchmark has a million of them. What
// every seeded order has alike is not in it, see [simulatedOrder.terms].
type simulatedOrder struct {
	id         string
	own        *terms // where they aren't the usual ones
	created    int64  // seconds
	expires    int64  // seconds; 0 never
	changed    int64  // milliseconds: its last change of state
	number     uint32 // Payvalida's own
	requests   uint32 // that named it, for the dice
	cancelled  uint16
	registered uint16
	updated    uint16
	state      orderState
	before     orderState // before the last change
}

type orderState uint8

const (
	statePending orderState = iota
	stateApproved
	stateExpired
	stateCancelled
	stateReversed
	stateAbsent // before an order was registered
)

// stateNames are the wire's words, by state.
var stateNames = [...]string{pendiente, aprobada, vencida, cancelada, anulada}

// Orders is the simulation's memory. One lock is enough: it is held for well
// under a microsecond.
type orders struct {
	mu         sync.Mutex
	known      map[string]*simulatedOrder
	references map[string]*simulatedOrder // of active orders; looked up again before it is believed
	strays     map[string]uint32          // requests that named an unknown order
}

const (
	usualLife   = 30 * 24 * time.Hour
	firstNumber = 95585
)

// Seed makes the order that an item acts on. A registration makes its own.
//
// Beside an operation's arguments it takes amount and currency, so that a
// rehearsal can give an order what the operation file says it is worth. An
// update's amount is the one to come, so its order gets another.
func (s *simulation) Seed(operation string, arguments json.RawMessage, state string) error {
	var given struct {
		Order    string      `json:"order"`
		Amount   sdk.Decimal `json:"amount"`
		Currency string      `json:"currency"`
		Email    string      `json:"email"`
	}
	if err := json.Unmarshal(arguments, &given); err != nil {
		return fmt.Errorf("the arguments are not the JSON object they should be")
	}
	known, err := parseState(state)
	if err != nil {
		return fmt.Errorf("order %s: %w", given.Order, err)
	}
	o := &simulatedOrder{id: strings.Clone(given.Order), state: known, before: known}
	switch operation {
	case "register_order":
		return nil
	case "cancel_order", "get_order":
		if given.Amount != "" || given.Currency != "" {
			own := usual()
			own.amount = given.Amount
			replace(&own.currency, given.Currency)
			o.own = &own
		}
	case "update_order":
		own := usual()
		own.amount = sdk.Decimal(fmt.Sprintf("%d000", 10+len(o.id)))
		if own.amount.Cmp(given.Amount) == 0 {
			own.amount = "1000"
		}
		replace(&own.currency, given.Currency)
		replace(&own.email, given.Email)
		o.own = &own
	default:
		return fmt.Errorf("no operation is named %q", operation)
	}
	if given.Order == "" {
		return fmt.Errorf("the arguments name no order")
	}
	s.orders.mu.Lock()
	defer s.orders.mu.Unlock()
	s.orders.add(o, s.now(), usualLife)
	return nil
}

// parseState reads a state as the wire has it; "" is PENDIENTE.
func parseState(name string) (orderState, error) {
	if name == "" {
		return statePending, nil
	}
	i := slices.Index(stateNames[:], name)
	if i < 0 {
		return 0, fmt.Errorf("no state is named %q: write %s", name, strings.Join(stateNames[:], ", "))
	}
	return orderState(i), nil
}

// add gives an order its number and its time. The lock is held. An order that
// is seeded twice is the second one.
func (m *orders) add(o *simulatedOrder, now time.Time, life time.Duration) {
	o.number = firstNumber + uint32(len(m.known))
	if old := m.known[o.id]; old != nil {
		o.number = old.number
	}
	o.created, o.changed = now.Unix(), now.UnixMilli()
	if life > 0 {
		o.expires = now.Add(life).Unix()
	}
	o.requests = m.strays[o.id]
	delete(m.strays, o.id)
	m.known[o.id] = o
}

// get finds an order as it is now: a pending one whose time is over has
// expired. The lock is held.
func (m *orders) get(id string, now time.Time) *simulatedOrder {
	o := m.known[id]
	if o != nil {
		o.age(now)
	}
	return o
}

func (o *simulatedOrder) age(now time.Time) {
	if o.state == statePending && o.expires != 0 && now.Unix() > o.expires {
		o.become(stateExpired, now)
	}
}

func (o *simulatedOrder) become(s orderState, now time.Time) {
	o.before, o.state, o.changed = o.state, s, now.UnixMilli()
}

// shown is the state that a read tells, which may lag behind.
func (o *simulatedOrder) shown(now time.Time, lag time.Duration) orderState {
	if lag > 0 && now.UnixMilli()-o.changed < lag.Milliseconds() {
		return o.before
	}
	return o.state
}

// count numbers the requests that name an order, known or not.
func (m *orders) count(id string) uint32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if o := m.known[id]; o != nil {
		o.requests++
		return o.requests
	}
	m.strays[id]++
	return m.strays[id]
}

// taken tells whether an active order other than o has the reference. The
// lock is held.
func (m *orders) taken(reference string, o *simulatedOrder, now time.Time) bool {
	holder := m.references[reference]
	if holder == nil || holder == o {
		return false
	}
	holder.age(now)
	return holder.state == statePending && holder.terms().reference == reference
}

func (m *orders) effects() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	effects := map[string]int{}
	for id, o := range m.known {
		for kind, n := range map[string]uint16{"cancel:": o.cancelled, "register:": o.registered, "update:": o.updated} {
			if n > 0 {
				effects[kind+id] = int(n)
			}
		}
	}
	return effects
}

// terms are the order's own, or the usual ones.
func (o *simulatedOrder) terms() terms {
	if o.own != nil {
		return *o.own
	}
	return usual()
}

// usual are the terms of an order that was seeded without any: alike for all,
// so that they cost no memory. No amount is made up, since a plan holds what
// the API shows against what the operation file says.
func usual() terms {
	return terms{currency: "COP", email: "payer@example.com", description: "Simulated order"}
}

// reference is what the payer quotes: the order's own, or an assigned one.
func (o *simulatedOrder) reference(t terms) string {
	if t.reference != "" {
		return t.reference
	}
	return fmt.Sprintf("31%08d", o.number)
}
