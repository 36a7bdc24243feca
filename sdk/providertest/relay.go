package providertest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"syscall"
)

// A relay stands between the provider and the simulator. It passes on bytes,
// and the way a connection ends, as they are, and counts the requests itself:
// what a provider or a simulator says of their number is only their word.
type relay struct {
	Endpoint string

	listener net.Listener
	target   string
	working  sync.WaitGroup

	mu       sync.Mutex
	open     map[net.Conn]bool // from the provider
	dials    int
	requests int
	last     http.Header // of the last answer
}

func newRelay(endpoint string) (*relay, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("the simulator's endpoint: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen before the simulator: %w", err)
	}
	r := &relay{Endpoint: "http://" + l.Addr().String(), listener: l, target: u.Host, open: map[net.Conn]bool{}}
	r.working.Go(r.accept)
	return r, nil
}

func (r *relay) accept() {
	for {
		c, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		r.dials++
		r.open[c] = true
		r.mu.Unlock()
		r.working.Go(func() { r.pass(c) })
	}
}

// pass carries one connection.
func (r *relay) pass(from net.Conn) {
	defer func() {
		_ = from.Close()
		r.mu.Lock()
		delete(r.open, from)
		r.mu.Unlock()
	}()
	to, err := net.Dial("tcp", r.target)
	if err != nil {
		return
	}
	defer to.Close()
	var both sync.WaitGroup
	both.Go(func() {
		tap(to, from, r.countRequests)
		_ = to.Close() // the provider's end is closed: it wants no answer any more
	})
	both.Go(func() {
		err := tap(from, to, r.readAnswers)
		if t, ok := from.(*net.TCPConn); ok && errors.Is(err, syscall.ECONNRESET) {
			_ = t.SetLinger(0)
		}
		_ = from.Close()
	})
	both.Wait()
}

// tap copies, and lets parse see all that was copied. It returns the error of
// the end that was read.
func tap(to io.Writer, from io.Reader, parse func(io.Reader)) error {
	read, write := io.Pipe()
	parsed := make(chan struct{})
	go func() {
		defer close(parsed)
		parse(read)
		_, _ = io.Copy(io.Discard, read)
	}()
	_, err := io.Copy(io.MultiWriter(write, to), from)
	_ = write.Close()
	<-parsed
	return err
}

func (r *relay) countRequests(from io.Reader) {
	for b := bufio.NewReader(from); ; {
		req, err := http.ReadRequest(b)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.requests++
		r.mu.Unlock()
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
	}
}

func (r *relay) readAnswers(from io.Reader) {
	for b := bufio.NewReader(from); ; {
		res, err := http.ReadResponse(b, nil)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.last = res.Header
		r.mu.Unlock()
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return
		}
	}
}

func (r *relay) count() (dials, requests, open int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dials, r.requests, len(r.open)
}

// retryAfter is what the last answer asked for.
func (r *relay) retryAfter() (value, date string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last.Get("Retry-After"), r.last.Get("Date")
}

// requested is how many requests there were on the wire.
func (r *relay) requested() int {
	_, n, _ := r.count()
	return n
}

// close refuses connections from now on and ends those there are.
func (r *relay) close() {
	_ = r.listener.Close()
	r.mu.Lock()
	for c := range r.open {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.working.Wait()
}

// refusing is an endpoint where nobody listens.
func refusing() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return "http://" + l.Addr().String(), nil
}
