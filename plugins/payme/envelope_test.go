package main

import (
	"encoding/json"
	"testing"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// deleted is the answer of Alignet's own reference page to a deletion.
const deleted = `{ "success": true, "merchant_code": "abc", "merchant_operation_number": "2836824", "operation": { "merchant_operation_number": "2836824", "amount": "1000", "currency": "604", "created_at": { "utc_time": "2024-07-05T16:46:12", "unix_time": 1720197972 }, "state": "CANCELADO", "transactions": [ { "transaction_id": "9namjcnjvqzas2t33xyfrqr2h", "channel": "ecommerce", "state": "CANCELADO", "state_reason": "Usuario cancelo el metodo de pago", "amount": "1000", "currency": "604", "additional_fields": null, "payment_method": { "method_name": "PAGOEFECTIVO", "method_details": { "callback_url": "https://example.com/redirect" } }, "expiration_date": null, "processor_response": null, "lifecycle": [ { "state": "REGISTRADO", "date": { "utc_time": "2024-07-05T16:46:12", "unix_time": 1720197972 } }, { "state": "PENDIENTE", "date": { "utc_time": "2024-07-05T16:46:13", "unix_time": 1720197973 } }, { "state": "CANCELADO", "date": { "utc_time": "2024-07-05T16:47:22", "unix_time": 1720198042 } } ] } ] }, "meta": { "status": { "code": "00", "message_ilgn": [ { "locale": "es_PE", "value": "Se proceso correctamente la peticion" } ] } } }`

// unpaidV1 is the one failure that was ever documented, of a former version.
const unpaidV1 = `{"action":"reverse","success":"false","transaction":{"meta":{"status":{"code":"01","message_ilgn":[]}}}}`

func TestDecodeAnswer(t *testing.T) {
	t.Parallel()
	type want struct {
		outcome sdk.Outcome
		code    string
	}
	for name, c := range map[string]struct {
		status int
		body   string
		want   want
	}{
		"ok":                         {200, deleted, want{sdk.OutcomeDone, ""}},
		"success as a string":        {200, `{"success":"true","meta":{"status":{"code":"00"}}}`, want{sdk.OutcomeDone, ""}},
		"ok under another status":    {202, deleted, want{sdk.OutcomeUnknown, "http_202"}},
		"no success":                 {200, `{"success":false,"meta":{"status":{"code":"00"}}}`, want{sdk.OutcomeUnknown, "unsuccessful"}},
		"no success, as a string":    {200, `{"success":"false","meta":{"status":{"code":"00"}}}`, want{sdk.OutcomeUnknown, "unsuccessful"}},
		"success in capitals":        {200, `{"success":"TRUE","meta":{"status":{"code":"00"}}}`, want{sdk.OutcomeUnknown, "unsuccessful"}},
		"success missing":            {200, `{"meta":{"status":{"code":"00"}}}`, want{sdk.OutcomeUnknown, "unsuccessful"}},
		"success, and another code":  {200, `{"success":true,"meta":{"status":{"code":"01"}}}`, want{sdk.OutcomeUnknown, "01"}},
		"no code":                    {200, `{"success":true}`, want{sdk.OutcomeUnknown, "no_code"}},
		"a code that is a number":    {200, `{"success":true,"meta":{"status":{"code":0}}}`, want{sdk.OutcomeUnknown, "no_code"}},
		"a code of many digits":      {200, `{"success":true,"meta":{"status":{"code":"4111111111111111"}}}`, want{sdk.OutcomeUnknown, "no_code"}},
		"a former version's failure": {200, unpaidV1, want{sdk.OutcomeUnknown, "no_code"}},
		"failure under status 409":   {409, `{"success":false}`, want{sdk.OutcomeUnknown, "http_409"}},
		"not found":                  {404, `{}`, want{sdk.OutcomeUnknown, "http_404"}},
		"unauthorised":               {401, `{}`, want{sdk.OutcomeUnauthenticated, "http_401"}},
		"forbidden":                  {403, `{}`, want{sdk.OutcomeUnknown, "http_403"}},
		"gateway":                    {502, `<html></html>`, want{sdk.OutcomeUnknown, "http_502"}},
		"html":                       {200, `<html></html>`, want{sdk.OutcomeUnknown, "no_json"}},
		"empty":                      {200, ``, want{sdk.OutcomeUnknown, "no_json"}},
		"cut":                        {200, deleted[:len(deleted)/2], want{sdk.OutcomeUnknown, "no_json"}},
		"an array":                   {200, `[` + deleted + `]`, want{sdk.OutcomeUnknown, "no_json"}},
		"two answers":                {200, deleted + deleted, want{sdk.OutcomeUnknown, "no_json"}},
		"a member twice":             {200, `{"success":false,"success":true,"meta":{"status":{"code":"00"}}}`, want{sdk.OutcomeUnknown, "no_json"}},
		"a code twice":               {200, `{"success":true,"meta":{"status":{"code":"01","code":"00"}}}`, want{sdk.OutcomeUnknown, "no_code"}},
	} {
		_, err := decodeAnswer(&apiclient.Response{Status: c.status, Body: []byte(c.body)})
		got := want{outcome: sdk.OutcomeDone}
		if f := sdk.AsFailure(err); f != nil {
			got = want{f.Outcome, f.Code}
			if f.Reason == "" {
				t.Errorf("%s: no reason", name)
			}
		}
		if got != c.want {
			t.Errorf("%s: got %v %q, want %v %q", name, got.outcome, got.code, c.want.outcome, c.want.code)
		}
	}
}

// Whatever comes back, a cancellation is done only where an independent
// reading of the body finds success, the code, the number and the states.
func FuzzCancellation(f *testing.F) {
	f.Add("2836824", deleted)
	f.Add("1", `{"success":true,"operation":{"merchant_operation_number":"1","state":"CANCELADO"},"meta":{"status":{"code":"00"}}}`)
	f.Add("1", `{"success":true,"operation":{"merchant_operation_number":"1","state":"CANCELADO","transactions":[{"state":"EXTORNADO"}]},"meta":{"status":{"code":"00"}}}`)
	f.Add("1", `{"success":true,"operation":{"merchant_operation_number":"1","state":"EXTORNADO","state":"CANCELADO"},"meta":{"status":{"code":"00"}}}`)
	f.Add("1", `{"success":true,"operation":{"merchant_operation_number":"1","STATE":"CANCELADO"},"meta":{"status":{"code":"00"}}}`)
	f.Add("", `{"success":"true","operation":{"merchant_operation_number":"","state":"CANCELADO"},"meta":{"status":{"code":"00"}}}`)
	f.Fuzz(func(t *testing.T, asked, body string) {
		answer, err := decodeAnswer(&apiclient.Response{Status: 200, Body: []byte(body)})
		if err != nil {
			return
		}
		if _, err := confirmDeletion(chargeArgs{asked, "tx1"}, cancelado, answer); err != nil {
			return
		}
		var whole map[string]any
		if json.Unmarshal([]byte(body), &whole) != nil || whole["success"] != true && whole["success"] != "true" {
			t.Fatalf("done for %q", body)
		}
		operation, _ := whole["operation"].(map[string]any)
		if asked == "" || operation["merchant_operation_number"] != asked || operation["state"] != cancelado {
			t.Fatalf("done for charge %q by %q", asked, body)
		}
		transactions, _ := operation["transactions"].([]any)
		for _, one := range transactions {
			if member, _ := one.(map[string]any); member["state"] == extornado {
				t.Fatalf("done for a transaction that was reversed: %q", body)
			}
		}
	})
}

// The same for what reads.
func FuzzReads(f *testing.F) {
	f.Add("1", `{"success":"true","operation":{"merchant_operation_number":"1","state":"PENDIENTE","transactions":[{"transaction_id":"tx1","state":"PENDIENTE"}]},"meta":{"status":{"code":"00"}}}`)
	f.Add("239766", refunded)
	f.Fuzz(func(t *testing.T, asked, body string) {
		answer, err := decodeAnswer(&apiclient.Response{Status: 200, Body: []byte(body)})
		if err != nil {
			return
		}
		var whole map[string]any
		_ = json.Unmarshal([]byte(body), &whole)
		if c, err := shownCharge(chargeArgs{asked, "tx1"}, answer); err == nil {
			operation, _ := whole["operation"].(map[string]any)
			transactions, _ := operation["transactions"].([]any)
			if operation["merchant_operation_number"] != asked || operation["state"] != c.State || len(c.States) != len(transactions)+1 || len(c.States) < 2 {
				t.Fatalf("read of charge %q by %q: %+v", asked, body, c)
			}
		}
		if r, err := decodeRefunds(asked, answer); err == nil {
			if list, _ := whole["operations"].([]any); len(list) != r.Count {
				t.Fatalf("%d refunds by %q", r.Count, body)
			}
		}
	})
}
