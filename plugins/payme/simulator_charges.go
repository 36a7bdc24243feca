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

// A simulatedCharge is kept small: a benchmark has a million of them.
type simulatedCharge struct {
	number      string
	transaction string
	amount      string       // in minor units; "" where nobody told
	currency    string       // by its number; "" is 604
	method      string       // "" is PAGOEFECTIVO
	further     *chargeState // of a second transaction
	created     int64        // seconds
	changed     int64        // milliseconds: its last change of state
	state       chargeState
	before      chargeState // before the last change
}

type chargeState uint8

const (
	stateRegistered chargeState = iota
	statePending
	stateAuthorised
	stateCancelled
	stateReversed
	stateDenied
	stateExpired
	stateSettled
	stateDeposited
	stateInvalid
	stateAbsent // before a charge was made
)

// stateNames are the wire's words, by state.
var stateNames = [...]string{registrado, pendiente, autorizado, cancelado, extornado, denegado, expirado, liquidado, depositado, invalido}

// ways are the states that a charge which was seeded in one has gone through.
var ways = [...][]chargeState{
	stateRegistered: {stateRegistered},
	statePending:    {stateRegistered, statePending},
	stateAuthorised: {stateRegistered, statePending, stateAuthorised},
	stateCancelled:  {stateRegistered, statePending, stateCancelled},
	stateReversed:   {stateRegistered, statePending, stateAuthorised, stateReversed},
	stateDenied:     {stateRegistered, statePending, stateDenied},
	stateExpired:    {stateRegistered, statePending, stateExpired},
	stateSettled:    {stateRegistered, statePending, stateAuthorised, stateSettled},
	stateDeposited:  {stateRegistered, statePending, stateAuthorised, stateSettled, stateDeposited},
	stateInvalid:    {stateRegistered, stateInvalid},
}

// Charges are the simulation's memory. One lock is enough: it is held for well
// under a microsecond.
type charges struct {
	mu      sync.Mutex
	known   map[string]*simulatedCharge
	refunds map[string]simulatedRefund // by operation
}

type simulatedRefund struct {
	state       string
	transaction string
	amount      string
	at          int64 // seconds
}

// Seed makes the charge, or for get_refund the refund, that an item acts on.
//
// Beside an operation's arguments it takes amount (in minor units) and
// currency (by number), and other_state, that of a second transaction. For
// authorize_charge there is nothing before it is made, unless a state is said:
// then its number has been used.
func (s *simulation) Seed(operation string, arguments json.RawMessage, state string) error {
	var given struct {
		Number      string      `json:"merchant_operation_number"`
		Transaction string      `json:"transaction_id"`
		Amount      sdk.Decimal `json:"amount"`
		Currency    string      `json:"currency"`
		Other       string      `json:"other_state"`
	}
	if err := json.Unmarshal(arguments, &given); err != nil {
		return fmt.Errorf("the arguments are not the JSON object they should be")
	}
	if given.Number == "" {
		return fmt.Errorf("the arguments name no operation")
	}
	f := s.Fate(given.Number)
	now := s.Now() // whatever the clock is ahead by has passed since
	s.charges.mu.Lock()
	defer s.charges.mu.Unlock()
	if operation == "get_refund" {
		return s.charges.seedRefund(strings.Clone(given.Number), string(given.Amount), state, now)
	}
	if operation == "authorize_charge" {
		if state == "" {
			return nil
		}
		operation, given.Transaction, given.Amount, given.Currency = "get_charge", "earlier"+given.Number, "", ""
	}
	fallback, known := map[string]chargeState{"cancel_charge": statePending, "get_charge": statePending, "reverse_charge": stateAuthorised}[operation]
	if !known {
		return fmt.Errorf("no operation is named %q", operation)
	}
	is, err := parseState(state, fallback)
	if err != nil {
		return fmt.Errorf("charge %s: %w", given.Number, err)
	}
	if is == statePending && f.Befalls(drift) {
		is = stateAuthorised
	}
	c := &simulatedCharge{
		number: strings.Clone(given.Number), transaction: strings.Clone(given.Transaction),
		amount: string(given.Amount), currency: given.Currency, state: is, before: is,
	}
	if given.Other != "" {
		further, err := parseState(given.Other, fallback)
		if err != nil {
			return fmt.Errorf("charge %s: %w", given.Number, err)
		}
		c.further = &further
	}
	s.charges.add(c, now)
	return nil
}

// seedRefund makes a refund, which no documented request does. "none" makes
// none, for an operation that has no refund.
func (m *charges) seedRefund(number, amount, state string, now time.Time) error {
	switch {
	case state == refundNone:
		return nil
	case state == "":
		state = "REGISTERED"
	case strings.ToUpper(state) != state:
		return fmt.Errorf("operation %s: no refund has the state %q: write REGISTERED, another in capitals, or none", number, state)
	}
	m.setRefund(number, simulatedRefund{state: strings.Clone(state), amount: amount, at: now.Unix()})
	return nil
}

func (m *charges) setRefund(number string, r simulatedRefund) {
	if m.refunds == nil {
		m.refunds = map[string]simulatedRefund{}
	}
	m.refunds[number] = r
}

// parseState reads a state as the wire has it; "" is the fallback.
func parseState(name string, fallback chargeState) (chargeState, error) {
	if name == "" {
		return fallback, nil
	}
	i := slices.Index(stateNames[:], name)
	if i < 0 {
		return 0, fmt.Errorf("no state is named %q: write %s", name, strings.Join(stateNames[:], ", "))
	}
	return chargeState(i), nil
}

// add gives a charge its time. The lock is held. A charge that is seeded twice
// is the second one.
func (m *charges) add(c *simulatedCharge, now time.Time) {
	c.created, c.changed = now.Unix(), now.UnixMilli()
	m.known[c.number] = c
}

// become changes a charge's state, and tells of it. The lock is held.
func (s *simulation) become(c *simulatedCharge, state chargeState, f *simulator.Fate, now time.Time) {
	c.before, c.state, c.changed = c.state, state, now.UnixMilli()
	s.notify(c, f)
}

// age lets the clock work on a charge, where it does, when somebody looks. The lock is held.
func (s *simulation) age(c *simulatedCharge, f *simulator.Fate, now time.Time) {
	if c.state == statePending && expires.In(f) == yesWord && now.Unix() > c.created+payable {
		s.become(c, stateExpired, f, now)
	}
}

// payable is how long a payer has, in seconds.
const payable = 24 * 60 * 60

// shown is the state that a read tells, which may lag behind.
func (c *simulatedCharge) shown(now time.Time, lag time.Duration) chargeState {
	if lag > 0 && now.UnixMilli()-c.changed < lag.Milliseconds() {
		return c.before
	}
	return c.state
}

// way is what the charge has gone through to be in a state.
func (c *simulatedCharge) way(state chargeState) []chargeState {
	if state != c.state || c.before == c.state || c.before == stateAbsent {
		return ways[state]
	}
	return append(slices.Clone(ways[c.before]), state)
}
