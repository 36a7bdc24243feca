package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// consult answers GET /charges.
func (s *simulation) consult(f *faults, d dice, q request) (int, []byte) {
	now := s.now()
	s.charges.mu.Lock()
	defer s.charges.mu.Unlock()
	c := s.charges.known[q.number]
	if c == nil || c.shown(now, f.readLag) == stateAbsent || !c.has(q.transaction) {
		if f.unknownCharge == unknown404 {
			return http.StatusNotFound, []byte(`{"message":"Not Found"}`)
		}
		return f.failure(q.method)
	}
	b := s.opened(`"true"`)
	only := ""
	if f.readShows == showsOne {
		only = q.transaction
	}
	b = c.appendOperation(b, d.echo(c.number), c.shown(now, f.readLag), true, only)
	if c.state == statePending && d.fell(authoriseBetween) {
		c.become(stateAuthorised, now)
	}
	return http.StatusOK, closed(b)
}

// delete answers DELETE /charges, by the state: it cancels, gives the money
// back, or does what nobody documents.
func (s *simulation) delete(f *faults, d dice, q request) (int, []byte) {
	now := s.now()
	s.charges.mu.Lock()
	defer s.charges.mu.Unlock()
	c := s.charges.known[q.number]
	switch {
	case c == nil:
		return f.failure(q.method)
	case c.state == stateRegistered, c.state == statePending:
		c.become(stateCancelled, now)
		c.cancelled++
	case c.state == stateAuthorised:
		c.become(stateReversed, now)
		c.reversed++
		if f.reversalRefund == refundMade {
			s.charges.setRefund(c.number, simulatedRefund{"REGISTERED", c.transaction, c.amount, now.Unix()})
		}
	case f.undocumentedDelete == refuse:
		return f.failure(q.method)
	}
	if c.further != nil {
		switch *c.further {
		case stateRegistered, statePending:
			*c.further = stateCancelled
		case stateAuthorised:
			*c.further = stateReversed
		}
	}
	b := s.opened(`true`) // a boolean, here alone
	if d.fell(shortAnswer) {
		return http.StatusOK, closed(append(b, `"merchant_operation_number":""`...))
	}
	number := d.echo(c.number)
	b = appendText(append(b, `"merchant_operation_number":`...), number)
	return http.StatusOK, closed(c.appendOperation(append(b, ','), number, c.state, false, ""))
}

// consultRefund answers GET /refund. An operation without one has none.
func (s *simulation) consultRefund(q request) (int, []byte) {
	s.charges.mu.Lock()
	defer s.charges.mu.Unlock()
	r, there := s.charges.refunds[q.number]
	b := s.opened(`"true"`)
	if !there {
		return http.StatusOK, closed(append(b, `"operations_count":"0","operations":[]`...))
	}
	b = append(b, `"operations_count":"1","operations":[{"refund_id":"00000000-0000-4000-8000-`...)
	b = append(b, (strings.Repeat("0", 12) + strconv.FormatInt(r.at, 10))[len(strconv.FormatInt(r.at, 10)):]...)
	b = append(b, '"')
	b = appendMember(b, "state", r.state)
	b = append(b, `,"refund_reason":"Solicitud recibida y validada","type":"TOTAL"`...)
	b = appendMember(b, "merchant_operation_number", q.number)
	b = appendMember(b, "transaction_id", r.transaction)
	b = appendMember(b, "refund_amount", r.amount)
	b = appendMember(b, "transaction_amount", r.amount)
	b = append(b, `,"currency":"604","payment_method":{"name":"CARD","brand":"VISA","masked_pan":"447411******2240"},`+
		`"additional_fields":{"canal":"WEB","reason":"simulado","description":"simulado"},"lifecycle":[`...)
	b = appendStep(b, r.state, r.at, plainTime)
	return http.StatusOK, closed(append(b, `]}]`...))
}

// failure is what a request is answered that isn't carried out: a guess.
func (f *faults) failure(method string) (int, []byte) {
	no := `"false"`
	if method == http.MethodDelete {
		no = `false`
	}
	return f.failureStatus, []byte(`{"success":` + no + `,` + strings.TrimPrefix(status("01"), "{"))
}

func (s *simulation) opened(success string) []byte {
	b := make([]byte, 0, 1024)
	b = append(append(b, `{"success":`...), success...)
	return append(appendMember(b, "merchant_code", s.configuration.MerchantCode), ',')
}

