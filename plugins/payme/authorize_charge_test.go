package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// The card of these tests: Alignet's own for tests, and a code that nothing
// else has.
const (
	testPAN    = "4051420006041115"
	testExpiry = "1231"
	testCVV    = "9463"
	testOTP    = "55745471"
	testCAVV   = "AJkBB5NBeQAAAD3MYENQdAAAAAA="
)

var payer = person{"Pedro", "Miranda", "pedro@pay-me.com", phone{"+51", "999835685"}, location{"Av. Casimiro Ulloa 333", "Miraflores", "Lima", "Lima", "Peru"}}

// newCharge has all that its payment method can have, but for a way back,
// which makes another thing of a card.
func newCharge(method string) authorizeArgs {
	a := authorizeArgs{
		MerchantOperationNumber: "02391645", Amount: "150.00", Currency: "PEN", PaymentMethod: method,
		CallbackURL: "https://pay-me.com/callback", Billing: payer, Shipping: payer, Customer: payer,
	}
	switch method {
	case "CARD":
		a.PAN, a.ExpiryDate, a.SecurityCode, a.CAVV = testPAN, testExpiry, testCVV, testCAVV
		a.CardHolder = &cardHolder{"Pedro", "Miranda", "pedro@pay-me.com", prefixedNumber{"51", "999835685"}}
		a.Installments = &installments{"01", "3"}
		a.AuthenticationResult = &authentication{"2.1.0", "05", "ABC123", "ABC124", "Y"}
	case "YAPE":
		a.Phone, a.OTP = &phone{"+51", "969929157"}, testOTP
	case "BANK_TRANSFER", "CUOTEALO", "PAGOEFECTIVO":
		a.RedirectURL = "https://pay-me.com"
	}
	return a
}

// with changes a copy.
func (a authorizeArgs) with(change func(*authorizeArgs)) authorizeArgs {
	change(&a)
	return a
}

