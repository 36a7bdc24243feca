//go:build linux

package torture

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
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
	if n := j.later(t); n == 0 {
		t.Error("what was sent became nothing in the run file")
	}
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

// later is how many items of the run file became known while it was applied.
func (j *job) later(t testing.TB) (n int) {
	t.Helper()
	f, err := runfile.Open(j.path("job.run"))
	must(t, err)
	defer f.Close()
	for it, err := range f.Items(runfile.Filter{}) {
		must(t, err)
		if it.Later {
			n++
		}
	}
	return n
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

// TestA10FedGone: where a namespace has lost a run, what was handed over is in
// doubt, and not what of its fed operation never was.
func TestA10FedGone(t *testing.T) {
	t.Parallel()
	on := temporalServer(t)
	j := newJob(t, 100)
	j.rate, j.inFlight, j.fed = 50, 8, true
	j.plan(t)
	w := j.worker(t, on)
	a := j.submit(t, on)
	eventually(t, patience, "some items were sent", func() bool { return len(j.api.came()) > 20 })
	a.kill()
	w.kill()
	run := j.handed(t)
	for n := 0; ; n++ {
		id := fmt.Sprintf("%s/operation.fake_cancel.all/%06d", run, n)
		if !temporalHas(on, id) {
			break
		}
		temporalDoes(t, on, id, "delete")
	}
	temporalDoes(t, on, run, "delete")
	eventually(t, patience, "the run is gone", func() bool { return !temporalHas(on, run) && !temporalHas(on, run+"/operation.fake_cancel.all/000000") })
	a = j.submit(t, on)
	if code := a.end(t, patience); code != 5 || !strings.Contains(a.said.String(), "not there any more") {
		t.Errorf("apply ended with %d:\n%s", code, a.said)
	}
	v, _ := j.judge(t)
	if v.counts[plan.Planned] != 100 || v.counts[plan.InDoubt] == 0 {
		t.Errorf("items are %v", v.counts)
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
