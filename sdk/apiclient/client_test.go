package apiclient

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/internal/permit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// raw answers every connection with the given bytes after one read, and ends
// it. An empty answer hangs up; nil waits for the client to.
func raw(t *testing.T, answer []byte) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b := make([]byte, 64<<10)
				c.Read(b)
				if answer == nil {
					io.Copy(io.Discard, c)
					return
				}
				c.Write(answer)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// closed is an address that nobody listens on.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	answers := func(s string) func(*testing.T) string {
		return func(t *testing.T) string { return raw(t, []byte(s)) }
	}
	untrusted := func(t *testing.T) string {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.Config.ErrorLog = nil
		s.StartTLS()
		t.Cleanup(s.Close)
		return s.URL
	}
	tests := map[string]struct {
		endpoint func(*testing.T) string
		request  Request
		timeout  time.Duration
		want     string // outcome and code
		wrote    int
	}{
		"answered":       {endpoint: answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), want: "200", wrote: 1},
		"no body":        {endpoint: answers("HTTP/1.1 204 No Content\r\n\r\n"), want: "204", wrote: 1},
		"until closed":   {endpoint: answers("HTTP/1.1 200 OK\r\n\r\n{}"), want: "200", wrote: 1},
		"server error":   {endpoint: answers("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"), want: "500", wrote: 1},
		"unavailable":    {endpoint: answers("HTTP/1.1 503 No\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"), want: "503", wrote: 1},
		"redirect":       {endpoint: answers("HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"), want: "307", wrote: 1},
		"throttled":      {endpoint: answers("HTTP/1.1 429 Slow\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n"), want: "throttled 429", wrote: 1},
		"nobody listens": {endpoint: closed, want: "not_sent connect"},
		"no such name":   {endpoint: func(*testing.T) string { return "https://name.invalid" }, want: "not_sent dns"},
		"untrusted":      {endpoint: untrusted, want: "not_sent tls"},
		"not TLS": {endpoint: func(t *testing.T) string {
			return "https" + strings.TrimPrefix(raw(t, []byte("hello, this is no TLS")), "http")
		}, want: "not_sent tls"},
		"link-local":          {endpoint: func(*testing.T) string { return "https://169.254.169.254" }, want: "not_sent address_refused"},
		"path with space":     {endpoint: closed, request: Request{Path: "/a b"}, want: "refused malformed_request"},
		"path with query":     {endpoint: closed, request: Request{Path: "/a?b"}, want: "refused malformed_request"},
		"path with host":      {endpoint: closed, request: Request{Path: "//evil.example/"}, want: "refused malformed_request"},
		"header of two lines": {endpoint: closed, request: Request{Path: "/", Header: http.Header{"X": {"a\r\nB: c"}}}, want: "refused malformed_request"},
		"hangs up":            {endpoint: answers(""), want: "unknown connection_lost", wrote: 1},
		"never answers":       {endpoint: func(t *testing.T) string { return raw(t, nil) }, timeout: time.Second, want: "unknown timeout", wrote: 1},
		"not HTTP":            {endpoint: answers("nonsense\r\n\r\n"), want: "unknown no_answer", wrote: 1},
		"half an answer":      {endpoint: answers("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"), want: "unknown truncated", wrote: 1},
		"half a chunk":        {endpoint: answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"), want: "unknown truncated", wrote: 1},
		"none of the answer":  {endpoint: answers("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"), want: "unknown truncated", wrote: 1},
		"too large, and says": {endpoint: answers("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{"), want: "unknown body_too_large", wrote: 1},
		"too large":           {endpoint: answers("HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 2000)), want: "unknown body_too_large", wrote: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := New(Options{Endpoint: tt.endpoint(t), Timeout: tt.timeout, MaxBody: 1000})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if tt.request.Method = "POST"; tt.request.Path == "" {
				tt.request.Path, tt.request.Query = "/secret-path", "checksum=secret-sum"
				tt.request.Header, tt.request.Body = http.Header{"X-Key": {"secret-key"}}, []byte("secret-body")
			}
			p := permit.New(time.Time{}, "")
			r, err := c.Do(permit.With(t.Context(), p), tt.request)
			got := ""
			if err == nil {
				got = string([]byte{byte('0' + r.Status/100), byte('0' + r.Status/10%10), byte('0' + r.Status%10)})
			} else {
				f, ok := errors.AsType[*sdk.Failure](err)
				if !ok {
					t.Fatalf("%T is no failure", err)
				}
				got = f.Outcome.String() + " " + f.Code
				if s := err.Error() + f.Reason; strings.Contains(s, "secret") || strings.Contains(s, "127.0.0.1") || f.Reason == "" {
					t.Errorf("error says %q", s)
				}
			}
			if got != tt.want {
				t.Errorf("got %s, want %s (%v)", got, tt.want, errors.Unwrap(err))
			}
			if p.Requests() != tt.wrote {
				t.Errorf("recorded %d requests, want %d", p.Requests(), tt.wrote)
			}
		})
	}
}