// The request of Alignet's reference page, field by field.
func TestAuthorizeRequest(t *testing.T) {
	t.Parallel()
	const who = `{"first_name":"Pedro","last_name":"Miranda","email":"pedro@pay-me.com","phone":{"country_code":"+51","subscriber":"999835685"},` +
		`"location":{"line_1":"Av. Casimiro Ulloa 333","line_2":"Miraflores","city":"Lima","state":"Lima","country":"Peru"}}`
	const card = `"pan":"4051420006041115","expiry_date":"1231","security_code":"9463","card_holder":{"first_name":"Pedro","last_name":"Miranda","email":"pedro@pay-me.com","phone":{"prefix":"51","number":"999835685"}}`
	body := func(name, details string) string {
		return `{"action":"authorize","channel":"ecommerce","merchant_code":"kuanto","merchant_operation_number":"02391645","payment_method":{"method_name":"` + name +
			`","method_details":{` + details + `}},"payment_details":{"amount":"15000","currency":"604","billing":` + who + `,"shipping":` + who + `,"customer":` + who + `,"product_details":[]}}`
	}
	for name, c := range map[string]struct {
		args authorizeArgs
		want string
	}{
		"card, as on the page": {
			newCharge("CARD").with(func(a *authorizeArgs) { a.AuthenticationResult, a.CAVV, a.CallbackURL = nil, "", "" }),
			body("CARD", card+`,"installments":{"plan":"01","number":"3"}`),
		},
		"card, authenticated before": {
			newCharge("CARD").with(func(a *authorizeArgs) { a.Installments, a.CallbackURL = nil, "" }),
			body("CARD", card+`,"authentication_result":{"3ds_secure":{"version":"2.1.0","electronic_commerce_indicator":"05","ds_transaction_id":"ABC123","three_ds_server_transaction_id":"ABC124","trans_status":"Y","cardholder_authentication_verification_value":"`+testCAVV+`"}}`),
		},
		"card, to authenticate": {
			newCharge("CARD").with(func(a *authorizeArgs) {
				a.Installments, a.AuthenticationResult, a.CAVV, a.RedirectURL = nil, nil, "", "https://pay-me.com"
			}),
			body("CARD", card+`,"redirect_url":"https://pay-me.com","callback_url":"https://pay-me.com/callback"`),
		},
		"yape":          {newCharge("YAPE"), body("YAPE", `"phone":{"country_code":"+51","subscriber":"969929157"},"otp":"55745471","callback_url":"https://pay-me.com/callback"`)},
		"qr":            {newCharge("QR"), body("QR", `"callback_url":"https://pay-me.com/callback"`)},
		"pagoefectivo":  {newCharge("PAGOEFECTIVO"), body("PAGOEFECTIVO", `"redirect_url":"https://pay-me.com","callback_url":"https://pay-me.com/callback"`)},
		"cuotealo":      {newCharge("CUOTEALO"), body("CUOTEALO", `"redirect_url":"https://pay-me.com","callback_url":"https://pay-me.com/callback"`)},
		"bank transfer": {newCharge("BANK_TRANSFER"), body("BANK_TRANSFER", `"redirect_url":"https://pay-me.com","callback_url":"https://pay-me.com/callback"`)},
	} {
		if err := checkAuthorization(c.args); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got, err := c.args.request(merchant)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, string(got)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestMinorUnits(t *testing.T) {
	t.Parallel()
	for given, want := range map[sdk.Decimal]string{
		"150.00": "15000", "150": "15000", "150.5": "15050", "0.01": "1", "0.10": "10", "007.00": "700", "150.500": "15050",
		"9007199254740993.01": "900719925474099301", "123456789012345678901234567890": "12345678901234567890123456789000",
		"0": "", "0.00": "", "": "", "-1.00": "", "0.001": "", "150.005": "",
	} {
		got, err := minorUnits(given)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v, not %q", given, got, err, want)
		}
	}
}

func TestCheckAuthorization(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args authorizeArgs
		want string // a part of the refusal; "" is none
	}{
		"card": {newCharge("CARD"), ""},
		"card alone": {newCharge("CARD").with(func(a *authorizeArgs) {
			a.Installments, a.AuthenticationResult, a.CAVV, a.CallbackURL = nil, nil, "", ""
		}), ""},
		"card, to authenticate":      {newCharge("CARD").with(func(a *authorizeArgs) { a.RedirectURL = "https://pay-me.com" }), ""},
		"card without a number":      {newCharge("CARD").with(func(a *authorizeArgs) { a.PAN = "" }), "payment_method CARD needs pan"},
		"card without a date":        {newCharge("CARD").with(func(a *authorizeArgs) { a.ExpiryDate = "" }), "payment_method CARD needs expiry_date"},
		"card without a code":        {newCharge("CARD").with(func(a *authorizeArgs) { a.SecurityCode = "" }), "payment_method CARD needs security_code"},
		"card of nobody":             {newCharge("CARD").with(func(a *authorizeArgs) { a.CardHolder = nil }), "payment_method CARD needs card_holder"},
		"card with an otp":           {newCharge("CARD").with(func(a *authorizeArgs) { a.OTP = testOTP }), "payment_method CARD has no otp"},
		"card with a phone":          {newCharge("CARD").with(func(a *authorizeArgs) { a.Phone = &phone{"+51", "1"} }), "payment_method CARD has no phone"},
		"card, mistyped":             {newCharge("CARD").with(func(a *authorizeArgs) { a.PAN = "4051420006041116" }), "pan is no card's number"},
		"a code of no reading":       {newCharge("CARD").with(func(a *authorizeArgs) { a.AuthenticationResult = nil }), "say authentication_result too"},
		"a holder without a name":    {newCharge("CARD").with(func(a *authorizeArgs) { a.CardHolder = &cardHolder{} }), "card_holder.first_name is blank"},
		"half of installments":       {newCharge("CARD").with(func(a *authorizeArgs) { a.Installments = &installments{"01", ""} }), "installments.number is blank"},
		"yape":                       {newCharge("YAPE"), ""},
		"yape without an otp":        {newCharge("YAPE").with(func(a *authorizeArgs) { a.OTP = "" }), "payment_method YAPE needs otp"},
		"yape without a phone":       {newCharge("YAPE").with(func(a *authorizeArgs) { a.Phone = nil }), "payment_method YAPE needs phone"},
		"yape with a card":           {newCharge("YAPE").with(func(a *authorizeArgs) { a.PAN = testPAN }), "payment_method YAPE has no pan"},
		"yape with a way back":       {newCharge("YAPE").with(func(a *authorizeArgs) { a.RedirectURL = "https://pay-me.com" }), "payment_method YAPE has no redirect_url"},
		"qr":                         {newCharge("QR"), ""},
		"qr alone":                   {newCharge("QR").with(func(a *authorizeArgs) { a.CallbackURL = "" }), ""},
		"qr with a way back":         {newCharge("QR").with(func(a *authorizeArgs) { a.RedirectURL = "https://pay-me.com" }), "payment_method QR has no redirect_url"},
		"pagoefectivo":               {newCharge("PAGOEFECTIVO"), ""},
		"pagoefectivo, no way back":  {newCharge("PAGOEFECTIVO").with(func(a *authorizeArgs) { a.RedirectURL = "" }), "payment_method PAGOEFECTIVO needs redirect_url"},
		"cuotealo":                   {newCharge("CUOTEALO"), ""},
		"cuotealo, no way back":      {newCharge("CUOTEALO").with(func(a *authorizeArgs) { a.RedirectURL = "" }), "payment_method CUOTEALO needs redirect_url"},
		"cuotealo with a code":       {newCharge("CUOTEALO").with(func(a *authorizeArgs) { a.SecurityCode = testCVV }), "payment_method CUOTEALO has no security_code"},
		"bank transfer":              {newCharge("BANK_TRANSFER"), ""},
		"bank transfer, no way back": {newCharge("BANK_TRANSFER").with(func(a *authorizeArgs) { a.RedirectURL = "" }), "payment_method BANK_TRANSFER needs redirect_url"},
		"no such method":             {newCharge("PLIN"), `payment_method is "PLIN"`},
		"by number":                  {newCharge("QR").with(func(a *authorizeArgs) { a.Currency = "840" }), ""},
		"no such currency":           {newCharge("QR").with(func(a *authorizeArgs) { a.Currency = "EUR" }), `currency is "EUR"`},
		"half a céntimo":             {newCharge("QR").with(func(a *authorizeArgs) { a.Amount = "1.005" }), "round it to two decimals"},
		"nothing":                    {newCharge("QR").with(func(a *authorizeArgs) { a.Amount = "0.00" }), "amount must be more than 0"},
		"no path":                    {newCharge("QR").with(func(a *authorizeArgs) { a.MerchantOperationNumber = ".." }), "merchant_operation_number"},
		"a way back in the clear":    {newCharge("CUOTEALO").with(func(a *authorizeArgs) { a.RedirectURL = "http://pay-me.com" }), "redirect_url is not a URL"},
		"a call to nowhere":          {newCharge("QR").with(func(a *authorizeArgs) { a.CallbackURL = "https:///x" }), "callback_url is not a URL"},
		"a password in a call":       {newCharge("QR").with(func(a *authorizeArgs) { a.CallbackURL = "https://a:b@pay-me.com" }), "callback_url is not a URL"},
		"a payer from nowhere":       {newCharge("QR").with(func(a *authorizeArgs) { a.Customer.Location.City = " " }), "customer.location.city is blank"},
	} {
		err := checkAuthorization(c.args)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			searchCard(t, name, err.Error())
		}
	}
}

