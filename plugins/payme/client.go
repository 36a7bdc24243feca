package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

const (
	chargesPath = "/charges"
	refundPath  = "/refund"
)

// A client speaks to one account of Pay-me.
type client struct {
	api           *apiclient.Client
	auth          *apiclient.Client
	configuration configuration
	token         atomic.Pointer[string] // nil before the first
}

// read asks for something. Its errors never put anything in doubt: a read
// that brought nothing to rely on has changed nothing and may be made again.
// That nothing is found is a refusal, so that it isn't asked for over and over;
// it settles nothing that was sent before.
func (c *client) read(ctx context.Context, segments ...string) (apiclient.Object, error) {
	answer, err := c.send(ctx, http.MethodGet, segments...)
	if f := sdk.AsFailure(err); f != nil && f.Code == httpCode(http.StatusNotFound) {
		return nil, &sdk.Failure{Outcome: sdk.OutcomeRefused, Code: f.Code, Reason: "the API doesn't find it: look at merchant_code, merchant_operation_number and transaction_id", Err: f}
	}
	return answer, idle(err)
}

// idle is the error of a request that can't have had an effect: what is
// unknown of it is nothing to be in doubt of.
func idle(err error) error {
	if f := sdk.AsFailure(err); f != nil && f.Outcome == sdk.OutcomeUnknown {
		return &sdk.Failure{Outcome: sdk.OutcomeNotNow, Code: f.Code, Reason: f.Reason, Err: f}
	}
	return err
}

// remove asks for the one deletion that cancels a charge or gives its money
// back, by its state.
func (c *client) remove(ctx context.Context, number string) (apiclient.Object, error) {
	return c.send(ctx, http.MethodDelete, chargesPath, number)
}

// send makes one request about what is there. The segments are the API's own
// path and what is named below the merchant.
func (c *client) send(ctx context.Context, method string, segments ...string) (apiclient.Object, error) {
	path := segments[0] + "/" + url.PathEscape(c.configuration.MerchantCode)
	for _, s := range segments[1:] {
		path += "/" + url.PathEscape(s)
	}
	response, err := c.do(ctx, method, path, nil)
	if err != nil {
		return nil, err
	}
	return decodeAnswer(response)
}

// do makes one request with the present token. Pay-me documents the payment
// facilitator's header for all but new charges, which are those with a body.
func (c *client) do(ctx context.Context, method, path string, body []byte) (*apiclient.Response, error) {
	token := c.token.Load()
	if token == nil {
		return nil, &sdk.Failure{Outcome: sdk.OutcomeUnauthenticated, Code: "no_token", Reason: "there is no access token yet; nothing was sent"}
	}
	header := http.Header{"Authorization": {"Bearer " + *token}, "Alg-Api-Version": {c.configuration.APIVersion}}
	if body != nil {
		header["Content-Type"] = []string{"application/json"}
	} else if c.configuration.PaymentFacilitator != "" {
		header["Payment-Facilitator-Code"] = []string{c.configuration.PaymentFacilitator}
	}
	return c.api.Do(ctx, apiclient.Request{Method: method, Path: path, Header: header, Body: body})
}

// checkSegment refuses what can't be a path segment or comes from a slip in a
// list. That numbers are numeric, as one page has it, isn't enforced: they are
// identifiers, and their leading zeros count.
func checkSegment(name, s string) error {
	switch {
	case s == "." || s == "..":
		return fmt.Errorf("%s is %q, which a URL's path can't carry", name, s)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("%s has a character that can't be printed", name)
	case strings.TrimSpace(s) != s:
		return fmt.Errorf("%s begins or ends with a space: take it out of the list, or trim it in the operation", name)
	}
	return nil
}
