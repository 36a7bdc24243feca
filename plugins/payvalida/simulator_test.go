package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk"
)

// noon is when simulations in these tests begin.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// A bench is a simulation asked without a network, at a time of one's choice.
type bench struct {
	*simulation
	t     *testing.T
	clock time.Time
}

func newBench(t *testing.T, faults ...string) *bench {
	t.Helper()
	b := &bench{newSimulation(configuration{Merchant: merchant, FixedHash: secret}).(*simulation), t, noon}
	b.now = func() time.Time { return b.clock }
	for _, f := range faults {
		name, value, _ := strings.Cut(f, "=")
		if err := b.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *bench) seed(order, state string) {
	b.t.Helper()
	if err := b.Seed("cancel_order", json.RawMessage(`{"order":"`+order+`"}`), state); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) ask(method, order string) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.send(method, "/"+url.PathEscape(order)+"?merchant="+merchant+"&checksum="+orderChecksum(order, merchant, secret), "")
}

func (b *bench) write(method string, t orderRequest) *httptest.ResponseRecorder {
	b.t.Helper()
	t.Merchant, t.Checksum = merchant, termsChecksum(t, secret)
	body, err := json.Marshal(t)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.send(method, "", string(body))
}

func (b *bench) send(method, rest, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.ServeHTTP(w, httptest.NewRequest(method, ordersPath+rest, strings.NewReader(body)))
	return w
}

func code(w *httptest.ResponseRecorder) string {
	var a struct{ CODE string }
	_ = json.Unmarshal(w.Body.Bytes(), &a)
	return a.CODE
}

func TestSimulatorAnswers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	steps := []struct {
		name string
		got  *httptest.ResponseRecorder
		want string
	}{
		{
			"register", b.write(http.MethodPost, orderRequest{Email: "p@example.com", Country: "343", Order: "A1", Money: "COP", Amount: "45000", Description: `"é"`}),
			`{"CODE":"0000","DATA":{"OrdenID":"A1","Monto":"45000.0","PVordenID":"95585","Referencia":"3100095585","Operacion":"CREADA","checkout":"checkout.payvalida.com/?token=simulated-95585"},"DESC":"OK"}`,
		},
		{
			"read", b.ask(http.MethodGet, "A1"),
			`{"CODE":"0000","DATA":{"ORDER":"A1","STATE":"PENDIENTE","REFERENCE":"3100095585","AMOUNT":"45000.00","CURRENCY":"COP","CODE":123,` +
				`"EMAIL":"p@example.com","DESCRIPTION":"\"é\"","PAYMNENT_METHOD":"","CREATION_DATE":"2026-11-20 12:00:00","UDPATE_DATE":"2026-11-20 12:00:00","LIFE_TIME":"720h",` +
				`"NOTIFICATION_RESPONSE":"","checkout":"checkout.payvalida.com/?token=simulated-95585","TRANSACTION":{},"ADITIONAL_INFO":{}},"DESC":"OK"}`,
		},
		{
			"update", b.write(http.MethodPatch, orderRequest{Email: "p@example.com", Country: "343", Order: "A1", Money: "COP", Amount: "99.95"}),
			`{"CODE":"0000","DATA":{"OrdenID":"A1","Monto":"99.95","PVordenID":"95585","Referencia":"3100095585","Operacion":"ACTUALIZADO","checkout":"checkout.payvalida.com/?token=simulated-95585"},"DESC":"OK"}`,
		},
		{
			"delete", b.ask(http.MethodDelete, "A1"),
			`{"CODE":"0000","DATA":{"Reference":"3100095585","Amount":"0.0","Operation":"DELETED","OrderID":"A1","PVOrderID":"95585"},"DESC":"OK"}`,
		},
		{
			"delete again", b.ask(http.MethodDelete, "A1"),
			`{"CODE":"0041","DATA":null,"DESC":"the order is unknown, or already paid, expired or cancelled: Payvalida has one code for all four"}`,
		},
	}
	for _, s := range steps {
		if s.got.Code != http.StatusOK {
			t.Errorf("%s: HTTP %d", s.name, s.got.Code)
		}
		if d := cmp.Diff(s.want, s.got.Body.String()); d != "" {
			t.Errorf("%s: %s", s.name, d)
		}
		if !json.Valid(s.got.Body.Bytes()) {
			t.Errorf("%s: not JSON", s.name)
		}
	}
	want := sdk.Ledger{Requests: 5, Effects: map[string]int{"register:A1": 1, "update:A1": 1, "cancel:A1": 1}}
	if d := cmp.Diff(want, b.Ledger()); d != "" {
		t.Error(d)
	}
}

