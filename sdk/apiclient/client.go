package apiclient

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/internal/permit"
)

// Options say where the API is and what its client may use. Size it by the
// [sdk.Setup] that Configure gets.
type Options struct {
	Endpoint    string        // https://host/base; http:// only for this machine
	MaxInFlight int           // requests at once; 0 is 16
	Timeout     time.Duration // of one request, where its context ends no sooner; 0 is 30 seconds
	MaxBody     int64         // bytes of an answer that are read; 0 is 1 MiB
	UserAgent   string        // "" is "runner-provider"
}

// A Client makes requests to one endpoint. It may be used by many goroutines.
// An API with a second host, as for its tokens, has a second client.
type Client struct {
	scheme, host, base string
	timeout            time.Duration
	maxBody            int64
	userAgent          string
	bare               http.Header // what a request without headers of its own sends
	transport          *http.Transport
}

// New returns a client for the endpoint. It uses no network.
func New(o Options) (*Client, error) {
	u, loopback, err := parseEndpoint(o.Endpoint)
	if err != nil {
		return nil, err
	}
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = 16
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 1 << 20
	}
	if o.UserAgent == "" {
		o.UserAgent = "runner-provider"
	}
	return &Client{
		scheme: u.Scheme, host: u.Host, base: trimSlash(u.EscapedPath()),
		timeout: o.Timeout, maxBody: o.MaxBody, userAgent: o.UserAgent,
		bare:      http.Header{"User-Agent": {o.UserAgent}},
		transport: newTransport(loopback, o.MaxInFlight),
	}, nil
}

// A Request is one request to be made.
type Request struct {
	Method string
	Path   string // below the endpoint; begins with a slash, already escaped; "" is the endpoint itself
	Query  string // already encoded, without its question mark
	Header http.Header
	Body   []byte // nil for none
}

// A Response is an answer of the API, read to its end. Its status may be
// anything but 429: redirects are not followed, and what a 3xx or a 5xx means
// is for the provider to say (see [Response.Unexpected]).
type Response struct {
	Status  int
	Header  http.Header
	Body    []byte
	Latency time.Duration // from the first byte written to the last one read
}

// Unexpected is the error for an answer that the provider has no rule for: it
// proves nothing, so the outcome is unknown. That holds for a redirect too,
// and for a 503 with Retry-After.
func (r *Response) Unexpected() error {
	code := "http_" + string([]byte{byte('0' + r.Status/100%10), byte('0' + r.Status/10%10), byte('0' + r.Status%10)})
	return sdk.Unknown(code, "the API gave an answer that tells nothing about the effect")
}

// Do makes one request, on the wire once or never. Its error is always an
// [sdk.Failure]: not sent, unknown, or throttled where the API answered 429.
// Where the context comes from the runner, the request leaves before the
// moment that the runner allows, or not at all.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	p := permit.From(ctx)
	if p.Expired(time.Now()) {
		return nil, notSent("permit_expired", errExpired)
	}
	if !wellFormed(r.Path, r.Query) {
		return nil, malformed()
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	header := c.bare
	if r.Header != nil {
		header = r.Header
		if _, ok := header["User-Agent"]; !ok {
			header = maps.Clone(r.Header)
			header["User-Agent"] = c.bare["User-Agent"]
		}
	}
	req := &http.Request{
		Method: r.Method, Header: header, Host: c.host,
		// Opaque is written as it stands, so the path is neither parsed nor
		// escaped a second time.
		URL:   &url.URL{Scheme: c.scheme, Host: c.host, Opaque: c.base + r.Path, RawQuery: r.Query},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if len(r.Body) > 0 {
		// Of types that net/http knows to be in memory: else it flushes the
		// header by itself and a request is two packets.
		req.Body = io.NopCloser(bytes.NewReader(r.Body))
		req.ContentLength = int64(len(r.Body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil }
	}

	resp, sentAt, err := c.send(ctx, cancel, p, req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	content, err := readBody(resp, c.maxBody)
	if resp.StatusCode == http.StatusTooManyRequests {
		return nil, throttled(resp.Header)
	}
	if err != nil {
		return nil, broken(ctx, err)
	}
	return &Response{resp.StatusCode, resp.Header, content, time.Since(sentAt)}, nil
}

// send carries a request out under the rules of a flight.
func (c *Client) send(ctx context.Context, cancel context.CancelFunc, p *permit.Permit, req *http.Request) (*http.Response, time.Time, error) {
	for tries := 1; ; tries++ {
		f := &flight{permit: p, cancel: cancel}
		resp, err := f.fly(ctx, c.transport, req)
		written := f.land()
		switch {
		case err == nil:
			return resp, f.sentAt, nil
		case f.expired.Load():
			return nil, f.sentAt, notSent("permit_expired", errExpired)
		case f.repeated.Load():
			return nil, f.sentAt, broken(context.WithoutCancel(ctx), errRepeat)
		case written:
			return nil, f.sentAt, broken(ctx, err)
		// Idle connections that the server had closed: nothing was written,
		// so another may be tried. The transport does that for some requests
		// and not for others.
		case f.reused && tries <= c.transport.MaxIdleConnsPerHost && ctx.Err() == nil && rewind(&req):
		default:
			return nil, f.sentAt, unsent(ctx, req, err)
		}
	}
}

// rewind makes a request ready to be tried once more, where that can be.
func rewind(req **http.Request) bool {
	if (*req).Body == nil || (*req).Body == http.NoBody {
		return true
	}
	if (*req).GetBody == nil {
		return false
	}
	fresh, err := (*req).GetBody()
	if err != nil {
		return false
	}
	again := **req
	again.Body = fresh
	*req = &again
	return true
}

// Close closes idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// readBody reads an answer to its end, or to the limit.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	switch {
	case resp.Body == http.NoBody: // also of HEAD, whatever length it names
		return nil, nil
	case resp.ContentLength > limit:
		return nil, errTooLarge
	case resp.ContentLength > 0:
		b := make([]byte, resp.ContentLength)
		_, err := io.ReadFull(resp.Body, b)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return b, err
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = errTooLarge
	}
	return b, err
}

var errTooLarge = errors.New("the answer is too large")
