package fakeprovider

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// A client speaks to the API, and misbehaves as it was told to.
type client struct {
	api   *apiclient.Client
	token string
	mood  mood
}

func (c *client) read(ctx context.Context, a target) (thing, error) {
	r, err := c.do(ctx, http.MethodGet, "/things/"+url.PathEscape(a.ID), nil)
	if err != nil {
		return thing{}, err
	}
	if r.Status == http.StatusNotFound {
		return thing{ID: a.ID, State: "absent"}, nil
	}
	t, err := understand[thing](r)
	switch {
	case err != nil:
	case t.ID != a.ID:
		err = sdk.Unknown("wrong_id", "the API answered for another thing than it was asked about")
	case t.State == "":
		err = sdk.Unknown("state_missing", "the answer doesn't say what state the thing is in")
	}
	return t, err
}

func (c *client) cancel(ctx context.Context, a target) (thing, error) {
	t, err := execute[thing](c, ctx, "/things/"+url.PathEscape(a.ID)+"/cancel", nil)
	switch {
	case err != nil:
		return t, err
	case t.ID != "" && t.ID != a.ID:
		return t, sdk.Fatal("wrong_id", "the API answered for another thing than it was asked about")
	case t.State == "cancelled":
		return t, nil
	case t.State == "refunded":
		return t, sdk.Incident(t, "the money was given back where the thing should have been cancelled")
	default:
		return t, sdk.Unknown("state_missing", "the answer doesn't say that the thing is cancelled")
	}
}

func (c *client) pay(ctx context.Context, a target) (thing, error) {
	t, err := execute[thing](c, ctx, "/things/"+url.PathEscape(a.ID)+"/pay", a)
	if err == nil && t.State != "paid" {
		err = sdk.Unknown("state_missing", "the answer doesn't say that the thing is paid")
	}
	return t, err
}

func (c *client) blind(ctx context.Context, a target) (thing, error) {
	return execute[thing](c, ctx, "/things/"+url.PathEscape(a.ID)+"/blind", nil)
}

func (c *client) note(ctx context.Context, a noteArgs) (noted, error) {
	return execute[noted](c, ctx, "/things/"+url.PathEscape(a.ID)+"/note", a)
}

// execute makes the one request of a mutation.
func execute[T any](c *client, ctx context.Context, path string, body any) (T, error) {
	var none T
	if err := c.mood.before(c.token); err != nil {
		return none, err
	}
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return none, sdk.Refused("unencodable", "the arguments can't be written as JSON")
		}
	}
	r, err := c.do(ctx, http.MethodPost, path, content)
	if e := c.mood.afterwards(); e != nil {
		return none, e
	}
	if err != nil {
		return none, err
	}
	return understand[T](r)
}

// request is one without a body, for things that no item stands behind.
func (c *client) request(method, path, query string) apiclient.Request {
	return apiclient.Request{Method: method, Path: path, Query: query, Header: http.Header{"Authorization": {"Bearer " + c.token}}}
}

func (c *client) do(ctx context.Context, method, path string, body []byte) (*apiclient.Response, error) {
	h := http.Header{"Authorization": {"Bearer " + c.token}}
	if k := sdk.IdempotencyKey(ctx); k != "" {
		h["Idempotency-Key"] = []string{k}
	}
	if body != nil {
		h["Content-Type"] = []string{"application/json"}
	}
	return c.api.Do(ctx, apiclient.Request{Method: method, Path: path, Header: h, Body: body})
}

// understand turns an answer into a value or an outcome.
func understand[T any](r *apiclient.Response) (T, error) {
	var v T
	switch r.Status {
	case http.StatusOK:
		if json.Unmarshal(r.Body, &v) != nil {
			return v, sdk.Unknown("not_json", "the API's answer is not JSON")
		}
		return v, nil
	case http.StatusUnauthorized:
		return v, sdk.Unauthenticated(nil)
	case http.StatusServiceUnavailable: // this API documents that a 503 did nothing
		after, _ := apiclient.ParseRetryAfter(r.Header, time.Now())
		return v, sdk.NotNow("503", "the API is resting", after)
	case http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity:
		var refusal struct{ Code, Message string }
		if json.Unmarshal(r.Body, &refusal) != nil || refusal.Code == "" {
			return v, r.Unexpected()
		}
		if refusal.Code == keyReused {
			return v, sdk.Incident(nil, "the API knows the item's key from a request with other arguments")
		}
		return v, sdk.Refused(refusal.Code, refusal.Message)
	default:
		return v, r.Unexpected()
	}
}
