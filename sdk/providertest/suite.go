package providertest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bulkrunner/runner/sdk"
)

// Options say what is tested.
type Options struct {
	// Binary is the provider's program. Empty is the test binary itself, whose
	// TestMain calls [Serve].
	Binary string

	// Config overrides attributes of the provider block, which the suite makes
	// up from the schema otherwise. The endpoint is always the suite's.
	Config map[string]any

	// Samples override what the suite makes up for operations.
	Samples []Sample

	// Timeout is how long one call may take where nothing slows it down; 0 is
	// five seconds.
	Timeout time.Duration

	env  []string // more of the process's environment
	only []string // rules that are held; nil is all
}

// A Sample is an item that its operation succeeds for.
type Sample struct {
	Operation string `json:"operation"` // without the provider's prefix

	// Arguments override what is made up: required ones by type, length,
	// pattern and allowed values. {n} in a text stands for a number that is
	// another one for each item.
	Arguments map[string]any `json:"arguments,omitempty"`

	State string `json:"state,omitempty"` // that the item is seeded in; "" is the simulator's default
}

// A Status is how a rule came out. The zero value is no success.
type Status string

const (
	Failed  Status = "failed"
	Passed  Status = "passed"
	Skipped Status = "skipped" // nothing to hold the rule against, see Detail
)

// A Result is one rule's.
type Result struct {
	Rule   string `json:"rule"`
	Status Status `json:"status"`
	Detail string `json:"detail,omitempty"` // what is wrong, a line each, or why it was skipped
}

// Run runs the suite, a subtest a rule.
func Run(t *testing.T, o Options) {
	t.Helper()
	for _, r := range Check(t.Context(), o) {
		t.Run(r.Rule, func(t *testing.T) {
			switch r.Status {
			case Passed:
			case Skipped:
				t.Skip(r.Detail)
			default:
				t.Errorf("%s\nSee docs/provider-contract.md#%s", r.Detail, r.Rule)
			}
		})
	}
}

// Check runs the suite without package testing and returns a result for every
// rule, in their order.
func Check(ctx context.Context, o Options) []Result {
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	s := &suite{Options: o, ctx: ctx, unkept: map[string]Status{}}
	defer s.close()
	results := make([]Result, 0, len(rules))
	for _, r := range rules {
		if o.only != nil && !slices.Contains(o.only, r.Name) {
			continue
		}
		result := Result{Rule: r.Name}
		switch need := s.missing(r.needs); {
		case ctx.Err() != nil:
			result.Status, result.Detail = Skipped, "the suite was interrupted"
		case need != "":
			result.Status, result.Detail = Skipped, fmt.Sprintf("the rule %s isn't kept, and this one needs it", need)
			if s.unkept[need] == Skipped {
				result.Detail = fmt.Sprintf("the rule %s can't be held, and this one needs it", need)
			}
		default:
			v := &verdict{}
			r.hold(s, v)
			result.Status, result.Detail = v.result()
		}
		if result.Status != Passed {
			s.unkept[r.Name] = result.Status
		}
		results = append(results, result)
	}
	return results
}

// A suite is one provider under test.
type suite struct {
	Options
	ctx    context.Context
	unkept map[string]Status // rules that were not kept, or skipped

	folder  string // for sockets
	schema  *sdk.Schema
	planted secrets
	config  map[string]any
	stage   *stage // the simulator
	relay   *relay // before it
	main    *line  // to the process that most rules ask
	heard   hearsay
	printed []*record // standard error and output of every process
	number  int       // of the item that was made last
	calls   []seen
	listed  map[string]*reading // of lists that can be read, all that there is
}

// seen is a call that was made, and what it took on the wire.
type seen struct {
	what     string
	requests int
}

func (s *suite) missing(rules []string) string {
	for _, r := range rules {
		if _, unkept := s.unkept[r]; unkept {
			return r
		}
	}
	return ""
}

func (s *suite) close() {
	if s.main != nil {
		s.main.close()
	}
	if s.relay != nil {
		s.relay.close()
	}
	if s.stage != nil {
		s.stage.process.kill()
	}
	if s.folder != "" {
		_ = os.RemoveAll(s.folder)
	}
}

// A verdict gathers what is said of one rule.
type verdict struct {
	problems []string
	skips    []string
	held     int // things that the rule was held against
}

// wrong notes a breach.
func (v *verdict) wrong(format string, args ...any) {
	const most = 8
	switch len(v.problems) {
	case most:
		v.problems = append(v.problems, "… and more")
	case most + 1:
	default:
		v.problems = append(v.problems, fmt.Sprintf(format, args...))
	}
}

// skip notes why there was nothing to hold the rule against.
func (v *verdict) skip(format string, args ...any) {
	v.skips = append(v.skips, fmt.Sprintf(format, args...))
}

// result is failed as soon as anything is wrong, and passed only if the rule
// was held against something.
func (v *verdict) result() (Status, string) {
	switch {
	case len(v.problems) > 0:
		return Failed, strings.Join(v.problems, "\n")
	case v.held > 0:
		return Passed, strings.Join(v.skips, "\n")
	case len(v.skips) > 0:
		return Skipped, strings.Join(v.skips, "\n")
	}
	return Failed, "the rule was held against nothing. This is a bug in the suite"
}
