// Package plan is what a plan is made of: items, their states, the edges
// between states, outcomes and counts. It holds nouns; planner and engine do.
package plan

import (
	"encoding/json"
	"fmt"
	"time"
)

// A State is where an item stands. The names are those of the run file.
type State uint8

const (
	Invalid   State = iota // its row can't be planned; the zero value is never executed
	Planned                // to be executed
	Unchanged              // already as the operation would leave it
	Skipped                // passed over by a guard
	Started                // a request may leave at any moment
	Succeeded
	Failed   // with proof of no effect
	Incident // the API did something else than was meant
	InDoubt  // may or may not have had its effect
)

// States lists every state in the order in which people want to read them.
var States = []State{Planned, Started, Succeeded, Unchanged, Skipped, Failed, InDoubt, Incident, Invalid}

var stateNames = [...]string{"invalid", "planned", "unchanged", "skipped", "started", "succeeded", "failed", "incident", "in_doubt"}

func (s State) String() string { return stateNames[s] }

// ParseState is the inverse of [State.String].
func ParseState(name string) (State, error) {
	for s, n := range stateNames {
		if n == name {
			return State(s), nil
		}
	}
	return Invalid, fmt.Errorf("no state is named %q", name)
}

// MarshalText and UnmarshalText give states their names in JSON.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s *State) UnmarshalText(b []byte) (err error) {
	*s, err = ParseState(string(b))
	return err
}

// edges are the only transitions there are. docs/states.md draws them.
var edges = map[State][]State{
	Planned: {Skipped, Unchanged, Failed, Started},
	Started: {Succeeded, Failed, Incident, Planned, InDoubt},
	InDoubt: {Succeeded, Failed, Skipped, Incident, Planned},
}

// CanBecome tells whether an item in state s may move to state to.
func (s State) CanBecome(to State) bool {
	for _, t := range edges[s] {
		if t == to {
			return true
		}
	}
	return false
}

// Final tells whether no edge leaves s.
func (s State) Final() bool { return len(edges[s]) == 0 }

// An Item is one thing to be done once.
type Item struct {
	ID             int64 // its place in the run, from 1; the order of execution
	Operation      int64 // [Operation.ID]
	Key            string
	Source         string // of its row: the list's file name; "" when inline
	Row            int64  // its line in the source, from 1
	State          State
	Reason         string // why it is in this state, for people; free of secrets
	IdempotencyKey string
	Amount         string          // exact decimal in major units; "" when none
	Currency       string          // ISO 4217 letters; "" when none
	Arguments      json.RawMessage // what may be stored of them
	Fingerprint    string          // hex of the keyed fingerprint of its secret arguments; "" when none is made
	Sealed         string          // its sensitive arguments, encrypted; "" when it has none
	Later          bool            // its arguments, amount and context became known only at apply
	Secret         Secret          // its secret arguments while it is carried out; never stored
	Context        json.RawMessage // what its guards need of its row; nil when they need nothing
	Live           json.RawMessage // what the API said at the last read
	Result         json.RawMessage
	Attempts       int       // executions that ended in not now, or in doubt and then no
	Deadline       time.Time // while started or in doubt: nothing of the last request can act after it
	NotBefore      time.Time // while planned: its back-off
	UpdatedAt      time.Time
}

// An Operation is one operation block of the run.
type Operation struct {
	ID       int64    `json:"-"`
	Address  string   `json:"address"`  // operation.TYPE.NAME
	Provider string   `json:"provider"` // the instance's address: provider.NAME or provider.NAME.ALIAS
	Type     string   `json:"type"`     // without the provider's prefix
	Settings Settings `json:"settings"`
	List     string   `json:"list"`     // its list's address
	Rows     int64    `json:"rows"`     // rows that the list had
	Matching int64    `json:"matching"` // rows that where let through
	Counts   Counts   `json:"counts"`
}

// Counts are items by state.
type Counts map[State]int64

// Total is the number of items in all states.
func (c Counts) Total() (n int64) {
	for _, k := range c {
		n += k
	}
	return n
}

// A Change is one edge that an item takes, with all that is written along
// with it. The run file refuses a change whose From is not the item's state.
type Change struct {
	Item     int64
	From, To State
	Reason   string
	At       time.Time

	// Written only where they are set.
	Attempts  int // the new count; negative leaves it
	Deadline  time.Time
	NotBefore time.Time
	Live      json.RawMessage
	Result    json.RawMessage
}

// Known is what became known of an item only while its run was applied: the
// items of an operation that is fed by another one. It is written once, before
// anything is done with it.
type Known struct {
	Item             int64
	Amount, Currency string
	Arguments        json.RawMessage
	Context          json.RawMessage
}

// Known is what is known of an item.
func (it *Item) Known() Known {
	return Known{Item: it.ID, Amount: it.Amount, Currency: it.Currency, Arguments: it.Arguments, Context: it.Context}
}

// A Request is one API request, as the run file keeps it.
type Request struct {
	Item      int64 // 0 for authentication
	Verb      string
	SentAt    time.Time // zero when it never left
	Deadline  time.Time
	SettledAt time.Time
	Outcome   string
	Code      string
	Message   string
}

// An Event is something that happened to the run.
type Event struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Detail string    `json:"detail"`
}
