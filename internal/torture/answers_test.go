//go:build linux

package torture

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

// slowly has executions take effect late: after the given time, whether
// anybody waits or not. It tells of each that came.
func slowly(d time.Duration, came chan<- struct{}) func(http.ResponseWriter, *http.Request, arrival) bool {
	return func(_ http.ResponseWriter, r *http.Request, _ arrival) bool {
		if r.Method == http.MethodPost {
			came <- struct{}{}
			time.Sleep(d)
		}
		return false
	}
}

// An ending is what becomes of the answer to an execution that had its effect.
type ending func(w http.ResponseWriter, honest string)

// raw sends bytes of its own making and hangs up.
func raw(text string, reset bool) ending {
	return func(w http.ResponseWriter, honest string) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "%s", strings.ReplaceAll(text, "HONEST", honest))
		if tcp, ok := c.(*net.TCPConn); ok && reset {
			tcp.SetLinger(0)
		}
	}
}

// statusOnly answers with a status that proves nothing, whatever the body says.
func statusOnly(code int, body string) ending {
	return func(w http.ResponseWriter, honest string) {
		if code/100 == 3 {
			w.Header().Set("Location", "/things/elsewhere/cancel")
		}
		w.WriteHeader(code)
		if code >= 200 && code != 204 && code != 304 {
			fmt.Fprint(w, strings.ReplaceAll(body, "HONEST", honest))
		}
	}
}

// endings are the ways to lose an answer. Those that are proof of no effect by
// the API's documentation are not among them: 429, 503 of this API, and a
// refusal with its code.
func endings(timeout time.Duration) []ending {
	const ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	all := []ending{
		raw("", false), raw("", true),
		raw("H", true), raw("HTTP/1.1 200", false), raw(ok, false), raw(ok+"Content-Length: 500\r\n\r\n", false),
		raw(ok+"Content-Length: 500\r\n\r\nHONEST", false), raw(ok+"Content-Length: 5\r\n\r\nHONEST", false),
		raw(ok+"Content-Length: 500\r\n\r\nHONEST", true),
		raw(ok+"Transfer-Encoding: chunked\r\n\r\n20\r\nHONEST", false), raw(ok+"Transfer-Encoding: chunked\r\n\r\nzz\r\n", false),
		raw(ok+"Content-Length: -3\r\n\r\nHONEST", false), raw(ok+"Content-Length: 1\r\nContent-Length: 2\r\n\r\nHONEST", false),
		raw("nonsense\r\n\r\n", false), raw("HTTP/9.9 200 OK\r\n\r\n", false), raw("HTTP/1.1 999999 OK\r\n\r\n", false),
		raw(ok+"X: "+strings.Repeat("x", 100<<10)+"\r\n\r\nHONEST", false), raw(ok+"\r\n"+strings.Repeat("x", 2<<20), false),
		raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", false),
		func(http.ResponseWriter, string) { time.Sleep(timeout + timeout/2) },
		func(w http.ResponseWriter, honest string) {
			w.Header().Set("Content-Length", "500")
			fmt.Fprint(w, honest)
			http.NewResponseController(w).Flush()
			time.Sleep(timeout + timeout/2)
		},
	}
	for _, body := range []string{"", "{", "[]", "null", "7", "<html>", "{}", `{"state":""}`, `{"state":null}`, `{"state":["cancelled"]}`, `{"success":"false"}`, `{"state":"open"}`, "\x00", strings.Repeat("[", 10000)} {
		all = append(all, statusOnly(200, body))
	}
	for code := 201; code < 600; code++ {
		switch {
		case http.StatusText(code) == "" && code < 520, code == 401, code == 429, code == 503:
		default:
			all = append(all, statusOnly(code, "HONEST"))
		}
	}
	return all
}

// TestA3: an item whose answer is lost after its effect, however it is lost, is
// in doubt and never failed, and it is not sent again before it is read.
func TestA3LostAnswers(t *testing.T) {
	t.Parallel()
	const timeout = 500 * time.Millisecond
	all := endings(timeout)
	j := newJob(t, len(all))
	j.timeout, j.inFlight = timeout, 8
	j.api.answer = func(w http.ResponseWriter, r *http.Request, a arrival) bool {
		var n int
		if r.Method != http.MethodPost {
			return false
		}
		fmt.Sscanf(a.thing, "T-%d", &n)
		if n >= len(all) {
			return false
		}
		honest := httptest.NewRecorder()
		j.api.simulation.ServeHTTP(honest, r)
		all[n](w, honest.Body.String())
		return true
	}
	j.plan(t)
	a := j.start(t)
	if code := a.end(t, patience); code != 0 {
		t.Errorf("apply ended with %d:\n%s", code, a.said)
	}
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, j.n)
	story := map[string]string{}
	for _, a := range j.api.came() {
		story[a.thing] += a.method + " "
	}
	// More than one read may come before the request: its permit can expire.
	once := regexp.MustCompile(`^(GET )+POST (GET )+$`)
	right := 0
	for i := range j.n {
		if got := story[id(i)]; once.MatchString(got) {
			right++
		} else {
			t.Errorf("ending %d: the API saw %s", i, got)
		}
	}
	for _, it := range j.items(t) {
		if it.Reason != "a read shows its effect" {
			t.Errorf("%s is %s: %s", it.Key, it.State, it.Reason)
		}
	}
	t.Logf("%d of %d ambiguous answers: one request until the read", right, j.n)
}

// TestA4EveryRequestIsRecorded: without a crash the requests that the API saw
// are those that the run file says have left.
func TestA4EveryRequestIsRecorded(t *testing.T) {
	t.Parallel()
	j := newJob(t, 150)
	for fault, share := range map[string]string{"lose_answer": "0.1", "reset_before": "0.05", "rest": "0.05", "error500_before": "0.05",
		"error500_after": "0.05", "html": "0.05", "truncated": "0.05"} {
		j.api.set(t, fault, share)
	}
	j.plan(t)
	j.complete(t)
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, j.n)
	if saw := j.api.simulation.Ledger().Requests; saw != v.requests || saw < 2*j.n {
		t.Errorf("the API saw %d requests, and the run file has %d", saw, v.requests)
	} else {
		t.Logf("%d requests at the API and in the run file", saw)
	}
}
