package main

import (
	"encoding/json"
	"testing"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// deleted is the answer of Payvalida's own reference page.
const deleted = `{"CODE":"0000","DATA":{"Reference":"3102292330","Amount":"0.0","Operation":"DELETED","OrderID":"1496953766724_6","PVOrderID":"95585"},"DESC":"OK"}`

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
		"ok":                       {200, deleted, want{sdk.OutcomeDone, ""}},
		"ok under another status":  {202, deleted, want{sdk.OutcomeUnknown, "http_202"}},
		"error under status 500":   {500, `{"CODE":"0025"}`, want{sdk.OutcomeUnknown, "http_500"}},
		"unauthorised":             {401, `{}`, want{sdk.OutcomeUnknown, "http_401"}},
		"gateway":                  {502, `{"errorMessage":"x"}`, want{sdk.OutcomeUnknown, "http_502"}},
		"gateway under status 200": {200, `{"errorMessage":"x"}`, want{sdk.OutcomeUnknown, "no_code"}},
		"html":                     {200, `<html></html>`, want{sdk.OutcomeUnknown, "no_json"}},
		"empty":                    {200, ``, want{sdk.OutcomeUnknown, "no_json"}},
		"cut":                      {200, deleted[:len(deleted)/2], want{sdk.OutcomeUnknown, "no_json"}},
		"an array":                 {200, `[` + deleted + `]`, want{sdk.OutcomeUnknown, "no_json"}},
		"two answers":              {200, deleted + deleted, want{sdk.OutcomeUnknown, "no_json"}},
		"two codes":                {200, `{"CODE":"0041","CODE":"0000","DATA":{}}`, want{sdk.OutcomeUnknown, "no_json"}},
		"a member twice in data":   {200, `{"CODE":"0000","DATA":{"OrderID":"1","OrderID":"2"}}`, want{sdk.OutcomeUnknown, "no_data"}},
		"another product's keys":   {200, `{"code":"0000","text":"OK","data":{}}`, want{sdk.OutcomeUnknown, "no_code"}},
		"a code that is a number":  {200, `{"CODE":0,"DATA":{}}`, want{sdk.OutcomeUnknown, "no_code"}},
		"a code of five digits":    {200, `{"CODE":"00000","DATA":{}}`, want{sdk.OutcomeUnknown, "no_code"}},
		"ok and no data":           {200, `{"CODE":"0000","DESC":"OK"}`, want{sdk.OutcomeUnknown, "no_data"}},
		"checksum":                 {200, `{"CODE":"0025","DESC":"x"}`, want{sdk.OutcomeFatal, "0025"}},
		"merchant":                 {200, `{"CODE":"0018"}`, want{sdk.OutcomeFatal, "0018"}},
		"not pending":              {200, `{"CODE":"0041","DATA":null}`, want{sdk.OutcomeRefused, "0041"}},
		"amount":                   {200, `{"CODE":"0021"}`, want{sdk.OutcomeRefused, "0021"}},
		"transaction error":        {200, `{"CODE":"0028"}`, want{sdk.OutcomeUnknown, "0028"}},
		"registering":              {200, `{"CODE":"0030"}`, want{sdk.OutcomeUnknown, "0030"}},
		"processing":               {200, `{"CODE":"0009"}`, want{sdk.OutcomeUnknown, "0009"}},
		"a code nobody lists":      {200, `{"CODE":"0061"}`, want{sdk.OutcomeUnknown, "0061"}},
	} {
		_, err := decodeAnswer(&apiclient.Response{Status: c.status, Body: []byte(c.body)})
		got := want{outcome: sdk.OutcomeDone}
		if f := sdk.AsFailure(err); f != nil {
			got = want{f.Outcome, f.Code}
			if f.Outcome == sdk.OutcomeFatal && !f.NoEffect {
				t.Errorf("%s: fatal without proof of no effect", name)
			}
			if f.Reason == "" {
				t.Errorf("%s: no reason", name)
			}
		}
		if got != c.want {
			t.Errorf("%s: got %v %q, want %v %q", name, got.outcome, got.code, c.want.outcome, c.want.code)
		}
	}
}

// What isn't listed twice is listed once: a code in two tables would mean
// whatever failure looks at first.
func TestCodesHaveOneMeaning(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{codeOK: true}
	for _, table := range []map[string]string{accountCodes, refusals, unclear} {
		for code := range table {
			if seen[code] || !fourDigits(code) {
				t.Errorf("%q is listed twice, or is no code", code)
			}
			seen[code] = true
		}
	}
	if len(seen) != 45 {
		t.Errorf("%d codes are listed; the documented table has 0000 to 0044", len(seen))
	}
}

// Whatever comes back, a cancellation is done only where an independent
// reading of the body finds the code, the order and the operation.
func FuzzCancellation(f *testing.F) {
	f.Add("1496953766724_6", deleted)
	f.Add("A1", `{"CODE":"0000","DATA":{"Operation":"DELETED","OrderID":"A1"}}`)
	f.Add("A1", `{"CODE":"0000","DATA":{"Operation":"DELETED","OrderID":"A1","OrderID":"A2"}}`)
	f.Add("A1", `{"CODE":"0000","DATA":{"operation":"DELETED","orderid":"A1"}}`)
	f.Add("A1", `{"CODE":"0041","DATA":null}`)
	f.Add("", `{"CODE":"0000","DATA":{"Operation":"DELETED","OrderID":""}}`)
	f.Fuzz(func(t *testing.T, asked, body string) {
		data, err := decodeAnswer(&apiclient.Response{Status: 200, Body: []byte(body)})
		if err != nil {
			return
		}
		if _, err := confirmCancellation(asked, data); err != nil {
			return
		}
		var envelope, inner map[string]any
		if json.Unmarshal([]byte(body), &envelope) != nil || envelope["CODE"] != "0000" {
			t.Fatalf("done for %q", body)
		}
		inner, _ = envelope["DATA"].(map[string]any)
		if asked == "" || inner["OrderID"] != asked || inner["Operation"] != "DELETED" {
			t.Fatalf("done for order %q by %q", asked, body)
		}
	})
}

// The same for what registers, updates and reads.
func FuzzConfirmation(f *testing.F) {
	f.Add("A1", `{"CODE":"0000","DATA":{"OrdenID":"A1","Monto":"45000.0","Operacion":"CREADA"}}`)
	f.Add("A1", `{"CODE":"0000","DATA":{"OrdenID":"A1","Monto":4.5e4,"Operacion":"ACTUALIZADO"}}`)
	f.Add("A1", `{"CODE":"0000","DATA":{"ORDER":"A1","STATE":"PENDIENTE","AMOUNT":"120.00","CODE":123}}`)
	f.Fuzz(func(t *testing.T, asked, body string) {
		data, err := decodeAnswer(&apiclient.Response{Status: 200, Body: []byte(body)})
		if err != nil {
			return
		}
		var envelope map[string]any
		_ = json.Unmarshal([]byte(body), &envelope)
		inner, _ := envelope["DATA"].(map[string]any)
		for _, operation := range []string{"CREADA", "ACTUALIZADO"} {
			if _, err := confirmTerms(asked, operation, data); err == nil && (asked == "" || inner["OrdenID"] != asked || inner["Operacion"] != operation) {
				t.Fatalf("%s for order %q by %q", operation, asked, body)
			}
		}
		if o, err := decodeOrder(asked, data); err == nil && (asked == "" || inner["ORDER"] != asked || inner["STATE"] != o.State || o.State == "") {
			t.Fatalf("read of order %q by %q", asked, body)
		}
	})
}
