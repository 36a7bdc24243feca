//go:build linux

package torture

import (
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

// handed is the workflow of the run as it was handed over.
func (j *job) handed(t testing.TB) string {
	t.Helper()
	for _, e := range j.events(t) {
		if _, id, ok := strings.Cut(e.Detail, " as "); ok && e.Kind == "handed_over" {
			return id
		}
	}
	t.Fatal("the run wasn't handed over")
	return ""
}

// temporalDoes has Temporal's own tool do something to a workflow.
func temporalDoes(t testing.TB, on, id string, args ...string) {
	t.Helper()
	args = append([]string{"workflow"}, append(args, "--address", temporal.address, "--namespace", on[strings.LastIndex(on, "/")+1:], "--workflow-id", id)...)
	var out []byte
	var err error
	for range 20 {
		if out, err = exec.Command(temporalProgram(), args...).CombinedOutput(); !strings.Contains(string(out), "Workflow is busy") {
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	if err != nil {
		t.Fatalf("temporal %v: %v\n%s", args, err, out)
	}
}

// temporalHas tells whether a workflow is there.
func temporalHas(on, id string) bool {
	return exec.Command(temporalProgram(), "workflow", "describe", "--address", temporal.address, "--namespace", on[strings.LastIndex(on, "/")+1:], "--workflow-id", id).Run() == nil
}

// TestA10Reset: a chunk whose workflow is reset while it is carried out, so
// that what it knew is gone, reads before it sends.
func TestA10Reset(t *testing.T) {
	t.Parallel()
	on := temporalServer(t)
	j := newJob(t, 100)
	j.rate, j.inFlight = 20, 4
	j.plan(t)
	j.worker(t, on)
	a := j.submit(t, on)
	for n, least := range []int{10, 60} {
		eventually(t, patience, "some items were sent", func() bool { return len(j.api.came()) > least })
		id := j.handed(t) + "/operation.fake_cancel.all/" + []string{"000000", "000002"}[n]
		temporalDoes(t, on, id, "reset", "--type", "FirstWorkflowTask", "--reason", "a test")
	}
	if code := a.end(t, patience); code != 0 {
		t.Errorf("apply ended with %d:\n%s", code, a.said)
	}
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, 100)
	j.keysHold(t)
}

// TestA10HandedOverOnly: whoever hands a run over dies when its file says so and
// Temporal knows nothing of it yet. The same command hands it over then; what an
// apply of this machine had left started is read first.
func TestA10HandedOverOnly(t *testing.T) {
	t.Parallel()
	on := temporalServer(t)
	j := newJob(t, 60)
	j.rate, j.inFlight = 100, 8
	j.api.set(t, "slow", "100ms")
	j.plan(t)
	alone := j.start(t)
	eventually(t, patience, "some items were sent", func() bool { return len(j.api.came()) > 10 })
	alone.kill()
	var asked, open atomic.Bool
	front := newFront(t, on, func(r *http.Request) bool {
		if !open.Load() && strings.HasSuffix(r.URL.Path, "/StartWorkflowExecution") {
			asked.Store(true)
			<-r.Context().Done()
			return false
		}
		return true
	})
	front.Config.Protocols = new(http.Protocols)
	front.Config.Protocols.SetUnencryptedHTTP2(true)
	front.Start()
	through := "temporal://" + front.Listener.Addr().String() + on[strings.LastIndex(on, "/"):]
	a := j.submit(t, through)
	eventually(t, patience, "the run is handed over", asked.Load)
	a.kill()
	j.handed(t)
	j.worker(t, on)
	open.Store(true)
	if a = j.submit(t, through); a.end(t, patience) != 0 {
		t.Errorf("apply ended with %d:\n%s", a.code, a.said)
	}
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, 60)
	j.keysHold(t)
}
