package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
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
	b.Now = func() time.Time { return b.clock }
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
	for setting, want := range map[string]string{"order": "0042", "reference": "0043"} {
		if err := b.Set("checked_first", setting); err != nil {
			t.Fatal(err)
		}
		if got := code(b.write(http.MethodPost, first)); got != want {
			t.Errorf("number and reference are taken, %s first: %s", setting, got)
		}
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

// What only one of Payvalida's pages demands is demanded where it is asked for.
func TestSimulatorTerms(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 251)
	for name, c := range map[string]struct {
		change       func(*orderRequest)
		code, strict string
	}{
		"good":                {func(*orderRequest) {}, "0000", "0000"},
		"no iva":              {func(t *orderRequest) { t.IVA = "" }, "0000", "0011"},
		"an underscore":       {func(t *orderRequest) { t.Order = "A_1" }, "0000", "0011"},
		"a long description":  {func(t *orderRequest) { t.Description = long }, "0011", "0011"},
		"no description":      {func(t *orderRequest) { t.Description = "" }, "0029", "0029"},
		"a reference of text": {func(t *orderRequest) { t.Reference = "7A" }, "0011", "0011"},
		"another language":    {func(t *orderRequest) { t.Language = "pt" }, "0011", "0011"},
		"a long method":       {func(t *orderRequest) { t.Method = long }, "0011", "0011"},
		"recurrent elsewhere": {func(t *orderRequest) { t.Recurrent, t.Country = true, "604" }, "0020", "0020"},
		"an amount of text":   {func(t *orderRequest) { t.Amount = "x" }, "0021", "0021"},
		"an open amount":      {func(t *orderRequest) { t.Amount = "0" }, "0000", "0000"},
		"a bad country":       {func(t *orderRequest) { t.Country = "34" }, "0022", "0022"},
		"a bad currency":      {func(t *orderRequest) { t.Money = "cop" }, "0023", "0023"},
		"too far ahead":       {func(t *orderRequest) { t.Expiration = "31/12/2026" }, "0024", "0024"},
		"a date in ISO":       {func(t *orderRequest) { t.Expiration = "2026-11-30" }, "0031", "0031"},
		"at once":             {func(t *orderRequest) { t.Expiration = "20/11/2026" }, "0000", "0000"},
		"in the past":         {func(t *orderRequest) { t.Expiration = "19/11/2026" }, "0032", "0032"},
	} {
		for setting, want := range map[string]string{"strict=no": c.code, "strict=yes": c.strict} {
			terms := orderRequest{Email: "p@example.com", Country: "343", Order: "A1", Money: "COP", Amount: "1", Description: "x", IVA: "19"}
			c.change(&terms)
			if got := code(newBench(t, setting).write(http.MethodPost, terms)); got != want {
				t.Errorf("%s with %s answers %s, not %s", name, setting, got, want)
			}
		}
	}
	b := newBench(t)
	b.clock = time.Date(2026, 11, 20, 23, 31, 0, 0, time.UTC)
	soon := orderRequest{Email: "p@example.com", Country: "343", Order: "A1", Money: "COP", Amount: "1", Description: "x", Expiration: "20/11/2026"}
	if got := code(b.write(http.MethodPost, soon)); got != "0024" {
		t.Errorf("an order of less than half an hour answers %s", got)
	}
	for setting, want := range map[string]string{"strict=no": "0041", "strict=yes": "0011"} {
		terms := orderRequest{Email: "p@example.com", Country: "343", Order: strings.Repeat("9", 21), Money: "COP", Amount: "1", Description: long, IVA: "19"}
		if got := code(newBench(t, setting).write(http.MethodPatch, terms)); got != want {
			t.Errorf("an update of a long number with %s answers %s", setting, got)
		}
	}
}

// What happens to an order between two requests: it is paid, its payment is
// annulled, or its time is over.
func TestSimulatorMeanwhile(t *testing.T) {
	t.Parallel()
	recurrent := orderRequest{Email: "p@example.com", Country: "343", Order: "A1", Money: "COP", Amount: "1", Description: "x", Recurrent: true}
	for name, c := range map[string]struct {
		faults []string
		state  string // that it is seeded in; "" for a recurrent one
		shown  []string
	}{
		"nothing":            {nil, pendiente, []string{pendiente, pendiente}},
		"paid":               {[]string{"pay_between=1"}, pendiente, []string{pendiente, aprobada, aprobada}},
		"paid and annulled":  {[]string{"pay_between=1", "annul_between=1"}, pendiente, []string{pendiente, aprobada, anulada, anulada}},
		"annulled":           {[]string{"annul_between=1"}, aprobada, []string{aprobada, anulada}},
		"not annulled":       {[]string{"annul_between=1"}, pendiente, []string{pendiente, pendiente}},
		"expired":            {[]string{"clock=721h"}, pendiente, []string{vencida, vencida}},
		"expired meanwhile":  {[]string{"expire_between=1"}, pendiente, []string{pendiente, vencida, vencida}},
		"recurrent":          {[]string{"pay_between=1"}, "", []string{pendiente, pendiente}},
		"recurrent and paid": {[]string{"pay_between=1", "recurrent_paid=APROBADA"}, "", []string{pendiente, aprobada}},
	} {
		b := newBench(t, c.faults...)
		if c.state == "" {
			b.write(http.MethodPost, recurrent)
		} else {
			b.seed("A1", c.state)
		}
		for i, want := range c.shown {
			if got := b.ask(http.MethodGet, "A1").Body.String(); !strings.Contains(got, `"STATE":"`+want+`"`) {
				t.Errorf("%s: read %d: %s", name, i+1, got)
			}
		}
	}
	b := newBench(t)
	b.seed("A1", "")
	if err := b.Set("clock", "721h"); err != nil {
		t.Fatal(err)
	}
	if got := b.ask(http.MethodGet, "A1").Body.String(); !strings.Contains(got, `"STATE":"VENCIDA"`) {
		t.Errorf("its time is over: %s", got)
	}
	b = newBench(t, "zone=America/Bogota")
	b.seed("A1", "")
	if got := b.ask(http.MethodGet, "A1").Body.String(); !strings.Contains(got, `"CREATION_DATE":"2026-11-20 07:00:00"`) {
		t.Errorf("in another zone: %s", got)
	}
}

