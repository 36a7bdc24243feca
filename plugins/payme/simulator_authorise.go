package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bulkrunner/runner/sdk/apiclient"
	"github.com/bulkrunner/runner/sdk/simulator"
)

// A madeCharge is what the answer to a new charge says of its payment method,
// as JSON, and no later read does.
type madeCharge struct {
	details     string
	processor   string // "" where the state alone says it
	continueURL string
	off         int64 // seconds that unix_time is from utc_time
}

// authorise answers POST /charges, which shows one transaction and not an
// operation. Cards and Yape are authorised or denied at once, but where the
// payer is to authenticate; all other methods wait for the payer. Nothing of a
// card is kept.
//
// The lock is held.
func (s *simulation) authorise(f *simulator.Fate, q request, now time.Time) simulator.Answer {
	method, payment := q.body.Object("payment_method"), q.body.Object("payment_details")
	name, details := method.Text("method_name"), method.Object("method_details")
	if q.body.Text("action") != "authorize" || q.body.Text("channel") != "ecommerce" || q.number == "" ||
		!wellFormedPayment(payment) || !wellFormedMethod(name, details) {
		return failed(f, q.method)
	}
	c := s.charges.known[q.number]
	if c != nil && repeatCharge.In(f) == refuse {
		return failed(f, q.method)
	}
	if c == nil {
		c = &simulatedCharge{number: q.number, before: stateAbsent}
		s.charges.add(c, now)
		c.transaction = "simulated" + strconv.Itoa(len(s.charges.known))
	}
	c.amount, c.currency, c.method, c.state = payment.Text("amount"), payment.Text("currency"), name, statePending
	if name == "YAPE" || name == "CARD" && details.Text("redirect_url") == "" {
		c.state = stateAuthorised
		if f.Befalls(declined) || slices.Contains(testDenials, details.Text("pan")+details.Object("phone").Text("subscriber")) {
			c.state = stateDenied
		}
	}
	if c.state != stateDenied {
		s.Effect("authorise:" + c.number)
	}
	made := c.made(details)
	if unixTime.In(f) == timesDiffer {
		made.off = 14 * 60
	}
	if c.state != statePending {
		s.notify(c, f)
	}
	return s.charged(f, c, made)
}

// charged is the answer to a new charge.
func (s *simulation) charged(f *simulator.Fate, c *simulatedCharge, made *madeCharge) simulator.Answer {
	b := append(s.opened(`"true"`), `"action":"authorize"`...)
	b = simulator.AppendMember(b, "merchant_operation_number", echoed(f, c.number))
	b = append(b, `,"transaction":`...)
	return closed(c.appendTransaction(b, c.transaction, c.state, "2006-01-02T15:04:05.000Z", made))
}

// cip is what PagoEfectivo says of a charge that waits for its payer.
const cip = `{"cip":"1508405","cip_url":"https://pagoefectivo.example/1508405.html","result_message":{"code":"100","description":"Solicitud exitosa."}}`

// testDenials are the cards, and the phone, that Alignet's page of test data
// has denied.
var testDenials = []string{"4041650444437904", "5115422225052734", "371327381068590", "36344311372031", "999999999"}

// wellFormedPayment tells whether all is there that is required of every
// method.
func wellFormedPayment(o apiclient.Object) bool {
	amount := o.Text("amount")
	if amount == "" || strings.Trim(amount, "0123456789") != "" || len(o.Text("currency")) != 3 || !strings.HasPrefix(string(o["product_details"]), "[") {
		return false
	}
	for _, person := range []string{"billing", "shipping", "customer"} {
		p := o.Object(person)
		if !has(p, "first_name", "last_name", "email") || !has(p.Object("phone"), "country_code", "subscriber") ||
			!has(p.Object("location"), "line_1", "line_2", "city", "state", "country") {
			return false
		}
	}
	return true
}

func wellFormedMethod(name string, details apiclient.Object) bool {
	switch name {
	case "CARD":
		holder := details.Object("card_holder")
		return has(details, "pan", "expiry_date", "security_code") && has(holder, "first_name", "last_name", "email") && has(holder.Object("phone"), "prefix", "number")
	case "YAPE":
		return has(details, "otp") && has(details.Object("phone"), "country_code", "subscriber")
	case "BANK_TRANSFER", "CUOTEALO", "PAGOEFECTIVO":
		return has(details, "redirect_url")
	}
	return name == "QR"
}

// has tells whether members are texts that say something.
func has(o apiclient.Object, names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return o.Text(name) == "" })
}

// made is what the answer says of the payment method.
func (c *simulatedCharge) made(sent apiclient.Object) *madeCharge {
	details := map[string]any{}
	for _, name := range []string{"redirect_url", "callback_url"} {
		if u := sent.Text(name); u != "" {
			details[name] = u
		}
	}
	m := &madeCharge{}
	switch c.method {
	case "CARD":
		describeCard(details, sent.Text("pan"))
		if i := sent.Object("installments"); len(i) > 0 {
			details["installments"] = map[string]string{"plan": "NORMAL", "installment_number": i.Text("number")}
		}
	case "YAPE":
		details["phone"] = sent.Object("phone")
		describeCard(details, "4111111111111111") // that the wallet pays by
	case "QR":
		m.processor = `{"date":"2026-11-20 12:00:00.000000","qr_image":"data:image/png;base64,iVBORw0KGgo=","qr_id":"6d5d1ffc79234991b5592b825d6ec097","result_message":{"code":"0","description":"Exito"}}`
	case "PAGOEFECTIVO":
		m.processor = cip
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
