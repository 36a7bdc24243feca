// Package eval turns declarations and a row into values that are fully known.
// It owns the scope of expressions, the functions, decimals and marks.
package eval

import (
	"encoding/json"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/plan"
)

// An Item is what a row evaluates to.
type Item struct {
	Key       string
	Arguments json.RawMessage // canonical JSON by the operation's schema, keys in the schema's order; without those below
	Sensitive plan.Secret     // those that may be stored encrypted alone; nil when there are none
	WriteOnly plan.Secret     // those that may be stored in no form; nil when there are none
	Amount    string          // exact decimal; "" when the operation has no money
	Currency  string
	State     string          // what a rehearsal seeds; "" is the provider's default
	Context   json.RawMessage // what guards need of the row, for a later judgement; nil when nothing
}

// A Verdict is what guards make of an item, mildest first; of several guards
// the strictest wins.
type Verdict uint8

const (
	Proceed Verdict = iota
	Skip
	Fail
	Stop
)

// A Problem is what is wrong with one row in one expression: a diagnostic
// whose Row the caller fills in.
type Problem struct {
	diag.Diagnostic
}

func (p *Problem) Error() string { return p.Summary + ": " + p.Detail }