// Who is told of what: of payments and expiries, of an annulment for the
// payer's sake, of nothing that the merchant did.
func TestSimulatorNotifications(t *testing.T) {
	t.Parallel()
	sum := func(fields string) string { h := sha256.Sum256([]byte(fields)); return hex.EncodeToString(h[:]) }
	recurrent := orderRequest{Email: "p@example.com", Country: "343", Order: "A1", Money: "COP", Amount: "1", Description: "x", Method: "efecty", Recurrent: true}
	note := func(id, status, method, amount string) string {
		payment := ""
		if method != "" {
			payment = `"pv_payment":"` + method + `",`
		}
		return `{"amount":"` + amount + `","iso_currency":"COP","po_id":"` + id + `","pv_checksum":"` + sum(id+status+"simulated") + `",` + payment + `"pv_po_id":95585,"status":"` + status + `"}`
	}
	read := func(b *bench) { b.ask(http.MethodGet, "A1") }
	for name, c := range map[string]struct {
		faults []string
		do     func(*bench)
		want   []string
	}{
		"paid": {[]string{"pay_between=1"}, func(b *bench) { worth(b, ""); read(b) }, []string{note("A1", "approved", "pse", "5.0")}},
		"twice": {[]string{"pay_between=1", "notify_twice=1"}, func(b *bench) { worth(b, ""); read(b) },
			[]string{note("A1", "approved", "pse", "5.0"), note("A1", "approved", "pse", "5.0")}},
		"expired": {nil, func(b *bench) {
			worth(b, "")
			b.clock = noon.Add(31 * 24 * time.Hour)
			b.ask(http.MethodGet, "another")
		}, []string{note("A1", "cancelled", "", "5.0")}},
		"annulled": {[]string{"pay_between=1", "annul_between=1"}, func(b *bench) { worth(b, ""); read(b); read(b) },
			[]string{note("A1", "approved", "pse", "5.0"), note("A1", "cancelled", "pse", "5.0")}},
		"annulled by the merchant": {[]string{"annul_between=1", "annulled_by=merchant"}, func(b *bench) { worth(b, aprobada); read(b) }, nil},
		"deleted":                  {nil, func(b *bench) { worth(b, ""); b.ask(http.MethodDelete, "A1") }, nil},
		"seeded":                   {nil, func(b *bench) { worth(b, aprobada); worth(b, vencida); read(b) }, nil},
		"recurrent": {[]string{"pay_between=1"}, func(b *bench) { b.write(http.MethodPost, recurrent); read(b); read(b) },
			[]string{note("A1_1", "approved", "efecty", "1.0"), note("A1_2", "approved", "efecty", "1.0")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var came []string
			listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				came = append(came, string(body))
				fmt.Fprint(w, "OK, thanks")
			}))
			defer listener.Close()
			b := newBench(t, append(c.faults, "notify="+listener.URL)...)
			c.do(b)
			b.Delivered()
			if d := cmp.Diff(c.want, came); d != "" {
				t.Error(d)
			}
			got := b.ask(http.MethodGet, "A1").Body.String()
			if len(c.want) > 0 && !strings.Contains(got, `"NOTIFICATION_RESPONSE":"OK, thanks"`) {
				t.Errorf("the answer isn't shown: %s", got)
			}
			b.Delivered()
		})
	}
}

// worth seeds an order of five pesos.
func worth(b *bench, state string) {
	b.t.Helper()
	if err := b.Seed("cancel_order", json.RawMessage(`{"order":"A1","amount":"5"}`), state); err != nil {
		b.t.Fatal(err)
	}
}

func TestSimulatorSwitches(t *testing.T) {
	t.Parallel()
	for _, c := range []string{
		"lose_answer=1.5", "clock=-1s", "checksum_case=mixed", "unknown_order=0000", "unknown_order=41", "strict=very", "zone=here",
		"recurrent_paid=VENCIDA", "annulled_by=nobody", "notify=http://example.com/", "no_such_fault=1",
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
