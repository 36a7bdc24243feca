package apiclient

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/bulkrunner/runner/sdk/internal/permit"
)

var (
	errExpired = errors.New("the moment before which the request had to leave has passed")
	errRepeat  = errors.New("a request is written once")
)

// A flight is one request on its way to the wire. The connection asks it
// before the first byte is written, which is the only moment at which "not
// yet sent" and "in time" are facts rather than guesses: httptrace's hooks run
// before a buffer is flushed or after, and the transport may choose another
// connection in between.
//
// The transport repeats a request when a reused connection breaks, if the
// method is GET, HEAD, OPTIONS or TRACE or an Idempotency-Key header is there,
// even though bytes have left. A flight belongs to the first connection that
// writes for it, so the repetition finds its connection refusing. Taking away
// GetBody alone would leave requests without a body, and would also forbid
// the harmless repetition where nothing was written.
type flight struct {
	trace    httptrace.ClientTrace
	permit   *permit.Permit
	cancel   context.CancelFunc
	on       atomic.Pointer[conn] // the connection that writes; nil before, sealed after
	sentAt   time.Time            // written before on is set, read after it was seen
	expired  atomic.Bool
	repeated atomic.Bool // the transport tried to
	reused   bool        // the connection was
}

// sealed stands for a connection where a flight has none and may get none.
var sealed = &conn{}

// unguarded stands for a connection that is not ours. It can't be, as every
// dial is ours; if it is, the request counts as written.
var unguarded = &conn{}

// fly gives the request to the transport.
func (f *flight) fly(ctx context.Context, t *http.Transport, req *http.Request) (*http.Response, error) {
	f.trace.GetConn, f.trace.GotConn = f.getConn, f.gotConn
	attempt := req.WithContext(httptrace.WithClientTrace(ctx, &f.trace))
	if get := req.GetBody; get != nil {
		attempt.GetBody = func() (io.ReadCloser, error) {
			if f.on.Load() != nil {
				return nil, errRepeat
			}
			return get()
		}
	}
	return t.RoundTrip(attempt)
}

// getConn is called for each attempt of the transport. It stops a repetition
// before it costs a connection; begin would refuse it anyway.
func (f *flight) getConn(string) {
	if f.on.Load() != nil {
		f.repeated.Store(true)
		f.cancel()
	}
}

// gotConn ties the flight to the connection that the transport chose.
func (f *flight) gotConn(info httptrace.GotConnInfo) {
	f.reused = info.Reused
	c := info.Conn
	for {
		switch t := c.(type) {
		case *conn:
			t.flight.Store(f)
			return
		case interface{ NetConn() net.Conn }:
			c = t.NetConn()
		default:
			f.sentAt = time.Now()
			f.on.CompareAndSwap(nil, unguarded)
			return
		}
	}
}

// begin is asked by a connection that has bytes to write. It tells whether
// they are the flight's first.
func (f *flight) begin(c *conn) (first bool, err error) {
	switch f.on.Load() {
	case c:
		return false, nil
	case nil:
	default:
		return false, errRepeat
	}
	now := time.Now()
	if f.permit.Expired(now) {
		f.expired.Store(true)
		// Else the transport tries one idle connection after the other and
		// breaks them all.
		f.cancel()
		return false, errExpired
	}
	f.sentAt = now
	if !f.on.CompareAndSwap(nil, c) {
		return false, errRepeat
	}
	return true, nil
}

// retract takes back a begin: the system took no byte of the first write.
func (f *flight) retract(c *conn) { f.on.CompareAndSwap(c, nil) }

// land ends the flight. It tells whether anything may have been written, and
// from here on nothing more will be.
func (f *flight) land() bool {
	if f.on.CompareAndSwap(nil, sealed) {
		return false
	}
	f.permit.Wrote(f.sentAt)
	return true
}

// A conn is a connection that writes only for a flight that may.
type conn struct {
	net.Conn
	flight atomic.Pointer[flight]
}

func (c *conn) Write(b []byte) (int, error) {
	f := c.flight.Load()
	if f == nil { // a TLS handshake or a proxy's CONNECT
		return c.Conn.Write(b)
	}
	first, err := f.begin(c)
	if err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(b)
	if first && n == 0 && err != nil {
		f.retract(c)
	}
	return n, err
}
