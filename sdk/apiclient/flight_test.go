package apiclient

import (
	"errors"
	"net"
	"net/http/httptrace"
	"testing"
	"time"

	"github.com/bulkrunner/runner/sdk/internal/permit"
)

// A script is a connection whose writes end as it says.
type script struct {
	net.Conn
	writes []write
}

type write struct {
	n   int
	err error
}

func (s *script) Write([]byte) (int, error) {
	w := s.writes[0]
	s.writes = s.writes[1:]
	return w.n, w.err
}

// TestWritten: what the system took decides, and the first byte that it took
// decides for good.
func TestWritten(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	tests := map[string]struct {
		writes []write
		want   bool
	}{
		"nothing":              {nil, false},
		"all":                  {[]write{{5, nil}}, true},
		"refused":              {[]write{{0, broken}}, false},
		"some":                 {[]write{{3, broken}}, true},
		"header, then refused": {[]write{{5, nil}, {0, broken}}, true},
		"refused, then taken":  {[]write{{0, broken}, {5, nil}}, true},
	}
	for name, tt := range tests {
		c := &conn{Conn: &script{writes: tt.writes}}
		p := permit.New(time.Time{}, "")
		f := &flight{permit: p, cancel: func() {}}
		f.gotConn(httptrace.GotConnInfo{Conn: c})
		for range tt.writes {
			c.Write([]byte("12345"))
		}
		if got := f.land(); got != tt.want || p.Requests() > 0 != tt.want {
			t.Errorf("%s: written %v, recorded %d", name, got, p.Requests())
		}
	}
}

// TestLanded: after the outcome is known no byte leaves any more.
func TestLanded(t *testing.T) {
	t.Parallel()
	c := &conn{Conn: &script{}}
	f := &flight{cancel: func() {}}
	f.gotConn(httptrace.GotConnInfo{Conn: c})
	if f.land() {
		t.Fatal("nothing was written")
	}
	if _, err := c.Write([]byte("late")); !errors.Is(err, errRepeat) {
		t.Errorf("a late write gave %v", err)
	}
}

// TestForeignConnection: a connection that can't be watched counts as written.
func TestForeignConnection(t *testing.T) {
	t.Parallel()
	f := &flight{cancel: func() {}}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	f.gotConn(httptrace.GotConnInfo{Conn: a})
	if !f.land() {
		t.Error("nobody watched, so nobody can say that nothing was written")
	}
}
