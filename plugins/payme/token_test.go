package main

import (
	"testing"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// given is the answer to a token request as Alignet's page has it.
const given = `{"action":"authorize","success":"true","access_token":"abc.def","token_type":"Bearer","scope":"create:token get:charges delete:charges",
 "expires_in":"3600","authorization":{"meta":{"status":{"code":"00","message_ilgn":[{"locale":"es_PE","value":"…"}]}}}}`

func TestDecodeToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		life   time.Duration
		want   sdk.Outcome
	}{
		"documented":             {200, given, time.Hour, sdk.OutcomeDone},
		"created":                {201, given, time.Hour, sdk.OutcomeDone},
		"a number of seconds":    {200, `{"access_token":"a","expires_in":60}`, time.Minute, sdk.OutcomeDone},
		"a boolean":              {200, `{"success":true,"access_token":"a","expires_in":"60"}`, time.Minute, sdk.OutcomeDone},
		"no lifetime":            {200, `{"access_token":"a"}`, 0, sdk.OutcomeDone},
		"a lifetime in words":    {200, `{"access_token":"a","expires_in":"soon"}`, 0, sdk.OutcomeDone},
		"a lifetime in the past": {200, `{"access_token":"a","expires_in":"-5"}`, 0, sdk.OutcomeDone},
		"no token":               {200, `{"success":"true"}`, 0, sdk.OutcomeNotNow},
		"a token with a newline": {200, `{"access_token":"a\nb"}`, 0, sdk.OutcomeNotNow},
		"no success":             {200, `{"success":"false","access_token":"a"}`, 0, sdk.OutcomeUnauthenticated},
		"unauthorised":           {401, ``, 0, sdk.OutcomeUnauthenticated},
		"forbidden":              {403, ``, 0, sdk.OutcomeUnauthenticated},
		"an error":               {500, ``, 0, sdk.OutcomeNotNow},
		"html":                   {200, `<html>`, 0, sdk.OutcomeNotNow},
		"two tokens":             {200, `{"access_token":"a","access_token":"b"}`, 0, sdk.OutcomeNotNow},
	} {
		token, life, err := decodeToken(&apiclient.Response{Status: c.status, Body: []byte(c.body)})
		if got, _ := outcome(err); got != c.want || life != c.life || (token == "") != (err != nil) {
			t.Errorf("%s: got %v, %s (%v)", name, got, life, err)
		}
	}
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	s := newStage(t, "token_life=10m")
	before := time.Now()
	expires, err := s.authenticate(t.Context())
	if err != nil || expires.Before(before.Add(10*time.Minute)) || expires.After(time.Now().Add(10*time.Minute)) {
		t.Errorf("it expires %s: %v", expires, err)
	}
	s.simulation.configuration.ClientSecret = "another"
	old := s.token.Load()
	_, err = s.authenticate(t.Context())
	s.want(err, sdk.OutcomeUnauthenticated, "http_401")
	if s.token.Load() != old {
		t.Error("a refusal took the token away that requests on their way may still use")
	}
}

func TestExpiredToken(t *testing.T) {
	t.Parallel()
	s := newStage(t, "token_life=0s")
	s.renew()
	s.charge("")
	_, err := s.cancelCharge(t.Context(), charge1)
	s.want(err, sdk.OutcomeUnauthenticated, "http_401")
	s.set("token_life", "1h")
	s.renew()
	_, err = s.cancelCharge(t.Context(), charge1)
	s.want(err, sdk.OutcomeDone, "")
}

func TestScopes(t *testing.T) {
	t.Parallel()
	s := newStage(t, "scopes=checked")
	s.client.configuration.Scope = "create:token get:charges"
	s.renew()
	s.charge("")
	_, err := s.readCharge(t.Context(), charge1)
	s.want(err, sdk.OutcomeDone, "")
	_, err = s.cancelCharge(t.Context(), charge1)
	s.want(err, sdk.OutcomeUnknown, "http_403")
	if s.state("0012345") != pendiente {
		t.Error("it was cancelled without the scope")
	}
}