// Every payment method against the simulator, which is as strict as the
// reference page.
func TestAuthorizeCharge(t *testing.T) {
	t.Parallel()
	atOnce := authorization{State: autorizado, AuthorizationCode: "055552", BrandTransactionID: "100B", Brand: "VISA", Issuer: "BANCO DE CREDITO DEL PERU - BCP"}
	goesOn := authorization{State: pendiente, ContinueURL: "https://pay.example/continue/simulated1"}
	for name, c := range map[string]struct {
		args authorizeArgs
		want authorization
	}{
		"card": {newCharge("CARD"), atOnce},
		"card, to authenticate": {
			newCharge("CARD").with(func(a *authorizeArgs) { a.RedirectURL = "https://pay-me.com" }),
			authorization{State: pendiente, ContinueURL: goesOn.ContinueURL, Brand: "VISA", Issuer: atOnce.Issuer},
		},
		"card in dollars": {newCharge("CARD").with(func(a *authorizeArgs) { a.Currency = "USD" }), func() authorization { w := atOnce; w.Currency = "840"; return w }()},
		"yape":            {newCharge("YAPE"), atOnce},
		"qr":              {newCharge("QR"), authorization{State: pendiente, QRID: "6d5d1ffc79234991b5592b825d6ec097", QRImage: "data:image/png;base64,iVBORw0KGgo="}},
		"pagoefectivo":    {newCharge("PAGOEFECTIVO"), authorization{State: pendiente, CIP: "1508405", CIPURL: "https://pagoefectivo.example/1508405.html"}},
		"cuotealo":        {newCharge("CUOTEALO"), goesOn},
		"bank transfer":   {newCharge("BANK_TRANSFER"), goesOn},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			got, err := s.authorizeCharge(t.Context(), c.args)
			if err != nil {
				t.Fatal(err)
			}
			c.want.MerchantOperationNumber, c.want.TransactionID, c.want.Amount, c.want.PaymentMethod = "02391645", "simulated1", "15000", c.args.PaymentMethod
			if c.want.Currency == "" {
				c.want.Currency = "604"
			}
			if (got.ExpirationDate != "") != (got.State == pendiente) {
				t.Errorf("it can be paid until %q", got.ExpirationDate)
			}
			got.ExpirationDate = ""
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(map[string]int{"authorise:02391645": 1}, s.simulation.Ledger().Effects); d != "" {
				t.Error(d)
			}
			searchCard(t, "the result", fmt.Sprintf("%+v", got))
			// With the transaction's id the charge can be read.
			charge, err := s.readCharge(t.Context(), chargeArgs{got.MerchantOperationNumber, got.TransactionID})
			if err != nil || charge.State != got.State || charge.Amount != got.Amount {
				t.Errorf("it reads as %+v, %v", charge, err)
			}
		})
	}
}

