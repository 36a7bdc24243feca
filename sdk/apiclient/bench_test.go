package apiclient

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/bulkrunner/runner/sdk/internal/permit"
)

// What the flight costs: compare the two.
func BenchmarkClient(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"ok":true}`) }))
	defer s.Close()
	h := http.Header{"X-Key": {"k"}}
	b.Run("bare", func(b *testing.B) {
		c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: 30 * time.Second}
		defer c.CloseIdleConnections()
		b.ReportAllocs()
		for b.Loop() {
			req, _ := http.NewRequestWithContext(b.Context(), "DELETE", s.URL+"/orders/1", nil)
			req.Header = h
			resp, err := c.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			io.ReadAll(resp.Body)
			resp.Body.Close()
		}
	})
	b.Run("apiclient", func(b *testing.B) {
		c, err := New(Options{Endpoint: s.URL})
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		b.ReportAllocs()
		for b.Loop() {
			ctx := permit.With(b.Context(), permit.New(time.Now().Add(time.Minute), "key"))
			if _, err := c.Do(ctx, Request{Method: "DELETE", Path: "/orders/1", Header: h}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
