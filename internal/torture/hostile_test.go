//go:build linux

package torture

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// TestF6: an answer that proves nothing is no success, whether to an execution
// or to a read, and nothing is executed on the strength of it.
func TestF6HostileAnswers(t *testing.T) {
	t.Parallel()
	const timeout = 400 * time.Millisecond
	all := endings(timeout)
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, len(all)*3)
			j.timeout, j.inFlight = timeout, 8
			var mu sync.Mutex
			seen := map[string]bool{}
			j.api.answer = func(w http.ResponseWriter, r *http.Request, a arrival) bool {
				var n int
				if fmt.Sscanf(a.thing, "T-%d", &n); r.Method != method || n%3 != 0 {
					return false
				}
				mu.Lock()
				first := !seen[a.thing]
				seen[a.thing] = true
				mu.Unlock()
				if !first {
					return false
				}
				r.Method = http.MethodGet // without its effect
				r.URL.Path = "/things/" + a.thing
				as := httptest.NewRecorder()
				j.api.simulation.ServeHTTP(as, r)
				all[n/3](w, as.Body.String())
				return true
			}
			j.plan(t)
			a := j.start(t)
			if code := a.end(t, patience); code != 0 {
				t.Errorf("exit %d:\n%s", code, a.said)
			}
			v, _ := j.judge(t)
			// To a read, 404 is this API's word for what isn't there.
			if v.counts[plan.Succeeded]+v.counts[plan.Skipped] != int64(j.n) || v.counts[plan.Skipped] > 1 {
				t.Errorf("items are %v", v.counts)
			}
			t.Logf("%d hostile answers to %s: %v", len(all), method, v.counts)
		})
	}
}

// TestF6WrongID: an API that answers for another thing is not to be trusted
// with the rest of the run.
func TestF6WrongID(t *testing.T) {
	t.Parallel()
	j := newJob(t, 50)
	j.inFlight = 2
	j.api.answer = func(w http.ResponseWriter, r *http.Request, a arrival) bool {
		if r.Method != http.MethodPost || a.thing != id(10) {
			return false
		}
		fmt.Fprintf(w, `{"id":%q,"state":"cancelled"}`, id(11))
		return true
	}
	j.plan(t)
	a := j.start(t)
	if code := a.end(t, patience); code != 5 {
		t.Errorf("exit %d:\n%s", code, a.said)
	}
	v, _ := j.judge(t)
	if v.counts[plan.Planned] == 0 || v.counts[plan.InDoubt] != 1 {
		t.Errorf("items are %v", v.counts)
	}
}

// TestF6OtherResult: an answer of the provider that isn't its call's is no
// success. Another operation's is caught by its shape, and its item read;
// another thing's ends the run.
func TestF6OtherResult(t *testing.T) {
	t.Parallel()
	for lie, code := range map[string]string{"other_result": "malformed_answer", "other_thing": "wrong_id"} {
		t.Run(lie, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, 12)
			j.inFlight = 1
			j.misbehave(lie, 7)
			j.plan(t)
			a := j.start(t)
			exit := map[string]int{"other_result": 0, "other_thing": 5}[lie]
			if code := a.end(t, patience); code != exit {
				t.Errorf("exit %d:\n%s", code, a.said)
			}
			v, _ := j.judge(t)
			switch lie {
			case "other_result":
				v.all(t, plan.Succeeded, j.n)
			case "other_thing":
				if v.counts[plan.Succeeded] != 7 || v.counts[plan.InDoubt] != 1 || v.counts[plan.Planned] != 4 {
					t.Errorf("items are %v", v.counts)
				}
			}
			for n, it := range j.items(t) {
				if n == 7 && it.Result != nil || n < 7 && it.Result == nil {
					t.Errorf("%s has the result %s", it.Key, it.Result)
				}
			}
			f, err := runfile.Open(j.path("job.run"))
			must(t, err)
			defer f.Close()
			recorded := 0
			for r, err := range f.RequestLog() {
				must(t, err)
				if r.Verb == "execute" && r.Code == code {
					recorded++
				}
			}
			if want := map[string]int{"other_result": 5, "other_thing": 1}[lie]; recorded != want {
				t.Errorf("%d requests are recorded as %s, want %d", recorded, code, want)
			}
		})
	}
}

// TestE1: no redirect of a mutation is followed, and nothing of a request ever
// reaches another origin.
func TestE1Redirects(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	codes := []int{300, 301, 302, 303, 305, 307, 308}
	places := []string{other.URL, strings.Replace(other.URL, "http://", "https://", 1), "//" + strings.TrimPrefix(other.URL, "http://"), "", "/things/T-00000/cancel"}
	j := newJob(t, len(codes)*len(places)*2)
	j.inFlight = 8
	var mu sync.Mutex
	seen := map[string]int{}
	j.api.answer = func(w http.ResponseWriter, r *http.Request, a arrival) bool {
		var n int
		if fmt.Sscanf(a.thing, "T-%d", &n); n < 1 {
			return false
		}
		mu.Lock()
		seen[r.Method+a.thing]++
		first := seen[r.Method+a.thing] == 1
		mu.Unlock()
		if !first || (r.Method == http.MethodPost) != (n%2 == 0) {
			return false
		}
		w.Header().Set("Location", places[n/2/len(codes)]+r.URL.Path)
		w.WriteHeader(codes[n/2%len(codes)])
		return true
	}
	j.plan(t)
	a := j.start(t)
	if code := a.end(t, patience); code != 0 {
		t.Errorf("exit %d:\n%s", code, a.said)
	}
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, j.n)
	if n := elsewhere.Load(); n > 0 {
		t.Errorf("%d requests reached another origin", n)
	}
}
