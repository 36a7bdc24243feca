package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/providertest"
)

func TestMain(m *testing.M) {
	providertest.Serve(main)
	goleak.VerifyTestMain(m,
		// go-plugin's own, of processes that have ended.
		goleak.IgnoreAnyFunction("github.com/hashicorp/go-plugin.(*GRPCBroker).Run"),
		goleak.IgnoreAnyFunction("github.com/hashicorp/go-plugin.(*gRPCBrokerClientImpl).StartStream"))
}

const (
	merchant = "kuanto"
	secret   = "PLANTED-client-secret-93b1"
)

func settings(endpoint string) configuration {
	return configuration{MerchantCode: merchant, ClientID: "back-office", ClientSecret: secret, Environment: preprod, Endpoint: endpoint, PaymentFacilitator: "PF1"}
}

// A stage is a client with a token before a simulator of its account.
type stage struct {
	*client
	t          *testing.T
	simulation *simulation
	server     *httptest.Server
}

func newStage(t *testing.T, faults ...string) *stage {
	t.Helper()
	s := newSimulation(settings("")).(*simulation)
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = nil
	server.Start()
	t.Cleanup(server.Close)
	st := &stage{newClient(t, server.URL), t, s, server}
	st.renew()
	for _, f := range faults {
		name, value, _ := strings.Cut(f, "=")
		st.set(name, value)
	}
	return st
}

