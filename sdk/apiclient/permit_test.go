package apiclient

import (
	"context"
	"net"
	"net/http/httptrace"
	"testing"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/internal/permit"
)

// TestPermitExpires lets the moment pass at each station on the way to the
// wire. Not one byte may arrive.
func TestPermitExpires(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		warm  int
		stall func(c *Client, ctx context.Context, until time.Time) context.Context
	}{
		"before anything": {stall: func(_ *Client, ctx context.Context, until time.Time) context.Context {
			time.Sleep(time.Until(until))
			return ctx
		}},
		"while dialling": {stall: func(c *Client, ctx context.Context, until time.Time) context.Context {
			dial := c.transport.DialContext
			c.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				time.Sleep(time.Until(until))
				return dial(ctx, network, address)
			}
			return ctx
		}},
		"with an idle connection in hand": {warm: 3, stall: func(_ *Client, ctx context.Context, until time.Time) context.Context {
			return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
				GotConn: func(httptrace.GotConnInfo) { time.Sleep(time.Until(until)) },
			})
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDropper(t)
			c := newClient(t, "http://"+d.listener.Addr().String())
			if tt.warm > 0 {
				d.warm(t, c, tt.warm)
			}
			before := d.bytes.Load()
			until := time.Now().Add(30 * time.Millisecond)
			p := permit.New(until, "")
			ctx := tt.stall(c, permit.With(t.Context(), p), until)
			_, err := c.Do(ctx, Request{Method: "POST", Path: "/x", Body: []byte("{}")})
			f := sdk.AsFailure(err)
			if f == nil || f.Outcome != sdk.OutcomeNotSent || f.Code != "permit_expired" {
				t.Errorf("got %v, want not sent (permit_expired)", err)
			}
			c.Close()
			if n := d.bytes.Load() - before; n != 0 {
				t.Errorf("%d bytes reached the server", n)
			}
			if p.Requests() != 0 || p.SentAt() != 0 {
				t.Errorf("recorded %d requests", p.Requests())
			}
		})
	}
}

// TestPermitExpiredSparesConnections: an expired request must not use up the
// connections of the others.
func TestPermitExpiredSparesConnections(t *testing.T) {
	t.Parallel()
	d := newDropper(t)
	c := newClient(t, "http://"+d.listener.Addr().String())
	d.warm(t, c, 3)
	asked := 0
	until := time.Now().Add(time.Second) // time enough to find a connection
	ctx := httptrace.WithClientTrace(permit.With(t.Context(), permit.New(until, "")), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { asked++; time.Sleep(time.Until(until)) },
	})
	if _, err := c.Do(ctx, Request{Method: "GET", Path: "/x"}); sdk.AsFailure(err).Code != "permit_expired" {
		t.Fatal(err)
	}
	if asked != 1 {
		t.Errorf("the transport tried %d connections", asked)
	}
}
