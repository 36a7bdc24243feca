package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// A madeCharge is what the answer to a new charge says of its payment method,
// as JSON, and no later read does.
type madeCharge struct {
	details     string
	processor   string // "" where the state alone says it
	continueURL string
}

// authorise answers POST /charges, which shows one transaction and not an
// operation. Cards and Yape are authorised or denied at once, but where the
// payer is to authenticate; all other methods wait for the payer. Nothing of a
// card is kept.
func (s *simulation) authorise(f *faults, d dice, q request) (int, []byte) {
	method, payment := q.body.object("payment_method"), q.body.object("payment_details")
	name, details := method.text("method_name"), method.object("method_details")
	if q.body.text("action") != "authorize" || q.body.text("channel") != "ecommerce" || q.number == "" ||
		!wellFormedPayment(payment) || !wellFormedMethod(name, details) {
		return f.failure(q.method)
	}
	now := s.now()
	s.charges.mu.Lock()
	defer s.charges.mu.Unlock()
	c := s.charges.known[q.number]
	if c != nil && f.repeatCharge == refuse {
		return f.failure(q.method)
	}
	if c == nil {
		c = &simulatedCharge{number: q.number, before: stateAbsent}
		s.charges.add(c, now)
		c.transaction = "simulated" + strconv.Itoa(len(s.charges.known))
	}
	c.amount, c.currency, c.method, c.state = payment.text("amount"), payment.text("currency"), name, statePending
	if name == "YAPE" || name == "CARD" && details.text("redirect_url") == "" {
		c.state = stateAuthorised
		if d.fell(declined) || slices.Contains(testDenials, details.text("pan")+details.object("phone").text("subscriber")) {
			c.state = stateDenied
		}
	}
	if c.state != stateDenied {
		c.authorised++
	}
	b := append(s.opened(`"true"`), `"action":"authorize"`...)
	b = appendMember(b, "merchant_operation_number", d.echo(c.number))
	b = append(b, `,"transaction":`...)
	return http.StatusOK, closed(c.appendTransaction(b, c.transaction, c.state, "2006-01-02T15:04:05.000Z", c.made(details)))
}

// testDenials are the cards, and the phone, that Alignet's page of test data
// has denied.
var testDenials = []string{"4041650444437904", "5115422225052734", "371327381068590", "36344311372031", "999999999"}

// wellFormedPayment tells whether all is there that is required of every
// method.
func wellFormedPayment(o object) bool {
	amount := o.text("amount")
	if amount == "" || strings.Trim(amount, "0123456789") != "" || len(o.text("currency")) != 3 || !strings.HasPrefix(string(o["product_details"]), "[") {
		return false
	}
	for _, person := range []string{"billing", "shipping", "customer"} {
		p := o.object(person)
		if !p.has("first_name", "last_name", "email") || !p.object("phone").has("country_code", "subscriber") ||
			!p.object("location").has("line_1", "line_2", "city", "state", "country") {
			return false
		}
	}
	return true
}

func wellFormedMethod(name string, details object) bool {
	switch name {
	case "CARD":
		holder := details.object("card_holder")
		return details.has("pan", "expiry_date", "security_code") && holder.has("first_name", "last_name", "email") && holder.object("phone").has("prefix", "number")
	case "YAPE":
		return details.has("otp") && details.object("phone").has("country_code", "subscriber")
	case "BANK_TRANSFER", "CUOTEALO", "PAGOEFECTIVO":
		return details.has("redirect_url")
	}
	return name == "QR"
}

// has tells whether members are texts that say something.
func (o object) has(names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return o.text(name) == "" })
}

// made is what the answer says of the payment method.
func (c *simulatedCharge) made(sent object) *madeCharge {
	details := map[string]any{}
	for _, name := range []string{"redirect_url", "callback_url"} {
		if u := sent.text(name); u != "" {
			details[name] = u
		}
	}
	m := &madeCharge{}
	switch c.method {
	case "CARD":
		describeCard(details, sent.text("pan"))
		if i := sent.object("installments"); len(i) > 0 {
			details["installments"] = map[string]string{"plan": "NORMAL", "installment_number": i.text("number")}
		}
	case "YAPE":
		details["phone"] = sent.object("phone")
		describeCard(details, "4111111111111111") // that the wallet pays by
	case "QR":
		m.processor = `{"date":"2026-11-20 12:00:00.000000","qr_image":"data:image/png;base64,iVBORw0KGgo=","qr_id":"6d5d1ffc79234991b5592b825d6ec097","result_message":{"code":"0","description":"Exito"}}`
	case "PAGOEFECTIVO":
		m.processor = `{"cip":"1508405","cip_url":"https://pagoefectivo.example/1508405.html","result_message":{"code":"100","description":"Solicitud exitosa."}}`
	}
	if c.state == statePending && c.method != "QR" && c.method != "PAGOEFECTIVO" {
		m.continueURL = "https://pay.example/continue/" + c.transaction
	}
	if c.state == stateDenied {
		m.processor = `{"authorization_code":null,"result_message":{"code":"51","description":"Fondos insuficientes"}}`
	}
	b, _ := json.Marshal(details) // texts alone
	m.details = string(b)
	return m
}

// describeCard says of a card what Pay-me does: its ends, and what they tell.
func describeCard(details map[string]any, pan string) {
	details["bin"], details["last_pan"] = pan[:min(6, len(pan))], pan[max(0, len(pan)-4):]
	details["masked_pan"] = details["bin"].(string) + strings.Repeat("*", max(0, len(pan)-10)) + details["last_pan"].(string)
	details["brand"] = map[byte]string{'3': "AMEX", '4': "VISA", '5': "MASTERCARD"}[pan[0]]
	details["card_type"], details["card_country"], details["issuer"] = "DEBIT", "PE", "BANCO DE CREDITO DEL PERU - BCP"
}