// What each request does in each state, and what a read says afterwards.
func TestSimulatorStates(t *testing.T) {
	t.Parallel()
	for state, c := range map[string]struct{ code, after string }{
		pendiente: {"0000", cancelada},
		aprobada:  {"0041", aprobada},
		vencida:   {"0041", vencida},
		cancelada: {"0041", cancelada},
		anulada:   {"0041", anulada},
	} {
		b := newBench(t)
		b.seed("A1", state)
		if got := code(b.ask(http.MethodDelete, "A1")); got != c.code {
			t.Errorf("%s: DELETE answers %s", state, got)
		}
		patch := orderRequest{Email: "p@example.com", Country: "343", Order: "A1", Money: "COP", Amount: "1"}
		if got := code(b.write(http.MethodPatch, patch)); got != "0041" {
			t.Errorf("%s: PATCH after DELETE answers %s", state, got)
		}
		patch.Description = "x"
		if got := code(b.write(http.MethodPost, patch)); got != "0042" {
			t.Errorf("%s: the number can be registered again: %s", state, got)
		}
		if got := b.ask(http.MethodGet, "A1").Body.String(); !strings.Contains(got, `"STATE":"`+c.after+`"`) {
			t.Errorf("%s: then %s", state, got)
		}
	}
	b := newBench(t)
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		if got := code(b.ask(method, "nobody")); got != "0041" {
			t.Errorf("%s of an unknown order answers %s", method, got)
		}
	}
	if err := b.Seed("cancel_order", json.RawMessage(`{"order":"A1"}`), "PENDING"); err == nil {
		t.Error("a state that doesn't exist was seeded")
	}
}

func TestSimulatorReferences(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := orderRequest{Email: "p@example.com", Country: "343", Order: "A1", Money: "COP", Amount: "1", Description: "x", Reference: "777"}
	second := first
	second.Order = "A2"
	if got := code(b.write(http.MethodPost, first)); got != "0000" {
		t.Fatal(got)
	}
	if got := code(b.write(http.MethodPost, second)); got != "0043" {
		t.Errorf("an active reference is given twice: %s", got)
	}
	if got := code(b.ask(http.MethodDelete, "A1")); got != "0000" {
		t.Fatal(got)
	}
	if got := code(b.write(http.MethodPost, second)); got != "0000" {
		t.Errorf("a reference stays taken after its order is gone: %s", got)
	}
}

func TestSimulatorClock(t *testing.T) {
	t.Parallel()
	day := orderRequest{Email: "p@example.com", Country: "343", Order: "day", Money: "COP", Amount: "1", Description: "x", Expiration: "21/11/2026"}
	ever := day
	ever.Order, ever.Recurrent = "ever", true
	for after, want := range map[time.Duration]map[string]string{
		35 * time.Hour:      {"day": pendiente, "seeded": pendiente, "ever": pendiente},
		37 * time.Hour:      {"day": vencida, "seeded": pendiente, "ever": pendiente},
		31 * 24 * time.Hour: {"day": vencida, "seeded": vencida, "ever": pendiente},
	} {
		b := newBench(t)
		b.seed("seeded", "")
		b.write(http.MethodPost, day)
		b.write(http.MethodPost, ever)
		b.clock = noon.Add(after)
		for id, state := range want {
			if got := b.ask(http.MethodGet, id).Body.String(); !strings.Contains(got, `"STATE":"`+state+`"`) {
				t.Errorf("%s after %s: %s", id, after, got)
			}
			wantCode := map[bool]string{true: "0000", false: "0041"}[state == pendiente]
			if got := code(b.ask(http.MethodDelete, id)); got != wantCode {
				t.Errorf("DELETE of %s after %s answers %s", id, after, got)
			}
		}
	}
}

