//go:build linux

package torture

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/fakeprovider"
)

const token = "t0ken-4f1c9"

// An arrival is one request as it came to the API.
type arrival struct {
	at     time.Time
	method string
	thing  string // its id
	key    string // its idempotency key
}

// An api is the fake provider's simulator, watched. What its ledger says is
// the truth.
type api struct {
	url        string
	simulation sdk.Simulation

	mu          sync.Mutex
	arrivals    []arrival
	connections map[net.Conn]bool

	// answer, where it is set, answers instead of the simulation, or returns
	// false to leave it to it.
	answer func(w http.ResponseWriter, r *http.Request, a arrival) bool
}

func newAPI(t testing.TB) *api {
	t.Helper()
	a := &api{simulation: fakeprovider.Provider().Simulator.New(fakeprovider.Config{Token: token}), connections: map[net.Conn]bool{}}
	s := httptest.NewUnstartedServer(a)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		a.mu.Lock()
		defer a.mu.Unlock()
		switch state {
		case http.StateNew:
			a.connections[c] = true
		case http.StateClosed, http.StateHijacked:
			delete(a.connections, c)
		}
	}
	s.Start()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	a.url = s.URL
	return a
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	came := arrival{at: time.Now(), method: r.Method, key: r.Header.Get("Idempotency-Key")}
	if len(parts) > 1 {
		came.thing = parts[1]
	}
	a.mu.Lock()
	a.arrivals = append(a.arrivals, came)
	a.mu.Unlock()
	if a.answer != nil && a.answer(w, r, came) {
		return
	}
	a.simulation.ServeHTTP(w, r)
}

// set turns a fault.
func (a *api) set(t testing.TB, fault, value string) {
	t.Helper()
	must(t, a.simulation.Set(fault, value))
}

func (a *api) seed(t testing.TB, id, state string) {
	t.Helper()
	arguments, err := json.Marshal(map[string]string{"id": id})
	must(t, err)
	must(t, a.simulation.Seed("cancel", arguments, state))
}

// came returns the arrivals until now.
func (a *api) came() []arrival {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]arrival(nil), a.arrivals...)
}

// worst is the largest number of arrivals within any second.
func worst(arrivals []arrival) int {
	most, from := 0, 0
	for to := range arrivals {
		for arrivals[to].at.Sub(arrivals[from].at) >= time.Second {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

// patience is how long is waited for what comes soon, on a machine that has
// other things to do.
const patience = 2 * time.Minute

// eventually waits until something holds.
func eventually(t testing.TB, within time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %s still not: %s", within, what)
		}
	}
}
