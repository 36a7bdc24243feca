//go:build linux

package torture

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// TestD1: no second at the server's clock holds more than the limit and one.
// It runs before the parallel tests: what it measures is time.
func TestD1NoSecondAboveTheLimit(t *testing.T) {
	for _, limit := range []int{1, 10, 50, 100, 1000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			late := lateness(t)
			atServer, leaving, used := keptRate(t, limit, 10*time.Second)
			if !withinLimit(t, limit, atServer, leaving, late()) {
				t.Errorf("limit %d: the worst second holds %d at the server, and %d as they left", limit, atServer, leaving)
			}
			if used < 0.95 && limit < 1000 {
				t.Errorf("limit %d: %.1f %% of it was used", limit, 100*used)
			}
		})
	}
}

// keptRate sends at a limit for a while, and returns what the worst second held
// at the server's clock and as the requests left, and which part of the limit
// was used.
func keptRate(t *testing.T, limit int, span time.Duration, before ...string) (atServer, leaving int, used float64) {
	t.Helper()
	j := newJob(t, max(8, int(float64(limit)*span.Seconds()*0.55))) // two requests an item
	j.rate, j.inFlight, j.timeout = float64(limit), 32, 10*time.Second
	j.api.set(t, "rest", "0.01")
	j.plan(t)
	a := j.start(t, before...)
	select {
	case <-a.done:
	case <-time.After(span):
		a.Process.Signal(syscall.SIGINT)
		a.end(t, patience)
	}
	came := j.api.came()
	took := came[len(came)-1].at.Sub(came[0].at).Seconds()
	used = float64(len(came)-1) / took / float64(limit)
	atServer, leaving = worst(came), worst(j.left(t))
	t.Logf("limit %d: worst second %d, %d as they left, %.1f %% of it used over %.1f s", limit, atServer, leaving, 100*used, took)
	j.judge(t)
	return atServer, leaving, used
}

// left are the requests as they left, by the run file.
func (j *job) left(t testing.TB) (all []arrival) {
	t.Helper()
	f, err := runfile.Open(j.path("job.run"))
	must(t, err)
	defer f.Close()
	for r, err := range f.RequestLog() {
		must(t, err)
		if !r.SentAt.IsZero() {
			all = append(all, arrival{at: r.SentAt})
		}
	}
	slices.SortFunc(all, func(a, b arrival) int { return a.at.Compare(b.at) })
	return all
}

// withinLimit tells whether a second held no more than it may. What it held at
// the server is only known where the server looks in time.
func withinLimit(t testing.TB, limit, atServer, leaving int, late time.Duration) bool {
	t.Helper()
	const guard = 9 * time.Millisecond // as in package pace
	if late > guard {
		t.Logf("the machine is busy, and the server's clock up to %s late", late.Round(time.Millisecond))
		return leaving <= limit+1
	}
	return max(leaving, atServer) <= limit+1
}

// lateness watches how late this process gets to run, until what it returns is
// called.
func lateness(t testing.TB) func() time.Duration {
	var worst atomic.Int64
	done := make(chan struct{})
	end := sync.OnceFunc(func() { close(done) })
	t.Cleanup(end)
	go func() {
		for {
			began := time.Now()
			select {
			case <-time.After(time.Millisecond):
				worst.Store(max(worst.Load(), int64(time.Since(began)-time.Millisecond)))
			case <-done:
				return
			}
		}
	}()
	return func() time.Duration {
		end()
		return time.Duration(worst.Load())
	}
}

// TestD2: a stop of the runner or of its provider is followed by no burst.
func TestD2NoBurstAfterAStop(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"runner", "provider"} {
		for _, limit := range []int{20, 100} {
			t.Run(fmt.Sprint(who, limit), func(t *testing.T) {
				t.Parallel()
				j := newJob(t, limit*2)
				j.rate, j.inFlight, j.timeout = float64(limit), 32, 5*time.Second
				j.plan(t)
				late := lateness(t)
				a := j.start(t)
				eventually(t, patience, "it is under load", func() bool { return len(j.api.came()) > limit/2 })
				pid := a.Process.Pid
				if who == "provider" {
					pid = a.provider(t)
				}
				must(t, syscall.Kill(pid, syscall.SIGSTOP))
				time.Sleep(1500 * time.Millisecond)
				must(t, syscall.Kill(pid, syscall.SIGCONT))
				if code := a.end(t, patience); code != 0 {
					t.Fatalf("exit %d:\n%s", code, a.said)
				}
				atServer, leaving := worst(j.api.came()), worst(j.left(t))
				t.Logf("%s stopped at %d/s: worst second %d, %d as they left", who, limit, atServer, leaving)
				if !withinLimit(t, limit, atServer, leaving, late()) {
					t.Errorf("the worst second holds %d at the server, and %d as they left; the limit is %d", atServer, leaving, limit)
				}
				v, _ := j.judge(t)
				v.all(t, plan.Succeeded, j.n)
			})
		}
	}
}

// TestD3: the limit holds over a kill, or Ctrl-C, and a resume in the same
// second. The limit is low, since many tests run beside this one, and the burst
// is large, since each apply would have its own: at one by one a restart is but
// a gap.
func TestD3RestartsShareTheLimit(t *testing.T) {
	t.Parallel()
	j := newJob(t, 40)
	j.rate, j.burst, j.inFlight, j.timeout = 5, 10, 4, 300*time.Millisecond
	j.plan(t)
	late := lateness(t)
	for _, kill := range []bool{false, true, false, true} {
		before := len(j.api.came())
		a := j.start(t)
		eventually(t, patience, "it is under load", func() bool { return len(j.api.came()) > before+9 })
		if kill {
			a.kill()
			continue
		}
		must(t, a.Process.Signal(os.Interrupt))
		if code := a.end(t, patience); code != 130 {
			t.Errorf("exit %d:\n%s", code, a.said)
		}
	}
	j.complete(t)
	atServer, leaving := worst(j.api.came()), worst(j.left(t))
	t.Logf("limit 5, burst 10, 4 restarts: worst second %d, %d as they left", atServer, leaving)
	if !withinLimit(t, 5+10-1, atServer, leaving, late()) {
		t.Errorf("the worst second holds %d at the server, and %d as they left; the limit is 5 and the burst 10", atServer, leaving)
	}
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, j.n)
}