// Who is denied isn't charged.
func TestAuthorizeChargeDenied(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]authorizeArgs{
		"a card for denials":  newCharge("CARD").with(func(a *authorizeArgs) { a.PAN = "4041650444437904" }),
		"a phone for denials": newCharge("YAPE").with(func(a *authorizeArgs) { a.Phone = &phone{"+51", "999999999"} }),
	} {
		s := newStage(t)
		_, err := s.authorizeCharge(t.Context(), a)
		s.want(err, sdk.OutcomeRefused, "51")
		if f := sdk.AsFailure(err); f == nil || f.Reason != "Pay-me ended the charge as DENEGADO: insufficient funds" {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(s.simulation.Ledger().Effects); n != 0 {
			t.Errorf("%s: %d effects", name, n)
		}
	}
	s := newStage(t, "declined=1")
	_, err := s.authorizeCharge(t.Context(), newCharge("CARD"))
	s.want(err, sdk.OutcomeRefused, "51")
}

// A number that was used isn't charged again, and what a second charge does
// isn't documented.
func TestAuthorizeChargeTwice(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.seed("authorize_charge", `{"merchant_operation_number":"02391645","amount":"150.00"}`, "")
	s.seed("authorize_charge", `{"merchant_operation_number":"77","amount":"150.00"}`, autorizado)
	_, err := s.authorizeCharge(t.Context(), newCharge("CARD"))
	s.want(err, sdk.OutcomeDone, "")
	_, err = s.authorizeCharge(t.Context(), newCharge("CARD"))
	s.want(err, sdk.OutcomeUnknown, "01")
	_, err = s.authorizeCharge(t.Context(), newCharge("CARD").with(func(a *authorizeArgs) { a.MerchantOperationNumber = "77" }))
	s.want(err, sdk.OutcomeUnknown, "01")
	if d := cmp.Diff(map[string]int{"authorise:02391645": 1}, s.simulation.Ledger().Effects); d != "" {
		t.Error(d)
	}
}

// A scope that can't charge is found before anything is sent.
func TestAuthorizeChargeScope(t *testing.T) {
	t.Parallel()
	s := newStage(t, "scopes=checked")
	_, err := s.authorizeCharge(t.Context(), newCharge("QR"))
	s.want(err, sdk.OutcomeDone, "")
	s.configuration.Scope = "create:token get:charges"
	before := s.simulation.Ledger().Requests
	_, err = s.authorizeCharge(t.Context(), newCharge("QR"))
	s.want(err, sdk.OutcomeFatal, "scope")
	if f := sdk.AsFailure(err); f == nil || !f.NoEffect || s.simulation.Ledger().Requests != before {
		t.Errorf("%v after %d requests", err, s.simulation.Ledger().Requests-before)
	}
}