func TestRequestAsWritten(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
		w.Header().Set("X-Answer", "yes")
		io.WriteString(w, "fine")
	}))
	defer s.Close()
	c := newClient(t, s.URL+"/v1/")
	h := http.Header{"X-Key": {"k"}}
	r, err := c.Do(t.Context(), Request{Method: "PUT", Path: "/orders/a%2Fb", Query: "q=1%202", Header: h, Body: []byte("content")})
	if err != nil {
		t.Fatal(err)
	}
	if got.RequestURI != "/v1/orders/a%2Fb?q=1%202" || got.Method != "PUT" || body != "content" || got.ContentLength != 7 ||
		got.Header.Get("X-Key") != "k" || got.UserAgent() != "runner-provider" || got.Header.Get("Accept-Encoding") != "" {
		t.Errorf("server saw %s %s %q %v", got.Method, got.RequestURI, body, got.Header)
	}
	if r.Status != 200 || string(r.Body) != "fine" || r.Header.Get("X-Answer") != "yes" || r.Latency <= 0 {
		t.Errorf("answer %+v", r)
	}
	if len(h) != 1 {
		t.Error("the caller's header was changed")
	}
	if _, err = c.Do(t.Context(), Request{Method: "DELETE"}); err != nil || got.RequestURI != "/v1" {
		t.Errorf("%v, %s", err, got.RequestURI)
	}
	if r, err = c.Do(t.Context(), Request{Method: "HEAD", Path: "/"}); err != nil || len(r.Body) != 0 {
		t.Errorf("HEAD: %v", err)
	}
}

func TestTLSReusesOneConnection(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 1 {
			t.Errorf("protocol %s", r.Proto)
		}
		io.WriteString(w, strings.Repeat("x", 5000))
	}))
	s.EnableHTTP2 = true
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.StartTLS()
	defer s.Close()
	c := newClient(t, s.URL)
	c.transport.TLSClientConfig.RootCAs = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for range 5 {
		p := permit.New(time.Now().Add(time.Minute), "")
		if _, err := c.Do(permit.With(t.Context(), p), Request{Method: "GET", Path: "/"}); err != nil {
			t.Fatal(err)
		}
		if p.Requests() != 1 {
			t.Errorf("recorded %d requests", p.Requests())
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for 5 requests", n)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	c := newClient(t, raw(t, nil))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Do(ctx, Request{Method: "POST", Path: "/"})
	if f := sdk.AsFailure(err); f.Outcome != sdk.OutcomeNotSent || f.Code != "cancelled" || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestIdleConnectionClosed: a server that closed an idle connection is no
// reason to give up, as nothing was written.
func TestIdleConnectionClosed(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	c := newClient(t, s.URL)
	for range 20 {
		p := permit.New(time.Time{}, "")
		_, err := c.Do(permit.With(t.Context(), p), Request{Method: "POST", Path: "/", Body: []byte("{}")})
		if f := sdk.AsFailure(err); f != nil && (f.Outcome != sdk.OutcomeUnknown || p.Requests() != 1) {
			t.Fatalf("%v, recorded %d", err, p.Requests())
		}
		s.CloseClientConnections()
	}
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		case "/throttled":
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(http.StatusTooManyRequests)
		case "/large":
			io.WriteString(w, strings.Repeat("x", 2000))
		default:
			io.WriteString(w, r.UserAgent())
		}
	}))
	defer s.Close()
	c, err := New(Options{Endpoint: s.URL, MaxBody: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	get := func(url string) (int, string, error) {
		resp, err := c.HTTP().Get(url)
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b), err
	}
	if n, b, err := get(s.URL + "/plain"); n != 200 || b != "runner-provider" || err != nil {
		t.Errorf("%d %q %v", n, b, err)
	}
	if n, _, err := get(s.URL + "/redirect"); n != 307 || err != nil {
		t.Errorf("a redirect gave %d %v", n, err)
	}
	if _, _, err := get(s.URL + "/throttled"); sdk.AsFailure(err).Outcome != sdk.OutcomeThrottled || sdk.AsFailure(err).After != 3*time.Second {
		t.Errorf("429 gave %v", err)
	}
	if _, b, err := get(s.URL + "/large"); sdk.AsFailure(err).Code != "body_too_large" || len(b) != 1000 {
		t.Errorf("a large answer gave %d bytes and %v", len(b), err)
	}
	if _, _, err := get("http://127.0.0.1:1/other"); sdk.AsFailure(err).Code != "other_origin" || !sdk.AsFailure(err).NoEffect {
		t.Errorf("another origin gave %v", err)
	}
}
