//go:build linux

package torture

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

// posts counts the executions that came for each thing.
func (a *api) posts() map[string]int {
	n := map[string]int{}
	for _, came := range a.came() {
		if came.method == http.MethodPost {
			n[came.thing]++
		}
	}
	return n
}

// TestA8Sticky: an API that repeats a 500 under its key is asked once more and
// not again, and the item has failed with proof; retry takes it up under
// another key.
func TestA8Sticky(t *testing.T) {
	t.Parallel()
	j := newJob(t, 24)
	j.operation, j.inFlight = "charge", 16
	for fault, value := range map[string]string{"keys": "24h", "error500_before": "0.2", "error500_after": "0.1", "lose_answer": "0.1"} {
		j.api.set(t, fault, value)
	}
	j.plan(t)
	if code := j.complete(t); code != 3 {
		t.Errorf("exit %d", code)
	}
	v, _ := j.judge(t)
	if v.counts[plan.Failed] == 0 || v.counts[plan.Failed]+v.counts[plan.Succeeded] != int64(j.n) {
		t.Errorf("items are %v", v.counts)
	}
	posts := j.api.posts()
	for _, it := range j.items(t) {
		if n := posts[it.Key]; n > 2 || it.State == plan.Failed && n != 2 {
			t.Errorf("%s is %s after %d executions", it.Key, it.State, n)
		}
	}
	for _, fault := range []string{"error500_before", "error500_after", "lose_answer"} {
		j.api.set(t, fault, "0")
	}
	if out, code := j.run(t, "retry", "--out", "again.run", "job.run"); code != 0 {
		t.Fatalf("retry ended with %d:\n%s", code, out)
	}
	if out, code := j.run(t, "apply", "--auto-approve", "again.run"); code != 0 {
		t.Errorf("what retry planned ended with %d:\n%s", code, out)
	}
	for i := range j.n {
		if n := j.api.simulation.Ledger().Effects[id(i)]; n != 1 {
			t.Errorf("%s had its effect %d times", id(i), n)
		}
	}
	t.Logf("%v, and all succeeded with retry", v.counts)
}

// TestA8KeyReused: a key that the API knows with other arguments stops the
// operation as an incident.
func TestA8KeyReused(t *testing.T) {
	t.Parallel()
	j := newJob(t, 12)
	j.operation, j.inFlight = "charge", 1
	j.api.set(t, "keys", "24h")
	j.plan(t)
	const at = 5
	r, err := http.NewRequest(http.MethodPost, j.api.url+"/things/elsewhere/pay", bytes.NewReader([]byte(`{"id":"elsewhere"}`)))
	must(t, err)
	r.Header.Set("Idempotency-Key", j.items(t)[at].IdempotencyKey)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	answer.Body.Close()
	a := j.start(t)
	if code := a.end(t, patience); code != 4 {
		t.Errorf("exit %d:\n%s", code, a.said)
	}
	v, _ := j.judge(t)
	if v.counts[plan.Succeeded] != at || v.counts[plan.Incident] != 1 || v.counts[plan.Planned] != int64(j.n-at-1) {
		t.Errorf("items are %v", v.counts)
	}
	if n := j.api.simulation.Ledger().Effects[id(at)]; n != 0 {
		t.Errorf("it had its effect %d times", n)
	}
}

// TestA8KeyForgotten: what nothing reads is sent again under its key while the
// API knows it, and not when it may have forgotten it.
func TestA8KeyForgotten(t *testing.T) {
	t.Parallel()
	const lives = 10 * time.Second // of the keys of tip
	for name, away := range map[string]time.Duration{"at once": 0, "too late": lives} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, 8)
			j.operation, j.inFlight, j.timeout = "tip", 2, 300*time.Millisecond
			j.api.set(t, "keys", lives.String())
			came := make(chan struct{}, 100)
			j.api.answer = func(w http.ResponseWriter, r *http.Request, _ arrival) bool {
				j.api.simulation.ServeHTTP(discard{http.Header{}}, r)
				came <- struct{}{}
				time.Sleep(200 * time.Millisecond) // and no answer in time for the kill
				panic(http.ErrAbortHandler)
			}
			j.plan(t)
			a := j.start(t)
			<-came
			began := time.Now()
			a.kill()
			if v, _ := j.judge(t); v.counts[plan.Started] == 0 {
				t.Fatalf("items are %v", v.counts)
			}
			time.Sleep(away)
			j.api.answer = nil
			before := j.api.posts()
			code := j.complete(t)
			v, _ := j.judge(t)
			if away == 0 && time.Since(began) < lives/3 { // a busy machine may be too late
				v.all(t, plan.Succeeded, j.n)
			}
			if away == 0 {
				return
			}
			if code != 3 || v.counts[plan.InDoubt] == 0 || v.counts[plan.InDoubt]+v.counts[plan.Succeeded] != int64(j.n) {
				t.Errorf("exit %d, items are %v", code, v.counts)
			}
			for thing, n := range j.api.posts() {
				if before[thing] > 0 && n > before[thing] {
					t.Errorf("%s was sent again", thing)
				}
			}
		})
	}
}

// A discard takes an answer and drops it.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// settleAfter is how long the fake provider's charge and pay wait for a no.
const settleAfter = time.Second

// TestA6LaggingReads: an effect that reads show late, by up to the provider's
// settle_after, isn't had twice; and where a person decides, at any lag.
func TestA6LaggingReads(t *testing.T) {
	t.Parallel()
	for _, lag := range []time.Duration{settleAfter / 2, settleAfter * 9 / 10} {
		t.Run(fmt.Sprint("auto", lag), func(t *testing.T) {
			t.Parallel()
			laggingReads(t, "charge", 30, lag)
		})
	}
	t.Run("manual", func(t *testing.T) {
		t.Parallel()
		laggingReads(t, "pay", 30, 2*settleAfter)
	})
}

// laggingReads loses answers while reads lag, and returns how many effects
// there were twice. Beyond settle_after that is nobody's promise.
func laggingReads(t *testing.T, operation string, n int, lag time.Duration) (twice int) {
	t.Helper()
	j := newJob(t, n)
	j.operation, j.inFlight = operation, 16
	j.api.set(t, "lag", lag.String())
	j.api.set(t, "lose_answer", "0.25")
	j.api.set(t, "reset_before", "0.1")
	j.api.set(t, "seed", "2") // with which no item meets three resets, and so fails
	j.argument = "  amount   = \"1.00\"\n  currency = \"EUR\"\n  money {\n    amount   = \"1.00\"\n    currency = \"EUR\"\n  }\n"
	j.plan(t)
	code := j.complete(t)
	for more := 3; operation == "charge" && code == 3 && more > 0; more-- {
		code = j.complete(t) // one apply reads an item a few times only
	}
	for _, n := range j.api.simulation.Ledger().Effects {
		if n > 1 {
			twice++
		}
	}
	if operation == "charge" && lag > settleAfter {
		return twice
	}
	v, _ := j.judge(t)
	switch {
	case operation == "pay" && (code != 3 || v.counts[plan.InDoubt] == 0 || v.counts[plan.InDoubt]+v.counts[plan.Succeeded] != int64(n)):
		t.Errorf("exit %d, items are %v", code, v.counts)
	case operation == "charge":
		v.all(t, plan.Succeeded, n)
	}
	t.Logf("%s, reads %s late: %v, %d executions, %d twice", operation, lag, v.counts, len(j.api.came()), twice)
	return twice
}
