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

// A simulation is Pay-me's tokens, charges and refunds in miniature, for one
// merchant.
//
// It keeps to what is documented: tokens, the required headers, what a
// deletion makes of each state, and the answers' spellings and types. What
// nobody documents is a switch, see [simulatorFaults], and its bodies are
// guesses. Notifications to the merchant are left out: a runner receives none.
//
// It also serves benchmarks, so a request costs a few microseconds beside
// net/http's own, and a charge some 200 bytes.
type simulation struct {
	configuration configuration
	now           func() time.Time

	faults   atomic.Pointer[faults]
	ceiling  ceiling
	requests atomic.Int64
	refused  atomic.Int64 // for their rate; every other one gets a date

	tokens  tokens
	charges charges
}

func newSimulation(c configuration) sdk.Simulation {
	s := &simulation{configuration: c.complete(), now: time.Now}
	s.faults.Store(defaultFaults())
	s.tokens.known = map[string]issued{}
	s.charges.known = map[string]*simulatedCharge{}
	s.charges.strays = map[string]uint32{}
	return s
}

// A request is one call of the API, taken apart.
type request struct {
	method      string
	path        string // chargesPath, refundPath or tokenPath
	merchant    string
	number      string // "" where the URL or the body names none
	transaction string
	body        object // of POST
	broken      bool   // the body is no JSON object
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
	d := s.throw(f, q.number)
	if d.before(w, s, q) {
		return
	}
	if status, why := s.verify(f, d, q, r.Header); status != 0 {
		answer(w, status, "application/json", []byte(`{"message":"`+why+`"}`))
		return
	}
	status, body := s.carryOut(f, d, q)
	if f.slow > 0 {
		pause(r, f.slow)
	}
	if d.after(w, q, body) {
		return
	}
	answer(w, status, "application/json", body)
}

// takeApart reads a request, and answers those that no operation has.
func (s *simulation) takeApart(w http.ResponseWriter, r *http.Request) (request, bool) {
	q := request{method: r.Method}
	segments := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	for i, segment := range segments {
		if plain, err := url.PathUnescape(segment); err == nil {
			segments[i] = plain
		}
	}
	q.path = "/" + segments[0]
	if len(segments) > 1 {
		q.merchant = segments[1]
	}
	if len(segments) > 2 {
		q.number = segments[2]
	}
	if len(segments) > 3 {
		q.transaction = segments[3]
	}
	switch [3]any{r.Method, q.path, len(segments)} {
	case [3]any{http.MethodGet, chargesPath, 4}, [3]any{http.MethodDelete, chargesPath, 3}, [3]any{http.MethodGet, refundPath, 3}:
	case [3]any{http.MethodPost, tokenPath, 1}, [3]any{http.MethodPost, chargesPath, 1}:
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		if err == nil {
			q.body, err = decodeObject(body)
		}
		q.broken = err != nil
		q.merchant, q.number = q.body.text("merchant_code"), q.body.text("merchant_operation_number")
	default:
		answer(w, http.StatusNotFound, "application/json", []byte(`{"message":"Not Found"}`))
		return q, false
	}
	return q, true
}

// verify judges who asks: the headers that are required, then the token. What
// a refusal looks like isn't documented.
func (s *simulation) verify(f *faults, d dice, q request, h http.Header) (status int, why string) {
	if h.Get("ALG-API-VERSION") != s.configuration.APIVersion {
		return http.StatusBadRequest, "ALG-API-VERSION is missing or unknown"
	}
	if q.path == tokenPath {
		return 0, ""
	}
	token, bearer := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
	if d.fell(tokenRevoked) {
		s.tokens.revoke(token)
	}
	scope, good := s.tokens.scope(token, s.now())
	if !bearer || !good {
		return http.StatusUnauthorized, "Unauthorized"
	}
	wanted := map[string]string{http.MethodGet: "get:charges", http.MethodDelete: "delete:charges", http.MethodPost: "post:charges"}[q.method]
	if f.scopes == scopesChecked && q.path == chargesPath && !strings.Contains(" "+scope+" ", " "+wanted+" ") {
		return http.StatusForbidden, "Forbidden"
	}
	return 0, ""
}

// carryOut does what a request asks for and returns the answer's status and body.
func (s *simulation) carryOut(f *faults, d dice, q request) (int, []byte) {
	switch {
	case q.path == tokenPath:
		return s.issue(f, q)
	case q.merchant != s.configuration.MerchantCode, q.broken:
		return f.failure(q.method)
	case d.fell(unsuccessful):
		return f.failure(q.method)
	case q.path == refundPath:
		return s.consultRefund(q)
	case q.method == http.MethodGet:
		return s.consult(f, d, q)
	case q.method == http.MethodDelete:
		return s.delete(f, d, q)
	default:
		return s.authorise(f, d, q)
	}
}

// slowDown answers 429, with both forms of Retry-After in turn.
func (s *simulation) slowDown(w http.ResponseWriter) {
	after := "1"
	if s.refused.Add(1)%2 == 0 {
		after = s.now().UTC().Add(2 * time.Second).Format(http.TimeFormat)
	}
	w.Header().Set("Retry-After", after)
	answer(w, http.StatusTooManyRequests, "application/json", []byte(`{"message":"Too Many Requests"}`))
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

// Ledger tells what has happened: each charge's cancellations, reversals and
// authorisations under its own number.
func (s *simulation) Ledger() sdk.Ledger {
	return sdk.Ledger{Requests: int(s.requests.Load()), Effects: s.charges.effects()}
}
