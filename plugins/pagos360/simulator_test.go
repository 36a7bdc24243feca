package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// noon is a Friday.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// A bench is a simulation with a clock of its own.
type bench struct {
	*simulation
	t     *testing.T
	clock time.Time
}

func newBench(t *testing.T, faults ...string) *bench {
	t.Helper()
	b := &bench{newSimulation(configuration{APIKey: secret}).(*simulation), t, noon}
	b.now = func() time.Time { return b.clock }
	for _, f := range faults {
		name, value, _ := strings.Cut(f, "=")
		if err := b.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *bench) send(method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+secret)
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

func (b *bench) seed(operation, arguments, state string) {
	b.t.Helper()
	if err := b.Seed(operation, json.RawMessage(arguments), state); err != nil {
		b.t.Fatal(err)
	}
}

// What the answers look like: floats, null, offsets, the adhesion within.
func TestSimulatorAnswers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.seed("cancel_card_debit_request", `{"id":"4012","card_adhesion_id":"77","amount":"1500.50"}`, "")
	const debit = `{"amount":1500.5,"card_adhesion":{"canceled_at":null,"card":"Visa","card_holder_name":"Titular Simulado","created_at":"2026-11-20T09:00:00-03:00","description":"Cuotas","email":"titular@example.com","external_reference":"cli-77","id":77,"adhesion_holder_name":"Titular Simulado","last_four_digits":"4242","metadata":null,"state":"signed","state_comment":null},"created_at":"2026-11-20T09:00:00-03:00","description":"Cuota","id":4012,"metadata":null,"month":1,"state":"pending","state_comment":null,"type":"card_debit_request","year":2027}`
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"read", "GET", "/card-debit-request/4012", "", 200, debit},
		{"list", "GET", "/card-debit-request?state=pending&stat=paid", "", 200, `{"current_page":1,"items_per_page":20,"total_count":1,"data":[` + debit + `]}`},
		{"cancel", "PUT", "/card-debit-request/4012/cancel", "[]", 200, strings.NewReplacer(`"month":1,"state":"pending","state_comment":null`, `"month":1,"state":"canceled","state_comment":"Cancelada por el comercio"`).Replace(debit)},
	} {
		got := b.send(c.method, c.path, c.body)
		var have, want any
		if err := json.Unmarshal(got.Body.Bytes(), &have); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, have); d != "" || got.Code != c.status {
			t.Errorf("%s: HTTP %d: %s", c.name, got.Code, d)
		}
	}
}

func TestSimulatorStatuses(t *testing.T) {
	t.Parallel()
	b := newBench(t, "refused_cancel=409")
	b.seed("cancel_card_debit_request", `{"id":"4012"}`, paid)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"PUT", "/card-debit-request/4012/cancel", "", 409},
		{"GET", "/card-debit-request/4012/cancel", "", 405}, // the verb that one public integration uses
		{"PUT", "/card-debit-request/4012", "", 405},
		{"GET", "/card-debit-request/1", "", 404},
		{"GET", "/nothing", "", 404},
		{"DELETE", "/card-debit-request/4012", "", 405},
		{"POST", "/card-debit-request", `{"card_adhesion_id":77,"month":12,"year":2099,"amount":1.5}`, 400},
		{"POST", "/card-debit-request", `{"card_debit_request":{"card_adhesion_id":77,"month":12,"year":2099,"amount":"1.5"}}`, 400},
		{"POST", "/card-debit-request", `{"card_debit_request":{"card_adhesion_id":78,"month":12,"year":2099,"amount":1.5}}`, 400},
		{"POST", "/card-debit-request", `{"card_debit_request":{"card_adhesion_id":77,"month":12,"year":2099,"amount":1.5}}`, 201},
		{"POST", "/debit-request", `{"debit_request":{"adhesion_id":77,"first_due_date":"2099-12-31","first_total":1.5,"description":"x"}}`, 400},
	} {
		if got := b.send(c.method, c.path, c.body); got.Code != c.status || !json.Valid(got.Body.Bytes()) {
			t.Errorf("%s %s %s: HTTP %d %s", c.method, c.path, c.body, got.Code, got.Body)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/card-debit-request/4012", nil)
	w := httptest.NewRecorder()
	if b.ServeHTTP(w, r); w.Code != http.StatusUnauthorized {
		t.Errorf("without a key: HTTP %d", w.Code)
	}
}

// A debit goes into process two business days before it is due, and is paid
// then.
func TestSimulatorClock(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]string{
		"2026-12-10": pending,
		"2026-12-16": pending,      // a Wednesday; due on Saturday the 19th
		"2026-12-17": "in_procces", // Thursday
		"2026-12-19": paid,
	} {
		b := newBench(t)
		b.seed("create_card_debit_request", `{"card_adhesion_id":"77"}`, "")
		made := b.send("POST", "/card-debit-request", `{"card_debit_request":{"card_adhesion_id":77,"month":12,"year":2026,"amount":1.5}}`)
		var d struct{ ID json.Number }
		if err := json.Unmarshal(made.Body.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		day, err := time.ParseInLocation(fileDate, at, buenosAires)
		if err != nil {
			t.Fatal(err)
		}
		b.clock = day.Add(12 * time.Hour)
		if got := b.send("GET", "/card-debit-request/"+d.ID.String(), ""); !strings.Contains(got.Body.String(), `"state":"`+want+`"`) {
			t.Errorf("%s: %s", at, got.Body)
		}
	}
}

func TestSimulatorThrottles(t *testing.T) {
	t.Parallel()
	b := newBench(t, "throttle=1")
	var forms []string
	for range 2 {
		w := b.send("PUT", "/card-debit-request/1/cancel", "")
		if w.Code != http.StatusTooManyRequests {
			t.Fatalf("HTTP %d", w.Code)
		}
		forms = append(forms, w.Header().Get("Retry-After"))
	}
	if d := cmp.Diff([]string{"1", "Fri, 20 Nov 2026 12:00:02 GMT"}, forms); d != "" {
		t.Error(d)
	}
}

// What generate made stays as it is when an item is seeded that acts on it.
func TestSimulatorGenerate(t *testing.T) {
	t.Parallel()
	b := newBench(t, "generate=100")
	states := map[string]int{}
	references := map[string]int{}
	for id, g := range b.things.known {
		if id.resource == cardDebits {
			before := g.state
			b.seed("cancel_card_debit_request", `{"id":"`+id.id+`"}`, "")
			if g.state != before || b.things.known[id] != g {
				t.Errorf("%s was seeded anew", id.id)
			}
			states[g.state]++
			references[g.adhesion.reference]++
		}
	}
	if states[pending] != 70 || len(states) < 5 || references["cli-4001"] != 8 {
		t.Errorf("states %v, references %v", states, references)
	}
}

func TestSimulatorSwitches(t *testing.T) {
	t.Parallel()
	for _, c := range []string{
		"lose_answer=1.5", "lose_answer=NaN", "slow=fast", "clock=-1s", "limit=-1", "spelling=in process", "refused_cancel=200", "created=202",
		"error_shape=xml", "ignore_filters=maybe", "generate=-1", "generate=many", "max_limit=0", "seed=-1", "no_such_fault=1",
	} {
		name, value, _ := strings.Cut(c, "=")
		if newBench(t).Set(name, value) == nil {
			t.Errorf("%s is accepted", c)
		}
	}
	for _, f := range simulatorFaults {
		if f.Doc == "" {
			t.Errorf("%s is undocumented", f.Name)
		}
		if err := newBench(t).Set(f.Name, f.Default); err != nil {
			t.Errorf("the default of %s: %v", f.Name, err)
		}
	}
}
