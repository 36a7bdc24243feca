package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/fakeprovider"
	"github.com/bulkrunner/runner/sdk/host"
)

// start runs the fake provider in this process against its own simulator,
// where thing T is open, P paid.
func start(t *testing.T, config string, faults map[string]string) (*host.Client, *host.Stream) {
	t.Helper()
	server, err := sdk.NewServer(fakeprovider.Provider())
	if err != nil {
		t.Fatal(err)
	}
	c, stop, err := host.InProcess(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return c, open(t, c, config, faults)
}

func open(t *testing.T, c *host.Client, config string, faults map[string]string) *host.Stream {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	endpoint, err := c.Simulate(ctx, host.Simulation{
		Config: json.RawMessage(`{"token":"t0ken"}`),
		Seeds: []host.Seed{
			{Operation: "cancel", Arguments: json.RawMessage(`{"id":"T"}`)},
			{Operation: "cancel", Arguments: json.RawMessage(`{"id":"P"}`), State: "paid"},
		},
		Faults: faults,
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg := map[string]any{"token": "t0ken", "endpoint": endpoint}
	if config != "" {
		if err := json.Unmarshal([]byte(config), &cfg); err != nil {
			t.Fatal(err)
		}
	}
	raw, _ := json.Marshal(cfg)
	account, err := c.Configure(ctx, host.Configuration{Config: raw, MaxInFlight: 4, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if account != (sdk.Account{Name: "M-1", Environment: "other"}) {
		t.Errorf("account %+v", account)
	}
	s, err := c.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask makes one call and waits for its answer.
func ask(t *testing.T, s *host.Stream, c host.Call) host.Answer {
	t.Helper()
	if err := s.Send([]host.Call{c}); err != nil {
		t.Fatal(err)
	}
	answers, err := s.Receive()
	if err != nil {
		t.Fatal(err)
	}
	if len(answers) != 1 || answers[0].ID != c.ID {
		t.Fatalf("answers %+v to call %d", answers, c.ID)
	}
	return answers[0]
}

// patience is far more than a busy machine with the race detector takes for
// the thousands of calls of a test.
const patience = 5 * time.Minute

func call(verb host.Verb, operation, id string) host.Call {
	return host.Call{
		ID: 7, Verb: verb, Operation: operation, Arguments: fmt.Appendf(nil, `{"id":%q}`, id),
		IdempotencyKey: "key", Deadline: time.Now().Add(patience), LeaveBefore: time.Now().Add(patience),
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	c, s := start(t, "", nil)
	schema, err := c.Schema(t.Context())
	if err != nil || schema.Name != "fake" || len(schema.Operations) != 7 {
		t.Fatalf("schema %+v, %v", schema, err)
	}

	before := time.Now()
	a := ask(t, s, call(host.Read, "cancel", "T"))
	if a.Outcome != sdk.OutcomeDone || a.Settled != sdk.SettledNo || !strings.Contains(string(a.Live), `"state":"open"`) || a.Requests != 1 {
		t.Errorf("read: %+v %s", a, a.Live)
	}
	a = ask(t, s, call(host.Execute, "cancel", "T"))
	if a.Outcome != sdk.OutcomeDone || !strings.Contains(string(a.Result), `"state":"cancelled"`) || a.Requests != 1 || a.SentAt.Before(before) || a.SentAt.After(time.Now()) {
		t.Errorf("execute: %+v %s", a, a.Result)
	}
	a = ask(t, s, call(host.Read, "cancel", "T"))
	if a.Settled != sdk.SettledYes {
		t.Errorf("read: %+v", a)
	}
	a = ask(t, s, call(host.Execute, "cancel", "T"))
	if a.Outcome != sdk.OutcomeRefused || a.Code != "not_open" {
		t.Errorf("execute again: %+v", a)
	}
	a = ask(t, s, call(host.Execute, "cancel", "P"))
	if a.Outcome != sdk.OutcomeIncident || !strings.Contains(string(a.Result), "refunded") {
		t.Errorf("cancel what is paid: %+v", a)
	}
	a = ask(t, s, call(host.Execute, "get", "nowhere"))
	if a.Outcome != sdk.OutcomeRefused || a.Code != "not_found" {
		t.Errorf("get: %+v", a)
	}
	expired := call(host.Execute, "cancel", "T")
	expired.LeaveBefore = time.Now().Add(-time.Millisecond)
	if a = ask(t, s, expired); a.Outcome != sdk.OutcomeNotSent || a.Code != "permit_expired" || a.Requests != 0 {
		t.Errorf("expired: %+v", a)
	}
	for name, odd := range map[string]host.Call{
		"verb":         {ID: 1, Verb: 9, Operation: "cancel"},
		"operation":    {ID: 1, Verb: host.Execute, Operation: "destroy"},
		"authenticate": {ID: 1, Verb: host.Authenticate},
	} {
		if a = ask(t, s, odd); a.Outcome != sdk.OutcomeFatal || !a.NoEffect {
			t.Errorf("unknown %s: %+v", name, a)
		}
	}
	wrong := call(host.Execute, "cancel", "")
	wrong.Arguments = []byte(`{"id":4111111111111111}`)
	if a = ask(t, s, wrong); a.Outcome != sdk.OutcomeRefused || a.Code != "invalid_arguments" || strings.Contains(a.Reason, "4111") || !strings.Contains(a.Reason, `"id"`) {
		t.Errorf("wrong arguments: %+v", a)
	}
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Receive(); err != io.EOF {
		t.Errorf("after the last answer: %v", err)
	}
}

// TestManyCalls sends more than may be in flight or wait in the process.
func TestManyCalls(t *testing.T) {
	t.Parallel()
	_, s := start(t, "", nil)
	const n = 5000
	calls := make([]host.Call, n)
	for i := range calls {
		calls[i] = call(host.Execute, "blind", "T")
		calls[i].ID = uint64(i)
	}
	sent := make(chan error, 1)
	go func() { sent <- s.Send(calls) }()
	seen := map[uint64]bool{}
	for len(seen) < n {
		answers, err := s.Receive()
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range answers {
			if a.Outcome != sdk.OutcomeDone || seen[a.ID] {
				t.Fatalf("answer %+v", a)
			}
			seen[a.ID] = true
		}
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

func TestMisbehaviour(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		outcome sdk.Outcome
		code    string
	}{
		"panic":          {sdk.OutcomeUnknown, "panic"},
		"false_not_sent": {sdk.OutcomeUnknown, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, s := start(t, `{"misbehave":"`+name+`","misbehave_after":1}`, nil)
			if a := ask(t, s, call(host.Execute, "blind", "T")); a.Outcome != sdk.OutcomeDone {
				t.Errorf("the first: %+v", a)
			}
			if a := ask(t, s, call(host.Execute, "blind", "T")); a.Outcome != tt.outcome || a.Code != tt.code || a.Reason == "" {
				t.Errorf("the second: %+v", a)
			}
			if a := ask(t, s, call(host.Read, "cancel", "T")); a.Outcome != sdk.OutcomeDone {
				t.Errorf("afterwards: %+v", a)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		outcome sdk.Outcome
		code    string
	}{
		"lose_answer":     {sdk.OutcomeUnknown, "connection_lost"},
		"reset_before":    {sdk.OutcomeUnknown, "connection_lost"},
		"throttle":        {sdk.OutcomeThrottled, "429"},
		"rest":            {sdk.OutcomeNotNow, "503"},
		"error500_before": {sdk.OutcomeUnknown, "http_500"},
		"error500_after":  {sdk.OutcomeUnknown, "http_500"},
		"html":            {sdk.OutcomeUnknown, "not_json"},
		"truncated":       {sdk.OutcomeUnknown, "truncated"},
	}
	for fault, tt := range tests {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			_, s := start(t, "", map[string]string{fault: "1"})
			a := ask(t, s, call(host.Execute, "cancel", "T"))
			if a.Outcome != tt.outcome || a.Code != tt.code || a.Requests != 1 {
				t.Errorf("%+v", a)
			}
			if fault == "throttle" && a.After != time.Second {
				t.Errorf("after %v", a.After)
			}
		})
	}
}

func TestCancelledStream(t *testing.T) {
	t.Parallel()
	server, err := sdk.NewServer(fakeprovider.Provider())
	if err != nil {
		t.Fatal(err)
	}
	c, stop, err := host.InProcess(server)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	open(t, c, "", map[string]string{"slow": "10s"})
	ctx, cancel := context.WithCancel(t.Context())
	s, err := c.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	long := call(host.Execute, "cancel", "T")
	long.Deadline = time.Now().Add(time.Hour)
	if err := s.Send([]host.Call{long}); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := s.Receive(); !errors.Is(err, context.Canceled) {
		t.Errorf("receive: %v", err)
	}
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ config, says string }{
		"unknown attribute": {`{"token":"s3cret","tokn":"x"}`, `attribute "tokn" is not known`},
		"wrong type":        {`{"token":12345}`, `attribute "token" is not a string`},
		"not an object":     {`["s3cret"]`, "JSON object"},
		"no TLS":            {`{"token":"s3cret","endpoint":"http://api.example.com"}`, "https://"},
		"its own word":      {`{"token":"s3cret","misbehave":"refuse_configure"}`, "misbehave says so"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := sdk.NewServer(fakeprovider.Provider())
			if err != nil {
				t.Fatal(err)
			}
			c, stop, err := host.InProcess(server)
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			if _, err := c.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, err = c.Configure(t.Context(), host.Configuration{Config: json.RawMessage(tt.config), MaxInFlight: 1})
			var p host.Problem
			if !errors.As(err, &p) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "12345") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	c, _ := start(t, "", nil)
	var many []json.RawMessage
	for range 3 {
		many = append(many, json.RawMessage(`{"id":"A","amount":"1.00","currency":"COP"}`), json.RawMessage(`{"id":"A"}`), json.RawMessage(`{"id":"A","amount":"1,00"}`), json.RawMessage(`{"ident":"A"}`))
	}
	got, err := c.Check(t.Context(), "pay", many)
	if err != nil || len(got) != len(many) {
		t.Fatalf("%d problems, %v", len(got), err)
	}
	want := []string{"", "pay needs both amount and currency", `attribute "amount" is not a decimal number such as 1250.00`, `attribute "ident" is not known`}
	for i, p := range got {
		if p != want[i%4] {
			t.Errorf("problem %d: %q, want %q", i, p, want[i%4])
		}
	}
	if _, err := c.Check(t.Context(), "destroy", many); err == nil {
		t.Error("an unknown operation was checked")
	}
}
