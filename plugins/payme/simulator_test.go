package main

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
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
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// noon is when simulations in these tests begin.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// A bench is a simulation asked without a network, at a time of one's choice.
type bench struct {
	*simulation
	t     *testing.T
	clock time.Time
	token string
}

func newBench(t *testing.T, faults ...string) *bench {
	t.Helper()
	b := &bench{simulation: newSimulation(settings("")).(*simulation), t: t, clock: noon}
	b.Now = func() time.Time { return b.clock }
	for _, f := range faults {
		name, value, _ := strings.Cut(f, "=")
		if err := b.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	b.renew()
	return b
}

func (b *bench) renew() {
	b.t.Helper()
	var given struct {
		Token string `json:"access_token"`
	}
	w := b.send(http.MethodPost, "/token", tokenBody, nil)
	if json.Unmarshal(w.Body.Bytes(), &given) != nil || given.Token == "" {
		b.t.Fatalf("no token: %s", w.Body)
	}
	b.token = given.Token
}

const tokenBody = `{"action":"authorize","grant_type":"client_credentials","audience":"https://api.preprod.alignet.io","client_id":"back-office","client_secret":"` + secret + `","scope":"create:token get:charges"}`

func (b *bench) seed(number, state string) {
	b.t.Helper()
	if err := b.Seed("cancel_charge", json.RawMessage(`{"merchant_operation_number":"`+number+`","transaction_id":"tx1","amount":"15000"}`), state); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) read(number string) *httptest.ResponseRecorder {
	return b.ask(http.MethodGet, "/charges/kuanto/"+url.PathEscape(number)+"/tx1", "")
}

func (b *bench) remove(number string) *httptest.ResponseRecorder {
	return b.ask(http.MethodDelete, "/charges/kuanto/"+url.PathEscape(number), "")
}

func (b *bench) ask(method, path, body string) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.send(method, path, body, map[string]string{"Authorization": "Bearer " + b.token})
}

func (b *bench) send(method, path, body string, header map[string]string) *httptest.ResponseRecorder {
	w, r := httptest.NewRecorder(), httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("ALG-API-VERSION", "1709847567")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	b.ServeHTTP(w, r)
	return w
}

func code(w *httptest.ResponseRecorder) string {
	o, err := apiclient.ParseObject(w.Body.Bytes())
	if err != nil {
		return ""
	}
	return o.Object("meta").Object("status").Text("code")
}

const (
	processed = `"meta":{"status":{"code":"00","message_ilgn":[{"locale":"es_PE","value":"Se proceso correctamente la peticion"}]}}`
	registers = `{"state":"REGISTRADO","date":{"utc_time":"2026-11-20T12:00:00","unix_time":1795176000}}`
	waits     = `{"state":"PENDIENTE","date":{"utc_time":"2026-11-20T12:00:00","unix_time":1795176000}}`
)