func newClient(t *testing.T, endpoint string) *client {
	t.Helper()
	c, err := configure(settings(endpoint), sdk.Setup{MaxInFlight: 4, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.api.Close)
	t.Cleanup(c.auth.Close)
	return c
}

// newHolder is a client that has been given a token.
func newHolder(t *testing.T, endpoint string) *client {
	t.Helper()
	c, token := newClient(t, endpoint), plantedToken
	c.token.Store(&token)
	return c
}

const plantedToken = "PLANTED-access-token-77ce"

func (s *stage) renew() {
	s.t.Helper()
	if _, err := s.authenticate(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) seed(operation, arguments, state string) {
	s.t.Helper()
	if err := s.simulation.Seed(operation, json.RawMessage(arguments), state); err != nil {
		s.t.Fatal(err)
	}
}

// charge seeds a charge with the number and the transaction of charge1.
func (s *stage) charge(state string) {
	s.t.Helper()
	s.seed("cancel_charge", `{"merchant_operation_number":"0012345","transaction_id":"tx1","amount":"15000"}`, state)
}

func (s *stage) set(fault, value string) {
	s.t.Helper()
	if err := s.simulation.Set(fault, value); err != nil {
		s.t.Fatal(err)
	}
}

// state asks the simulation itself, past every fault.
func (s *stage) state(number string) string {
	s.t.Helper()
	s.simulation.charges.mu.Lock()
	defer s.simulation.charges.mu.Unlock()
	c := s.simulation.charges.known[number]
	if c == nil {
		return ""
	}
	return stateNames[c.state]
}

func outcome(err error) (sdk.Outcome, string) {
	if f := sdk.AsFailure(err); f != nil {
		return f.Outcome, f.Code
	}
	return sdk.OutcomeDone, ""
}

func (s *stage) want(err error, o sdk.Outcome, code string) {
	s.t.Helper()
	if gotO, gotCode := outcome(err); gotO != o || gotCode != code {
		s.t.Errorf("got %v %q (%v), want %v %q", gotO, gotCode, err, o, code)
	}
}

var (
	charge1  = chargeArgs{"0012345", "tx1"}
	requests = map[string]func(*client, context.Context) error{
		"cancel":  func(c *client, ctx context.Context) error { _, err := c.cancelCharge(ctx, charge1); return err },
		"reverse": func(c *client, ctx context.Context) error { _, err := c.reverseCharge(ctx, charge1); return err },
		"authorise": func(c *client, ctx context.Context) error {
			_, err := c.authorizeCharge(ctx, newCharge("CARD"))
			return err
		},
		"read": func(c *client, ctx context.Context) error { _, err := c.readCharge(ctx, charge1); return err },
		"refund": func(c *client, ctx context.Context) error {
			_, err := c.readRefund(ctx, refundArgs{charge1.MerchantOperationNumber})
			return err
		},
		"token": func(c *client, ctx context.Context) error { _, err := c.authenticate(ctx); return err },
	}
)

// seedFor makes what a request acts on.
func (s *stage) seedFor(request string) {
	s.t.Helper()
	s.charge(map[string]string{"reverse": autorizado}[request])
	s.seed("get_refund", `{"merchant_operation_number":"0012345"}`, "")
}

// What a fault makes of each operation. The effect is there or not as the
// fault says, and no outcome claims otherwise.
func TestFaultOutcomes(t *testing.T) {
	t.Parallel()
	type want struct {
		outcome sdk.Outcome
		codes   []string
	}
	done := want{sdk.OutcomeDone, []string{""}}
	for fault, c := range map[string]struct {
		mutation, read, refund, token want
		effect                        bool
	}{
		"reset_before":    {want{sdk.OutcomeUnknown, []string{"connection_lost"}}, want{sdk.OutcomeNotNow, []string{"connection_lost"}}, want{sdk.OutcomeNotNow, []string{"connection_lost"}}, done, false},
		"throttle":        {want{sdk.OutcomeThrottled, []string{"429"}}, want{sdk.OutcomeThrottled, []string{"429"}}, want{sdk.OutcomeThrottled, []string{"429"}}, done, false},
		"error500_before": {want{sdk.OutcomeUnknown, []string{"http_500"}}, want{sdk.OutcomeNotNow, []string{"http_500"}}, want{sdk.OutcomeNotNow, []string{"http_500"}}, done, false},
		"token_error":     {done, done, done, want{sdk.OutcomeNotNow, []string{"http_500"}}, true},
		"token_revoked":   {want{sdk.OutcomeUnauthenticated, []string{"http_401"}}, want{sdk.OutcomeUnauthenticated, []string{"http_401"}}, want{sdk.OutcomeUnauthenticated, []string{"http_401"}}, done, false},
		"unsuccessful":    {want{sdk.OutcomeUnknown, []string{"01"}}, want{sdk.OutcomeNotNow, []string{"01"}}, want{sdk.OutcomeNotNow, []string{"01"}}, done, false},
		"lose_answer":     {want{sdk.OutcomeUnknown, []string{"connection_lost"}}, want{sdk.OutcomeNotNow, []string{"connection_lost"}}, want{sdk.OutcomeNotNow, []string{"connection_lost"}}, done, true},
		"error500_after":  {want{sdk.OutcomeUnknown, []string{"http_500"}}, want{sdk.OutcomeNotNow, []string{"http_500"}}, want{sdk.OutcomeNotNow, []string{"http_500"}}, done, true},
		"html":            {want{sdk.OutcomeUnknown, []string{"http_502", "no_json"}}, want{sdk.OutcomeNotNow, []string{"http_502", "no_json"}}, want{sdk.OutcomeNotNow, []string{"http_502", "no_json"}}, done, true},
		"truncated":       {want{sdk.OutcomeUnknown, []string{"no_json", "truncated"}}, want{sdk.OutcomeNotNow, []string{"no_json", "truncated"}}, want{sdk.OutcomeNotNow, []string{"no_json", "truncated"}}, done, true},
		"short_answer":    {want{sdk.OutcomeUnknown, []string{"unconfirmed"}}, done, done, done, true},
		"other_charge":    {want{sdk.OutcomeIncident, []string{""}}, want{sdk.OutcomeFatal, []string{"other_charge"}}, done, done, true},
	} {
		for request, send := range requests {
			t.Run(fault+"/"+request, func(t *testing.T) {
				t.Parallel()
				s := newStage(t, fault+"=1")
				s.seedFor(request)
				before := s.simulation.Ledger()
				err := send(s.client, t.Context())

				w := map[string]want{"read": c.read, "refund": c.refund, "token": c.token}[request]
				mutation := request == "cancel" || request == "reverse" || request == "authorise"
				switch {
				case fault == "short_answer" && request == "authorise": // it befalls deletions
					w = done
				case mutation:
					w = c.mutation
				}
				got, code := outcome(err)
				if got != w.outcome || !slices.Contains(w.codes, code) {
					t.Errorf("got %v %q (%v), want %v %q", got, code, err, w.outcome, w.codes)
				}
				after := s.simulation.Ledger()
				if n := after.Requests - before.Requests; n != 1 {
					t.Errorf("%d requests reached the API", n)
				}
				if (len(after.Effects) == 1) != (c.effect && mutation) {
					t.Errorf("effects are %v", after.Effects)
				}
			})
		}
	}
}

func TestNothingListens(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	endpoint := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for request, send := range requests {
		if got, _ := outcome(send(newHolder(t, endpoint), t.Context())); got != sdk.OutcomeNotSent {
			t.Errorf("%s: got %v, want not_sent", request, got)
		}
	}
}

func TestSlowAnswer(t *testing.T) {
	t.Parallel()
	s := newStage(t, "slow=1h")
	s.charge("")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := s.cancelCharge(ctx, charge1)
	s.want(err, sdk.OutcomeUnknown, "timeout")
	if s.state("0012345") != cancelado {
		t.Error("the answer was slow and the effect too")
	}
}

// What the API is sent: the three headers, and the charge by its path.
func TestHeaders(t *testing.T) {
	t.Parallel()
	var got http.Header
	var path string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got, path = r.Header, r.URL.EscapedPath() }))
	t.Cleanup(server.Close)
	_, _ = newHolder(t, server.URL).cancelCharge(t.Context(), chargeArgs{"00 1/2", "tx1"})
	for name, want := range map[string]string{"Authorization": "Bearer " + plantedToken, "ALG-API-VERSION": "1709847567", "payment-facilitator-code": "PF1"} {
		if got.Get(name) != want {
			t.Errorf("%s is %q", name, got.Get(name))
		}
	}
	if want := "/charges/kuanto/00%201%2F2"; path != want {
		t.Errorf("got %s, want %s", path, want)
	}
}