// authorized is an answer of Alignet's reference page.
func authorized(state, code, amount, number string) string {
	return `{"success":"true","action":"authorize","merchant_code":"kuanto","merchant_operation_number":"` + number + `","transaction":{"transaction_id":"5hk8rwa3h3cq9oyfs3a28v1ms","channel":"ecommerce","state":"` + state +
		`","state_reason":"…","amount":"` + amount + `","currency":"604","payment_method":{"method_name":"CARD","method_details":{"masked_pan":"411111********1111","brand":"VISA"}},` +
		`"processor_response":{"authorization_code":"055552","brand_transaction_id":"100B","result_message":{"code":"` + code + `","description":"…"}},"additional_fields":null,"lifecycle":[]},` +
		`"meta":{"status":{"code":"00","message_ilgn":[{"locale":"es_PE","value":"Procesado correctamente"}]}}}`
}

// What an answer proves: nothing but an authorisation of this very charge is
// done, nothing but a denial of it is refused, and what is unclear is unknown.
func TestAuthorizeAnswers(t *testing.T) {
	t.Parallel()
	type want struct {
		outcome sdk.Outcome
		code    string
	}
	good := authorized("AUTORIZADO", "00", "15000", "02391645")
	unknown := want{sdk.OutcomeUnknown, "unconfirmed"}
	toAuthenticate := newCharge("CARD").with(func(a *authorizeArgs) { a.RedirectURL = "https://pay-me.com" })
	for name, c := range map[string]struct {
		args   authorizeArgs
		status int
		body   string
		want   want
	}{
		"authorised":                           {newCharge("CARD"), 200, good, want{sdk.OutcomeDone, ""}},
		"authorised by another processor":      {newCharge("CARD"), 200, authorized("AUTORIZADO", "000", "15000", "02391645"), want{sdk.OutcomeDone, ""}},
		"authorised without a code":            {newCharge("CARD"), 200, authorized("AUTORIZADO", "", "15000", "02391645"), want{sdk.OutcomeDone, ""}},
		"authorised, by another code":          {newCharge("CARD"), 200, authorized("AUTORIZADO", "51", "15000", "02391645"), unknown},
		"authorised, and not successful":       {newCharge("CARD"), 200, strings.Replace(good, `"true"`, `"false"`, 1), want{sdk.OutcomeUnknown, "unsuccessful"}},
		"authorised, and not processed":        {newCharge("CARD"), 200, strings.Replace(good, `"code":"00","message`, `"code":"01","message`, 1), want{sdk.OutcomeUnknown, "01"}},
		"authorised under another status":      {newCharge("CARD"), 201, good, want{sdk.OutcomeUnknown, "http_201"}},
		"another's":                            {newCharge("CARD"), 200, authorized("AUTORIZADO", "00", "15000", "2391645"), want{sdk.OutcomeIncident, ""}},
		"another merchant's":                   {newCharge("CARD"), 200, strings.Replace(good, `"kuanto"`, `"kuantos"`, 1), want{sdk.OutcomeIncident, ""}},
		"another amount":                       {newCharge("CARD"), 200, authorized("AUTORIZADO", "00", "1500000", "02391645"), want{sdk.OutcomeIncident, ""}},
		"another currency":                     {newCharge("CARD"), 200, strings.Replace(good, `"604"`, `"840"`, 1), want{sdk.OutcomeIncident, ""}},
		"no amount":                            {newCharge("CARD"), 200, strings.Replace(good, `"amount":"15000",`, ``, 1), unknown},
		"an amount of letters":                 {newCharge("CARD"), 200, authorized("AUTORIZADO", "00", "much", "02391645"), unknown},
		"no transaction's id":                  {newCharge("CARD"), 200, strings.Replace(good, `"transaction_id":"5hk8rwa3h3cq9oyfs3a28v1ms",`, ``, 1), unknown},
		"no number":                            {newCharge("CARD"), 200, strings.Replace(good, `"merchant_operation_number":"02391645",`, ``, 1), unknown},
		"no transaction":                       {newCharge("CARD"), 200, `{"success":"true","merchant_code":"kuanto","merchant_operation_number":"02391645","meta":{"status":{"code":"00"}}}`, unknown},
		"no state":                             {newCharge("CARD"), 200, authorized("", "00", "15000", "02391645"), unknown},
		"two states":                           {newCharge("CARD"), 200, strings.Replace(good, `"state":"AUTORIZADO"`, `"state":"DENEGADO","state":"AUTORIZADO"`, 1), unknown},
		"denied":                               {newCharge("CARD"), 200, authorized("DENEGADO", "05", "15000", "02391645"), want{sdk.OutcomeRefused, "05"}},
		"denied without a code":                {newCharge("CARD"), 200, authorized("DENEGADO", "", "15000", "02391645"), want{sdk.OutcomeRefused, "DENEGADO"}},
		"denied with an odd code":              {newCharge("CARD"), 200, authorized("DENEGADO", "<b>no</b>", "15000", "02391645"), want{sdk.OutcomeRefused, "DENEGADO"}},
		"denied, and not successful":           {newCharge("CARD"), 200, strings.Replace(authorized("DENEGADO", "51", "15000", "02391645"), `"true"`, `"false"`, 1), want{sdk.OutcomeRefused, "51"}},
		"denied, and not processed":            {newCharge("CARD"), 200, strings.Replace(authorized("DENEGADO", "51", "15000", "02391645"), `"code":"00","message`, `"code":"01","message`, 1), want{sdk.OutcomeRefused, "51"}},
		"another's denial":                     {newCharge("CARD"), 200, authorized("DENEGADO", "51", "15000", "2391645"), want{sdk.OutcomeIncident, ""}},
		"denied under another status":          {newCharge("CARD"), 500, authorized("DENEGADO", "51", "15000", "02391645"), want{sdk.OutcomeUnknown, "http_500"}},
		"denied, broken off":                   {newCharge("CARD"), 200, authorized("DENEGADO", "51", "15000", "02391645")[:600], want{sdk.OutcomeUnknown, "no_json"}},
		"invalid":                              {newCharge("QR"), 200, authorized("INVALIDO", "", "15000", "02391645"), want{sdk.OutcomeRefused, "INVALIDO"}},
		"card pending":                         {newCharge("CARD"), 200, authorized("PENDIENTE", "00", "15000", "02391645"), unknown},
		"card pending, to authenticate":        {toAuthenticate, 200, authorized("PENDIENTE", "00", "15000", "02391645"), want{sdk.OutcomeDone, ""}},
		"yape pending":                         {newCharge("YAPE"), 200, authorized("PENDIENTE", "00", "15000", "02391645"), unknown},
		"qr pending":                           {newCharge("QR"), 200, authorized("PENDIENTE", "0", "15000", "02391645"), want{sdk.OutcomeDone, ""}},
		"pagoefectivo pending":                 {newCharge("PAGOEFECTIVO"), 200, authorized("PENDIENTE", "100", "15000", "02391645"), want{sdk.OutcomeDone, ""}},
		"qr registered":                        {newCharge("QR"), 200, authorized("REGISTRADO", "", "15000", "02391645"), unknown},
		"reversed":                             {newCharge("CARD"), 200, authorized("EXTORNADO", "00", "15000", "02391645"), unknown},
		"cancelled":                            {newCharge("QR"), 200, authorized("CANCELADO", "", "15000", "02391645"), unknown},
		"a state that nobody knows":            {newCharge("CARD"), 200, authorized("EN_PROCESO", "00", "15000", "02391645"), unknown},
		"unauthorised":                         {newCharge("CARD"), 401, `{}`, want{sdk.OutcomeUnauthenticated, "http_401"}},
		"forbidden":                            {newCharge("CARD"), 403, `{}`, want{sdk.OutcomeUnknown, "http_403"}},
		"a bad request, of which no page says": {newCharge("CARD"), 400, `{}`, want{sdk.OutcomeUnknown, "http_400"}},
	} {
		_, err := c.args.judge(merchant, &apiclient.Response{Status: c.status, Body: []byte(c.body)})
		got, code := outcome(err)
		if (want{got, code}) != c.want {
			t.Errorf("%s: %v %q (%v), not %v %q", name, got, code, err, c.want.outcome, c.want.code)
		}
	}
	_, err := (newCharge("CARD")).with(func(*authorizeArgs) {}).judgeFor(authorized("PENDIENTE", "00", "15000", "02391645"))
	if f := sdk.AsFailure(err); f == nil || !strings.Contains(f.Reason, "transaction 5hk8rwa3h3cq9oyfs3a28v1ms") {
		t.Errorf("a person isn't told which transaction to look at: %v", err)
	}
}

