// Package host is the runner's end of the pipe to a provider process. It
// promises providers nothing; only the runner imports it.
package host

import (
	"time"

	"github.com/bulkrunner/runner/sdk"
)

// A Verb says what a call asks of the provider. One call is one API request.
type Verb uint8

const (
	// Read asks for an item's present state and whether it is settled.
	Read Verb = iota + 1
	// Execute asks for the effect (of a query: for its result).
	Execute
	// Authenticate gets or renews the access token.
	Authenticate
)

var verbNames = [...]string{"", "read", "execute", "auth"}

// String returns the verb's name as the run file writes it.
func (v Verb) String() string { return verbNames[v] }

// A Call is one request to be made.
type Call struct {
	ID             uint64 // chosen by the caller, unique within a stream
	Verb           Verb
	Operation      string // without the provider's prefix
	Arguments      []byte // a JSON object, as the run file stores it
	IdempotencyKey string
	Deadline       time.Time // after it the provider gives up: the outcome is unknown
	LeaveBefore    time.Time // the request must be written before it, or not at all; zero is no bound
}

// An Answer is what became of one call.
type Answer struct {
	ID       uint64
	Outcome  sdk.Outcome
	Code     string
	Reason   string
	After    time.Duration // how long the API asked to be left alone
	NoEffect bool          // of a fatal outcome: proof that nothing happened
	Live     []byte        // of Read: a JSON object
	Settled  sdk.Settled   // of Read
	Result   []byte        // of Execute: a JSON object
	Requests int           // requests that were written to the wire
	SentAt   time.Time     // when the request was written; zero when it wasn't
	Expires  time.Time     // of Authenticate: when the token does; zero is not said
}