func TestSimulatorAnswers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.seed("0012345", "")
	if err := b.Seed("get_refund", json.RawMessage(`{"merchant_operation_number":"0012345","amount":"1050"}`), ""); err != nil {
		t.Fatal(err)
	}
	transaction := func(state, reason, expires string, lifecycle string) string {
		processor := "null"
		if state == pendiente {
			processor = cip
		}
		return `{"transaction_id":"tx1","channel":"ecommerce","state":"` + state + `","state_reason":"` + reason + `","amount":"15000","currency":"604","additional_fields":null,` +
			`"payment_method":{"method_name":"PAGOEFECTIVO","method_details":{}},"expiration_date":` + expires + `,"processor_response":` + processor + `,"lifecycle":[` + lifecycle + `]}`
	}
	card := body(t, "CARD")
	at := func(state string) string {
		return `{"state":"` + state + `","date":{"utc_time":"2026-11-20T12:00:00.000Z","unix_time":1795176840}}`
	}
	steps := []struct {
		name string
		got  *httptest.ResponseRecorder
		want string
	}{
		{
			"read", b.read("0012345"),
			`{"success":"true","merchant_code":"kuanto","operation":{"merchant_operation_number":"0012345","amount":"15000","currency":"604","created_at":{"utc_time":"2026-11-20T12:00:00","unix_time":1795176000},` +
				`"state":"PENDIENTE","additional_fields":null,"transactions":[` + transaction("PENDIENTE", "", `{"utc_time":"2026-11-21T12:00:00","unix_time":1795262400}`, registers+","+waits) + `]},` + processed + `}`,
		},
		{
			"delete", b.remove("0012345"),
			`{"success":true,"merchant_code":"kuanto","merchant_operation_number":"0012345","operation":{"merchant_operation_number":"0012345","amount":"15000","currency":"604","created_at":{"utc_time":"2026-11-20T12:00:00","unix_time":1795176000},` +
				`"state":"CANCELADO","transactions":[` + transaction("CANCELADO", "Usuario cancelo el metodo de pago", "null", registers+","+waits+","+strings.Replace(waits, "PENDIENTE", "CANCELADO", 1)) + `]},` + processed + `}`,
		},
		{
			"delete again", b.remove("0012345"),
			`{"success":false,"meta":{"status":{"code":"01","message_ilgn":[{"locale":"es_PE","value":"Ocurrio un problema durante el proceso"}]}}}`,
		},
		{
			"refund", b.ask(http.MethodGet, "/refund/kuanto/0012345", ""),
			`{"success":"true","merchant_code":"kuanto","operations_count":"1","operations":[{"refund_id":"00000000-0000-4000-8000-001795176000","state":"REGISTERED","refund_reason":"Solicitud recibida y validada","type":"TOTAL",` +
				`"merchant_operation_number":"0012345","transaction_id":"","refund_amount":"1050","transaction_amount":"1050","currency":"604","payment_method":{"name":"CARD","brand":"VISA","masked_pan":"447411******2240"},` +
				`"additional_fields":{"canal":"WEB","reason":"simulado","description":"simulado"},"lifecycle":[{"state":"REGISTERED","date":{"utc_time":"2026-11-20T12:00:00","unix_time":1795176000}}]}],` + processed + `}`,
		},
		{
			"no refund", b.ask(http.MethodGet, "/refund/kuanto/1", ""),
			`{"success":"true","merchant_code":"kuanto","operations_count":"0","operations":[],` + processed + `}`,
		},
		{
			"authorise", b.ask(http.MethodPost, "/charges", card),
			`{"success":"true","merchant_code":"kuanto","action":"authorize","merchant_operation_number":"02391645","transaction":{"transaction_id":"simulated2","channel":"ecommerce","state":"AUTORIZADO",` +
				`"state_reason":"Approval and completed successfully","amount":"15000","currency":"604","additional_fields":null,"payment_method":{"method_name":"CARD","method_details":{"bin":"405142","brand":"VISA","callback_url":"https://pay-me.com/callback","card_country":"PE","card_type":"DEBIT",` +
				`"installments":{"installment_number":"3","plan":"NORMAL"},"issuer":"BANCO DE CREDITO DEL PERU - BCP","last_pan":"1115","masked_pan":"405142******1115"}},"expiration_date":null,` +
				`"processor_response":{"authorization_code":"055552","brand_transaction_id":"100B","result_message":{"code":"00","description":"Approval and completed successfully"}},` +
				`"lifecycle":[` + at("REGISTRADO") + "," + at("PENDIENTE") + "," + at("AUTORIZADO") + `]},` + processed + `}`,
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
	want := sdk.Ledger{Requests: 7, Effects: map[string]int{"cancel:0012345": 1, "authorise:02391645": 1}}
	if d := cmp.Diff(want, b.Ledger()); d != "" {
		t.Error(d)
	}
}

// What a deletion does in each state, and what a read says afterwards.
func TestSimulatorStates(t *testing.T) {
	t.Parallel()
	for state, c := range map[string]struct{ code, after string }{
		registrado: {"00", cancelado},
		pendiente:  {"00", cancelado},
		autorizado: {"00", extornado},
		cancelado:  {"01", cancelado},
		extornado:  {"01", extornado},
		denegado:   {"01", denegado},
		expirado:   {"01", expirado},
		liquidado:  {"01", liquidado},
		depositado: {"01", depositado},
		invalido:   {"01", invalido},
	} {
		for setting, refusal := range map[string]string{"undocumented_delete=refuse": "01", "undocumented_delete=accept": "00"} {
			b := newBench(t, setting)
			b.seed("1", state)
			want := c.code
			if want == "01" {
				want = refusal
			}
			if got := code(b.remove("1")); got != want {
				t.Errorf("DELETE in %s with %s answers %s", state, setting, got)
			}
			if got := b.read("1").Body.String(); !strings.Contains(got, `"state":"`+c.after+`","additional_fields"`) {
				t.Errorf("after DELETE in %s a read shows %s", state, got)
			}
		}
	}
}

func TestSimulatorVerifies(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.seed("1", "")
	bearer := "Bearer " + b.token
	for name, c := range map[string]struct {
		header map[string]string
		status int
	}{
		"good":            {map[string]string{"Authorization": bearer}, http.StatusOK},
		"no bearer":       {nil, http.StatusUnauthorized},
		"a bad one":       {map[string]string{"Authorization": bearer + "x"}, http.StatusUnauthorized},
		"another scheme":  {map[string]string{"Authorization": b.token}, http.StatusUnauthorized},
		"no version":      {map[string]string{"Authorization": bearer, "ALG-API-VERSION": ""}, http.StatusBadRequest},
		"another version": {map[string]string{"Authorization": bearer, "ALG-API-VERSION": "1618440906"}, http.StatusBadRequest},
	} {
		if w := b.send(http.MethodGet, "/charges/kuanto/1/tx1", "", c.header); w.Code != c.status {
			t.Errorf("%s: HTTP %d", name, w.Code)
		}
	}
	if got := code(b.ask(http.MethodGet, "/charges/another/1/tx1", "")); got != "01" {
		t.Errorf("another merchant's charge answers %q", got)
	}
	for name, c := range map[string]struct{ from, to string }{
		"secret":   {secret, "another"},
		"client":   {"back-office", "another"},
		"audience": {"api.preprod", "api"},
	} {
		if w := b.send(http.MethodPost, "/token", strings.Replace(tokenBody, c.from, c.to, 1), nil); w.Code != http.StatusUnauthorized {
			t.Errorf("another %s gets HTTP %d", name, w.Code)
		}
	}
	for _, body := range []string{"", "[]", `{"action":"authorize"}`} {
		if w := b.send(http.MethodPost, "/token", body, nil); w.Code != http.StatusBadRequest {
			t.Errorf("%q gets HTTP %d", body, w.Code)
		}
		if got := code(b.ask(http.MethodPost, "/charges", body)); got != "01" {
			t.Errorf("a charge of %q answers %q", body, got)
		}
	}
	for _, path := range []string{"/", "/charges/kuanto", "/charges/kuanto/1/tx1/x", "/tokens/1", "/refund/kuanto"} {
		if w := b.ask(http.MethodGet, path, ""); w.Code != http.StatusNotFound {
			t.Errorf("%s answers HTTP %d", path, w.Code)
		}
	}
	b.clock = noon.Add(time.Hour)
	if w := b.read("1"); w.Code != http.StatusUnauthorized {
		t.Errorf("a token that has ended gets HTTP %d", w.Code)
	}
}

func TestSimulatorReadLag(t *testing.T) {
	t.Parallel()
	b := newBench(t, "read_lag=5s")
	b.seed("1", "")
	b.remove("1")
	for after, want := range map[time.Duration]string{4 * time.Second: pendiente, 5 * time.Second: cancelado} {
		b.clock = noon.Add(after)
		if got := b.read("1").Body.String(); !strings.Contains(got, `"state":"`+want+`","additional_fields"`) {
			t.Errorf("after %s: %s", after, got)
		}
	}
}

// A list that is old: about the share that was asked for is paid in truth, and
// nothing that was seeded in another state.
func TestSimulatorDrift(t *testing.T) {
	t.Parallel()
	b := newBench(t, "drift=0.1")
	paid := 0
	for i := range 1000 {
		number := fmt.Sprint(i)
		b.seed(number, "")
		if b.charges.known[number].state == stateAuthorised {
			paid++
		}
		b.seed("r"+number, registrado)
		if b.charges.known["r"+number].state != stateRegistered {
			t.Fatal("a charge drifted that isn't pending")
		}
	}
	if paid < 70 || paid > 130 {
		t.Errorf("%d of 1000 are paid, not some 100", paid)
	}
}

// What happens to a charge between two requests, and what a read then shows.
func TestSimulatorMeanwhile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		faults []string
		shown  []string // the first is what it is seeded in
	}{
		"nothing":    {nil, []string{registrado, registrado}},
		"to the end": {[]string{"register_between=1", "authorise_between=1", "settle_between=1", "deposit_between=1"}, []string{registrado, pendiente, autorizado, liquidado, depositado, depositado}},
		"denied":     {[]string{"deny_between=1"}, []string{pendiente, denegado, denegado}},
		"expired":    {[]string{"expire_between=1"}, []string{pendiente, expirado, expirado}},
		"not denied": {[]string{"deny_between=1"}, []string{autorizado, autorizado}},
		"reversed":   {[]string{"authorise_between=1", "settle_between=1"}, []string{extornado, extornado}},
	} {
		b := newBench(t, c.faults...)
		b.seed("1", c.shown[0])
		for i, want := range c.shown {
			if got := b.read("1").Body.String(); !strings.Contains(got, `"state":"`+want+`","additional_fields"`) {
				t.Errorf("%s: read %d: %s", name, i+1, got)
			}
		}
	}
	for setting, want := range map[string]string{"expires=no": pendiente, "expires=yes": expirado} {
		b := newBench(t, setting)
		b.seed("1", "")
		if err := b.Set("clock", "25h"); err != nil {
			t.Fatal(err)
		}
		if w := b.read("1"); w.Code != http.StatusUnauthorized {
			t.Errorf("a token outlives the clock: HTTP %d", w.Code)
		}
		b.renew()
		if got := b.read("1").Body.String(); !strings.Contains(got, `"state":"`+want+`","additional_fields"`) {
			t.Errorf("a day later with %s: %s", setting, got)
		}
	}
}