func TestSimulatorVerifies(t *testing.T) {
	t.Parallel()
	right := orderChecksum("A1", merchant, secret)
	for name, c := range map[string]struct{ setting, query, want string }{
		"upper case":                 {"any", "merchant=kuanto&checksum=" + right, "0000"},
		"lower case":                 {"any", "merchant=kuanto&checksum=" + strings.ToLower(right), "0000"},
		"lower case is not accepted": {"upper", "merchant=kuanto&checksum=" + strings.ToLower(right), "0025"},
		"upper case is not accepted": {"lower", "merchant=kuanto&checksum=" + right, "0025"},
		"another order's":            {"any", "merchant=kuanto&checksum=" + orderChecksum("A2", merchant, secret), "0025"},
		"none":                       {"any", "merchant=kuanto", "0025"},
		"another merchant":           {"any", "merchant=other&checksum=" + right, "0018"},
		"no merchant":                {"any", "checksum=" + right, "0017"},
	} {
		b := newBench(t, "checksum_case="+c.setting)
		b.seed("A1", "")
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			if got := code(b.send(method, "/A1?"+c.query, "")); got != c.want {
				t.Errorf("%s, %s: got %s, want %s", name, method, got, c.want)
			}
		}
	}
	b := newBench(t)
	if got := code(b.send(http.MethodPost, "", `{"merchant":"kuanto","order":"A1","amount":45000,"checksum":"00"}`)); got != "0025" {
		t.Errorf("POST with a bad checksum answers %s", got)
	}
	// Numbers where Payvalida's table has them.
	c := checksum("p@example.com", "343", "A9", "COP", "45000", secret)
	if got := code(b.send(http.MethodPost, "", `{"merchant":"kuanto","email":"p@example.com","country":343,"order":"A9","money":"COP","amount":45000,"iva":19,"description":"x","checksum":"`+c+`"}`)); got != "0000" {
		t.Errorf("POST with numbers answers %s", got)
	}
	for body, status := range map[string]int{"": 200, "[]": 200, `{"amount":{}}`: 200} {
		if w := b.send(http.MethodPost, "", body); w.Code != status || code(w) == "0000" {
			t.Errorf("POST of %q answers %d %s", body, w.Code, w.Body)
		}
	}
	if w := b.send(http.MethodPut, "/A1", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("PUT answers %d", w.Code)
	}
}

func TestSimulatorThrottles(t *testing.T) {
	t.Parallel()
	b := newBench(t, "throttle=1")
	b.seed("A1", "")
	var forms []string
	for range 2 {
		w := b.ask(http.MethodDelete, "A1")
		if w.Code != http.StatusTooManyRequests {
			t.Fatalf("HTTP %d", w.Code)
		}
		forms = append(forms, w.Header().Get("Retry-After"))
	}
	if d := cmp.Diff([]string{"1", "Fri, 20 Nov 2026 12:00:02 GMT"}, forms); d != "" {
		t.Error(d)
	}
	if e := b.Ledger().Effects; len(e) != 0 {
		t.Errorf("effects are %v", e)
	}
}

// No second holds more than the limit, however it is cut, and what is refused
// doesn't count.
func TestSimulatorLimit(t *testing.T) {
	t.Parallel()
	b := newBench(t, "limit=3")
	b.seed("A1", "")
	var admitted []time.Duration
	for ms := 0; ms < 3000; ms += 100 {
		b.clock = noon.Add(time.Duration(ms) * time.Millisecond)
		if b.ask(http.MethodGet, "A1").Code == http.StatusOK {
			admitted = append(admitted, time.Duration(ms)*time.Millisecond)
		}
	}
	want := []time.Duration{}
	for s := range 3 {
		for i := range 3 {
			want = append(want, time.Duration(s*1000+i*100)*time.Millisecond)
		}
	}
	if d := cmp.Diff(want, admitted); d != "" {
		t.Error(d)
	}
	if n := b.Ledger().Requests; n != 30 {
		t.Errorf("the ledger has %d requests of 30", n)
	}
}

