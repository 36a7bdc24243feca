package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk/apiclient"
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
	b.Now = func() time.Time { return b.clock }
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

// What happens to a thing between two requests, and what a read then shows.
func TestSimulatorMeanwhile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		faults    []string
		operation string
		state     string
		path      string
		shown     []string
	}{
		"nothing":     {nil, "cancel_debit_request", pending, "/debit-request/1", []string{pending, pending}},
		"in process":  {[]string{"flip_between=1", "spelling=in_process"}, "cancel_debit_request", pending, "/debit-request/1", []string{pending, inProcess, inProcess}},
		"reverted":    {[]string{"revert_between=1"}, "cancel_card_debit_request", paid, "/card-debit-request/1", []string{paid, reverted, reverted}},
		"refunded":    {[]string{"refund_between=1"}, "cancel_card_debit_request", paid, "/card-debit-request/1", []string{paid, refunded, refunded}},
		"signed":      {[]string{"sign_between=1"}, "cancel_adhesion", pendingToSign, "/adhesion/1", []string{pendingToSign, signed, signed}},
		"not flipped": {[]string{"flip_between=1", "sign_between=1"}, "cancel_debit_request", rejected, "/debit-request/1", []string{rejected, rejected}},
	} {
		b := newBench(t, c.faults...)
		b.seed(c.operation, `{"id":"1"}`, c.state)
		for i, want := range c.shown {
			if got := state(b.send("GET", c.path, "")); got != want {
				t.Errorf("%s: read %d shows %s", name, i+1, got)
			}
		}
	}
	b := newBench(t, "read_lag=5s")
	b.seed("cancel_adhesion", `{"id":"1"}`, "")
	if got := state(b.send("PUT", "/adhesion/1/cancel", "")); got != canceled {
		t.Errorf("a cancellation answers %s", got)
	}
	for after, want := range map[time.Duration]string{4 * time.Second: signed, 5 * time.Second: canceled} {
		b.clock = noon.Add(after)
		if got := state(b.send("GET", "/adhesion/1", "")); got != want {
			t.Errorf("after %s a read shows %s", after, got)
		}
	}
	b = newBench(t, "forbidden=1")
	b.seed("cancel_adhesion", `{"id":"1"}`, "")
	if w := b.send("PUT", "/adhesion/1/cancel", ""); w.Code != http.StatusForbidden || len(b.Ledger().Effects) != 0 {
		t.Errorf("forbidden: HTTP %d, %v", w.Code, b.Ledger())
	}
}

func state(w *httptest.ResponseRecorder) string {
	o, err := apiclient.ParseObject(w.Body.Bytes())
	if err != nil {
		return err.Error()
	}
	return o.Text("state")
}

// A debit whose collection was tried tells of it.
func TestSimulatorAttempts(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		pending: "", canceled: "", paid: "collected_card_debit_request_result", reverted: "collected_card_debit_request_result", rejected: "rejected_card_debit_request_result",
	} {
		b := newBench(t)
		b.seed("cancel_card_debit_request", `{"id":"1"}`, in)
		o, err := apiclient.ParseObject(b.send("GET", "/card-debit-request/1", "").Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		results, err := o.Objects("request_result")
		if err != nil || (want == "") != (results == nil) || want != "" && results[0].Text("type") != want {
			t.Errorf("%s: %v, %v", in, results, err)
		}
	}
}

const (
	adhesionBody     = `{"adhesion":{"adhesion_holder_name":"Ana","email":"a@example.com","description":"x","external_reference":"cli-9","cbu_holder_id_number":"20","short_description":"y","cbu_number":"0000003100010000000001"}}`
	cardAdhesionBody = `{"card_adhesion":{"adhesion_holder_name":"Ana","email":"a@example.com","description":"x","external_reference":"cli-9","card_holder_name":"Ana","card_number":"4111111111111111"}}`
)

