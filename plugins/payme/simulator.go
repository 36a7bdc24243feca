package main

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
	"github.com/bulkrunner/runner/sdk/simulator"
)

// A simulation is Pay-me's tokens, charges and refunds in miniature, for one
// merchant.
//
// It keeps to what is documented: tokens, the required headers, what a
// deletion makes of each state, and the answers' spellings and types. What
// nobody documents is a switch, see [switches], and its bodies are
// guesses.
//
// It also serves benchmarks, so a request costs a few microseconds beside
// net/http's own, and a charge some 200 bytes.
type simulation struct {
	*simulator.Front
	configuration configuration
	tokens        tokens
	charges       charges
}

func newSimulation(c configuration) sdk.Simulation {
	s := &simulation{configuration: c.complete()}
	s.Front = simulator.NewFront(switches, s.handle)
	s.Busy = []byte(`{"message":"Too Many Requests"}`)
	s.tokens.known = map[string]issued{}
	s.charges.known = map[string]*simulatedCharge{}
	return s
}

// A request is one call of the API, taken apart.
type request struct {
	method      string
	path        string // chargesPath, refundPath or tokenPath
	merchant    string
	number      string // "" where the URL or the body names none
	transaction string
	body        apiclient.Object // of POST
	broken      bool             // the body is no JSON object
}

// handle reads a request, and answers those that no operation has. Token
// requests have a fault of their own and are spared the others, so that a
// fault's share is the share of charges' requests.
func (s *simulation) handle(r *http.Request) simulator.Task {
	q, ok := takeApart(r)
	if !ok {
		return simulator.Task{Spared: true, Answer: func(*simulator.Fate) simulator.Answer { return message(http.StatusNotFound, "Not Found") }}
	}
	return simulator.Task{Thing: q.number, Spared: q.path == tokenPath, Answer: func(f *simulator.Fate) simulator.Answer {
		if status, why := s.verify(f, q, r.Header); status != 0 {
			return message(status, why)
		}
		return s.carryOut(f, q)
	}}
}

// message is how what isn't Pay-me's own answer looks: a guess.
func message(status int, text string) simulator.Answer {
	return simulator.Answer{Status: status, Body: []byte(`{"message":"` + text + `"}`)}
}

func takeApart(r *http.Request) (request, bool) {
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
		body, err := simulator.Body(r)
		if err == nil {
			q.body, err = apiclient.ParseObject(body)
		}
		q.broken = err != nil
		q.merchant, q.number = q.body.Text("merchant_code"), q.body.Text("merchant_operation_number")
	default:
		return q, false
	}
	return q, true
}

// verify judges who asks: the headers that are required, then the token. What
// a refusal looks like isn't documented.
func (s *simulation) verify(f *simulator.Fate, q request, h http.Header) (status int, why string) {
	if h.Get("ALG-API-VERSION") != s.configuration.APIVersion {
		return http.StatusBadRequest, "ALG-API-VERSION is missing or unknown"
	}
	if q.path == tokenPath {
		return 0, ""
	}
	token, bearer := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
	if f.Befalls(tokenRevoked) {
		s.tokens.revoke(token)
	}
	scope, good := s.tokens.scope(token, s.clock(f))
	if !bearer || !good {
		return http.StatusUnauthorized, "Unauthorized"
	}
	wanted := map[string]string{http.MethodGet: "get:charges", http.MethodDelete: "delete:charges", http.MethodPost: "post:charges"}[q.method]
	if scopes.In(f) == scopesChecked && q.path == chargesPath && !strings.Contains(" "+scope+" ", " "+wanted+" ") {
		return http.StatusForbidden, "Forbidden"
	}
	return 0, ""
}

// clock is the API's time.
func (s *simulation) clock(f *simulator.Fate) time.Time { return s.Now().Add(clock.In(f)) }

// carryOut does what a request asks for.
func (s *simulation) carryOut(f *simulator.Fate, q request) simulator.Answer {
	now := s.clock(f)
	switch {
	case q.path == tokenPath && f.Befalls(tokenError):
		return simulator.Answer{Status: http.StatusInternalServerError}
	case q.path == tokenPath:
		return s.issue(f, q, now)
	case q.merchant != s.configuration.MerchantCode, q.broken, f.Befalls(unsuccessful):
		return failed(f, q.method)
	}
	s.charges.mu.Lock()
	defer s.charges.mu.Unlock()
	if c := s.charges.known[q.number]; c != nil {
		s.age(c, f, now)
	}
	switch {
	case q.path == refundPath:
		return s.consultRefund(f, q)
	case q.method == http.MethodGet:
		return s.consult(f, q, now)
	case q.method == http.MethodDelete:
		return s.delete(f, q, now)
	default:
		return s.authorise(f, q, now)
	}
}