func (a authorizeArgs) judgeFor(body string) (authorization, error) {
	return a.judge(merchant, &apiclient.Response{Status: http.StatusOK, Body: []byte(body)})
}

// forms are the ways in which a secret could come out.
func forms(secret string) []string {
	list := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), strings.ReplaceAll(url.QueryEscape(secret), "%", "%25")}
	for shift := range 3 { // base64 may begin anywhere; what it makes of the secret alone are whole groups
		encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
		if from, to := (shift+2)/3*4, (shift+len(secret))/3*4; to > from {
			list = append(list, encoded[from:to])
		}
	}
	if len(secret) >= 12 {
		for _, between := range []string{" ", "-", ".", "%20", "+"} {
			list = append(list, strings.Join([]string{secret[:4], secret[4:8], secret[8:12], secret[12:]}, between))
		}
	}
	return list
}

// searchCard finds anything of the card in a text.
func searchCard(t *testing.T, where, text string) {
	t.Helper()
	for name, s := range map[string]string{"number": testPAN, "code": testCVV, "otp": testOTP, "cavv": testCAVV} {
		for _, form := range forms(s) {
			if strings.Contains(text, form) {
				t.Errorf("%s has the card's %s as %q:\n%s", where, name, form, text)
			}
		}
	}
}