func closed(b []byte) []byte {
	return append(append(b, ','), strings.TrimPrefix(status(codeOK), "{")...)
}

func (c *simulatedCharge) has(transaction string) bool {
	return transaction == c.transaction || c.further != nil && transaction == c.second()
}

// second is the id of the second transaction, where there is one.
func (c *simulatedCharge) second() string { return c.transaction + "b" }

// plainTime is how all answers but POST's write utc_time: without a zone.
const plainTime = "2006-01-02T15:04:05"

// appendOperation writes an operation with its transactions, or the only one.
func (c *simulatedCharge) appendOperation(b []byte, number string, state chargeState, additional bool, only string) []byte {
	b = appendText(append(b, `"operation":{"merchant_operation_number":`...), number)
	b = appendMember(b, "amount", c.amount)
	b = appendMember(b, "currency", c.money())
	b = appendTime(append(b, `,"created_at":`...), c.created, plainTime)
	b = appendMember(b, "state", stateNames[state])
	if additional {
		b = append(b, `,"additional_fields":null`...)
	}
	b = append(b, `,"transactions":[`...)
	if only == "" || only == c.transaction {
		b = c.appendTransaction(b, c.transaction, state, plainTime, nil)
	}
	if c.further != nil && (only == "" || only == c.second()) {
		if only == "" {
			b = append(b, ',')
		}
		b = c.appendTransaction(b, c.second(), *c.further, plainTime, nil)
	}
	return append(b, `]}`...)
}

// appendTransaction writes a transaction as a read shows it, or with what only
// the answer to a new charge says.
func (c *simulatedCharge) appendTransaction(b []byte, id string, state chargeState, layout string, made *madeCharge) []byte {
	b = appendText(append(b, `{"transaction_id":`...), id)
	b = append(b, `,"channel":"ecommerce"`...)
	b = appendMember(b, "state", stateNames[state])
	if made != nil && made.continueURL != "" {
		b = appendMember(b, "continue_url", made.continueURL)
	}
	b = appendMember(b, "state_reason", map[chargeState]string{stateCancelled: "Usuario cancelo el metodo de pago", stateAuthorised: "Approval and completed successfully"}[state])
	b = appendMember(b, "amount", c.amount)
	b = appendMember(b, "currency", c.money())
	b = append(b, `,"additional_fields":null,"payment_method":{"method_name":`...)
	method := c.method
	if method == "" {
		method = "PAGOEFECTIVO"
	}
	b = append(appendText(b, method), `,"method_details":`...)
	if made != nil {
		b = append(b, made.details...)
	} else {
		b = append(b, `{}`...)
	}
	b = append(b, `},"expiration_date":`...)
	if state == statePending {
		b = appendTime(b, c.created+24*60*60, layout)
	} else {
		b = append(b, `null`...)
	}
	b = append(b, `,"processor_response":`...)
	switch {
	case made != nil && made.processor != "":
		b = append(b, made.processor...)
	case state == stateAuthorised:
		b = append(b, `{"authorization_code":"055552","brand_transaction_id":"100B","result_message":{"code":"00","description":"Approval and completed successfully"}}`...)
	default:
		b = append(b, `null`...)
	}
	b = append(b, `,"lifecycle":[`...)
	way := c.way(state)
	for i, step := range way {
		at := c.created
		if i > 0 {
			b = append(b, ',')
		}
		if i == len(way)-1 {
			at = c.changed / 1000
		}
		b = appendStep(b, stateNames[step], at, layout)
	}
	return append(b, `]}`...)
}

func (c *simulatedCharge) money() string {
	if c.currency == "" {
		return "604"
	}
	return c.currency
}

// echo is the operation that an answer names.
func (d dice) echo(number string) string {
	if d.fell(otherCharge) {
		return number + "0"
	}
	return number
}

func appendStep(b []byte, state string, at int64, layout string) []byte {
	b = appendText(append(b, `{"state":`...), state)
	return append(appendTime(append(b, `,"date":`...), at, layout), '}')
}

func appendTime(b []byte, seconds int64, layout string) []byte {
	b = append(b, `{"utc_time":"`...)
	b = time.Unix(seconds, 0).UTC().AppendFormat(b, layout)
	b = append(b, `","unix_time":`...)
	return append(strconv.AppendInt(b, seconds, 10), '}')
}

func appendMember(b []byte, name, value string) []byte {
	b = append(append(append(b, `,"`...), name...), `":`...)
	return appendText(b, value)
}

func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always has a JSON form
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
