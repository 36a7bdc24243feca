//go:build linux

package torture

import (
	"testing"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// A verdict is a run file held against the ledger.
type verdict struct {
	counts   plan.Counts
	effects  int // of all items
	requests int // that the run file says have left
}

// judge holds the run file against what has really happened. It returns the
// number of differences beside the verdict, so that long tests can go on.
func (j *job) judge(t testing.TB) (verdict, int) {
	t.Helper()
	return j.judgeFile(t, "job.run")
}

func (j *job) judgeFile(t testing.TB, name string) (v verdict, differences int) {
	t.Helper()
	wrong := func(format string, args ...any) {
		t.Helper()
		differences++
		t.Errorf(format, args...)
	}
	f, err := runfile.Open(j.path(name))
	must(t, err)
	defer f.Close()
	ledger := j.api.simulation.Ledger()
	v.counts = plan.Counts{}
	seen := 0
	for it, err := range f.Items(runfile.Filter{}) {
		must(t, err)
		seen++
		v.counts[it.State]++
		effects := ledger.Effects[thing(it)]
		v.effects += effects
		switch {
		case effects > 1:
			wrong("%s had its effect %d times (%s, %s)", it.Key, effects, it.State, it.Reason)
		case it.State == plan.Succeeded && effects != 1:
			wrong("%s is succeeded and had no effect", it.Key)
		case effects != 0 && (it.State == plan.Planned || it.State == plan.Failed || it.State == plan.Skipped || it.State == plan.Unchanged || it.State == plan.Invalid):
			wrong("%s is %s and had its effect (%s)", it.Key, it.State, it.Reason)
		}
	}
	ops, err := f.Operations()
	must(t, err)
	counted, states := int64(0), plan.Counts{}
	for _, op := range ops {
		counted += op.Counts.Total()
		for state, n := range op.Counts {
			states[state] += n
		}
	}
	for state, n := range states {
		if v.counts[state] != n {
			wrong("%d items are counted as %s, and %d are", n, state, v.counts[state])
		}
	}
	expected := j.n
	if j.fed {
		expected *= 2
	}
	if seen != expected || counted != int64(expected) {
		wrong("%d items are there and %d counted, of %d", seen, counted, expected)
	}
	for r, err := range f.RequestLog() {
		must(t, err)
		if !r.SentAt.IsZero() {
			v.requests++
		}
	}
	return v, differences
}

// all demands that every item is in one state.
func (v verdict) all(t testing.TB, state plan.State, n int) {
	t.Helper()
	if v.counts[state] != int64(n) {
		t.Errorf("items are %v, want %d %s", v.counts, n, state)
	}
}