func TestSimulatorReadLag(t *testing.T) {
	t.Parallel()
	b := newBench(t, "read_lag=5s")
	b.seed("A1", "")
	b.ask(http.MethodDelete, "A1")
	b.write(http.MethodPost, orderRequest{Email: "p@example.com", Country: "343", Order: "new", Money: "COP", Amount: "1", Description: "x"})
	for after, want := range map[time.Duration][2]string{
		4 * time.Second: {`"STATE":"PENDIENTE"`, `"CODE":"0041"`},
		5 * time.Second: {`"STATE":"CANCELADA"`, `"STATE":"PENDIENTE"`},
	} {
		b.clock = noon.Add(after)
		for i, id := range []string{"A1", "new"} {
			if got := b.ask(http.MethodGet, id).Body.String(); !strings.Contains(got, want[i]) {
				t.Errorf("%s after %s: %s", id, after, got)
			}
		}
	}
}

// The same seed hits the same attempts at the same orders, in whatever order
// they come, and about as many as was asked for.
func TestSimulatorDice(t *testing.T) {
	t.Parallel()
	hit := func(seed string, orders []int) []string {
		b := newBench(t, "error500_before=0.3", "seed="+seed)
		var hits []string
		for _, i := range orders {
			if i%2 == 0 { // unknown orders have dice as well
				b.seed(fmt.Sprintf("A%d", i), "")
			}
			for attempt := range 3 {
				if b.ask(http.MethodGet, fmt.Sprintf("A%d", i)).Code == http.StatusInternalServerError {
					hits = append(hits, fmt.Sprintf("A%d/%d", i, attempt))
				}
			}
		}
		slices.Sort(hits)
		return hits
	}
	up := make([]int, 400)
	for i := range up {
		up[i] = i
	}
	down := slices.Clone(up)
	slices.Reverse(down)
	first := hit("7", up)
	if d := cmp.Diff(first, hit("7", down)); d != "" {
		t.Error("another order of requests, other faults: " + d)
	}
	if slices.Equal(first, hit("8", up)) {
		t.Error("another seed, the same faults")
	}
	if !slices.ContainsFunc(first, func(h string) bool {
		order, attempt, _ := strings.Cut(h, "/")
		return strings.HasSuffix(order, "0") && attempt == "0" && !slices.Contains(first, order+"/1")
	}) {
		t.Error("a fault befalls all attempts at an order or none")
	}
	if n := len(first); n < 300 || n > 420 {
		t.Errorf("%d of 1200 requests are hit, not some 360", n)
	}
}

func TestSimulatorSwitches(t *testing.T) {
	t.Parallel()
	for _, c := range []string{
		"lose_answer=1.5", "lose_answer=-0.1", "lose_answer=NaN", "lose_answer=often", "slow=fast", "slow=-1s", "limit=-1",
		"checksum_case=mixed", "unknown_order=0000", "unknown_order=41", "seed=-1", "no_such_fault=1",
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

// What a request costs beside net/http, and an order in memory: run it with
// -benchmem.
func BenchmarkSimulatorCancel(b *testing.B) {
	s := newSimulation(configuration{Merchant: merchant, FixedHash: secret}).(*simulation)
	for i := range b.N {
		if err := s.Seed("cancel_order", json.RawMessage(fmt.Sprintf(`{"order":"A%09d"}`, i)), ""); err != nil {
			b.Fatal(err)
		}
	}
	w := discard{http.Header{}}
	r := httptest.NewRequest(http.MethodDelete, ordersPath+"/x", nil)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		id := fmt.Sprintf("A%09d", i)
		r.URL.Path, r.URL.RawQuery = ordersPath+"/"+id, "merchant="+merchant+"&checksum="+orderChecksum(id, merchant, secret)
		s.ServeHTTP(w, r)
	}
	b.StopTimer()
	if n := len(s.Ledger().Effects); n != b.N {
		b.Fatalf("%d of %d were cancelled", n, b.N)
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return io.Discard.Write(b) }
func (d discard) WriteHeader(int)             {}
