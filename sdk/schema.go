package sdk

import (
	"encoding/json"
	"time"
)

// A Schema is what a provider says of itself. It is derived from the
// provider's Go types; authors don't write it.
type Schema struct {
	Name          string            `json:"name"`
	Version       string            `json:"version"`
	Doc           string            `json:"doc"`
	Config        []Attribute       `json:"config"`
	Operations    []OperationSchema `json:"operations"`
	Lists         []ListSchema      `json:"lists,omitempty"`
	RateLimit     RateLimit         `json:"rate_limit"`
	Authenticates bool              `json:"authenticates,omitempty"` // has an access token to get and renew
	Faults        []Fault           `json:"faults,omitempty"`        // the simulator's switches
	Simulates     bool              `json:"simulates,omitempty"`
}

// Operation returns the schema of the operation with the given name, without
// the provider's prefix.
func (s *Schema) Operation(name string) (*OperationSchema, bool) {
	for i := range s.Operations {
		if s.Operations[i].Name == name {
			return &s.Operations[i], true
		}
	}
	return nil, false
}

// List returns the schema of the list with the given name, without the
// provider's prefix.
func (s *Schema) List(name string) (*ListSchema, bool) {
	for i := range s.Lists {
		if s.Lists[i].Name == name {
			return &s.Lists[i], true
		}
	}
	return nil, false
}

// A ListSchema is one kind of list that is read from the API.
type ListSchema struct {
	Name   string      `json:"name"`
	Doc    string      `json:"doc"`
	Key    string      `json:"key"`              // the attribute of a row that names it
	Filter []Attribute `json:"filter,omitempty"` // what a list block may ask for
	Row    []Attribute `json:"row"`              // the columns
}

// An OperationSchema is one kind of action.
type OperationSchema struct {
	Name         string        `json:"name"`
	Doc          string        `json:"doc"`
	Kind         Kind          `json:"kind"`
	Arguments    []Attribute   `json:"arguments"`
	Live         []Attribute   `json:"live,omitempty"` // what a read answers; empty when the operation can't be read
	Result       []Attribute   `json:"result,omitempty"`
	Reads        bool          `json:"reads,omitempty"`
	GuardedByAPI bool          `json:"guarded_by_api,omitempty"`
	DefaultGuard *DefaultGuard `json:"default_guard,omitempty"`
	Repeatable   bool          `json:"repeatable,omitempty"`
	Settles      bool          `json:"settles,omitempty"` // a read tells whether the effect is there
	SettleAfter  time.Duration `json:"settle_after,omitempty"`
	Resend       Resend        `json:"resend,omitempty"`
	Keyed        *Keyed        `json:"keyed,omitempty"` // the API takes idempotency keys
}

// Keyed says how an API treats the idempotency keys that it takes. The runner
// sends an item's one key with every attempt, and never relies on it for
// longer than the API promises.
type Keyed struct {
	// Lives is how long the API knows a key again after its first use, at the
	// least. After it the same key is a new request.
	Lives time.Duration `json:"lives"`

	// RepeatsErrors says that the API answers a key that it knows with what it
	// answered first, whatever that was: a 500 too. Then an answer that proved
	// nothing is asked for once more at the most.
	RepeatsErrors bool `json:"repeats_errors,omitempty"`
}

// Kind says whether an operation changes anything at the API.
type Kind string

const (
	KindMutation Kind = "mutation"
	KindQuery    Kind = "query" // free to repeat; its results are the point
)

// Resend says who may send a mutation again after a read has shown that it
// had no effect.
type Resend string

const (
	ResendManual Resend = ""     // a person; the zero value
	ResendAuto   Resend = "auto" // the runner
)

// A DefaultGuard is the state an item must be in for the operation to mean
// what it says. It holds beside the guards of the file.
type DefaultGuard struct {
	Attribute string   `json:"attribute"` // of live
	Allowed   []string `json:"allowed"`
}

// An Attribute is one named value of a configuration, of arguments, of live
// state or of a result.
type Attribute struct {
	Name      string          `json:"name"`
	Type      json.RawMessage `json:"type"` // cty's type notation
	Decimal   bool            `json:"decimal,omitempty"`
	Integer   bool            `json:"integer,omitempty"`
	Doc       string          `json:"doc,omitempty"`
	Required  bool            `json:"required,omitempty"`
	Sensitive bool            `json:"sensitive,omitempty"`
	WriteOnly bool            `json:"write_only,omitempty"`
	Default   json.RawMessage `json:"default,omitempty"`
	OneOf     []string        `json:"one_of,omitempty"`
	MinLength int             `json:"min_length,omitempty"` // in characters
	MaxLength int             `json:"max_length,omitempty"` // in characters; 0 is no limit
	Pattern   string          `json:"pattern,omitempty"`    // RE2, anchored at both ends
	Role      string          `json:"role,omitempty"`       // amount, currency, status or id
	Exponent  int             `json:"exponent,omitempty"`   // of an amount in minor units: 2 means hundredths
}

// RateLimit is the API's documented limit, or a cautious one where nothing is
// documented.
type RateLimit struct {
	RequestsPerSecond float64 `json:"requests_per_second"`
	MaxInFlight       int     `json:"max_in_flight"`
	Source            string  `json:"source,omitempty"` // where the figure comes from, or that it is a guess
}

// A Fault is a switch of a provider's simulator.
type Fault struct {
	Name    string `json:"name"`
	Doc     string `json:"doc"`
	Default string `json:"default,omitempty"`
}

// An Account is what a configuration stands for. The plan pins it, and an
// apply that finds another is refused.
type Account struct {
	Name        string `json:"name,omitempty"`        // the merchant, as the API names it
	Environment string `json:"environment"`           // "live", "sandbox", or "other" for an endpoint of one's own
	Fingerprint string `json:"fingerprint,omitempty"` // keyed, for a credential that names no account
}