// What nobody documents, as it is switched.
func TestSimulatorUnknowns(t *testing.T) {
	t.Parallel()
	for shape, want := range map[string]string{
		"status": `{"success":false,"meta":{"status":`, "v1": `{"action":"reverse","success":"false","transaction":{"meta":{"status":`,
		"message": `{"message":"`, "error": `{"error":{"message":"`,
	} {
		if got := newBench(t, "failure_shape="+shape, "failure_status=422").remove("1"); got.Code != 422 || !strings.HasPrefix(got.Body.String(), want) || !json.Valid(got.Body.Bytes()) {
			t.Errorf("a failure as %s: HTTP %d %s", shape, got.Code, got.Body)
		}
	}
	for setting, want := range map[string]string{"none": `200 {"success":"true","merchant_code":"kuanto","operations_count":"0"`, "404": `404 {"message"`, "failure": `200 {"success":"false"`} {
		got := newBench(t, "unknown_refund="+setting).ask(http.MethodGet, "/refund/kuanto/1", "")
		if !strings.HasPrefix(fmt.Sprintf("%d %s", got.Code, got.Body), want) {
			t.Errorf("an unknown refund as %s: HTTP %d %s", setting, got.Code, got.Body)
		}
	}
	if w := newBench(t, "token_status=403").send(http.MethodPost, "/token", strings.Replace(tokenBody, secret, "another", 1), nil); w.Code != http.StatusForbidden {
		t.Errorf("a refused token request: HTTP %d", w.Code)
	}
	for which, want := range map[string]string{"all": cancelado, "first": pendiente} {
		b := newBench(t, "delete_of="+which)
		if err := b.Seed("cancel_charge", json.RawMessage(`{"merchant_operation_number":"1","transaction_id":"tx1","other_state":"PENDIENTE"}`), ""); err != nil {
			t.Fatal(err)
		}
		if got := b.remove("1").Body.String(); !strings.Contains(got, `{"transaction_id":"tx1b","channel":"ecommerce","state":"`+want+`"`) {
			t.Errorf("a deletion of %s: %s", which, got)
		}
	}
	for setting, want := range map[string]string{"differs": "1795176840", "agrees": "1795176000"} {
		got := newBench(t, "unix_time="+setting).ask(http.MethodPost, "/charges", body(t, "CARD")).Body.String()
		if strings.Count(got, `"utc_time":"2026-11-20T12:00:00.000Z","unix_time":`+want) != 3 {
			t.Errorf("unix_time %s: %s", setting, got)
		}
	}
}

