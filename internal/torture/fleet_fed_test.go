//go:build linux

package torture

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

// TestA10Fed: what an operation that is fed by another one does is known when
// that one's outcomes are back, also where whoever hands it over dies meanwhile,
// and travels like the rest.
func TestA10Fed(t *testing.T) {
	t.Parallel()
	on := temporalServer(t)
	j := newJob(t, 120)
	j.rate, j.inFlight, j.fed = 100, 16, true
	for fault, share := range map[string]string{"lose_answer": "0.05", "slow": "20ms", "seed": "7"} {
		j.api.set(t, fault, share)
	}
	j.plan(t)
	for range 2 {
		j.worker(t, on)
	}
	a := j.submit(t, on)
	eventually(t, patience, "some items were sent", func() bool { return len(j.api.came()) > 20 })
	a.kill()
	a = j.submit(t, on)
	eventually(t, patience, "some that are fed were sent", func() bool {
		for _, came := range j.api.came() {
			if strings.HasPrefix(came.thing, "R-") {
				return true
			}
		}
		return false
	})
	a.kill()
	if code := j.submit(t, on).end(t, patience); code != 0 && code != 3 {
		t.Errorf("apply ended with %d", code)
	}
	v, _ := j.judge(t)
	// Paying isn't sent again before a person says so.
	if v.counts[plan.InDoubt]+v.counts[plan.Succeeded] != 240 || v.counts[plan.Succeeded] < 200 {
		t.Errorf("items are %v", v.counts)
	}
	j.keysHold(t)
}

// TestA10FedByDoubt: what is fed by an item in doubt waits for a later apply,
// and the rest is done.
func TestA10FedByDoubt(t *testing.T) {
	t.Parallel()
	on := temporalServer(t)
	j := newJob(t, 60)
	j.rate, j.inFlight, j.fed, j.operation = 200, 8, true, "blind"
	j.api.set(t, "lose_answer", "0.2")
	j.api.set(t, "seed", "11")
	j.timeout = 500 * time.Millisecond
	j.plan(t)
	j.worker(t, on)
	a := j.submit(t, on)
	if code := a.end(t, patience); code != 3 {
		t.Errorf("apply ended with %d:\n%s", code, a.said)
	}
	v, _ := j.judge(t)
	waiting := v.counts[plan.Planned]
	if waiting == 0 || waiting > 40 || v.counts[plan.Succeeded]+v.counts[plan.InDoubt]+waiting != 120 {
		t.Errorf("items are %v", v.counts)
	}
	sent := len(j.api.came())
	if b := j.start(t); b.end(t, patience) != 3 || len(j.api.came()) != sent {
		t.Errorf("an apply of this machine sent %d more requests:\n%s", len(j.api.came())-sent, b.said)
	}
}

// TestA10FedLimits: a fed operation that turns out to be more than its file
// allows is not handed over, and says the rule.
func TestA10FedLimits(t *testing.T) {
	t.Parallel()
	on := temporalServer(t)
	j := newJob(t, 30)
	j.rate, j.inFlight, j.fed = 200, 8, true
	j.write(t)
	text, err := os.ReadFile(j.path("fed.ops.hcl"))
	must(t, err)
	must(t, os.WriteFile(j.path("fed.ops.hcl"), []byte(strings.Replace(string(text), "max_items = 30", "max_items = 29", 1)), 0o600))
	if out, code := j.run(t, "plan", "--refresh=false", "--out", "job.run", "."); code != 0 {
		t.Fatalf("plan ended with %d:\n%s", code, out)
	}
	j.worker(t, on)
	a := j.submit(t, on)
	if code := a.end(t, patience); code != 4 || !strings.Contains(a.said.String(), "30 items would be executed (max_items = 29)") {
		t.Errorf("apply ended with %d:\n%s", code, a.said)
	}
	v, _ := j.judge(t)
	if v.counts[plan.Succeeded] != 30 || v.counts[plan.Planned] != 30 {
		t.Errorf("items are %v", v.counts)
	}
}
