package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/simulator"
)

// A simulation is Pagos360's debit requests and adhesions in miniature, for
// one account.
//
// It keeps to what is documented or seen in public code: the bearer key, bodies
// wrapped in a root key and answers that aren't, statuses, states, ids of each
// kind's own, dates, floats, lists that ignore filters they don't know and move
// while they are read, and webhooks. What nobody documents is a switch, see
// [switches].
type simulation struct {
	*simulator.Front
	key    string
	shapes atomic.Int64 // refusals so far, whose bodies take turns
	things things
}

func newSimulation(c configuration) sdk.Simulation {
	s := &simulation{key: c.APIKey}
	s.Front = simulator.NewFront(switches, s.handle)
	s.Busy = []byte(`{"error":{"message":"Too Many Requests"}}`)
	s.things.known = map[thingID]*thing{}
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
	query    url.Values
}

func (s *simulation) handle(r *http.Request) simulator.Task {
	q, status := takeApart(r)
	if status == http.StatusOK && r.Header.Get("Authorization") != "Bearer "+s.key {
		status = http.StatusUnauthorized
	}
	if status != http.StatusOK {
		return simulator.Task{Spared: true, Answer: func(f *simulator.Fate) simulator.Answer {
			return s.refusal(f, status, "", http.StatusText(status))
		}}
	}
	return simulator.Task{Thing: q.resource.root + ":" + q.id, Answer: func(f *simulator.Fate) simulator.Answer {
		if f.Befalls(forbidden) {
			return s.refusal(f, http.StatusForbidden, "", "Forbidden")
		}
		return s.carryOut(f, q)
	}}
}

// takeApart reads a request, and tells the status of those that the API has no
// place for.
func takeApart(r *http.Request) (request, int) {
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
	body, err := simulator.Body(r)
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

// clock is the API's time.
func (s *simulation) clock(f *simulator.Fate) time.Time { return s.Now().Add(clock.In(f)) }

// carryOut does what a request asks for.
func (s *simulation) carryOut(f *simulator.Fate, q request) simulator.Answer {
	now := s.clock(f)
	s.things.mu.Lock()
	defer s.things.mu.Unlock()
	s.ageAll(f, now)
	switch {
	case q.method == http.MethodPost:
		return s.create(f, q, now)
	case q.id == "":
		return s.list(f, q, now)
	}
	t := s.things.known[thingID{q.resource, q.id}]
	if t == nil {
		return s.refusal(f, http.StatusNotFound, "", "Not Found")
	}
	s.age(t, f, now)
	if q.cancel {
		return s.cancel(f, t, now)
	}
	shown, state := t.show(f, now), t.shown(f, now)
	if t.state != state {
		return shown
	}
	for _, way := range meanwhile {
		if t.state == way.from && t.debit() == way.debit && f.Befalls(way.share) {
			s.become(t, way.to, f, now)
			break
		}
	}
	return shown
}

// meanwhile is what may happen to a thing right after a read has shown it.
var meanwhile = []struct {
	from, to string
	debit    bool
	share    *simulator.Chance
}{
	{pending, inProcess, true, flipBetween},
	{paid, reverted, true, revertBetween},
	{paid, refunded, true, refundBetween},
	{pendingToSign, signed, false, signBetween},
}

// cancel answers PUT: with the whole object as it now is, or with a refusal
// that leaves it as it was.
func (s *simulation) cancel(f *simulator.Fate, t *thing, now time.Time) simulator.Answer {
	allowed := t.state == pending || t.state == signed || t.state == pendingToSign && unsigned.In(f) == unsignedCancel
	if !allowed {
		return s.refusal(f, refusedCancel.In(f), "state", "No es posible cancelar")
	}
	t.comment, t.canceledAt = "Cancelada por el comercio", now
	s.become(t, canceled, f, now)
	s.Effect("cancel:" + t.resource.root + ":" + t.id)
	if !t.debit() && adhesionOnto.In(f) == adhesionCancels {
		for _, other := range s.things.known {
			if other.adhesion == t && other.state == pending {
				other.comment = "Adhesión cancelada"
				s.become(other, canceled, f, now)
			}
		}
	}
	return simulator.JSON(http.StatusOK, t.members(f, canceled))
}

// refusal is an error, its body in one of the three shapes that clients in
// public code read.
func (s *simulation) refusal(f *simulator.Fate, status int, field, message string) simulator.Answer {
	shape := errorShape.In(f)
	if shape == shapeTurns {
		shape = []string{shapeChildren, shapeErrors, shapeError}[s.shapes.Add(1)%3]
	}
	text, _ := json.Marshal(message)
	if field == "" {
		field = "id"
	}
	children := fmt.Sprintf(`{"children":{%q:{"errors":[%s]},"other":[]}}`, field, text)
	a := simulator.Answer{Status: status}
	switch shape {
	case shapeChildren:
		a.Body = []byte(children)
	case shapeErrors:
		a.Body = []byte(`{"errors":` + children + `}`)
	case shapeError:
		a.Body = []byte(`{"error":{"message":` + string(text) + `}}`)
	}
	return a
}
