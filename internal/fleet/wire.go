package fleet

import (
	"encoding/json"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/sdk"
)

// What travels is JSON, compressed, and encrypted where there is a key. None
// of it holds a credential or an item's secret arguments in the clear: an item
// carries what the run file holds of it.

// A Header is what a worker must know of a run beside its items. It travels
// once, as the input of the run's workflow.
type Header struct {
	Run        string             `json:"run"`
	CreatedAt  time.Time          `json:"created_at"`
	Config     json.RawMessage    `json:"config"`
	Variables  json.RawMessage    `json:"variables"`
	Withheld   []string           `json:"withheld,omitempty"`
	Secrets    runfile.Secrets    `json:"secrets"`
	Providers  []runfile.Provider `json:"providers"`
	Operations []plan.Operation   `json:"operations"`

	// Of a fed operation, by its address, the schema of the one that feeds it.
	Feeds map[string]sdk.OperationSchema `json:"feeds,omitempty"`

	AcceptAccount bool   `json:"accept_account,omitempty"` // another credential than the plan's will do
	ReadAll       bool   `json:"read_all,omitempty"`       // nobody knows what was done of it elsewhere
	By            string `json:"by"`
}

// Operation finds an operation by its address.
func (h *Header) Operation(address string) (plan.Operation, bool) {
	for i, op := range h.Operations {
		if op.Address == address {
			op.ID = int64(i) + 1
			return op, true
		}
	}
	return plan.Operation{}, false
}

// Provider finds a provider instance by its address.
func (h *Header) Provider(address string) (runfile.Provider, bool) {
	for _, p := range h.Providers {
		if p.Address == address {
			return p, true
		}
	}
	return runfile.Provider{}, false
}

// An item is one with the requests that were made for it before.
type item struct {
	plan.Item
	Secret   *struct{}      `json:"Secret,omitempty"` // shadows what never travels
	Requests []plan.Request `json:",omitempty"`
}

// A chunk is the input of a chunk's workflow.
type chunk struct {
	Run       string  `json:"run"` // the run's workflow
	Operation string  `json:"operation"`
	Chunk     int     `json:"chunk"`
	Queue     string  `json:"queue"`
	Canary    []int64 `json:"canary,omitempty"` // it is this stage of the canary
	Items     []item  `json:"items"`
	Last      int64   `json:"last"` // the next chunk begins after this item
}

// A leave lets a chunk go.
type leave struct {
	Number int           `json:"number"` // of what the run has told its chunks
	Tally  runfile.Tally `json:"tally"`
	Abort  plan.Abort    `json:"abort"`
	Rate   plan.Rate     `json:"rate,omitzero"` // that a person has set
}

// A halt holds a chunk, unless it was let go by a later word.
type halt struct {
	Number int `json:"number"`
}

// taken is said by a worker before it sends anything of a chunk of which it
// has no heartbeat.
type taken struct {
	Outlives time.Duration `json:"outlives"` // its requests can have their effect for so long, at the most
}

// A carry is the input of the activity that carries a chunk's items out. The
// items are in the workflow's history, which the worker reads.
type carry struct {
	Run       string `json:"run"`
	Operation string `json:"operation"`
	Leave     leave  `json:"leave"`
}

// A carried is its result: what its engine committed.
type carried struct {
	Log runfile.Batch `json:"log"`
	End ending        `json:"end"`
}

// An ending is how far a chunk was carried.
type ending struct {
	Chunk int           `json:"chunk"`
	Left  int           `json:"left"`            // items that are still to be carried out
	Tally runfile.Tally `json:"tally"`           // beyond the one that it was let go with; Consecutive is its own
	Reset bool          `json:"reset,omitempty"` // an item succeeded, so failures before it don't count in a row with those after
	Stop  string        `json:"stop,omitempty"`  // the rule that stopped it
	Fatal string        `json:"fatal,omitempty"` // why nothing can be sent any more
}

// add appends a batch.
func add(log *runfile.Batch, b runfile.Batch) {
	log.Changes = append(log.Changes, b.Changes...)
	log.Requests = append(log.Requests, b.Requests...)
	log.Events = append(log.Events, b.Events...)
}
