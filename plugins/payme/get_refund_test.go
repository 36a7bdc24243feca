package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// refunded is the answer of Alignet's own reference page.
const refunded = `{"success":"true","merchant_code":"41bb301e-3c37-4332-accb-ed5ec19081e4","operations_count":"1","operations":[{"refund_id":"922178aa-ce4c-4c5f-8190-82fa7e009425","state":"REGISTERED","refund_reason":"Solicitud recibida y validada","type":"TOTAL","merchant_operation_number":"239766","transaction_id":"bko66gpi8czns4tcde93q96vd","refund_amount":"1050","transaction_amount":"1050","currency":"604","payment_method":{"name":"CARD","brand":"VISA","masked_pan":"447411******2240"},"additional_fields":{"canal":"WEB","reason":"cliente no reconocio el consumo","description":"solicitud por desconocimiento"},"lifecycle":[{"state":"REGISTERED","date":{"utc_time":"2025-05-26T06:06:45","unix_time":1748239605}}]}],"meta":{"status":{"code":"00","message_ilgn":[{"locale":"es_PE","value":"Se proceso correctamente la peticion"}]}}}`

func containsText(b []byte, s string) bool { return bytes.Contains(b, []byte(s)) }

func TestDecodeRefunds(t *testing.T) {
	t.Parallel()
	answer, err := decodeAnswer(&apiclient.Response{Status: 200, Body: []byte(refunded)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeRefunds("239766", answer)
	if err != nil {
		t.Fatal(err)
	}
	want := refunds{MerchantOperationNumber: "239766", Count: 1, State: "REGISTERED", Refunds: []refund{{
		RefundID: "922178aa-ce4c-4c5f-8190-82fa7e009425", State: "REGISTERED", Reason: "Solicitud recibida y validada", Type: "TOTAL",
		TransactionID: "bko66gpi8czns4tcde93q96vd", RefundAmount: "1050", TransactionAmount: "1050", Currency: "604", PaymentMethod: "CARD", Brand: "VISA",
		MaskedPAN: "447411******2240", Channel: "WEB", RequestReason: "cliente no reconocio el consumo", Description: "solicitud por desconocimiento",
		Lifecycle: []step{{"REGISTERED", "2025-05-26T06:06:45"}},
	}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestDecodeRefundsThatProveNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		count, list string
		want        sdk.Outcome
	}{
		"none":                {`"0"`, `[]`, sdk.OutcomeDone},
		"a count as a number": {`1`, `[{"merchant_operation_number":"1"}]`, sdk.OutcomeDone},
		"another count":       {`"2"`, `[{"merchant_operation_number":"1"}]`, sdk.OutcomeNotNow},
		"no list":             {`"0"`, ``, sdk.OutcomeNotNow},
		"null":                {`"0"`, `null`, sdk.OutcomeNotNow},
		"another operation":   {`"1"`, `[{"merchant_operation_number":"2"}]`, sdk.OutcomeFatal},
		"a binary float":      {`"1"`, `[{"merchant_operation_number":"1","refund_amount":1e3}]`, sdk.OutcomeNotNow},
	} {
		answer := apiclient.Object{"operations_count": []byte(c.count)}
		if c.list != "" {
			answer["operations"] = []byte(c.list)
		}
		_, err := decodeRefunds("1", answer)
		if got, _ := outcome(err); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestMasked(t *testing.T) {
	t.Parallel()
	for pan, want := range map[string]string{"447411******2240": "447411******2240", "************2240": "************2240", "4474110000002240": "", "44741100****2240": "", "": ""} {
		if got := masked(pan); got != want {
			t.Errorf("%q: got %q", pan, got)
		}
	}
}

func TestReadRefund(t *testing.T) {
	t.Parallel()
	s := newStage(t, "reversal_refund=made")
	s.charge(autorizado)
	r, err := s.readRefund(t.Context(), refundArgs{"0012345"})
	if err != nil || r.Count != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := s.reverseCharge(t.Context(), charge1); err != nil {
		t.Fatal(err)
	}
	r, err = s.readRefund(t.Context(), refundArgs{"0012345"})
	if err != nil || r.Count != 1 || r.State != "REGISTERED" || r.Refunds[0].RefundAmount != "15000" || r.Refunds[0].TransactionID != "tx1" {
		t.Errorf("%+v, %v", r, err)
	}
}
