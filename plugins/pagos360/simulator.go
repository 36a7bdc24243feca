package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bulkrunner/runner/sdk"
)

// A simulation is Pagos360's debit requests and adhesions in miniature, for
// one account.
//
// It keeps to what is documented or seen in public code: the bearer key, bodies
// wrapped in a root key and answers that aren't, statuses, states, ids of each
// kind's own, dates, floats, and lists that ignore filters they don't know and
// move while they are read. What nobody documents is a switch, see
// [simulatorFaults]. Webhooks are left out: a runner receives none.
type simulation struct {
	key string
	now func() time.Time

	faults   atomic.Pointer[faults]
	ceiling  ceiling
	requests atomic.Int64
	refused  atomic.Int64 // for their rate; every other one gets a date
	shapes   atomic.Int64 // refusals so far, whose bodies take turns

	things things
}

func newSimulation(c configuration) sdk.Simulation {
	s := &simulation{key: c.APIKey, now: time.Now}
	s.faults.Store(defaultFaults())
	s.things.known = map[thingID]*thing{}
	s.things.strays = map[thingID]uint32{}
	s.things.last = map[resource]int64{cardDebits: 4000, debits: 4000, cardAdhesions: 4000, adhesions: 4000}
	return s
}

// A request is one call of the API, taken apart.
type request struct {
	resource resource
	id       string // "" for a list or a creation
	cancel   bool
	method   string
	body     []byte
	query    map[string][]string
}

func (s *simulation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	f := s.faults.Load()
	if f.limit > 0 && !s.ceiling.admit(s.now(), f.limit) {
		s.slowDown(w)
		return
	}
	q, status := takeApart(w, r)
	if status == http.StatusOK && r.Header.Get("Authorization") != "Bearer "+s.key {
		status = http.StatusUnauthorized
	}
	if status != http.StatusOK {
		answer(w, status, "application/json", s.refusal(f, "", http.StatusText(status)))
		return
	}
	d := s.throw(f, thingID{q.resource, q.id})
	if d.before(w, s) {
		return
	}
	status, body := s.carryOut(f, d, q)
	if f.slow > 0 {
		pause(r, f.slow)
	}
	if d.after(w, body) {
		return
	}
	answer(w, status, "application/json", body)
}

// takeApart reads a request, and tells the status of those that the API has no
// place for.
func takeApart(w http.ResponseWriter, r *http.Request) (request, int) {
	segments := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := request{method: r.Method, query: r.URL.Query()}
	for _, known := range []resource{cardDebits, debits, cardAdhesions, adhesions} {
		if "/"+segments[0] == known.path {
			q.resource = known
		}
	}
	if len(segments) > 1 {
		q.id = segments[1]
	}
	q.cancel = len(segments) == 3 && segments[2] == "cancel"
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	q.body = body
	switch {
	case err != nil:
		return q, http.StatusBadRequest
	case q.resource == resource{}, len(segments) > 1 && q.id == "", len(segments) > 2 && !q.cancel, len(segments) > 3:
		return q, http.StatusNotFound
	case q.cancel != (r.Method == http.MethodPut),
		q.id == "" && r.Method != http.MethodGet && r.Method != http.MethodPost,
		q.id != "" && !q.cancel && r.Method != http.MethodGet:
		return q, http.StatusMethodNotAllowed
	}
	return q, http.StatusOK
}

// carryOut does what a request asks for.
func (s *simulation) carryOut(f *faults, d dice, q request) (int, []byte) {
	now := s.now().Add(f.clock)
	s.things.mu.Lock()
	defer s.things.mu.Unlock()
	switch {
	case q.method == http.MethodPost:
		return s.create(f, q, now)
	case q.id == "":
		return s.list(f, d, q, now)
	}
	t := s.things.get(thingID{q.resource, q.id}, f, now)
	if t == nil {
		return http.StatusNotFound, s.refusal(f, "", "Not Found")
	}
	if q.cancel {
		return s.cancel(f, d, t, now)
	}
	shown := t.show(f, d)
	if t.state == pending && d.fell(flipBetween) {
		t.become(inProcess)
	}
	return http.StatusOK, shown
}

// cancel answers PUT: with the whole object as it now is, or with a refusal
// that leaves it as it was.
func (s *simulation) cancel(f *faults, d dice, t *thing, now time.Time) (int, []byte) {
	allowed := t.state == pending || t.state == signed || t.state == pendingToSign && f.unsigned == unsignedCancel
	if !allowed {
		return f.refusedCancel, s.refusal(f, "state", "No es posible cancelar")
	}
	t.become(canceled)
	t.comment, t.canceledAt = "Cancelada por el comercio", now
	t.cancelled++
	if t.debit() || f.adhesionCancel != adhesionCancels {
		return http.StatusOK, t.show(f, d)
	}
	for _, other := range s.things.known {
		if other.adhesion == t && other.state == pending {
			other.become(canceled)
			other.comment = "Adhesión cancelada"
		}
	}
	return http.StatusOK, t.show(f, d)
}

// refusal is the body of an error, in one of the three shapes that clients in
// public code read.
func (s *simulation) refusal(f *faults, field, message string) []byte {
	shape := f.errorShape
	if shape == shapeTurns {
		shape = []string{shapeChildren, shapeErrors, shapeError}[s.shapes.Add(1)%3]
	}
	text, _ := json.Marshal(message)
	if field == "" {
		field = "id"
	}
	children := fmt.Sprintf(`{"children":{%q:{"errors":[%s]},"other":[]}}`, field, text)
	switch shape {
	case shapeChildren:
		return []byte(children)
	case shapeErrors:
		return []byte(`{"errors":` + children + `}`)
	case shapeError:
		return []byte(`{"error":{"message":` + string(text) + `}}`)
	}
	return nil
}

// slowDown answers 429, with both forms of Retry-After in turn.
func (s *simulation) slowDown(w http.ResponseWriter) {
	after := "1"
	if s.refused.Add(1)%2 == 0 {
		after = s.now().UTC().Add(2 * time.Second).Format(http.TimeFormat)
	}
	w.Header().Set("Retry-After", after)
	answer(w, http.StatusTooManyRequests, "application/json", []byte(`{"error":{"message":"Too Many Requests"}}`))
}

func answer(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header()["Content-Type"] = []string{contentType}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that has gone needs no answer
}

// drop closes the connection without an answer. The caller sees it end.
func drop() { panic(http.ErrAbortHandler) }

// reset closes the connection as a crashed server's system would.
func reset(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // without it the close is a polite one, which is a fault as well
		}
		_ = conn.Close()
		return
	}
	drop()
}

func pause(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// Ledger tells what has happened: each thing's cancellations and creations.
func (s *simulation) Ledger() sdk.Ledger {
	return sdk.Ledger{Requests: int(s.requests.Load()), Effects: s.things.effects()}
}
