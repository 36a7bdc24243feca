package main

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/simulator"
)

// A simulation is Payvalida's porders in miniature, for one account.
//
// It keeps to what is documented: the checksums, HTTP 200 under business
// errors, the answers' spellings, order numbers that are used up for ever, the
// states, and which of their changes a merchant is notified of. What nobody
// documents is a switch, see [switches].
//
// It also serves benchmarks, so a request costs a few microseconds beside
// net/http's own, and an order some 150 bytes.
type simulation struct {
	*simulator.Front
	merchant  string
	fixedHash string
	orders    orders
	failed    atomic.Int64 // transaction errors, whose codes take turns
}

func newSimulation(c configuration) sdk.Simulation {
	s := &simulation{merchant: c.Merchant, fixedHash: c.FixedHash}
	s.Front = simulator.NewFront(switches, s.handle)
	s.Busy = []byte(`{"errorMessage":"Too Many Requests"}`)
	s.orders.known = map[string]*simulatedOrder{}
	s.orders.references = map[string]*simulatedOrder{}
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

// handle reads a request, and answers those that no operation has.
func (s *simulation) handle(r *http.Request) simulator.Task {
	q := request{method: r.Method}
	rest, ours := strings.CutPrefix(r.URL.EscapedPath(), ordersPath)
	segment, hasOrder := strings.CutPrefix(rest, "/")
	switch {
	case !ours || (rest != "" && !hasOrder) || strings.Contains(segment, "/"):
		return gateway(http.StatusNotFound, "Not Found")
	case hasOrder && (r.Method == http.MethodGet || r.Method == http.MethodDelete):
		order, err := url.PathUnescape(segment)
		if err != nil {
			order = segment
		}
		q.order = order
		q.query = r.URL.Query()
	case !hasOrder && (r.Method == http.MethodPost || r.Method == http.MethodPatch):
		body, err := simulator.Body(r)
		q.broken = err != nil || !decodeTerms(body, &q.terms)
		q.order = q.terms.Order
	default:
		return gateway(http.StatusMethodNotAllowed, "Method Not Allowed")
	}
	return simulator.Task{Thing: q.order, Answer: func(f *simulator.Fate) simulator.Answer {
		body := s.carryOut(f, q)
		if f.Befalls(errorMessage) {
			return gatewayError(http.StatusBadGateway, "Endpoint request timed out")
		}
		return simulator.Answer{Status: http.StatusOK, Body: body}
	}}
}

// gateway answers what doesn't reach porders, and therefore has no CODE.
func gateway(status int, message string) simulator.Task {
	return simulator.Task{Spared: true, Answer: func(*simulator.Fate) simulator.Answer { return gatewayError(status, message) }}
}

func gatewayError(status int, message string) simulator.Answer {
	return simulator.Answer{Status: status, Body: []byte(`{"errorMessage":"` + message + `"}`)}
}

// carryOut does what a request asks for and returns the answer's body.
func (s *simulation) carryOut(f *simulator.Fate, q request) []byte {
	if q.broken {
		return refusal(codeContent)
	}
	if code := s.verify(f, q); code != codeOK {
		return refusal(code)
	}
	if f.Befalls(transactionError) {
		if s.failed.Add(1)%2 == 0 {
			return refusal(codeTransaction)
		}
		return refusal(codeRegistering)
	}
	now := s.clock(f)
	s.orders.mu.Lock()
	defer s.orders.mu.Unlock()
	s.expireAll(f, now)
	switch q.method {
	case http.MethodGet:
		return s.consult(f, q, now)
	case http.MethodDelete:
		return s.delete(f, q.order, now)
	case http.MethodPost:
		return s.register(f, q.terms, now)
	default:
		return s.update(f, q.terms, now)
	}
}

// clock is the API's time.
func (s *simulation) clock(f *simulator.Fate) time.Time { return s.Now().Add(clock.In(f)) }

// verify judges who asks: the merchant, then the checksum.
func (s *simulation) verify(f *simulator.Fate, q request) string {
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
	case !sameChecksum(f, given, right):
		return codeChecksum
	}
	return codeOK
}

// sameChecksum compares in the letter case that is demanded. right is upper.
func sameChecksum(f *simulator.Fate, given, right string) bool {
	switch checksumCase.In(f) {
	case caseUpper:
		return given == right
	case caseLower:
		return given == strings.ToLower(right)
	}
	return strings.EqualFold(given, right)
}
