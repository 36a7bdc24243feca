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

const secret = "PLANTED-api-key-93b1"

// A stage is a client before a simulator of its account.
type stage struct {
	*client
	t          *testing.T
	simulation *simulation
	server     *httptest.Server
}

func newStage(t *testing.T, faults ...string) *stage {
	t.Helper()
	s := newSimulation(configuration{APIKey: secret}).(*simulation)
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
	c, err := configure(configuration{APIKey: secret, Endpoint: endpoint}, sdk.Setup{MaxInFlight: 4, Timeout: 5 * time.Second})
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

// seedAll makes one pending debit 4012 and one signed adhesion 77 of each kind.
func (s *stage) seedAll() {
	s.t.Helper()
	s.seed("cancel_card_debit_request", `{"id":"4012"}`, "")
	s.seed("cancel_debit_request", `{"id":"4012"}`, "")
}

func (s *stage) set(fault, value string) {
	s.t.Helper()
	if err := s.simulation.Set(fault, value); err != nil {
		s.t.Fatal(err)
	}
}

// state asks the simulation itself, past every fault.
func (s *stage) state(r resource, id string) string {
	s.t.Helper()
	s.simulation.things.mu.Lock()
	defer s.simulation.things.mu.Unlock()
	if t := s.simulation.things.known[thingID{r, id}]; t != nil {
		return t.state
	}
	return ""
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
	card1    = createCardDebitArgs{CardAdhesionID: "77", Month: 12, Year: 2099, Amount: "1500.50"}
	debit1   = createDebitArgs{AdhesionID: "77", FirstDueDate: "2099-12-31", FirstTotal: "99999999.99", Description: "Cuota"}
	requests = map[string]func(*client, context.Context) error{
		"cancel card debit": func(c *client, ctx context.Context) error {
			_, err := c.cancelCardDebit(ctx, cardDebitArgs{ID: "4012"})
			return err
		},
		"cancel debit": func(c *client, ctx context.Context) error {
			_, err := c.cancelDebit(ctx, debitArgs{ID: "4012"})
			return err
		},
		"cancel card adhesion": func(c *client, ctx context.Context) error {
			_, err := c.cancelCardAdhesion(ctx, adhesionArgs{ID: "77"})
			return err
		},
		"cancel adhesion": func(c *client, ctx context.Context) error {
			_, err := c.cancelAdhesion(ctx, adhesionArgs{ID: "77"})
			return err
		},
		"create card debit": func(c *client, ctx context.Context) error { _, err := c.createCardDebit(ctx, card1); return err },
		"create debit":      func(c *client, ctx context.Context) error { _, err := c.createDebit(ctx, debit1); return err },
		"read card debit": func(c *client, ctx context.Context) error {
			_, err := c.readCardDebit(ctx, cardDebitArgs{ID: "4012"})
			return err
		},
		"read debit": func(c *client, ctx context.Context) error {
			_, err := c.readDebit(ctx, debitArgs{ID: "4012"})
			return err
		},
		"read card adhesion": func(c *client, ctx context.Context) error {
			_, err := c.readCardAdhesion(ctx, adhesionArgs{ID: "77"})
			return err
		},
		"read adhesion": func(c *client, ctx context.Context) error {
			_, err := c.readAdhesion(ctx, adhesionArgs{ID: "77"})
			return err
		},
		"read list": func(c *client, ctx context.Context) error {
			_, err := cardDebitRequests.Page(c, ctx, cardDebitFilter{}, "")
			return err
		},
	}
)

// What a fault makes of each operation. The effect is there or not as the
// fault says, and no outcome claims otherwise.
func TestFaultOutcomes(t *testing.T) {
	t.Parallel()
	for fault, c := range map[string]struct {
		codes    []string
		mutation sdk.Outcome
		read     sdk.Outcome
		effect   bool
	}{
		"reset_before":    {[]string{"connection_lost"}, sdk.OutcomeUnknown, sdk.OutcomeNotNow, false},
		"throttle":        {[]string{"429"}, sdk.OutcomeThrottled, sdk.OutcomeThrottled, false},
		"error500_before": {[]string{"http_500"}, sdk.OutcomeUnknown, sdk.OutcomeNotNow, false},
		"lose_answer":     {[]string{"connection_lost"}, sdk.OutcomeUnknown, sdk.OutcomeNotNow, true},
		"error500_after":  {[]string{"http_500"}, sdk.OutcomeUnknown, sdk.OutcomeNotNow, true},
		"html":            {[]string{"http_502", "no_json"}, sdk.OutcomeUnknown, sdk.OutcomeNotNow, true},
		"truncated":       {[]string{"no_json", "truncated"}, sdk.OutcomeUnknown, sdk.OutcomeNotNow, true},
	} {
		for request, send := range requests {
			t.Run(fault+"/"+request, func(t *testing.T) {
				t.Parallel()
				s := newStage(t, fault+"=1")
				s.seedAll()
				err := send(s.client, t.Context())
				want := c.mutation
				if strings.HasPrefix(request, "read") {
					want = c.read
				}
				if got, code := outcome(err); got != want || !slices.Contains(c.codes, code) {
					t.Errorf("got %v %q (%v), want %v %q", got, code, err, want, c.codes)
				}
				l := s.simulation.Ledger()
				if l.Requests != 1 {
					t.Errorf("%d requests reached the API", l.Requests)
				}
				if !strings.HasPrefix(request, "read") && (len(l.Effects) == 1) != c.effect {
					t.Errorf("effects are %v", l.Effects)
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

// What a status means, whatever body comes with it.
func TestStatuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status         int
		body           string
		create, cancel sdk.Outcome
	}{
		"401":                   {401, ``, sdk.OutcomeUnauthenticated, sdk.OutcomeUnauthenticated},
		"403 in JSON":           {403, `{"error":{"message":"x"}}`, sdk.OutcomeRefused, sdk.OutcomeRefused},
		"403 of somebody else":  {403, `<html>`, sdk.OutcomeUnknown, sdk.OutcomeUnknown},
		"404 in JSON":           {404, `{}`, sdk.OutcomeRefused, sdk.OutcomeRefused},
		"404 of a gateway":      {404, `<html>`, sdk.OutcomeUnknown, sdk.OutcomeUnknown},
		"400 with children":     {400, `{"children":{"amount":{"errors":["x"]},"description":[]}}`, sdk.OutcomeRefused, sdk.OutcomeUnknown},
		"400 within errors":     {400, `{"errors":{"children":{"amount":{"errors":["x"]}}}}`, sdk.OutcomeRefused, sdk.OutcomeUnknown},
		"400 with a message":    {400, `{"error":{"message":"x"}}`, sdk.OutcomeRefused, sdk.OutcomeUnknown},
		"400 of another shape":  {400, `{"message":"x"}`, sdk.OutcomeUnknown, sdk.OutcomeUnknown},
		"400 without a body":    {400, ``, sdk.OutcomeUnknown, sdk.OutcomeUnknown},
		"409":                   {409, `{"error":{"message":"x"}}`, sdk.OutcomeUnknown, sdk.OutcomeUnknown},
		"302":                   {302, ``, sdk.OutcomeUnknown, sdk.OutcomeUnknown},
		"201 to a cancellation": {201, `{"id":4012,"state":"canceled"}`, sdk.OutcomeUnknown, sdk.OutcomeUnknown},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		t.Cleanup(server.Close)
		client := newClient(t, server.URL)
		_, err := client.createCardDebit(t.Context(), card1)
		if got, _ := outcome(err); got != c.create {
			t.Errorf("%s: create: got %v (%v), want %v", name, got, err, c.create)
		}
		_, err = client.cancelCardDebit(t.Context(), cardDebitArgs{ID: "4012"})
		if got, _ := outcome(err); got != c.cancel {
			t.Errorf("%s: cancel: got %v (%v), want %v", name, got, err, c.cancel)
		}
	}
}

// Whatever goes wrong, the key is not in what could be shown or stored, nor is
// a URL.
func TestNoSecretInFailures(t *testing.T) {
	t.Parallel()
	failures := map[string]error{}
	for _, fault := range []string{"reset_before", "throttle", "error500_before", "lose_answer", "error500_after", "html", "truncated", "other_id"} {
		for request, send := range requests {
			s := newStage(t, fault+"=1")
			s.seedAll()
			failures[fault+"/"+request] = send(s.client, t.Context())
		}
	}
	for status, shape := range map[int]string{200: `{"id":%q,"x":%q}`, 400: `{"error":{"message":%q},"children":{%q:{"errors":[]}}}`, 404: `{"a":%q,"b":%q}`, 500: `%s %s`, 302: `%s %s`} {
		echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1"+r.URL.String())
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, shape, r.URL.String(), r.Header.Get("Authorization"))
		}))
		t.Cleanup(echo.Close)
		for request, send := range requests {
			failures[fmt.Sprintf("echo %d/%s", status, request)] = send(newClient(t, echo.URL), t.Context())
		}
	}
	_, failures["endpoint"] = configure(configuration{APIKey: secret, Endpoint: "http://u:" + secret + "@127.0.0.1:1/"}, sdk.Setup{})
	failed := 0
	for name, err := range failures {
		if err == nil {
			continue
		}
		failed++
		f := sdk.AsFailure(err)
		result, _ := json.Marshal(f.Result)
		shown := err.Error() + f.Error() + f.Code + f.Reason + string(result)
		for _, p := range []string{secret, "Bearer", "http://", "127.0.0.1"} {
			if strings.Contains(shown, p) {
				t.Errorf("%s: %q is in %s", name, p, shown)
			}
		}
	}
	if failed < 60 {
		t.Fatalf("only %d of %d failures came about", failed, len(failures))
	}
}

func TestSlowAnswer(t *testing.T) {
	t.Parallel()
	s := newStage(t, "slow=1h")
	s.seedAll()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := s.cancelCardDebit(ctx, cardDebitArgs{ID: "4012"})
	s.want(err, sdk.OutcomeUnknown, "timeout")
	if s.state(cardDebits, "4012") != canceled {
		t.Error("the answer was slow and the effect too")
	}
}

func TestWrongKey(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.seedAll()
	s.simulation.key = "another"
	for request, send := range requests {
		if got, _ := outcome(send(s.client, t.Context())); got != sdk.OutcomeUnauthenticated {
			t.Errorf("%s: got %v", request, got)
		}
	}
	if e := s.simulation.Ledger().Effects; len(e) != 0 {
		t.Errorf("effects are %v", e)
	}
}
