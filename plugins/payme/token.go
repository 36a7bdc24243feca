package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

const tokenPath = "/token"

// A tokenRequest asks for an access token by client credentials.
type tokenRequest struct {
	Action       string `json:"action"`
	GrantType    string `json:"grant_type"`
	Audience     string `json:"audience"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	Scope        string `json:"scope"`
}

// authenticate gets an access token, which replaces the one that the client
// holds. Requests that are on their way keep theirs.
func (c *client) authenticate(ctx context.Context) (time.Time, error) {
	body, err := json.Marshal(tokenRequest{"authorize", "client_credentials", c.configuration.Audience, c.configuration.ClientID, c.configuration.ClientSecret, c.configuration.Scope})
	if err != nil {
		return time.Time{}, sdk.FatalNoEffect("bad_credentials", "the credentials can't be written as JSON; nothing was sent")
	}
	asked := time.Now()
	response, err := c.auth.Do(ctx, apiclient.Request{
		Method: http.MethodPost,
		Path:   tokenPath,
		Header: http.Header{"Content-Type": {"application/json"}, "Alg-Api-Version": {c.configuration.APIVersion}},
		Body:   body,
	})
	c.auth.Close() // its connections: the next token is an hour away
	if err != nil {
		return time.Time{}, idle(err)
	}
	token, life, err := decodeToken(response)
	if err != nil {
		return time.Time{}, err
	}
	c.token.Store(&token)
	if life == 0 {
		return time.Time{}, nil
	}
	return asked.Add(life), nil
}

// decodeToken reads the answer to a token request, whose status object lies
// under authorization and not under meta as elsewhere. What a refusal looks
// like isn't documented: 401 and 403 are taken for one, and the line's second
// attempt for its confirmation; anything else is trouble that may pass.
func decodeToken(r *apiclient.Response) (token string, life time.Duration, err error) {
	switch r.Status {
	case http.StatusOK, http.StatusCreated:
	case http.StatusUnauthorized, http.StatusForbidden:
		return "", 0, &sdk.Failure{Outcome: sdk.OutcomeUnauthenticated, Code: httpCode(r.Status), Reason: "no token was given: look at client_id, client_secret, audience and environment in the provider block"}
	default:
		return "", 0, sdk.NotNow(httpCode(r.Status), "the API gave no token", 0)
	}
	answer, err := r.Object()
	if err != nil {
		return "", 0, sdk.NotNow("no_json", "the answer to a token request is not the JSON object it should be", 0)
	}
	if _, said := answer["success"]; said && !yes(answer, "success") {
		return "", 0, &sdk.Failure{Outcome: sdk.OutcomeUnauthenticated, Code: "unsuccessful", Reason: "no token was given: look at client_id, client_secret, audience and environment in the provider block"}
	}
	token = answer.Text("access_token")
	if token == "" {
		return "", 0, sdk.NotNow("no_token", "the answer to a token request has no token", 0)
	}
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return "", 0, sdk.NotNow("bad_token", "the answer has a token that no header can carry", 0)
		}
	}
	return token, seconds(answer, "expires_in"), nil
}

// seconds reads a lifetime, documented as a string of seconds. One that can't
// be read is 0: the token is then used until it is refused.
func seconds(o apiclient.Object, name string) time.Duration {
	d, err := o.Decimal(name)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(d.String(), 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}