// An adhesion that was made waits for its holder; a debit of it can be made
// when it is signed.
func TestSimulatorAdhesions(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sign_between=1")
	for path, body := range map[string]string{"/adhesion": adhesionBody, "/card-adhesion": cardAdhesionBody} {
		w := b.send("POST", path, body)
		o, err := apiclient.ParseObject(w.Body.Bytes())
		if err != nil || w.Code != http.StatusCreated || o.Text("state") != pendingToSign || strings.Contains(w.Body.String(), "4111") {
			t.Fatalf("%s: HTTP %d %s", path, w.Code, w.Body)
		}
		debit := `{"debit_request":{"adhesion_id":` + o.Whole("id") + `,"first_due_date":"31-12-2026","first_total":1.5,"description":"x"}}`
		if path == "/card-adhesion" {
			debit = `{"card_debit_request":{"card_adhesion_id":` + o.Whole("id") + `,"month":12,"year":2026,"amount":1.5}}`
		}
		of := strings.Replace(path, "adhesion", "debit-request", 1)
		if w := b.send("POST", of, debit); w.Code != http.StatusBadRequest {
			t.Errorf("%s of an unsigned one: HTTP %d", of, w.Code)
		}
		b.send("GET", path+"/"+o.Whole("id"), "")
		if w := b.send("POST", of, debit); w.Code != http.StatusCreated {
			t.Errorf("%s of a signed one: HTTP %d %s", of, w.Code, w.Body)
		}
		for _, name := range []string{"adhesion_holder_name", "email", "description", "external_reference"} {
			if w := b.send("POST", path, strings.Replace(body, `"`+name+`"`, `"x"`, 1)); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "válido") {
				t.Errorf("%s without %s: HTTP %d", path, name, w.Code)
			}
		}
	}
	for setting, status := range map[string]int{"lead_days=0": 201, "lead_days=3": 400} {
		b := newBench(t, setting)
		b.seed("create_debit_request", `{"adhesion_id":"77"}`, "")
		for due, want := range map[string]int{"24-11-2026": status, "26-11-2026": 201} { // noon is Friday the 20th
			if w := b.send("POST", "/debit-request", `{"debit_request":{"adhesion_id":77,"first_due_date":"`+due+`","first_total":1.5,"description":"x"}}`); w.Code != want {
				t.Errorf("due on %s with %s: HTTP %d", due, setting, w.Code)
			}
		}
	}
}

