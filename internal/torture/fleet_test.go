//go:build linux

package torture

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

// worker starts a worker.
func (j *job) worker(t testing.TB, on string) *apply {
	t.Helper()
	return j.launch(t, j.command("worker", "--on", on, "."))
}

// submit hands the run over, or takes it up.
func (j *job) submit(t testing.TB, on string, more ...string) *apply {
	t.Helper()
	return j.launch(t, j.command(append([]string{"apply", "--auto-approve", "--on", on, "job.run"}, more...)...))
}

// TestA10Fleet: what is handed over comes back, from whichever worker, also
// what an apply of this machine had begun when it died.
func TestA10Fleet(t *testing.T) {
	t.Parallel()
	on := temporalServer(t)
	j := newJob(t, 300)
	j.rate, j.inFlight = 200, 32
	j.api.set(t, "slow", "50ms")
	j.plan(t)
	alone := j.start(t)
	eventually(t, patience, "some items were sent", func() bool { return len(j.api.came()) > 30 })
	alone.kill()
	for range 2 {
		j.worker(t, on)
	}
	a := j.submit(t, on)
	if code := a.end(t, patience); code != 0 {
		t.Errorf("apply ended with %d:\n%s", code, a.said)
	}
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, 300)
	j.keysHold(t)
}

// TestA10Workers: workers die and come, also with their providers, and whoever
// handed the run over dies and takes it up again, while answers are lost. The
// run file and the ledger don't differ.
func TestA10Workers(t *testing.T) {
	t.Parallel()
	fleetKills(t, 400, 6, 3*time.Second)
}

// fleetKills has three workers carry out a run, of which one is killed and
// another one started every so often, and who watches them now and then.
func fleetKills(t *testing.T, items, kills int, every time.Duration) {
	t.Helper()
	on := temporalServer(t)
	j := newJob(t, items)
	j.rate, j.inFlight, j.timeout = 2000, 48, time.Second
	from := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(from, 0))
	for fault, share := range map[string]string{"lose_answer": "0.1", "reset_before": "0.02", "rest": "0.01", "error500_after": "0.02", "slow": "20ms", "seed": fmt.Sprint(from)} {
		j.api.set(t, fault, share)
	}
	j.plan(t)
	workers := []*apply{j.worker(t, on), j.worker(t, on), j.worker(t, on)}
	a := j.submit(t, on)
	killed, taken := 0, 0
	for over := false; !over; {
		select {
		case <-a.done:
			if a.code == 0 || a.code == 3 {
				over = true
				continue
			}
			if a.code != -1 && a.code != 130 {
				t.Fatalf("apply ended with %d:\n%s", a.code, a.said)
			}
			a = j.submit(t, on)
		case <-time.After(every/2 + rand.N(every)):
			if killed >= kills {
				continue
			}
			killed++
			n := random.IntN(len(workers))
			orphans := providers(workers[n].Process.Pid)
			workers[n].kill()
			if random.IntN(2) == 0 {
				for _, pid := range orphans {
					syscall.Kill(pid, syscall.SIGKILL)
				}
			}
			workers[n] = j.worker(t, on)
			if random.IntN(4) == 0 {
				taken++
				a.kill()
			}
		}
	}
	v, differences := j.judge(t)
	t.Logf("seed %d: %d items, %d workers killed, the one who watches %d times, %d requests, %d differences, %v", from, items, killed, taken, j.api.simulation.Ledger().Requests, differences, v.counts)
	v.all(t, plan.Succeeded, items)
	j.keysHold(t)
}

// keysHold demands that every item was asked for under one key alone, that of
// the run file.
func (j *job) keysHold(t testing.TB) {
	t.Helper()
	keys := make(map[string]string)
	for _, it := range j.items(t) {
		keys[thing(it)] = it.IdempotencyKey
	}
	for _, came := range j.api.came() {
		if came.key != "" && came.key != keys[came.thing] {
			t.Errorf("%s was asked for under the key %s, not %s", came.thing, came.key, keys[came.thing])
		}
	}
}

