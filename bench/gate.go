package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// A gate stands before a simulator and notes when requests arrive.
type gate struct {
	*httptest.Server
	mu    sync.Mutex
	times []time.Time
}

func newGate(endpoint string) (*gate, error) {
	to, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: &http.Transport{MaxIdleConnsPerHost: inFlight},
		ErrorLog:  log.New(io.Discard, "", 0), // whoever was killed wants no answer
	}
	g := &gate{}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		g.mu.Lock()
		g.times = append(g.times, now)
		g.mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	return g, nil
}

// came are the times of the requests so far.
func (g *gate) came() []time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.times
}