// A search that finds nothing shows nothing.
func TestSearchCard(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"x" + testPAN + "y", "4051 4200 0604 1115", "4051-4200-0604-1115", "cvv=" + testCVV,
		base64.StdEncoding.EncodeToString([]byte("pan=" + testPAN + "&x")), base64.StdEncoding.EncodeToString([]byte("apan=" + testPAN + "&x")), base64.StdEncoding.EncodeToString([]byte("abpan=" + testPAN + "&x")),
		url.QueryEscape(testCAVV), testCAVV,
	} {
		found := false
		for _, s := range []string{testPAN, testCVV, testOTP, testCAVV} {
			for _, form := range forms(s) {
				found = found || strings.Contains(text, form)
			}
		}
		if !found {
			t.Errorf("nothing is found in %q", text)
		}
	}
}

// Arguments are never printed, and if they were the card would not be.
func TestWriteOnlyIsNeverPrinted(t *testing.T) {
	t.Parallel()
	a := newCharge("CARD")
	a.OTP = testOTP
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v"} {
		for _, value := range []any{a, &a, a.charge(merchant, "15000"), a.PAN, &a.PAN, []writeOnly{a.PAN, a.SecurityCode, a.OTP, a.CAVV}, map[string]writeOnly{"x": a.PAN}, fmt.Errorf("%v: %w", a, context.Canceled)} {
			text := fmt.Sprintf(verb, value)
			searchCard(t, verb, text)
			if strings.Contains(text, fmt.Sprintf("%x", testPAN)) {
				t.Errorf("%s prints the number in hexadecimal", verb)
			}
		}
	}
	searchCard(t, "Sprint", fmt.Sprint(a, a.PAN)+fmt.Sprintln(a.PAN)+a.PAN.String()+a.PAN.GoString())
	encoded, err := json.Marshal(a)
	if err != nil || !strings.Contains(string(encoded), hidden) {
		t.Errorf("%s, %v", encoded, err)
	}
	searchCard(t, "JSON", string(encoded))
	for name, handler := range map[string]func(*strings.Builder) slog.Handler{
		"text log": func(b *strings.Builder) slog.Handler { return slog.NewTextHandler(b, nil) },
		"JSON log": func(b *strings.Builder) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b strings.Builder
		slog.New(handler(&b)).Info("x", "args", a, "pan", a.PAN, "list", []writeOnly{a.SecurityCode})
		searchCard(t, name, b.String())
	}
	func() {
		defer func() { searchCard(t, "a panic", fmt.Sprintf("%v %+v", recover(), "")) }()
		panic(a)
	}()
}