// TestA10SleepingWorker: a worker that was stopped for longer than Temporal
// waits, and wakes up when another one has its items, sends nothing.
func TestA10SleepingWorker(t *testing.T) {
	t.Parallel()
	on := temporalServer(t)
	j := newJob(t, 120)
	j.rate, j.inFlight, j.timeout = 20, 8, time.Second
	j.plan(t)
	first := j.worker(t, on)
	a := j.submit(t, on)
	eventually(t, patience, "some items were sent", func() bool { return len(j.api.came()) > 10 })
	first.Process.Signal(syscall.SIGSTOP)
	for _, pid := range providers(first.Process.Pid) {
		syscall.Kill(pid, syscall.SIGSTOP)
	}
	time.Sleep(300 * time.Millisecond) // what was on its way has come
	before := len(j.api.came())
	j.worker(t, on)
	eventually(t, patience, "another worker goes on", func() bool { return len(j.api.came()) > before+5 })
	for _, pid := range providers(first.Process.Pid) {
		syscall.Kill(pid, syscall.SIGCONT)
	}
	first.Process.Signal(syscall.SIGCONT)
	if code := a.end(t, patience); code != 0 {
		t.Errorf("apply ended with %d:\n%s", code, a.said)
	}
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, 120)
}

// TestA10Steered: who watches leaves, takes the run up again from its file, and
// pauses, resumes and stops it; the rest is handed over once more.
func TestA10Steered(t *testing.T) {
	t.Parallel()
	on := temporalServer(t)
	j := newJob(t, 400)
	j.rate, j.inFlight = 40, 8
	j.plan(t)
	j.worker(t, on)
	a := j.submit(t, on)
	eventually(t, patience, "some items were sent", func() bool { return len(j.api.came()) > 10 })
	a.Process.Signal(syscall.SIGINT)
	if code := a.end(t, patience); code != 130 || !strings.Contains(a.said.String(), "runner apply --on "+on+" job.run") {
		t.Fatalf("who left ended with %d:\n%s", code, a.said)
	}
	if out, code := j.run(t, "apply", "--auto-approve", "job.run"); code != 1 || !strings.Contains(out, "Run was handed over") {
		t.Fatalf("another apply of what workers have ended with %d:\n%s", code, out)
	}
	if out, code := j.run(t, "show", "job.run"); code != 0 || !strings.Contains(out, "Workers on "+on+" have the run") {
		t.Errorf("show ended with %d:\n%s", code, out)
	}
	before := len(j.api.came())
	eventually(t, patience, "workers go on while nobody watches", func() bool { return len(j.api.came()) > before+10 })

	a = j.submit(t, on)
	eventually(t, patience, "it is watched again", func() bool { return strings.Contains(a.said.String(), "/400") })
	if out, code := j.run(t, "control", "job.run", "pause"); code != 0 {
		t.Fatalf("pause ended with %d:\n%s", code, out)
	}
	still := func() bool {
		n := len(j.api.came())
		time.Sleep(time.Second)
		return len(j.api.came()) == n
	}
	eventually(t, patience, "nothing is sent while it is paused", still)
	before = len(j.api.came())
	if out, code := j.run(t, "control", "job.run", "resume"); code != 0 {
		t.Fatalf("resume ended with %d:\n%s", code, out)
	}
	eventually(t, patience, "it goes on", func() bool { return len(j.api.came()) > before+5 })
	if out, code := j.run(t, "control", "job.run", "stop"); code != 0 {
		t.Fatalf("stop ended with %d:\n%s", code, out)
	}
	if code := a.end(t, patience); code != 130 {
		t.Fatalf("what was stopped ended with %d:\n%s", code, a.said)
	}
	v, _ := j.judge(t)
	if v.counts[plan.Planned] == 0 || v.counts[plan.Succeeded] == 0 {
		t.Errorf("it was stopped in the middle, and its items are %v", v.counts)
	}

	j.rate = 1000 // of other files: the run keeps to its own
	a = j.submit(t, on)
	if code := a.end(t, patience); code != 0 {
		t.Errorf("the rest ended with %d:\n%s", code, a.said)
	}
	v, _ = j.judge(t)
	v.all(t, plan.Succeeded, 400)
	kinds := map[string]int{}
	for _, e := range j.events(t) {
		kinds[e.Kind]++
	}
	if kinds["handed_over"] != 2 || kinds["returned"] != 2 || kinds["controlled"] != 3 || kinds["left"] != 1 {
		t.Errorf("the run file's events are %v", kinds)
	}
}

