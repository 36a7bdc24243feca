package fakeprovider

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/bulkrunner/runner/sdk"
)

var faults = []sdk.Fault{
	{Name: "lose_answer", Doc: "The share of requests that are carried out and whose answer is lost.", Default: "0"},
	{Name: "reset_before", Doc: "The share of requests whose connection is reset before anything happens.", Default: "0"},
	{Name: "throttle", Doc: "The share of requests that are answered with 429 and Retry-After, as seconds and as a date in turn.", Default: "0"},
	{Name: "rest", Doc: "The share of requests that are answered with 503 before anything happens.", Default: "0"},
	{Name: "error500_before", Doc: "The share of requests that are answered with 500 before anything happens.", Default: "0"},
	{Name: "error500_after", Doc: "The share of requests that are carried out and then answered with 500.", Default: "0"},
	{Name: "html", Doc: "The share of requests that are carried out and then answered with a page.", Default: "0"},
	{Name: "truncated", Doc: "The share of requests that are carried out and whose answer breaks off.", Default: "0"},
	{Name: "flip", Doc: "The share of reads after which an open thing is suddenly paid.", Default: "0"},
	{Name: "slow", Doc: "How long each answer takes, such as 50ms.", Default: "0s"},
	{Name: "generate", Doc: "How many things there are beside those that are seeded, in states that take turns.", Default: "0"},
	{Name: "page_size", Doc: "How many things a page of the list holds.", Default: "20"},
	{Name: "page_fails", Doc: "How many requests for a page are answered with 503, from now on.", Default: "0"},
	{Name: "list", Doc: "What is wrong with the list: repeat (a row comes twice), total (one too many), cut, silent (whether it is complete), circle, unfiltered.", Default: ""},
	{Name: "seed", Doc: "Which requests the shares fall on.", Default: "1"},
}

// switches are the faults as they are set.
type switches struct {
	shares map[string]float64
	slow   time.Duration
	seed   uint64

	pageSize, pageFails int
	list                string
}

func newSwitches() switches {
	s := switches{shares: map[string]float64{}, seed: 1, pageSize: 20}
	for _, f := range faults {
		if f.Default == "0" && f.Name != "generate" && f.Name != "page_fails" {
			s.shares[f.Name] = 0
		}
	}
	return s
}

func (s *switches) set(name, value string) (err error) {
	switch name {
	case "slow":
		s.slow, err = time.ParseDuration(value)
	case "seed":
		s.seed, err = strconv.ParseUint(value, 10, 64)
	default:
		if _, ok := s.shares[name]; !ok {
			return fmt.Errorf("there is no fault %q", name)
		}
		var p float64
		if p, err = strconv.ParseFloat(value, 64); err == nil && !(p >= 0 && p <= 1) {
			err = strconv.ErrRange
		}
		if err == nil {
			s.shares[name] = p
		}
	}
	if err != nil {
		return fmt.Errorf("fault %s can't be %q", name, value)
	}
	return nil
}

// draw says what befalls the n-th request. It depends on the seed and n alone.
// Every share is drawn for every request, so that turning one on doesn't move
// the others.
func (s *switches) draw(n int) fate {
	random := rand.New(rand.NewPCG(s.seed, uint64(n)))
	f := fate{n: n, slow: s.slow}
	for _, fault := range faults {
		p, ok := s.shares[fault.Name]
		if !ok {
			continue
		}
		switch hit := random.Float64() < p; {
		case hit && fault.Name == "flip":
			f.flip = true
		case hit && f.name == "":
			f.name = fault.Name
		}
	}
	return f
}

// A fate is what befalls one request.
type fate struct {
	name string
	n    int
	flip bool
	slow time.Duration
}

// before tells whether the request is carried out; else it has answered.
func (f fate) before(w http.ResponseWriter) bool {
	if f.slow > 0 {
		time.Sleep(f.slow)
	}
	switch f.name {
	case "reset_before":
		hangUp(w, true)
	case "throttle":
		h := w.Header()
		if f.n%2 == 0 {
			h.Set("Retry-After", "1")
		} else {
			now := time.Now().UTC()
			h.Set("Date", now.Format(http.TimeFormat))
			h.Set("Retry-After", now.Add(time.Second).Format(http.TimeFormat))
		}
		write(w, http.StatusTooManyRequests, refusal{"throttled", "slower"})
	case "rest":
		w.Header().Set("Retry-After", "1")
		write(w, http.StatusServiceUnavailable, refusal{"resting", "later"})
	case "error500_before":
		write(w, http.StatusInternalServerError, refusal{"internal", "something went wrong"})
	default:
		return true
	}
	return false
}

// after gives the answer of a request that was carried out, or what is left
// of it.
func (f fate) after(w http.ResponseWriter, status int, body any) {
	switch f.name {
	case "lose_answer":
		hangUp(w, false)
	case "error500_after":
		write(w, http.StatusInternalServerError, refusal{"internal", "something went wrong"})
	case "html":
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>Welcome</title>"))
	case "truncated":
		b, _ := json.Marshal(body)
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		w.WriteHeader(status)
		_, _ = w.Write(b[:len(b)/2])
	default:
		write(w, status, body)
	}
}

func write(w http.ResponseWriter, status int, body any) {
	b, _ := json.Marshal(body) // of our own types
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// hangUp ends the connection without an answer, with a reset if asked for.
func hangUp(w http.ResponseWriter, reset bool) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if t, ok := c.(*net.TCPConn); ok && reset {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}
