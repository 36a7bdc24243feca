package apiclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/internal/permit"
)

// HTTP returns the client in the form that API libraries take. It keeps all
// of [Client.Do]'s rules: one request on the wire or none, no redirect, no
// other origin than the endpoint's, no late departure, bounded answers, and
// errors in which [sdk.AsFailure] finds the outcome. A 429 is an error here
// too, before the library can decide to try again. Give a library its own
// retries switched off all the same: each one would be a request that the
// runner did not pace. And pass it the operation's context, which carries the
// runner's permit: without it nothing is counted and nothing leaves in time.
func (c *Client) HTTP() *http.Client {
	return &http.Client{
		Transport:     roundTripper{c},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type roundTripper struct{ client *Client }

func (t roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	c := t.client
	if req.URL == nil || req.URL.Scheme != c.scheme || req.URL.Host != c.host {
		closeBody(req)
		return nil, sdk.FatalNoEffect("other_origin", "the request was for another host than the endpoint's and was not sent. This is a bug in the provider")
	}
	p := permit.From(req.Context())
	if p.Expired(time.Now()) {
		closeBody(req)
		return nil, notSent("permit_expired", errExpired)
	}
	ctx, cancel := context.WithTimeout(req.Context(), c.timeout)
	if req.Header.Get("User-Agent") == "" {
		req = req.Clone(ctx)
		req.Header.Set("User-Agent", c.userAgent)
	}
	resp, _, err := c.send(ctx, cancel, p, req)
	if err != nil {
		cancel()
		return nil, err
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
		_ = resp.Body.Close()
		cancel()
		return nil, throttled(resp.Header)
	}
	resp.Body = &answer{resp.Body, ctx, cancel, c.maxBody}
	return resp, nil
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// An answer is a body that ends at the limit and whose errors are outcomes.
type answer struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelFunc
	left   int64
}

func (a *answer) Read(p []byte) (int, error) {
	if int64(len(p)) > a.left+1 {
		p = p[:a.left+1]
	}
	n, err := a.ReadCloser.Read(p)
	if int64(n) > a.left {
		n, err = int(a.left), errTooLarge
	}
	a.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = broken(a.ctx, err)
	}
	return n, err
}

func (a *answer) Close() error {
	defer a.cancel()
	return a.ReadCloser.Close()
}
