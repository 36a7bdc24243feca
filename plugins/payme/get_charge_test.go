package main

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

func TestDecodeCharge(t *testing.T) {
	t.Parallel()
	answer, err := decodeAnswer(&apiclient.Response{Status: 200, Body: []byte(deleted)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := shownCharge(chargeArgs{"2836824", "9namjcnjvqzas2t33xyfrqr2h"}, answer)
	if err != nil {
		t.Fatal(err)
	}
	want := charge{
		MerchantOperationNumber: "2836824", TransactionID: "9namjcnjvqzas2t33xyfrqr2h", State: cancelado, States: []string{cancelado, cancelado},
		StateReason: "Usuario cancelo el metodo de pago", Amount: "1000", Currency: "604", PaymentMethod: "PAGOEFECTIVO", CreatedAt: "2024-07-05T16:46:12",
		Transactions: []transaction{{
			TransactionID: "9namjcnjvqzas2t33xyfrqr2h", Channel: "ecommerce", State: cancelado, StateReason: "Usuario cancelo el metodo de pago",
			Amount: "1000", Currency: "604", PaymentMethod: "PAGOEFECTIVO",
			Lifecycle: []step{{registrado, "2024-07-05T16:46:12"}, {pendiente, "2024-07-05T16:46:13"}, {cancelado, "2024-07-05T16:47:22"}},
		}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestDecodeChargeThatProvesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		operation string
		want      sdk.Outcome
	}{
		"pending":                      {`{"merchant_operation_number":"0012345","state":"PENDIENTE","transactions":[{"transaction_id":"tx1","state":"PENDIENTE"}]}`, sdk.OutcomeDone},
		"another charge":               {`{"merchant_operation_number":"12345","state":"PENDIENTE","transactions":[{"transaction_id":"tx1","state":"PENDIENTE"}]}`, sdk.OutcomeFatal},
		"another transaction":          {`{"merchant_operation_number":"0012345","state":"PENDIENTE","transactions":[{"transaction_id":"tx2","state":"PENDIENTE"}]}`, sdk.OutcomeFatal},
		"no transaction":               {`{"merchant_operation_number":"0012345","state":"PENDIENTE","transactions":[]}`, sdk.OutcomeNotNow},
		"no transactions":              {`{"merchant_operation_number":"0012345","state":"PENDIENTE"}`, sdk.OutcomeNotNow},
		"no state":                     {`{"merchant_operation_number":"0012345","transactions":[{"transaction_id":"tx1","state":"PENDIENTE"}]}`, sdk.OutcomeNotNow},
		"no state of a transaction":    {`{"merchant_operation_number":"0012345","state":"PENDIENTE","transactions":[{"transaction_id":"tx1"}]}`, sdk.OutcomeNotNow},
		"a state that is no string":    {`{"merchant_operation_number":"0012345","state":1,"transactions":[{"transaction_id":"tx1","state":"PENDIENTE"}]}`, sdk.OutcomeNotNow},
		"a state twice":                {`{"merchant_operation_number":"0012345","state":"PENDIENTE","transactions":[{"transaction_id":"tx1","state":"AUTORIZADO","state":"PENDIENTE"}]}`, sdk.OutcomeNotNow},
		"a binary float":               {`{"merchant_operation_number":"0012345","state":"PENDIENTE","amount":1e4,"transactions":[{"transaction_id":"tx1","state":"PENDIENTE"}]}`, sdk.OutcomeNotNow},
		"an amount as a number":        {`{"merchant_operation_number":"0012345","state":"PENDIENTE","amount":15000,"transactions":[{"transaction_id":"tx1","state":"PENDIENTE"}]}`, sdk.OutcomeDone},
		"transactions that are a text": {`{"merchant_operation_number":"0012345","state":"PENDIENTE","transactions":"tx1"}`, sdk.OutcomeNotNow},
		"nothing":                      {`null`, sdk.OutcomeNotNow},
	} {
		_, err := shownCharge(charge1, apiclient.Object{"operation": []byte(c.operation)})
		if got, _ := outcome(err); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

// A charge that isn't found is a refusal of the read, which says nothing of
// what was sent before.
func TestReadUnknownCharge(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]struct {
		outcome sdk.Outcome
		code    string
	}{
		unknown404:     {sdk.OutcomeRefused, "http_404"},
		unknownFailure: {sdk.OutcomeNotNow, "01"},
	} {
		s := newStage(t, "unknown_charge="+answer)
		_, err := s.readCharge(t.Context(), charge1)
		s.want(err, want.outcome, want.code)
		s.charge("")
		_, err = s.readCharge(t.Context(), chargeArgs{"0012345", "another"})
		s.want(err, want.outcome, want.code)
	}
}

func TestReadShowsOneTransaction(t *testing.T) {
	t.Parallel()
	s := newStage(t, "read_shows=one")
	s.seed("get_charge", `{"merchant_operation_number":"0012345","transaction_id":"tx1","other_state":"AUTORIZADO"}`, pendiente)
	for transaction, want := range map[string][]string{"tx1": {pendiente, pendiente}, "tx1b": {pendiente, autorizado}} {
		c, err := s.readCharge(t.Context(), chargeArgs{"0012345", transaction})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, c.States); d != "" {
			t.Error(d)
		}
	}
}

// What is shown goes into the run file as it stands: no card's digits, no link.
func TestChargeKeepsNoMethodDetails(t *testing.T) {
	t.Parallel()
	const operation = `{"merchant_operation_number":"0012345","state":"PENDIENTE","transactions":[{"transaction_id":"tx1","state":"PENDIENTE",
	 "payment_method":{"method_name":"CARD","method_details":{"pan":"4051420006041115","masked_pan":"405142******1115","callback_url":"https://example.com/x"}},
	 "processor_response":{"authorization_code":"055552","cip":"4051420006041115","url":"https://example.com/x"}}]}`
	c, err := shownCharge(charge1, apiclient.Object{"operation": []byte(operation)})
	if err != nil {
		t.Fatal(err)
	}
	shown, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, planted := range []string{"4051", "1115", "example.com"} {
		if json.Valid(shown) && containsText(shown, planted) {
			t.Errorf("%q is in %s", planted, shown)
		}
	}
}
