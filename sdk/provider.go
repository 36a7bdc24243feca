package sdk

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/bulkrunner/runner/sdk/internal/permit"
)

// A Provider is a whole provider. Config is decoded from the operation file's
// provider block; Client is what operations are called on.
//
// Both Config and the arguments, live states and results of operations are
// plain structs: a `json` tag names an attribute, a `doc` tag documents it, and
// a `runner` tag adds, separated by commas: required, sensitive, write_only,
// integer, default=V, oneof=A|B, min=N, max=N (characters), role=amount,
// role=currency, role=status, role=id, exponent=N, and last, since it may hold
// commas, pattern=RE.
//
// The attribute with role=id names the thing that an operation acts on. Where
// arguments and a live state or result have one, the runner holds the two
// against each other: an answer for another thing ends the run.
type Provider[Config, Client any] struct {
	Name    string // as operation files say it: lower-case letters and digits
	Version string // semantic
	Doc     string

	// RateLimit is what holds where an operation file says nothing.
	RateLimit RateLimit

	// Configure makes the client. It uses no network.
	Configure func(Config, Setup) (Client, error)

	// Account says what the configuration stands for.
	Account func(Config) Account

	// Authenticate gets or renews the access token that the client holds, with
	// one API request, and says when it expires. Nil for static credentials.
	Authenticate func(Client, context.Context) (expires time.Time, err error)

	Operations []Operation[Client]

	// Lists are where operation files can take rows from beside their own
	// lists. Nil where the API has none worth having.
	Lists []Listing[Client]

	// Simulator is the API in miniature. Nil means that files which use this
	// provider can't be rehearsed.
	Simulator *Simulator[Config]
}

// Setup is what the runner tells a client beside its configuration.
type Setup struct {
	MaxInFlight int           // requests at once; size connection pools by it
	Timeout     time.Duration // of one request
}

// An Operation is a [Mutation] or a [Query].
type Operation[Client any] interface {
	schema() (OperationSchema, error)
	check(arguments json.RawMessage) error
	read(ctx context.Context, c Client, arguments json.RawMessage) (live any, settled Settled, err error)
	execute(ctx context.Context, c Client, arguments json.RawMessage) (result any, err error)
}

// A Mutation changes something at the API, once for each item.
type Mutation[Client, Args, Live, Result any] struct {
	Name string
	Doc  string

	// Execute sends the one request that has the effect. It returns a result
	// only if the answer confirms the effect; [Refused] and its siblings say
	// anything else.
	Execute func(Client, context.Context, Args) (Result, error)

	// Read asks the API for the item's present state, with one request. Nil
	// where the API has no such request: doubt is then left to a person.
	Read func(Client, context.Context, Args) (Live, error)

	// Settled judges from a read whether the operation has had its effect.
	Settled func(Args, Live) Settled

	// SettleAfter is how long after a request a [SettledNo] can be believed.
	SettleAfter time.Duration

	// Check judges arguments beyond what their types say. It uses no network.
	Check func(Args) error

	// GuardedByAPI says that the API itself refuses an item in the wrong
	// state. Where it is false the runner reads before every execution.
	GuardedByAPI bool
	DefaultGuard *DefaultGuard

	// Repeatable says that executing twice is harmless. Together with Keyed it
	// says that it is harmless for as long as the API knows the item's key.
	Repeatable bool
	Resend     Resend

	// Keyed says what the API does with the item's idempotency key, see
	// [IdempotencyKey]. Nil where it takes none. Where the API says that a key
	// was used with other arguments, return [Incident]: what was done under it
	// is not what was meant.
	Keyed *Keyed
}

// A Query asks the API something. It is free to repeat; its results are the
// point.
type Query[Client, Args, Result any] struct {
	Name    string
	Doc     string
	Execute func(Client, context.Context, Args) (Result, error)
	Check   func(Args) error
}

// A Simulator makes the provider's own simulation of its API. Package simulator
// has what all of them have in common.
//
// The simulator of a provider that has lists has a fault named generate, a
// number: it makes that many things in mixed states. A rehearsal turns it on
// where a file takes its items from a list of the API, since then nothing else
// says what there is.
type Simulator[Config any] struct {
	Faults []Fault
	// New starts an empty simulation for the account that the configuration
	// names, so that it can verify credentials. The configuration's endpoint
	// is still the real one.
	New func(Config) Simulation
}

// A Simulation is one running simulator: an [http.Handler] of the API with a
// memory. Its methods may be called from many goroutines.
type Simulation interface {
	http.Handler

	// Seed makes the thing that an item acts on, in the given state; "" is
	// the provider's default state.
	Seed(operation string, arguments json.RawMessage, state string) error

	// Set turns a fault's switch. Unknown names and values are errors.
	Set(fault, value string) error

	// Ledger tells what has really happened.
	Ledger() Ledger
}

// A Ledger is a simulation's own account of what happened, held against the
// run file by tests.
type Ledger struct {
	Requests int            `json:"requests"`
	Effects  map[string]int `json:"effects"` // effects by the thing's own id: anything but 1 is a duplicate
}

// IdempotencyKey returns the key that the runner keeps for the item over all
// attempts and crashes. Providers whose API takes one send it.
func IdempotencyKey(ctx context.Context) string {
	return permit.From(ctx).IdempotencyKey()
}