// TestFleetTraces: the trace of who hands a run over goes on at its workers.
func TestFleetTraces(t *testing.T) {
	t.Parallel()
	on := temporalServer(t)
	var mu sync.Mutex
	var told []byte
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if bytes.Contains(body, []byte("RunActivity:carry")) {
			told = append(told, body...)
		}
	}))
	defer collector.Close()
	j := newJob(t, 25)
	j.plan(t)
	j.env = append(j.env, "OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL, "OTEL_BSP_SCHEDULE_DELAY=100")
	w := j.worker(t, on)
	trace := bytes.Repeat([]byte{0xa7}, 16)
	j.env = append(j.env, fmt.Sprintf("TRACEPARENT=00-%x-00f067aa0ba902b7-01", trace))
	if a := j.submit(t, on); a.end(t, patience) != 0 {
		t.Fatalf("apply ended with %d:\n%s", a.code, a.said)
	}
	w.Process.Signal(syscall.SIGTERM)
	if code := w.end(t, patience); code != 0 {
		t.Errorf("the worker ended with %d:\n%s", code, w.said)
	}
	mu.Lock()
	defer mu.Unlock()
	if !bytes.Contains(told, trace) {
		t.Errorf("%d bytes of spans of the workers' activities are of another trace", len(told))
	}
}

// fleetRate has workers share a limit, one more joining and one dying on the
// way, and returns what the worst second held at the server's clock, and which
// part of the limit was used while nobody came or went.
func fleetRate(t *testing.T, limit, workers int, span time.Duration) (atServer int, used float64) {
	t.Helper()
	on := temporalServer(t)
	j := newJob(t, int(float64(limit)*span.Seconds())) // two requests an item: more than enough
	j.rate, j.inFlight, j.timeout = float64(limit), 64, 10*time.Second
	j.plan(t)
	var all []*apply
	for range workers {
		all = append(all, j.worker(t, on))
	}
	a := j.submit(t, on)
	eventually(t, patience, "something is sent", func() bool { return len(j.api.came()) > 0 })
	settled := time.Now().Add(min(span/3, 8*time.Second)) // the shares are given out
	time.Sleep(time.Until(settled))
	steady := time.Now()
	time.Sleep(span / 3)
	calm := time.Now()
	joined := j.worker(t, on)
	time.Sleep(span / 3)
	all[0].kill()
	time.Sleep(span / 3)
	a.Process.Signal(syscall.SIGINT)
	a.end(t, patience)
	for _, w := range append(all[1:], joined) {
		w.Process.Signal(syscall.SIGTERM)
	}
	came := j.api.came()
	slices.SortFunc(came, func(a, b arrival) int { return a.at.Compare(b.at) })
	inCalm := 0
	for _, c := range came {
		if c.at.After(steady) && c.at.Before(calm) {
			inCalm++
		}
	}
	atServer, used = worst(came), float64(inCalm)/calm.Sub(steady).Seconds()/float64(limit)
	t.Logf("limit %d, %d workers, one more, one less: worst second %d, %.1f %% of it used in calm, %d requests", limit, workers, atServer, 100*used, len(came))
	return atServer, used
}

// TestD4Workers: the limit holds over all workers, while they come and go.
func TestD4Workers(t *testing.T) {
	t.Parallel()
	late := lateness(t)
	atServer, used := fleetRate(t, 20, 2, 12*time.Second)
	if busy := late(); busy > 5*time.Millisecond {
		t.Logf("the machine is busy, and the server's clock up to %s late", busy.Round(time.Millisecond))
		return
	}
	if atServer > 21 || used < 0.8 {
		t.Errorf("the worst second holds %d of 20, and %.0f %% of the limit were used", atServer, 100*used)
	}
}
