package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

const ordersPath = "/api/v3/porders"

// A client speaks to one account of Payvalida.
type client struct {
	api       *apiclient.Client
	merchant  string
	fixedHash string
}

// read asks for an order. Its errors never put anything in doubt: a read that
// brought nothing to rely on has changed nothing and may be made again.
func (c *client) read(ctx context.Context, order string) (apiclient.Object, error) {
	data, err := c.send(ctx, c.orderRequest(http.MethodGet, order))
	if f := sdk.AsFailure(err); f != nil && f.Outcome == sdk.OutcomeUnknown {
		return nil, &sdk.Failure{Outcome: sdk.OutcomeNotNow, Code: f.Code, Reason: f.Reason, Err: f}
	}
	return data, err
}

// remove asks for an order's deletion.
func (c *client) remove(ctx context.Context, order string) (apiclient.Object, error) {
	return c.send(ctx, c.orderRequest(http.MethodDelete, order))
}

// orderRequest addresses one order. The order is escaped in the path and
// hashed as it is, so that a server that reads the path differently finds
// another checksum, not another order.
func (c *client) orderRequest(method, order string) apiclient.Request {
	return apiclient.Request{
		Method: method,
		Path:   ordersPath + "/" + url.PathEscape(order),
		Query: "merchant=" + url.QueryEscape(c.merchant) +
			"&checksum=" + orderChecksum(order, c.merchant, c.fixedHash),
	}
}

// An orderRequest is the body of a registration or an update, with the names
// and JSON types of Payvalida's own sample: only country is a number.
type orderRequest struct {
	Merchant        string      `json:"merchant"`
	Email           string      `json:"email"`
	Country         json.Number `json:"country"`
	Order           string      `json:"order"`
	Reference       string      `json:"reference,omitempty"`
	Money           string      `json:"money"`
	Amount          string      `json:"amount"`
	Description     string      `json:"description,omitempty"`
	Method          string      `json:"method,omitempty"`
	Language        string      `json:"language,omitempty"`
	Recurrent       bool        `json:"recurrent,omitempty"`
	Expiration      string      `json:"expiration,omitempty"`
	IVA             string      `json:"iva,omitempty"`
	UserDI          string      `json:"user_di,omitempty"`
	UserTypeDI      string      `json:"user_type_di,omitempty"`
	UserName        string      `json:"user_name,omitempty"`
	RedirectTimeout string      `json:"redirect_timeout,omitempty"`
	Checksum        string      `json:"checksum"`
}

// write sends an order's terms: POST registers it, PATCH updates it.
func (c *client) write(ctx context.Context, method string, t orderRequest) (apiclient.Object, error) {
	t.Merchant = c.merchant
	t.Checksum = termsChecksum(t, c.fixedHash)
	body, err := json.Marshal(t)
	if err != nil {
		return nil, sdk.Refused("bad_terms", "the order's terms can't be written as JSON; nothing was sent")
	}
	return c.send(ctx, apiclient.Request{
		Method: method,
		Path:   ordersPath,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   body,
	})
}

// send makes one request and returns the DATA of an answer that says OK.
func (c *client) send(ctx context.Context, r apiclient.Request) (apiclient.Object, error) {
	response, err := c.api.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	return decodeAnswer(response)
}

// confirm holds an answer to a mutation against what it has to confirm: that
// the operation was the one that was asked for, on the order that was named.
func confirm(asked, order, wanted, operation string, result any) error {
	switch {
	case order == "" || operation == "":
		return sdk.Unknown("unconfirmed", "the answer says OK and names no order or no operation")
	case order != asked:
		return sdk.Incident(result, "the API answered for another order than the one it was asked about")
	case operation != wanted:
		return sdk.Unknown("unconfirmed", "the answer says OK and names another operation than "+wanted)
	}
	return nil
}

// checkOrder refuses order numbers that can't be a path segment or that come
// from a slip in a list. Payvalida's own rule, letters and digits, isn't
// enforced: its samples break it.
func checkOrder(order string) error {
	switch {
	case order == "." || order == "..":
		return fmt.Errorf("order is %q, which a URL's path can't carry", order)
	case !utf8.ValidString(order) || strings.ContainsFunc(order, unicode.IsControl):
		return fmt.Errorf("order has a character that can't be printed")
	case strings.TrimSpace(order) != order:
		return fmt.Errorf("order begins or ends with a space: take it out of the list, or trim it in the operation")
	}
	return nil
}