// Who is told of what: of what the payer and the processor did, signed; of a
// deletion only where that is switched on.
func TestSimulatorNotifications(t *testing.T) {
	t.Parallel()
	twoReads := func(b *bench) { b.seed("1", ""); b.read("1"); b.read("1") }
	deleted := func(b *bench) { b.seed("1", ""); b.remove("1") }
	charged := func(b *bench) { b.ask(http.MethodPost, "/charges", body(b.t, "CARD")) }
	for name, c := range map[string]struct {
		faults []string
		do     func(*bench)
		want   []string
	}{
		"seeded":           {nil, func(b *bench) { b.seed("1", autorizado); b.read("1") }, nil},
		"paid":             {[]string{"authorise_between=1"}, twoReads, []string{"1 AUTORIZADO"}},
		"twice":            {[]string{"authorise_between=1", "notify_twice=1"}, twoReads, []string{"1 AUTORIZADO", "1 AUTORIZADO"}},
		"denied":           {[]string{"deny_between=1"}, twoReads, []string{"1 DENEGADO"}},
		"expired":          {[]string{"expire_between=1"}, twoReads, []string{"1 EXPIRADO"}},
		"settled":          {[]string{"authorise_between=1", "settle_between=1"}, twoReads, []string{"1 AUTORIZADO"}},
		"deleted":          {nil, deleted, nil},
		"deleted and told": {[]string{"notify_deleted=yes"}, deleted, []string{"1 CANCELADO"}},
		"charged":          {nil, charged, []string{"02391645 AUTORIZADO"}},
		"declined":         {[]string{"declined=1"}, charged, []string{"02391645 DENEGADO"}},
		"to be paid":       {nil, func(b *bench) { b.ask(http.MethodPost, "/charges", body(b.t, "PAGOEFECTIVO")) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var came []string
			listener := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				signed(t, r.Header, body)
				o, err := apiclient.ParseObject(body)
				if err != nil || o.Text("merchant_code") != merchant || !yes(o, "success") {
					t.Errorf("%s: %v", body, err)
				}
				came = append(came, o.Text("merchant_operation_number")+" "+o.Object("transaction").Text("state"))
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

// signed holds a notification's signature against the key that came with it.
func signed(t *testing.T, h http.Header, body []byte) {
	signature, err := base64.StdEncoding.DecodeString(h.Get("signature"))
	if err != nil {
		t.Error(err)
	}
	der, err := base64.StdEncoding.DecodeString(h.Get("simulator-signature-key"))
	if err != nil {
		t.Error(err)
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Error(err)
		return
	}
	sum := sha512.Sum512(body)
	if err := rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), crypto.SHA512, sum[:], signature); err != nil {
		t.Error(err)
	}
}

func TestSimulatorSwitches(t *testing.T) {
	t.Parallel()
	for _, c := range []string{
		"lose_answer=1.5", "clock=-1s", "scopes=some", "expires=never", "failure_shape=xml", "delete_of=none", "unix_time=x",
		"undocumented_delete=maybe", "failure_status=99", "unknown_charge=500", "read_shows=none", "reversal_refund=yes", "repeat_charge=no", "seed=-1", "no_such_fault=1",
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

func TestSimulatorRepeatsCharges(t *testing.T) {
	t.Parallel()
	body := body(t, "YAPE")
	for setting, want := range map[string]string{refuse: "01", accept: "00"} {
		b := newBench(t, "repeat_charge="+setting)
		if got := code(b.ask(http.MethodPost, "/charges", body)); got != "00" {
			t.Errorf("the first charge answers %s", got)
		}
		if got := code(b.ask(http.MethodPost, "/charges", body)); got != want {
			t.Errorf("the second charge answers %s", got)
		}
	}
}

// body is that of a new charge.
func body(t *testing.T, method string) string {
	t.Helper()
	a := newCharge(method)
	b, err := a.request(merchant)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What a new charge lacks that is required makes it a failure without effect.
func TestSimulatorRequiresOfCharges(t *testing.T) {
	t.Parallel()
	for method, lines := range map[string][]string{
		"CARD":          {`"action":"authorize"`, `"channel":"ecommerce"`, `"pan":"4051420006041115"`, `"expiry_date":"1231"`, `"security_code":"9463"`, `"prefix":"51"`, `"amount":"15000"`, `"currency":"604"`, `"product_details":[]`, `"line_2":"Miraflores"`, `"subscriber":"999835685"`},
		"YAPE":          {`"otp":"55745471"`, `"subscriber":"969929157"`},
		"CUOTEALO":      {`"redirect_url":"https://pay-me.com"`},
		"PAGOEFECTIVO":  {`"redirect_url":"https://pay-me.com"`},
		"BANK_TRANSFER": {`"redirect_url":"https://pay-me.com"`},
		"QR":            {`"method_name":"QR"`},
	} {
		for _, line := range lines {
			b := newBench(t)
			whole := body(t, method)
			without := strings.Replace(whole, line, `"x":""`, 1)
			if without == whole {
				t.Fatalf("%s has no %s", method, line)
			}
			if got := code(b.ask(http.MethodPost, "/charges", without)); got != "01" || len(b.Ledger().Effects) > 0 {
				t.Errorf("%s without %s answers %s", method, line, got)
			}
			if got := code(b.ask(http.MethodPost, "/charges", whole)); got != "00" {
				t.Errorf("%s answers %s", method, got)
			}
		}
	}
}

// What a request costs beside net/http, and a charge in memory: run it with
// -benchmem.
func BenchmarkSimulatorCancel(b *testing.B) {
	s := newSimulation(settings("")).(*simulation)
	s.tokens.known["t"] = issued{"", time.Now().Add(time.Hour)}
	for i := range b.N {
		if err := s.Seed("cancel_charge", json.RawMessage(fmt.Sprintf(`{"merchant_operation_number":"%09d","transaction_id":"t"}`, i)), ""); err != nil {
			b.Fatal(err)
		}
	}
	w := discard{http.Header{}}
	r := httptest.NewRequest(http.MethodDelete, "/charges/kuanto/x", nil)
	r.Header.Set("Authorization", "Bearer t")
	r.Header.Set("ALG-API-VERSION", "1709847567")
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		r.URL.Path = fmt.Sprintf("/charges/kuanto/%09d", i)
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
