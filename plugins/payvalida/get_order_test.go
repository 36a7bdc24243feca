package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// documented is the answer to a read as Payvalida's page has it.
const documented = `{"ORDER":"A1","STATE":"PENDIENTE","REFERENCE":"3102292330","AMOUNT":"120.00","CURRENCY":"COP","CODE":123,
 "EMAIL":"p@example.com","DESCRIPTION":"Course","PAYMNENT_METHOD":"efecty","CREATION_DATE":"2024-01-31 10:00:00","UDPATE_DATE":"2024-02-01 10:00:00","LIFE_TIME":"445h",
 "NOTIFICATION_RESPONSE":"OK","checkout":"checkout.payvalida.com/?token=x","TRANSACTION":{},"ADITIONAL_INFO":{"CUS":"1"}}`

func TestDecodeOrder(t *testing.T) {
	t.Parallel()
	data, err := apiclient.ParseObject([]byte(documented))
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeOrder("A1", data)
	if err != nil {
		t.Fatal(err)
	}
	want := order{
		Order: "A1", State: "PENDIENTE", Reference: "3102292330", Amount: "120.00", Currency: "COP", Description: "Course",
		Email: "p@example.com", Method: "efecty", Lifetime: "445h", CreatedAt: "2024-01-31 10:00:00", UpdatedAt: "2024-02-01 10:00:00",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestDecodeOrderThatProvesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data string
		want sdk.Outcome
	}{
		"another order":             {`{"ORDER":"A2","STATE":"PENDIENTE"}`, sdk.OutcomeFatal},
		"no order":                  {`{"STATE":"PENDIENTE"}`, sdk.OutcomeNotNow},
		"no state":                  {`{"ORDER":"A1"}`, sdk.OutcomeNotNow},
		"a state that is no string": {`{"ORDER":"A1","STATE":1}`, sdk.OutcomeNotNow},
		"lower case":                {`{"order":"A1","state":"PENDIENTE"}`, sdk.OutcomeNotNow},
		"thousands":                 {`{"ORDER":"A1","STATE":"PENDIENTE","AMOUNT":"10,000.00"}`, sdk.OutcomeNotNow},
		"a binary float":            {`{"ORDER":"A1","STATE":"PENDIENTE","AMOUNT":1e4}`, sdk.OutcomeNotNow},
		"an amount as a number":     {`{"ORDER":"A1","STATE":"PENDIENTE","AMOUNT":120.00}`, sdk.OutcomeDone},
		"no amount":                 {`{"ORDER":"A1","STATE":"PENDIENTE"}`, sdk.OutcomeDone},
	} {
		data, err := apiclient.ParseObject([]byte(c.data))
		if err != nil {
			t.Fatal(err)
		}
		_, err = decodeOrder("A1", data)
		if got, _ := outcome(err); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestReadUnknownOrder(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]struct {
		outcome sdk.Outcome
		code    string
	}{
		"0041":  {sdk.OutcomeRefused, "0041"},
		"0013":  {sdk.OutcomeRefused, "0013"},
		"0099":  {sdk.OutcomeNotNow, "0099"},
		"empty": {sdk.OutcomeNotNow, "unconfirmed"},
	} {
		s := newStage(t, "unknown_order="+answer)
		_, err := s.readOrder(t.Context(), orderArgs{"A1"})
		s.want(err, want.outcome, want.code)
	}
}

func TestWrongCredential(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.seed("get_order", `{"order":"A1"}`, "")
	s.fixedHash = "another"
	_, err := s.readOrder(t.Context(), orderArgs{"A1"})
	s.want(err, sdk.OutcomeFatal, "0025")
	_, err = s.cancelOrder(t.Context(), orderArgs{"A1"})
	s.want(err, sdk.OutcomeFatal, "0025")
	s.merchant = "another"
	_, err = s.registerOrder(t.Context(), terms1)
	s.want(err, sdk.OutcomeFatal, "0018")
	if f := sdk.AsFailure(err); !f.NoEffect {
		t.Error("an unknown merchant had an effect")
	}
	if s.state("A1") != pendiente {
		t.Error("an order was cancelled without the secret")
	}
}