// echoes are APIs that repeat what they were sent, each in its own way.
var echoes = map[string]http.HandlerFunc{
	"lost":          func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"500":           echo(500, func(b string) string { return b }),
	"502 with HTML": echo(502, func(b string) string { return "<html><pre>" + b + "</pre></html>" }),
	"200 with HTML": echo(200, func(b string) string { return "<html><pre>" + b + "</pre></html>" }),
	"400":           echo(400, func(b string) string { return `{"message":` + quoted(b) + `}` }),
	"401":           echo(401, func(b string) string { return b }),
	"429":           echo(429, func(b string) string { return b }),
	"a redirect": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/x?pan="+testPAN+"&cvv="+testCVV)
		w.WriteHeader(307)
	},
	"the request": echo(200, func(b string) string { return b }),
	"half":        echo(200, func(b string) string { return `{"success":"true","request":` + b[:len(b)/2] }),
	"a failure": echo(200, func(b string) string {
		return `{"success":"false","meta":{"status":{"code":"01","message_ilgn":[{"value":` + quoted(b) + `}]}}}`
	}),
	"a long code":  echo(200, func(string) string { return `{"success":"false","meta":{"status":{"code":"` + testPAN + `"}}}` }),
	"everywhere":   echo(200, everywhere(testPAN)),
	"grouped":      echo(200, everywhere("4051 4200 0604 1115")),
	"with hyphens": echo(200, everywhere("4051-4200-0604-1115")),
	"the code":     echo(200, everywhere(testCVV)),
	"the CAVV":     echo(200, everywhere(testCAVV)),
	"in a denial": echo(200, func(string) string {
		return strings.ReplaceAll(authorized("DENEGADO", testCVV, "15000", "02391645"), "…", "card "+testPAN+" cvv "+testCVV)
	}),
	"number in code": echo(200, func(string) string {
		return strings.ReplaceAll(authorized("INVALIDO", testPAN, testPAN, "02391645"), "…", testPAN)
	}),
}

// everywhere is an authorisation with a text in every place for one.
func everywhere(s string) func(string) string {
	return func(string) string {
		return strings.NewReplacer("…", s, "055552", s, "100B", s, "VISA", s, `"description"`, `"cip":"`+s+`","cip_url":"https://x.example/`+url.QueryEscape(s)+`","qr_id":"`+s+`","description"`,
			`"additional_fields"`, `"continue_url":"https://x.example/?a=`+url.QueryEscape(s)+`","expiration_date":{"utc_time":"`+s+`"},"additional_fields"`).
			Replace(authorized("AUTORIZADO", "00", "15000", "02391645"))
	}
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func echo(status int, form func(body string) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body json.RawMessage
		_ = json.NewDecoder(r.Body).Decode(&body)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(form(string(body))))
	}
}

func TestKept(t *testing.T) {
	t.Parallel()
	a := newCharge("CARD")
	a.OTP = testOTP
	for _, s := range []string{testPAN, "x" + testPAN, "4051-4200-0604-1115", testExpiry, testCVV, "a-" + testCVV, testOTP} {
		if got := a.kept(s, identifier); got != "" {
			t.Errorf("%q is kept", s)
		}
	}
	for _, s := range []string{"5hk8rwa3h3cq9oyfs3a28v1ms", "055552", "19463", "405142000604111"} {
		if got := a.kept(s, identifier); got != s {
			t.Errorf("%q becomes %q", s, got)
		}
	}
}

// Whatever an API does with the card, nothing that the provider says has it.
func TestCardIsNeverRepeated(t *testing.T) {
	t.Parallel()
	for name, api := range echoes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(api)
			defer server.Close()
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
			c := newHolder(t, server.URL)
			result, err := c.authorizeCharge(t.Context(), newCharge("CARD"))
			encoded, _ := json.Marshal(result)
			searchCard(t, "the result", string(encoded)+fmt.Sprintf("%+v", result))
			f := sdk.AsFailure(err)
			if f == nil {
				return
			}
			incident, _ := json.Marshal(f.Result)
			searchCard(t, "the failure", f.Code+"\n"+f.Reason+"\n"+f.Error()+"\n"+string(incident)+fmt.Sprintf("%v %+v %#v", err, err, f))
			for cause := f.Err; cause != nil; {
				searchCard(t, "a cause", cause.Error())
				next, ok := cause.(interface{ Unwrap() error })
				if !ok {
					break
				}
				cause = next.Unwrap()
			}
			if f.Outcome == sdk.OutcomeDone || f.Outcome == sdk.OutcomeRefused && name != "in a denial" && name != "number in code" {
				t.Errorf("%s is %v", name, err)
			}
		})
	}
}