// Many calls and renewals at once: each call has one whole token.
func TestTokenIsSharedSafely(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.charge("")
	var working sync.WaitGroup
	for range 8 {
		working.Go(func() {
			for i := range 20 {
				if i%5 == 0 {
					if _, err := s.authenticate(t.Context()); err != nil {
						t.Error(err)
					}
				}
				if _, err := s.readCharge(t.Context(), charge1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	working.Wait()
}

// Whatever goes wrong, neither a credential nor a token nor a URL is in what
// could be shown or stored.
func TestNoSecretInFailures(t *testing.T) {
	t.Parallel()
	planted := []string{secret, plantedToken, "simulated.", "Bearer", "http://", "127.0.0.1", chargesPath + "/", merchant}
	failures := map[string]error{}
	for _, fault := range provider.Simulator.Faults {
		v, special := map[string]string{
			"slow": "", "read_lag": "", "seed": "", "limit": "", "token_life": "0s", "scopes": "", "undocumented_delete": "", "failure_status": "503",
			"unknown_charge": unknownFailure, "read_shows": "", "reversal_refund": "", "repeat_charge": "",
			"notify": "", "notify_deleted": "", "unknown_refund": unknownFailure, "token_status": "", "clock": "1000h", "expires": yesWord, "delete_of": "", "failure_shape": "", "unix_time": "",
		}[fault.Name]
		if !special {
			v = "1"
		}
		if v == "" {
			continue
		}
		for request, send := range requests {
			s := newStage(t, fault.Name+"="+v)
			if fault.Name == "token_life" {
				s.renew()
			}
			if fault.Name != "unknown_charge" && fault.Name != "failure_status" {
				s.seedFor(request)
			}
			failures[fault.Name+"/"+request] = send(s.client, t.Context())
		}
	}
	// An API that repeats what it was sent, in every way it can.
	for status, shape := range map[int]string{200: `{"success":%q,"meta":{"status":{"code":%q}}}`, 400: `{"message":%q,"x":%q}`, 401: `%s %s`, 404: `%s %s`, 500: `%s %s`, 302: `%s %s`} {
		echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			all := r.URL.String() + r.Header.Get("Authorization") + secret
			w.Header().Set("Location", "http://127.0.0.1"+r.URL.String())
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, shape, all, all)
		}))
		t.Cleanup(echo.Close)
		for request, send := range requests {
			failures[fmt.Sprintf("echo %d/%s", status, request)] = send(newHolder(t, echo.URL), t.Context())
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for request, send := range requests {
		failures["cancelled/"+request] = send(newHolder(t, "http://127.0.0.1:1"), cancelled)
		failures["refused/"+request] = send(newHolder(t, "http://127.0.0.1:1"), t.Context())
		if request != "token" {
			failures["no token/"+request] = send(newClient(t, "http://127.0.0.1:1"), t.Context())
		}
	}
	for name, change := range map[string]func(*configuration){
		"endpoint": func(c *configuration) { c.Endpoint = "http://u:" + secret + "@127.0.0.1:1/?a=1" },
		"auth_endpoint": func(c *configuration) {
			c.Endpoint, c.AuthEndpoint = "http://127.0.0.1:1", "http://u:"+secret+"@127.0.0.1:1/?a=1"
		},
		"environment": func(c *configuration) { c.Environment = "staging" },
		"mix":         func(c *configuration) { c.Endpoint = "https://" + secret + "@api.alignet.io" },
	} {
		c := settings("")
		change(&c)
		if _, failures[name] = configure(c, sdk.Setup{}); failures[name] == nil {
			t.Errorf("%s is accepted", name)
		}
	}

	failed := 0
	for name, err := range failures {
		if err == nil {
			continue // such as paying after a read, which is no failure of the read
		}
		failed++
		f := sdk.AsFailure(err)
		result, _ := json.Marshal(f.Result)
		shown := strings.ToUpper(err.Error() + f.Error() + f.Code + f.Reason + string(result))
		for _, p := range planted {
			if strings.Contains(shown, strings.ToUpper(p)) {
				t.Errorf("%s: %q is in %s", name, p, shown)
			}
		}
	}
	if failed < 80 {
		t.Fatalf("only %d of %d failures came about", failed, len(failures))
	}
}

// A number with characters that mean something in a path is the same charge
// at the other end.
func TestOddNumbers(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, number := range []string{"2391645", "0001", "A/1", "A 1", "ñandú", "a%2Fb", "a?b#c", "a+b&c=d", "...", strings.Repeat("9", 100)} {
		a := chargeArgs{number, "t/" + number}
		arguments, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		s.seed("cancel_charge", string(arguments), "")
		if err := checkCharge(a); err != nil {
			t.Errorf("%q: %v", number, err)
		}
		if c, err := s.readCharge(t.Context(), a); err != nil || c.MerchantOperationNumber != number {
			t.Errorf("%q is read as %q: %v", number, c.MerchantOperationNumber, err)
		}
		if _, err := s.cancelCharge(t.Context(), a); err != nil || s.state(number) != cancelado {
			t.Errorf("%q: %v", number, err)
		}
	}
	for _, odd := range []string{".", "..", " A1", "A1\n", "A\x001", "\xff"} {
		if checkCharge(chargeArgs{odd, "tx1"}) == nil || checkCharge(chargeArgs{"A1", odd}) == nil {
			t.Errorf("%q passes", odd)
		}
	}
}
