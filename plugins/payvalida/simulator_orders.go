package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/simulator"
)

// A simulatedOrder is kept small: a benchmark has a million of them. What
// every seeded order has alike is not in it, see [simulatedOrder.terms].
type simulatedOrder struct {
	id        string
	own       *terms // where they aren't the usual ones
	created   int64  // seconds
	expires   int64  // seconds; 0 never
	changed   int64  // milliseconds: its last change of state
	number    uint32 // Payvalida's own
	payments  uint16
	recurrent bool
	state     orderState
	before    orderState // before the last change
	answer    string     // to the last notification
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
	swept      time.Time                  // when all were looked at for their expiry
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
	s.orders.add(o, s.Now(), usualLife) // whatever the clock is ahead by has passed since
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
	m.known[o.id] = o
}

// find finds an order as it is now. The lock is held.
func (s *simulation) find(id string, f *simulator.Fate, now time.Time) *simulatedOrder {
	o := s.orders.known[id]
	if o != nil {
		s.age(o, f, now)
	}
	return o
}

// age lets the clock work on an order: a pending one whose time is over has
// expired. The lock is held.
func (s *simulation) age(o *simulatedOrder, f *simulator.Fate, now time.Time) {
	if o.state == statePending && o.expires != 0 && now.Unix() > o.expires {
		s.become(o, stateExpired, f, now)
	}
}

// expireAll ages all orders, where somebody is told of it: others see it when
// they look. The lock is held.
func (s *simulation) expireAll(f *simulator.Fate, now time.Time) {
	if now.Sub(s.orders.swept) < time.Second || simulator.NotifyURL.In(f) == "" {
		return
	}
	s.orders.swept = now
	for _, o := range s.orders.known {
		s.age(o, f, now)
	}
}

// become changes an order's state, and tells of it. The lock is held.
func (s *simulation) become(o *simulatedOrder, state orderState, f *simulator.Fate, now time.Time) {
	o.before, o.state, o.changed = o.state, state, now.UnixMilli()
	s.notify(o, f)
}

// pay has the payer pay a pending order. The lock is held.
func (s *simulation) pay(o *simulatedOrder, f *simulator.Fate, now time.Time) {
	o.payments++
	if o.recurrent && recurrentPaid.In(f) == pendiente {
		s.tell(o, f, approved)
		return
	}
	s.become(o, stateApproved, f, now)
}

// shown is the state that a read tells, which may lag behind.
func (o *simulatedOrder) shown(now time.Time, lag time.Duration) orderState {
	if lag > 0 && now.UnixMilli()-o.changed < lag.Milliseconds() {
		return o.before
	}
	return o.state
}

// taken tells whether an active order other than o has the reference. The
// lock is held.
func (s *simulation) taken(reference string, o *simulatedOrder, f *simulator.Fate, now time.Time) bool {
	holder := s.orders.references[reference]
	if holder == nil || holder == o {
		return false
	}
	s.age(holder, f, now)
	return holder.state == statePending && holder.terms().reference == reference
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
