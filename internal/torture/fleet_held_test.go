//go:build linux

package torture

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

// steer has runner control say something to who watches.
func (j *job) steer(t testing.TB, word string) {
	t.Helper()
	if out, code := j.run(t, "control", "job.run", word); code != 0 {
		t.Fatalf("%s ended with %d:\n%s", word, code, out)
	}
}

// rest carries out what is left of a run, by whom it may, and holds it against
// the ledger before and after.
func (j *job) rest(t testing.TB, on string, a *apply, items int) {
	t.Helper()
	code := a.end(t, patience)
	if _, differences := j.judge(t); differences > 0 {
		t.Fatalf("apply ended with %d:\n%s", code, a.said)
	}
	if code != 0 {
		if out, code := j.run(t, "apply", "--auto-approve", "--on", on, "job.run"); code != 0 {
			t.Fatalf("the rest ended with %d:\n%s", code, out)
		}
	}
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, items)
	j.keysHold(t)
}

// TestA10HeldAndKilled: a worker dies after it was asked to hold its chunks, so
// that Temporal doesn't try their activities again.
func TestA10HeldAndKilled(t *testing.T) {
	t.Parallel()
	on := temporalServer(t)
	j := newJob(t, 60)
	j.rate, j.inFlight, j.timeout = 20, 4, 10*time.Second
	j.api.set(t, "slow", "2s")
	j.plan(t)
	first := j.worker(t, on)
	a := j.submit(t, on)
	eventually(t, patience, "some items were sent", func() bool { return len(j.api.came()) > 5 })
	j.steer(t, "pause")
	first.kill()
	j.worker(t, on)
	time.Sleep(16 * time.Second) // Temporal has given it up
	select {
	case <-a.done:
	default:
		j.steer(t, "resume")
	}
	j.rest(t, on, a, 60)
}

// TestA10HeldWhileItWaits: a worker dies, and the run is paused while its
// chunks wait for another one, which is busy: so their activities are cancelled
// although they have been carried out in part.
func TestA10HeldWhileItWaits(t *testing.T) {
	t.Parallel()
	on := temporalServer(t)
	j := newJob(t, 400)
	j.rate, j.inFlight, j.timeout = 4, 8, time.Second
	j.plan(t)
	first := j.worker(t, on)
	a := j.submit(t, on)
	eventually(t, patience, "some items were sent", func() bool { return len(j.api.came()) > 5 })
	j.worker(t, on)
	time.Sleep(5 * time.Second) // it has taken up what it can
	first.kill()
	time.Sleep(13 * time.Second)
	j.steer(t, "pause")
	time.Sleep(2 * time.Second)
	j.steer(t, "resume")
	time.Sleep(5 * time.Second)
	j.steer(t, "stop")
	code := a.end(t, patience)
	if _, differences := j.judge(t); differences > 0 {
		t.Errorf("apply ended with %d:\n%s", code, a.said)
	}
	j.keysHold(t)
}

// TestA10ResetWhenEnded: a chunk that has been carried out is reset before it
// is in the run file.
func TestA10ResetWhenEnded(t *testing.T) {
	t.Parallel()
	on := temporalServer(t)
	j := newJob(t, 20) // one chunk
	j.rate, j.inFlight = 20, 4
	j.plan(t)
	j.worker(t, on)
	a := j.submit(t, on)
	eventually(t, patience, "some items were sent", func() bool { return len(j.api.came()) > 2 })
	a.Process.Signal(syscall.SIGINT)
	a.end(t, patience)
	id := j.handed(t) + "/operation.fake_cancel.all/000000"
	eventually(t, patience, "the chunk has ended", func() bool {
		out, _ := exec.Command(temporalProgram(), "workflow", "show", "--address", temporal.address, "--namespace", on[strings.LastIndex(on, "/")+1:], "--workflow-id", id).Output()
		return strings.Contains(string(out), "ExternalWorkflowExecutionSignaled")
	})
	temporalDoes(t, on, id, "reset", "--type", "FirstWorkflowTask", "--reason", "a test")
	j.rest(t, on, j.submit(t, on), 20)
}

// TestA10Incident: an incident in one chunk stops the others of its operation
// that its worker has, once what was in flight is settled.
func TestA10Incident(t *testing.T) {
	t.Parallel()
	on := temporalServer(t)
	j := newJob(t, 400)
	j.rate, j.inFlight = 200, 4
	j.api.set(t, "flip", "0.1") // it is paid between the read and the execution
	j.api.set(t, "seed", "5")
	j.plan(t)
	j.worker(t, on)
	a := j.submit(t, on)
	if code := a.end(t, patience); code != 4 || !strings.Contains(a.said.String(), "incident") {
		t.Errorf("apply ended with %d:\n%s", code, a.said)
	}
	v, _ := j.judge(t)
	t.Logf("items are %v", v.counts)
	if n := v.counts[plan.Incident]; n < 1 || n > int64(2*j.inFlight) {
		t.Errorf("there are %d incidents with %d in flight", n, j.inFlight)
	}
}
