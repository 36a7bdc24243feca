//go:build linux

package torture

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// newLargeJob has n things done that can't be read, by an API that keeps no
// ledger and takes its time when told to.
func newLargeJob(t testing.TB, n int, takes *atomic.Int64) *job {
	t.Helper()
	j := newJob(t, 0)
	j.n, j.operation, j.rate, j.inFlight, j.timeout = n, "blind", 20_000, 64, 2*time.Second
	j.api.answer = func(w http.ResponseWriter, _ *http.Request, a arrival) bool {
		time.Sleep(time.Duration(takes.Load()))
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":%q,"state":"cancelled"}`, a.thing)
		return true
	}
	return j
}

// first starts an apply and returns it at its first request, with how long that
// took beyond the time for which nothing may leave, and the most memory used.
func (j *job) first(t testing.TB) (a *apply, took time.Duration, memory int64) {
	t.Helper()
	quiet := time.Now().Add(time.Second) // the window of a former apply's rate
	f, err := runfile.Open(j.path("job.run"))
	must(t, err)
	for it, err := range f.Items(runfile.Filter{States: []plan.State{plan.Started}}) {
		must(t, err)
		if until := it.Deadline.Add(time.Second); until.After(quiet) {
			quiet = until
		}
	}
	must(t, f.Close())
	before, began := len(j.api.came()), time.Now()
	a = j.start(t)
	for len(j.api.came()) == before {
		select {
		case <-a.done:
			t.Fatalf("exit %d before anything was sent:\n%s", a.code, a.said)
		case <-time.After(5 * time.Millisecond):
			memory = max(memory, highWater(a.Process.Pid))
		}
	}
	if quiet.Before(began) {
		quiet = began
	}
	return a, j.api.came()[before].at.Sub(quiet), max(memory, highWater(a.Process.Pid))
}

// doneUpTo carries items out to the n-th as an apply would, without a provider.
func (j *job) doneUpTo(t testing.TB, n int64) {
	t.Helper()
	eventually(t, patience, "the former apply's provider has ended", func() bool { return !runfile.Held(j.path("job.run")) })
	r, err := runfile.Acquire(j.path("job.run"))
	must(t, err)
	defer r.Release()
	_, err = r.Begin(time.Now())
	must(t, err)
	const group = 256
	for after := int64(0); ; {
		items, err := r.Planned(1, after, group)
		must(t, err)
		if len(items) == 0 || items[0].ID > n {
			break
		}
		var b runfile.Batch
		now := time.Now()
		for _, it := range items {
			after = it.ID
			b.Changes = append(b.Changes,
				plan.Change{Item: it.ID, From: plan.Planned, To: plan.Started, At: now, Attempts: -1, Deadline: now},
				plan.Change{Item: it.ID, From: plan.Started, To: plan.Succeeded, At: now, Attempts: -1, Result: []byte(`{"id":"` + it.Key + `","state":"cancelled"}`)})
			b.Requests = append(b.Requests, plan.Request{Item: it.ID, Verb: "execute", SentAt: now, Deadline: now, SettledAt: now, Outcome: "done", Code: "200"})
		}
		must(t, r.Commit(b))
	}
	must(t, r.Release())
}

// TestB9: a large run is taken up at once, whether it was planned a moment ago
// or is half done, in little memory; and two Ctrl-C end it within a second,
// with nothing open but what was in flight (A13). Tier 1 has a small one.
func TestB9LargeRun(t *testing.T) {
	n := largeRun()
	var takes atomic.Int64
	j := newLargeJob(t, n, &takes)
	began := time.Now()
	j.plan(t)
	t.Logf("%d items planned in %s", n, time.Since(began).Round(100*time.Millisecond))

	a, took, memory := j.first(t)
	a.kill()
	say := func(when string) {
		t.Helper()
		t.Logf("%s the first request left after %s, with %d MB", when, took.Round(10*time.Millisecond), memory>>20)
		if most := max(3*time.Second, time.Duration(n)*time.Microsecond); took > most { // of a busy machine
			t.Errorf("%s the first request left after %s", when, took)
		}
		if memory > 300<<20 {
			t.Errorf("%s it used %d MB", when, memory>>20)
		}
	}
	say("just planned,")
	a, took, memory = j.first(t)
	a.kill()
	say("killed at its beginning,")
	j.doneUpTo(t, int64(n)/2)
	a, took, memory = j.first(t)
	a.kill()
	say("half done,")
	a, took, memory = j.first(t)
	say("killed at half,")

	before := len(j.api.came())
	eventually(t, patience, "it is under load", func() bool { return len(j.api.came()) > before+500 })
	takes.Store(int64(time.Second))
	time.Sleep(100 * time.Millisecond)
	must(t, a.Process.Signal(syscall.SIGINT))
	time.Sleep(20 * time.Millisecond)
	second := time.Now()
	must(t, a.Process.Signal(syscall.SIGINT))
	code := a.end(t, patience)
	late := time.Since(second)
	if late > time.Second || code != 130 {
		t.Errorf("%s after the second Ctrl-C it ended with %d:\n%s", late, code, a.said)
	}
	f, err := runfile.Open(j.path("job.run"))
	must(t, err)
	defer f.Close()
	ops, err := f.Operations()
	must(t, err)
	// What the kills left is in doubt for good, since it can't be read.
	open := ops[0].Counts[plan.Started]
	if open == 0 || open > int64(j.inFlight) || ops[0].Counts.Total() != int64(n) {
		t.Errorf("items are %v", ops[0].Counts)
	}
	t.Logf("%s after the second Ctrl-C it was over, with %d of %d open: %v", late.Round(time.Millisecond), open, j.inFlight, ops[0].Counts)
}