// A list knows its filters, and ignores what it doesn't know.
func TestSimulatorFilters(t *testing.T) {
	t.Parallel()
	b := newBench(t, "generate=100")
	b.send("POST", "/adhesion", adhesionBody)
	count := func(path string) int64 {
		o, err := apiclient.ParseObject(b.send("GET", path, "").Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		return o.Number("total_count")
	}
	for path, want := range map[string][2]int64{ // at least, at most
		"/debit-request": {100, 100}, "/debit-request?stat=paid": {100, 100}, "/debit-request?signed_at_gte=01-01-2030": {100, 100},
		"/debit-request?state=pending": {70, 70}, "/debit-request?id=4001": {1, 1}, "/debit-request?first_total_gte=3000": {1, 99}, "/debit-request?first_total_lte=3000": {1, 99},
		"/debit-request?second_total_gte=1": {0, 0}, "/debit-request?second_due_date_lte=01-01-2030": {0, 0}, "/debit-request?first_due_date_lte=01-01-2020": {0, 0},
		"/card-debit-request?first_total_gte=3000": {100, 100}, "/card-debit-request?external_reference=cli-4001": {8, 8}, "/card-debit-request?adhesion_holder_name=Ana": {0, 0},
		"/adhesion?adhesion_holder_name=Ana": {1, 1}, "/adhesion?short_description=y": {1, 1}, "/adhesion?cbu_holder_id_number=20": {1, 1}, "/adhesion?cbu_number=1": {0, 0},
		"/card-adhesion?cbu_number=1": {13, 13},
	} {
		if n := count(path); n < want[0] || n > want[1] {
			t.Errorf("%s lists %d", path, n)
		}
	}
	firstOf := func() string {
		o, _ := apiclient.ParseObject(b.send("GET", "/debit-request?limit=1", "").Body.Bytes())
		rows, err := o.Objects("data")
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		return rows[0].Whole("id")
	}
	if id := firstOf(); id != "4001" {
		t.Errorf("it begins with %s", id)
	}
	for _, setting := range []string{"list_order=newest", "window=240h"} {
		name, value, _ := strings.Cut(setting, "=")
		if err := b.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if id := firstOf(); id == "4001" {
		t.Errorf("with the newest first it begins with %s", id)
	}
	if n := count("/debit-request"); n == 0 || n >= 100 {
		t.Errorf("within a window there are %d", n)
	}
	if n := count("/debit-request?created_at_gte=01-01-2020"); n != 100 {
		t.Errorf("asked from when there are %d", n)
	}
}

// Whoever has a webhook is told of what changes, once or twice.
func TestSimulatorNotifications(t *testing.T) {
	t.Parallel()
	card := func(id, state string) string { return "card_debit_request " + id + " " + state }
	made := func(b *bench) {
		b.seed("create_card_debit_request", `{"card_adhesion_id":"77"}`, "")
		b.send("POST", "/card-debit-request", `{"card_debit_request":{"card_adhesion_id":77,"month":12,"year":2026,"amount":1.5}}`)
		b.clock = noon.AddDate(0, 2, 0)
		b.send("GET", "/adhesion/0", "") // any request: the clock is looked at then
	}
	read := func(b *bench) { b.send("GET", "/card-debit-request/1", "") }
	cancel := func(b *bench) {
		b.seed("cancel_card_debit_request", `{"id":"1","card_adhesion_id":"77"}`, "")
		b.send("PUT", "/card-adhesion/77/cancel", "")
	}
	for name, c := range map[string]struct {
		faults []string
		do     func(*bench)
		want   []string
	}{
		"seeded":           {nil, func(b *bench) { b.seed("cancel_card_debit_request", `{"id":"1"}`, paid); read(b) }, nil},
		"paid":             {nil, made, []string{card("4001", paid)}},
		"rejected":         {[]string{"reject_due=1"}, made, []string{card("4001", rejected)}},
		"all":              {[]string{"notify_events=all"}, made, []string{card("4001", "in_procces"), card("4001", paid)}},
		"twice":            {[]string{"notify_twice=1"}, made, []string{card("4001", paid), card("4001", paid)}},
		"an adhesion":      {nil, cancel, []string{"card_adhesion 77 canceled"}},
		"with its debits":  {[]string{"adhesion_cancel=cancels"}, cancel, []string{"card_adhesion 77 canceled", card("1", canceled)}},
		"reverted":         {[]string{"revert_between=1"}, func(b *bench) { b.seed("cancel_card_debit_request", `{"id":"1"}`, paid); read(b) }, []string{card("1", reverted)}},
		"nothing happened": {nil, func(b *bench) { b.send("PUT", "/card-adhesion/77/cancel", "") }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var came []string
			listener := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				o, err := apiclient.ParseObject(body)
				if err == nil && (o.Object("payload").Whole("id") != o.Whole("entity_id") || o.Object("payload").Text("state") != o.Text("type") || o.Text("created_at") == "") {
					err = errors.New("the payload is another thing's")
				}
				if err != nil {
					t.Errorf("%s: %v", body, err)
				}
				came = append(came, o.Text("entity_name")+" "+o.Whole("entity_id")+" "+o.Text("type"))
			}))
			defer listener.Close()
			b := newBench(t, append(c.faults, "notify="+listener.URL)...)
			c.do(b)
			b.Delivered()
			if d := cmp.Diff(c.want, came); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSimulatorSwitches(t *testing.T) {
	t.Parallel()
	for _, c := range []string{
		"lose_answer=1.5", "lose_answer=NaN", "slow=fast", "clock=-1s", "limit=-1", "spelling=in process", "refused_cancel=200", "created=202",
		"list=odd", "window=-1h", "list_order=any", "notify_events=some", "no_metadata=none", "notify=https://example.com/",
		"error_shape=xml", "ignore_filters=maybe", "generate=-1", "generate=many", "max_limit=0", "seed=-1", "no_such_fault=1",
	} {
		name, value, _ := strings.Cut(c, "=")
		if newBench(t).Set(name, value) == nil {
			t.Errorf("%s is accepted", c)
		}
	}
	for _, f := range provider.Simulator.Faults {
		if f.Doc == "" {
			t.Errorf("%s is undocumented", f.Name)
		}
		if err := newBench(t).Set(f.Name, f.Default); err != nil {
			t.Errorf("the default of %s: %v", f.Name, err)
		}
	}
}
