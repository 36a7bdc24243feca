package simulator

import (
	"fmt"
	"math"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/bulkrunner/runner/sdk"
)

// The switches of every front. Their names are those that the conformance
// suite turns, see package providertest.
var (
	resetBefore    = Share("reset_before", "Share of requests whose connection is reset before anything is done.")
	throttle       = Share("throttle", "Share of requests answered 429 before anything is done, with Retry-After in seconds and as a date in turn.")
	error500Before = Share("error500_before", "Share of requests answered 500 before anything is done.")
	loseAnswer     = Share("lose_answer", "Share of requests that are carried out and whose connection then ends without an answer.")
	error500After  = Share("error500_after", "Share of requests answered 500 after they have been carried out.")
	html           = Share("html", "Share of requests that are carried out and answered with a page of HTML, under 200 and 502 in turn.")
	truncated      = Share("truncated", "Share of requests that are carried out and whose answer stops halfway: the connection breaks off, or only the JSON does, in turn.")
	slow           = Duration("slow", "How long an answer takes, after the request has been carried out.", 0)
	limit          = Number("limit", "Requests that a second may hold, however it is cut; one more is answered 429. 0 is no limit.", 0, 0, 1_000_000)

	seed = &Switch[uint64]{
		fault: sdk.Fault{Name: "seed", Doc: "Which requests are hit: the same seed hits the same attempts at the same things.", Default: "1"}, usual: 1,
		parse: func(v string) (uint64, error) {
			n, err := strconv.ParseUint(v, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("write a whole number from 0 to %d", uint64(math.MaxUint64))
			}
			return n, nil
		},
	}

	common = []Toggle{resetBefore, throttle, error500Before, loseAnswer, error500After, html, truncated, slow, limit}
)

// before has the faults that keep a request from being carried out. It tells
// whether one did.
func (f *Front) before(w http.ResponseWriter, fate *Fate) bool {
	switch {
	case fate.Befalls(resetBefore):
		hangUp(w, true)
	case fate.Befalls(throttle):
		f.slowDown(w)
	case fate.Befalls(error500Before):
		write(w, Answer{Status: http.StatusInternalServerError})
	default:
		return false
	}
	return true
}

// after has the faults that spoil the answer to a request that has been
// carried out. It tells whether one did.
func (f *Front) after(w http.ResponseWriter, fate *Fate, a Answer) bool {
	switch {
	case fate.Befalls(loseAnswer):
		hangUp(w, false)
	case fate.Befalls(error500After):
		write(w, Answer{Status: http.StatusInternalServerError})
	case fate.Befalls(html):
		w.Header().Set("Content-Type", "text/html")
		if f.paged.Add(1)%2 == 0 {
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = w.Write([]byte("<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"))
	case fate.Befalls(truncated):
		half := a
		half.Body = a.Body[:len(a.Body)/2]
		if f.broken.Add(1)%2 == 1 { // net/http ends the connection when less comes than was announced
			w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
		}
		write(w, half)
	default:
		return false
	}
	return true
}

// slowDown answers 429, with both forms of Retry-After in turn. A date has
// whole seconds, so it is two ahead: the answer's own Date is the clock that it
// is held against.
func (f *Front) slowDown(w http.ResponseWriter) {
	after, now := "1", f.Now().UTC()
	if f.throttled.Add(1)%2 == 0 {
		after = now.Add(2 * time.Second).Format(http.TimeFormat)
	}
	w.Header().Set("Date", now.Format(http.TimeFormat))
	w.Header().Set("Retry-After", after)
	write(w, Answer{Status: http.StatusTooManyRequests, Body: f.Busy})
}

// hangUp closes the connection without an answer, and with a reset as a
// crashed server's system would.
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
