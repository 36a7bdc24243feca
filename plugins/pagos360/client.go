package main

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// A resource is one kind of thing at the API: its path, and the key that a
// request's body is wrapped in. Answers are not wrapped.
//
// Every kind has ids of its own, plain integers all of them, so that the id of
// an adhesion may well be that of somebody else's debit.
type resource struct{ path, root string }

var (
	cardDebits    = resource{"/card-debit-request", "card_debit_request"}
	debits        = resource{"/debit-request", "debit_request"}
	cardAdhesions = resource{"/card-adhesion", "card_adhesion"}
	adhesions     = resource{"/adhesion", "adhesion"}
)

// A client speaks to one account of Pagos360.
type client struct {
	api        *apiclient.Client
	bare, json http.Header
}

// read asks for one thing. Its errors never put anything in doubt: a read that
// brought nothing to rely on has changed nothing and may be made again.
func (c *client) read(ctx context.Context, r resource, id string) (apiclient.Object, error) {
	data, err := c.send(ctx, apiclient.Request{Method: http.MethodGet, Path: r.path + "/" + id, Header: c.bare})
	return data, harmless(err)
}

// harmless makes a doubt of a request that changes nothing into a later try.
func harmless(err error) error {
	if f := sdk.AsFailure(err); f != nil && f.Outcome == sdk.OutcomeUnknown {
		return &sdk.Failure{Outcome: sdk.OutcomeNotNow, Code: f.Code, Reason: f.Reason, Err: f}
	}
	return err
}

// cancel asks for a cancellation, which has no body.
//
// What the API answers to a cancellation that it refuses isn't documented,
// neither the status nor the body, and the second of two cancellations may be
// refused because the first one worked. So 400 decides nothing here, and a
// read does.
func (c *client) cancel(ctx context.Context, r resource, id string) (apiclient.Object, error) {
	data, err := c.send(ctx, apiclient.Request{Method: http.MethodPut, Path: r.path + "/" + id + "/cancel", Header: c.bare})
	if f := sdk.AsFailure(err); f != nil && f.Code == codeInvalid {
		return nil, sdk.Unknown(f.Code, "the API refused the cancellation, as it may refuse one that has worked before")
	}
	return data, err
}

// create makes a thing.
func (c *client) create(ctx context.Context, r resource, fields any) (apiclient.Object, error) {
	body, err := json.Marshal(map[string]any{r.root: fields})
	if err != nil {
		return nil, sdk.Refused("bad_arguments", "the arguments can't be written as JSON; nothing was sent")
	}
	return c.send(ctx, apiclient.Request{Method: http.MethodPost, Path: r.path, Header: c.json, Body: body})
}

// list asks for a page.
func (c *client) list(ctx context.Context, r resource, query string) (apiclient.Object, error) {
	data, err := c.send(ctx, apiclient.Request{Method: http.MethodGet, Path: r.path, Query: query, Header: c.bare})
	return data, harmless(err)
}

// send makes one request and returns the object of an answer that says that it
// was carried out. POST should answer 201 and is seen to answer 200.
func (c *client) send(ctx context.Context, r apiclient.Request) (apiclient.Object, error) {
	response, err := c.api.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	if response.Status != http.StatusOK && !(r.Method == http.MethodPost && response.Status == http.StatusCreated) {
		return nil, failure(response.Status, response.Body)
	}
	return response.Object()
}
