package apiclient

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/internal/permit"
)

// A dropper answers the first request of the first connections and reads the
// next one whole before it hangs up: the server that did the work and lost the
// answer. It counts every request that reached it.
type dropper struct {
	listener net.Listener
	requests atomic.Int64
	bytes    atomic.Int64
	warming  sync.WaitGroup // first requests that are answered together, so that each has a connection
	cold     atomic.Int64
}

func newDropper(t *testing.T) *dropper {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &dropper{listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go d.serve(c)
		}
	}()
	return d
}

func (d *dropper) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(io.TeeReader(c, counter{&d.bytes}))
	for n := range 2 {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		d.requests.Add(1)
		if n == 0 {
			if d.cold.Add(-1) >= 0 {
				d.warming.Done()
			}
			d.warming.Wait()
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		}
	}
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) { c.n.Add(int64(len(p))); return len(p), nil }

func newClient(t *testing.T, endpoint string) *Client {
	t.Helper()
	c, err := New(Options{Endpoint: endpoint, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestOneOnTheWire is finding 1 of the faults: on a reused connection that
// breaks, net/http repeats reads, and anything with an idempotency key.
func TestOneOnTheWire(t *testing.T) {
	t.Parallel()
	via := map[string]func(*Client, context.Context, string, []byte, http.Header) error{
		"Do": func(c *Client, ctx context.Context, method string, body []byte, h http.Header) error {
			_, err := c.Do(ctx, Request{Method: method, Path: "/x", Header: h, Body: body})
			return err
		},
		"HTTP": func(c *Client, ctx context.Context, method string, body []byte, h http.Header) error {
			var r io.Reader
			if body != nil {
				r = bytes.NewReader(body) // for which http.NewRequest sets GetBody
			}
			req, err := http.NewRequestWithContext(ctx, method, "http://"+c.host+"/x", r)
			if err != nil {
				return err
			}
			req.Header = h.Clone()
			resp, err := c.HTTP().Do(req)
			if err == nil {
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			return err
		},
	}
	cases := 0
	for name, do := range via {
		for _, method := range []string{"GET", "DELETE", "PUT", "POST", "PATCH"} {
			for _, body := range [][]byte{nil, []byte(`{"amount":"1.00"}`)} {
				for _, key := range []string{"", "Idempotency-Key", "X-Idempotency-Key"} {
					cases++
					t.Run(name+" "+method+" "+key+" "+string(body), func(t *testing.T) {
						t.Parallel()
						d := newDropper(t)
						c := newClient(t, "http://"+d.listener.Addr().String())
						h := http.Header{}
						if key != "" {
							h.Set(key, "k")
						}
						// Several warm connections, for a repetition to go to.
						d.warm(t, c, 3)
						before := d.requests.Load()
						p := permit.New(time.Time{}, "k")
						err := do(c, permit.With(t.Context(), p), method, body, h)
						f := sdk.AsFailure(err)
						if f == nil || f.Outcome != sdk.OutcomeUnknown || f.Code != "connection_lost" {
							t.Errorf("outcome %v, want unknown (connection_lost)", err)
						}
						if n := d.requests.Load() - before; n != 1 {
							t.Errorf("%d requests on the wire, want 1", n)
						}
						if p.Requests() != 1 || p.SentAt() == 0 {
							t.Errorf("recorded %d requests at %d", p.Requests(), p.SentAt())
						}
					})
				}
			}
		}
	}
	if cases == 0 {
		t.Fatal("no cases")
	}
}

// warm leaves n idle connections behind, each of which will break at its next
// request.
func (d *dropper) warm(t *testing.T, c *Client, n int) {
	t.Helper()
	d.warming.Add(n)
	d.cold.Store(int64(n))
	errs := make(chan error, n)
	for range n {
		go func() {
			_, err := c.Do(context.Background(), Request{Method: "GET", Path: "/warm"})
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}

// TestPlainTransportRepeats keeps the test above honest: without the flight
// the same server sees the request twice.
func TestPlainTransportRepeats(t *testing.T) {
	t.Parallel()
	d := newDropper(t)
	plain := &http.Client{Transport: &http.Transport{}}
	defer plain.CloseIdleConnections()
	for range 2 {
		req, _ := http.NewRequest("POST", "http://"+d.listener.Addr().String(), bytes.NewReader([]byte("{}")))
		req.Header.Set("Idempotency-Key", "k")
		resp, err := plain.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if n := d.requests.Load(); n != 3 {
		t.Errorf("%d requests for 2, want the repetition that this package prevents", n)
	}
}
