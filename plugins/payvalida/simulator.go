package main

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bulkrunner/runner/sdk"
)

// A simulation is Payvalida's porders in miniature, for one account.
//
// It keeps to what is documented: the checksums, HTTP 200 under business
// errors, the answers' spellings, order numbers that are used up for ever, and
// the states. What nobody documents is a switch, see [simulatorFaults].
// Notifications to the merchant are left out: a runner receives none.
//
// It also serves benchmarks, so a request costs a few microseconds beside
// net/http's own, and an order some 150 bytes.
type simulation struct {
	merchant  string
	fixedHash string
	now       func() time.Time

	faults   atomic.Pointer[faults]
	ceiling  ceiling
	requests atomic.Int64
	refused  atomic.Int64 // for their rate; every other one gets a date

	orders orders
}

func newSimulation(c configuration) sdk.Simulation {
	s := &simulation{merchant: c.Merchant, fixedHash: c.FixedHash, now: time.Now}
	s.faults.Store(defaultFaults())
	s.orders.known = map[string]*simulatedOrder{}
	s.orders.references = map[string]*simulatedOrder{}
	s.orders.strays = map[string]uint32{}
	return s
}

// A request is one call of the API, taken apart.
type request struct {
	method string
	order  string       // "" where the URL or the body names none
	query  url.Values   // of GET and DELETE
	terms  orderRequest // of POST and PATCH
	broken bool         // the body is no JSON of that shape
}

func (s *simulation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	f := s.faults.Load()
	if f.limit > 0 && !s.ceiling.admit(s.now(), f.limit) {
		s.slowDown(w)
		return
	}
	q, ok := s.takeApart(w, r)
	if !ok {
		return
	}
	d := s.throw(f, q.order)
	if d.before(w, s) {
		return
	}
	body := s.carryOut(f, d, q)
	if f.slow > 0 {
		pause(r, f.slow)
	}
	if d.after(w, body) {
		return
	}
	answer(w, http.StatusOK, "application/json", body)
}

// takeApart reads a request, and answers those that no operation has.
func (s *simulation) takeApart(w http.ResponseWriter, r *http.Request) (request, bool) {
	q := request{method: r.Method}
	rest, ours := strings.CutPrefix(r.URL.EscapedPath(), ordersPath)
	segment, hasOrder := strings.CutPrefix(rest, "/")
	switch {
	case !ours || (rest != "" && !hasOrder) || strings.Contains(segment, "/"):
		answer(w, http.StatusNotFound, "application/json", []byte(`{"errorMessage":"Not Found"}`))
		return q, false
	case hasOrder && (r.Method == http.MethodGet || r.Method == http.MethodDelete):
		order, err := url.PathUnescape(segment)
		if err != nil {
			order = segment
		}
		q.order = order
		q.query = r.URL.Query()
	case !hasOrder && (r.Method == http.MethodPost || r.Method == http.MethodPatch):
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		q.broken = err != nil || !decodeTerms(body, &q.terms)
		q.order = q.terms.Order
	default:
		answer(w, http.StatusMethodNotAllowed, "application/json", []byte(`{"errorMessage":"Method Not Allowed"}`))
		return q, false
	}
	return q, true
}

// carryOut does what a request asks for and returns the answer's body.
func (s *simulation) carryOut(f *faults, d dice, q request) []byte {
	if q.broken {
		return refusal("0011")
	}
	if code := s.verify(f, q); code != codeOK {
		return refusal(code)
	}
	if d.fell(transactionError) {
		if d.even() {
			return refusal(codeTransaction)
		}
		return refusal(codeRegistering)
	}
	switch q.method {
	case http.MethodGet:
		return s.consult(f, d, q)
	case http.MethodDelete:
		return s.delete(d, q.order)
	case http.MethodPost:
		return s.register(d, q.terms)
	default:
		return s.update(d, q.terms)
	}
}

// verify judges who asks: the merchant, then the checksum.
func (s *simulation) verify(f *faults, q request) string {
	merchant, given, right := q.terms.Merchant, q.terms.Checksum, ""
	if q.query != nil {
		merchant, given = q.query.Get("merchant"), q.query.Get("checksum")
		right = orderChecksum(q.order, s.merchant, s.fixedHash)
	} else {
		right = termsChecksum(q.terms, s.fixedHash)
	}
	switch {
	case merchant == "":
		return codeMerchantInvalid
	case merchant != s.merchant:
		return codeMerchantUnknown
	case !f.sameChecksum(given, right):
		return codeChecksum
	}
	return codeOK
}

// slowDown answers 429, with both forms of Retry-After in turn.
func (s *simulation) slowDown(w http.ResponseWriter) {
	after := "1"
	if s.refused.Add(1)%2 == 0 {
		after = s.now().UTC().Add(2 * time.Second).Format(http.TimeFormat)
	}
	w.Header().Set("Retry-After", after)
	answer(w, http.StatusTooManyRequests, "application/json", []byte(`{"errorMessage":"Too Many Requests"}`))
}

func answer(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header()["Content-Type"] = []string{contentType}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that has gone needs no answer
}

// drop closes the connection without an answer. The caller sees it end.
func drop() { panic(http.ErrAbortHandler) }

// reset closes the connection as a crashed server's system would.
func reset(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // without it the close is a polite one, which is a fault as well
		}
		_ = conn.Close()
		return
	}
	drop()
}

func pause(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// Ledger tells what has happened: each order's cancellations, registrations
// and updates under its own number.
func (s *simulation) Ledger() sdk.Ledger {
	return sdk.Ledger{Requests: int(s.requests.Load()), Effects: s.orders.effects()}
}
