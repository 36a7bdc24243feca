package plan

import (
	"encoding/json"
	"time"
)

// Settings are an operation's own rules with every default filled in, as the
// run file keeps them and apply obeys them.
type Settings struct {
	Kind        string   `json:"kind"`                    // mutation or query
	Reads       bool     `json:"reads"`                   // each item is read and judged before it is executed
	ByHand      bool     `json:"doubt_by_hand,omitempty"` // no read can settle an item in doubt: a person does
	Guards      []Guard  `json:"guards,omitempty"`        // those of the file, in order
	Default     *Default `json:"default_guard,omitempty"`
	Dropped     *Default `json:"default_guard_dropped,omitempty"` // the provider's own guard, where the file dropped it
	Limits      Limits   `json:"limits"`
	Canary      []int64  `json:"canary,omitempty"`
	Retry       Retry    `json:"retry"`
	Abort       Abort    `json:"abort"`
	Rate        Rate     `json:"rate"`          // of this operation alone; zero when only the provider's holds
	MaxInFlight int      `json:"max_in_flight"` // of this operation; 0 when only the provider's holds
	DependsOn   []string `json:"depends_on,omitempty"`
	FedBy       string   `json:"fed_by,omitempty"`     // the operation whose items it takes up, once they are settled
	WriteOnly   []string `json:"write_only,omitempty"` // arguments that no file holds: apply takes them from the list again
	Columns     *Columns `json:"columns,omitempty"`    // of tables of its items; no rule, and nil where nobody said them
}

// Columns name the arguments and the members of the result that an operation's
// items can have, in the provider's order. What is sensitive is not among them.
type Columns struct {
	Arguments []string `json:"arguments"`
	Result    []string `json:"result"`
}

// A Guard is one guard block; its condition stays in the sources.
type Guard struct {
	Condition string `json:"condition"` // as written
	Otherwise string `json:"otherwise"` // skip, fail or stop
}

// Default is the provider's own guard, where the file did not drop it.
type Default struct {
	Attribute string   `json:"attribute"`
	Allowed   []string `json:"allowed"`
}

// Limits bound what may be executed. A negative MaxItems means unlimited.
type Limits struct {
	MaxItems int64             `json:"max_items"`
	MaxShare float64           `json:"max_share,omitempty"` // of all rows; 0 is no bound
	MaxTotal map[string]string `json:"max_total,omitempty"` // exact decimals by currency; nil is no bound
	Said     bool              `json:"said"`                // whether the file says max_items, or it is the default
}

// DefaultMaxItems is what holds where an operation says no max_items.
const DefaultMaxItems = 100

// Retry bounds further attempts at one item.
type Retry struct {
	MaxAttempts int
	MinBackoff  time.Duration
	MaxBackoff  time.Duration
}

// In JSON back-offs are texts such as "1m0s", as operation files write them.
type retryJSON struct {
	MaxAttempts int    `json:"max_attempts"`
	MinBackoff  string `json:"min_backoff"`
	MaxBackoff  string `json:"max_backoff"`
}

func (r Retry) MarshalJSON() ([]byte, error) {
	return json.Marshal(retryJSON{r.MaxAttempts, r.MinBackoff.String(), r.MaxBackoff.String()})
}

func (r *Retry) UnmarshalJSON(b []byte) error {
	var j retryJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	least, err := time.ParseDuration(j.MinBackoff)
	if err != nil {
		return err
	}
	most, err := time.ParseDuration(j.MaxBackoff)
	*r = Retry{j.MaxAttempts, least, most}
	return err
}

// DefaultRetry holds where an operation has no retry block.
var DefaultRetry = Retry{MaxAttempts: 5, MinBackoff: time.Second, MaxBackoff: time.Minute}

// Abort stops an operation that fails too often. Zero fields don't count.
type Abort struct {
	MaxFailures            int64   `json:"max_failures,omitempty"`
	MaxConsecutiveFailures int64   `json:"max_consecutive_failures,omitempty"`
	MaxFailureRatio        float64 `json:"max_failure_ratio,omitempty"`
	MinItems               int64   `json:"min_items,omitempty"`
}

// DefaultAbort holds where an operation has no abort block.
var DefaultAbort = Abort{MaxConsecutiveFailures: 5, MaxFailureRatio: 0.05, MinItems: 100}

// Rate is a limit of requests.
type Rate struct {
	RequestsPerSecond float64 `json:"requests_per_second"`
	Burst             int     `json:"burst"`
}