// TestD5: Retry-After stops the whole instance, in each of its forms, by the
// server's own clock, and nothing comes early.
func TestD5RetryAfter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		value func(now time.Time) string
		skew  time.Duration // of the server's clock
		least time.Duration
		most  time.Duration
	}{
		"seconds":           {func(time.Time) string { return "2" }, 0, 2 * time.Second, 3 * time.Second},
		"with spaces":       {func(time.Time) string { return " 1 " }, 0, time.Second, 2 * time.Second},
		"IMF date":          {func(now time.Time) string { return now.Add(2 * time.Second).Format(http.TimeFormat) }, 0, time.Second, 3 * time.Second},
		"RFC 850 date":      {func(now time.Time) string { return now.Add(2 * time.Second).Format("Monday, 02-Jan-06 15:04:05 GMT") }, 0, time.Second, 3 * time.Second},
		"asctime date":      {func(now time.Time) string { return now.Add(2 * time.Second).Format(time.ANSIC) }, 0, time.Second, 3 * time.Second},
		"clock 2 h ahead":   {func(now time.Time) string { return now.Add(2 * time.Second).Format(http.TimeFormat) }, 2 * time.Hour, time.Second, 3 * time.Second},
		"clock 2 h behind":  {func(now time.Time) string { return now.Add(2 * time.Second).Format(http.TimeFormat) }, -2 * time.Hour, time.Second, 3 * time.Second},
		"date in the past":  {func(now time.Time) string { return now.Add(-time.Hour).Format(http.TimeFormat) }, 0, 0, 4 * time.Second},
		"negative":          {func(time.Time) string { return "-1" }, 0, 0, 4 * time.Second},
		"junk":              {func(time.Time) string { return "soon" }, 0, 0, 4 * time.Second},
		"none":              {func(time.Time) string { return "" }, 0, 0, 4 * time.Second},
		"of two answers":    {func(time.Time) string { return "2" }, 0, 2 * time.Second, 3 * time.Second},
		"fraction is junk":  {func(time.Time) string { return "1.5" }, 0, 0, 4 * time.Second},
		"zero":              {func(time.Time) string { return "0" }, 0, 0, 4 * time.Second},
		"503 that says so":  {func(time.Time) string { return "1" }, 0, 0, 3 * time.Second},
		"read is throttled": {func(time.Time) string { return "2" }, 0, 2 * time.Second, 3 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, 12)
			j.inFlight, j.rate = 1, 100
			var seen atomic.Int32
			var refused time.Time
			method := http.MethodPost
			if name == "read is throttled" {
				method = http.MethodGet
			}
			j.api.answer = func(w http.ResponseWriter, r *http.Request, a arrival) bool {
				if r.Method != method || seen.Add(1) != 3 {
					return false
				}
				now := time.Now().UTC().Add(tt.skew)
				w.Header().Set("Date", now.Format(http.TimeFormat))
				if v := tt.value(now); v != "" {
					w.Header().Set("Retry-After", v)
				}
				refused = a.at
				code := http.StatusTooManyRequests
				if name == "503 that says so" {
					code = http.StatusServiceUnavailable
				}
				w.WriteHeader(code)
				return true
			}
			j.plan(t)
			a := j.start(t)
			if code := a.end(t, patience); code != 0 {
				t.Fatalf("exit %d:\n%s", code, a.said)
			}
			for _, came := range j.api.came() {
				if !came.at.After(refused) {
					continue
				}
				waited := came.at.Sub(refused)
				const busy = 2 * time.Second // a machine with much else to do
				if waited < tt.least || waited > tt.most+busy {
					t.Errorf("the next request came after %s", waited)
				}
				t.Logf("the next request came after %s", waited.Round(time.Millisecond))
				break
			}
			v, _ := j.judge(t)
			v.all(t, plan.Succeeded, j.n)
		})
	}
}

// TestD5Hours: a very long Retry-After is kept, said, and can be interrupted.
func TestD5Hours(t *testing.T) {
	t.Parallel()
	j := newJob(t, 10)
	j.inFlight = 1
	j.api.answer = func(w http.ResponseWriter, r *http.Request, _ arrival) bool {
		if r.Method != http.MethodPost {
			return false
		}
		w.Header().Set("Retry-After", "36000")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	j.plan(t)
	a := j.start(t)
	eventually(t, patience, "it is refused", func() bool {
		came := j.api.came()
		return len(came) > 0 && came[len(came)-1].method == http.MethodPost
	})
	time.Sleep(1500 * time.Millisecond)
	came := j.api.came()
	if n := len(came); came[n-1].method != http.MethodPost {
		t.Errorf("it went on: %v", came[n-1])
	}
	must(t, a.Process.Signal(os.Interrupt))
	if code := a.end(t, 10*time.Second); code != 130 {
		t.Errorf("exit %d:\n%s", code, a.said)
	}
	said := false
	for _, e := range j.events(t) {
		said = said || e.Kind == "throttled"
	}
	if !said {
		t.Error("the pause isn't among the run's events")
	}
	v, _ := j.judge(t)
	v.all(t, plan.Planned, j.n)
}
