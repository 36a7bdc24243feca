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
	secret   = "PLANTED-fixed-hash-93b1"
)

// A stage is a client before a simulator of its account.
type stage struct {
	*client
	t          *testing.T
	simulation *simulation
	server     *httptest.Server
}

func newStage(t *testing.T, faults ...string) *stage {
	t.Helper()
	c := configuration{Merchant: merchant, FixedHash: secret}
	s := newSimulation(c).(*simulation)
	for _, f := range faults {
		name, value, _ := strings.Cut(f, "=")
		if err := s.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = nil
	server.Start()
	t.Cleanup(server.Close)
	return &stage{newClient(t, server.URL), t, s, server}
}

func newClient(t *testing.T, endpoint string) *client {
	t.Helper()
	c, err := configure(configuration{Merchant: merchant, FixedHash: secret, Endpoint: endpoint}, sdk.Setup{MaxInFlight: 4, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.api.Close)
	return c
}

func (s *stage) seed(operation, arguments, state string) {
	s.t.Helper()
	if err := s.simulation.Seed(operation, json.RawMessage(arguments), state); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) set(fault, value string) {
	s.t.Helper()
	if err := s.simulation.Set(fault, value); err != nil {
		s.t.Fatal(err)
	}
}

// state asks the simulation itself, past every fault.
func (s *stage) state(order string) string {
	s.t.Helper()
	s.simulation.orders.mu.Lock()
	defer s.simulation.orders.mu.Unlock()
	o := s.simulation.find(order, s.simulation.Fate(order), s.simulation.Now())
	if o == nil {
		return ""
	}
	return stateNames[o.state]
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
	terms1   = registerArgs{Order: "A1", Email: "payer@example.com", Country: "343", Currency: "COP", Amount: "45000", Description: "Course"}
	update1  = updateArgs{Order: "A1", Email: "payer@example.com", Country: "343", Currency: "COP", Amount: "50000"}
	requests = map[string]func(*client, context.Context) error{
		"cancel":   func(c *client, ctx context.Context) error { _, err := c.cancelOrder(ctx, orderArgs{"A1"}); return err },
		"register": func(c *client, ctx context.Context) error { _, err := c.registerOrder(ctx, terms1); return err },
		"update":   func(c *client, ctx context.Context) error { _, err := c.updateOrder(ctx, update1); return err },
		"read":     func(c *client, ctx context.Context) error { _, err := c.readOrder(ctx, orderArgs{"A1"}); return err },
		"read for registration": func(c *client, ctx context.Context) error {
			_, err := c.readRegistration(ctx, terms1)
			return err
		},
	}
)

// What a fault makes of each operation. The effect is there or not as the
// fault says, and no outcome claims otherwise.
func TestFaultOutcomes(t *testing.T) {
	t.Parallel()
	for fault, c := range map[string]struct {
		codes    []string // of a mutation; a read's too, unless it says otherwise
		mutation sdk.Outcome
		read     sdk.Outcome
		effect   bool
	}{
		"reset_before":      {[]string{"connection_lost"}, sdk.OutcomeUnknown, sdk.OutcomeNotNow, false},
		"throttle":          {[]string{"429"}, sdk.OutcomeThrottled, sdk.OutcomeThrottled, false},
		"error500_before":   {[]string{"http_500"}, sdk.OutcomeUnknown, sdk.OutcomeNotNow, false},
		"transaction_error": {[]string{"0028", "0030"}, sdk.OutcomeUnknown, sdk.OutcomeNotNow, false},
		"lose_answer":       {[]string{"connection_lost"}, sdk.OutcomeUnknown, sdk.OutcomeNotNow, true},
		"error500_after":    {[]string{"http_500"}, sdk.OutcomeUnknown, sdk.OutcomeNotNow, true},
		"html":              {[]string{"http_502", "no_json"}, sdk.OutcomeUnknown, sdk.OutcomeNotNow, true},
		"error_message":     {[]string{"http_502"}, sdk.OutcomeUnknown, sdk.OutcomeNotNow, true},
		"truncated":         {[]string{"no_json", "truncated"}, sdk.OutcomeUnknown, sdk.OutcomeNotNow, true},
		"other_order":       {[]string{""}, sdk.OutcomeIncident, sdk.OutcomeFatal, true},
	} {
		for request, send := range requests {
			t.Run(fault+"/"+request, func(t *testing.T) {
				t.Parallel()
				s := newStage(t, fault+"=1")
				if request != "register" {
					s.seed("cancel_order", `{"order":"A1","amount":"45000.00"}`, "")
				}
				before := s.simulation.Ledger()
				err := send(s.client, t.Context())

				reads := strings.HasPrefix(request, "read")
				want, codes := c.mutation, c.codes
				if reads {
					if want = c.read; fault == "other_order" {
						codes = []string{"other_order"}
					}
				}
				got, code := outcome(err)
				if got != want || !slices.Contains(codes, code) {
					t.Errorf("got %v %q (%v), want %v %q", got, code, err, want, codes)
				}
				after := s.simulation.Ledger()
				if n := after.Requests - before.Requests; n != 1 {
					t.Errorf("%d requests reached the API", n)
				}
				if !reads && (len(after.Effects) == 1) != c.effect {
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
		if got, _ := outcome(send(newClient(t, endpoint), t.Context())); got != sdk.OutcomeNotSent {
			t.Errorf("%s: got %v, want not_sent", request, got)
		}
	}
}

func TestSlowAnswer(t *testing.T) {
	t.Parallel()
	s := newStage(t, "slow=1h")
	s.seed("cancel_order", `{"order":"A1"}`, "")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := s.cancelOrder(ctx, orderArgs{"A1"})
	s.want(err, sdk.OutcomeUnknown, "timeout")
	if s.state("A1") != cancelada {
		t.Error("the answer was slow and the effect too")
	}
}

// Whatever goes wrong, neither the FIXED_HASH nor a checksum made of it nor a
// URL is in what could be shown or stored.
func TestNoSecretInFailures(t *testing.T) {
	t.Parallel()
	planted := []string{
		secret, orderChecksum("A1", merchant, secret), "checksum=", "http://", "127.0.0.1", ordersPath,
		termsChecksum(terms1.request(), secret), termsChecksum(update1.request(), secret),
	}
	failures := map[string]error{}
	for _, fault := range provider.Simulator.Faults {
		value := map[string]string{
			"slow": "", "read_lag": "", "seed": "", "limit": "", "checksum_case": caseLower, "unknown_order": "0013", "clock": "1000h", "strict": "yes",
			"zone": "", "checked_first": "", "recurrent_paid": "", "notify": "", "notify_hash": "", "annulled_by": "",
		}
		v, special := value[fault.Name]
		if !special {
			v = "1"
		}
		if v == "" {
			continue
		}
		for request, send := range requests {
			s := newStage(t, fault.Name+"="+v)
			if fault.Name != "unknown_order" {
				s.seed("cancel_order", `{"order":"A1"}`, "")
			}
			failures[fault.Name+"/"+request] = send(s.client, t.Context())
		}
	}
	// An API that repeats what it was sent, in every way it can.
	for status, shape := range map[int]string{200: `{"CODE":%q,"DESC":%q}`, 400: `{"errorMessage":%q,"x":%q}`, 500: `%s %s`, 302: `%s %s`} {
		echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1"+r.URL.String())
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, shape, r.URL.String(), r.URL.String())
		}))
		t.Cleanup(echo.Close)
		for request, send := range requests {
			failures[fmt.Sprintf("echo %d/%s", status, request)] = send(newClient(t, echo.URL), t.Context())
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for request, send := range requests {
		failures["cancelled/"+request] = send(newClient(t, "http://127.0.0.1:1"), cancelled)
		failures["refused/"+request] = send(newClient(t, "http://127.0.0.1:1"), t.Context())
	}
	_, failures["endpoint"] = configure(configuration{Merchant: merchant, FixedHash: secret, Endpoint: "http://u:" + secret + "@127.0.0.1:1/?checksum=1"}, sdk.Setup{})
	_, failures["environment"] = configure(configuration{Merchant: merchant, FixedHash: secret, Environment: "staging"}, sdk.Setup{})
	failures["bad terms"] = func() error {
		_, err := newClient(t, "http://127.0.0.1:1").registerOrder(t.Context(), registerArgs{Country: "x"})
		return err
	}()

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
	if failed < 60 {
		t.Fatalf("only %d of %d failures came about", failed, len(failures))
	}
}

// An order with characters that mean something in a path is the same order at
// the other end.
func TestOddOrders(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, order := range []string{"1496953766724_6", "0001", "A/1", "A 1", "ñandú", "a%2Fb", "a?b#c", "a+b&c=d", "...", strings.Repeat("9", 200)} {
		arguments, err := json.Marshal(orderArgs{order})
		if err != nil {
			t.Fatal(err)
		}
		s.seed("cancel_order", string(arguments), "")
		if err := checkOrder(order); err != nil {
			t.Errorf("%q: %v", order, err)
		}
		if o, err := s.readOrder(t.Context(), orderArgs{order}); err != nil || o.Order != order {
			t.Errorf("%q is read as %q: %v", order, o.Order, err)
		}
		if _, err := s.cancelOrder(t.Context(), orderArgs{order}); err != nil || s.state(order) != cancelada {
			t.Errorf("%q: %v", order, err)
		}
	}
	for _, order := range []string{".", "..", " A1", "A1\n", "A\x001", "\xff"} {
		if checkOrder(order) == nil {
			t.Errorf("%q passes", order)
		}
	}
}
