package main

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bulkrunner/runner/sdk/simulator"
)

// consult answers GET /charges. What it shows may have changed right after it.
// The lock is held.
func (s *simulation) consult(f *simulator.Fate, q request, now time.Time) simulator.Answer {
	c, lag := s.charges.known[q.number], readLag.In(f)
	if c == nil || c.shown(now, lag) == stateAbsent || !c.has(q.transaction) {
		if unknownCharge.In(f) == unknown404 {
			return message(http.StatusNotFound, "Not Found")
		}
		return failed(f, q.method)
	}
	state := c.shown(now, lag)
	b := s.opened(`"true"`)
	only := ""
	if readShows.In(f) == showsOne {
		only = q.transaction
	}
	b = c.appendOperation(b, echoed(f, c.number), state, true, only)
	for _, way := range meanwhile {
		if c.state == state && c.state == way.from && f.Befalls(way.share) {
			s.become(c, way.to, f, now)
			break
		}
	}
	return closed(b)
}

// meanwhile is what may happen to a charge right after a read has shown it.
var meanwhile = []struct {
	from, to chargeState
	share    *simulator.Chance
}{
	{stateRegistered, statePending, registeredBetween},
	{statePending, stateAuthorised, authoriseBetween},
	{statePending, stateDenied, denyBetween},
	{statePending, stateExpired, expireBetween},
	{stateAuthorised, stateSettled, settleBetween},
	{stateSettled, stateDeposited, depositBetween},
}

// delete answers DELETE /charges, by the state: it cancels, gives the money
// back, or does what nobody documents. The lock is held.
func (s *simulation) delete(f *simulator.Fate, q request, now time.Time) simulator.Answer {
	c := s.charges.known[q.number]
	switch {
	case c == nil:
		return failed(f, q.method)
	case c.state == stateRegistered, c.state == statePending:
		s.become(c, stateCancelled, f, now)
		s.Effect("cancel:" + c.number)
	case c.state == stateAuthorised:
		s.become(c, stateReversed, f, now)
		s.Effect("reverse:" + c.number)
		if reversalRefund.In(f) == refundMade {
			s.charges.setRefund(c.number, simulatedRefund{"REGISTERED", c.transaction, c.amount, now.Unix()})
		}
	case undocumentedDelete.In(f) == refuse:
		return failed(f, q.method)
	}
	if c.further != nil && deleteOf.In(f) == deletesAll {
		switch *c.further {
		case stateRegistered, statePending:
			*c.further = stateCancelled
		case stateAuthorised:
			*c.further = stateReversed
		}
	}
	b := s.opened(`true`) // a boolean, here alone
	if f.Befalls(shortAnswer) {
		return closed(append(b, `"merchant_operation_number":""`...))
	}
	number := echoed(f, c.number)
	b = simulator.AppendText(append(b, `"merchant_operation_number":`...), number)
	return closed(c.appendOperation(append(b, ','), number, c.state, false, ""))
}

// consultRefund answers GET /refund. An operation without one has none.
// The lock is held.
func (s *simulation) consultRefund(f *simulator.Fate, q request) simulator.Answer {
	r, there := s.charges.refunds[q.number]
	b := s.opened(`"true"`)
	switch unknown := unknownRefund.In(f); {
	case there:
	case unknown == unknown404:
		return message(http.StatusNotFound, "Not Found")
	case unknown == unknownFailure:
		return failed(f, q.method)
	default:
		return closed(append(b, `"operations_count":"0","operations":[]`...))
	}
	b = append(b, `"operations_count":"1","operations":[{"refund_id":"00000000-0000-4000-8000-`...)
	b = append(b, (strings.Repeat("0", 12) + strconv.FormatInt(r.at, 10))[len(strconv.FormatInt(r.at, 10)):]...)
	b = append(b, '"')
	b = simulator.AppendMember(b, "state", r.state)
	b = append(b, `,"refund_reason":"Solicitud recibida y validada","type":"TOTAL"`...)
	b = simulator.AppendMember(b, "merchant_operation_number", q.number)
	b = simulator.AppendMember(b, "transaction_id", r.transaction)
	b = simulator.AppendMember(b, "refund_amount", r.amount)
	b = simulator.AppendMember(b, "transaction_amount", r.amount)
	b = append(b, `,"currency":"604","payment_method":{"name":"CARD","brand":"VISA","masked_pan":"447411******2240"},`+
		`"additional_fields":{"canal":"WEB","reason":"simulado","description":"simulado"},"lifecycle":[`...)
	b = appendStep(b, r.state, r.at, plainTime, 0)
	return closed(append(b, `]}]`...))
}

// failed is what a request is answered that isn't carried out: a guess.
func failed(f *simulator.Fate, method string) simulator.Answer {
	a, no := simulator.Answer{Status: failureStatus.In(f)}, `"false"`
	if method == http.MethodDelete {
		no = `false`
	}
	const why = "Ocurrio un problema durante el proceso"
	switch failureShape.In(f) {
	case shapeV1:
		a.Body = []byte(`{"action":"reverse","success":"false","transaction":` + status("01") + `}`)
	case shapeMessage:
		a.Body = []byte(`{"message":"` + why + `"}`)
	case shapeError:
		a.Body = []byte(`{"error":{"message":"` + why + `"}}`)
	default:
		a.Body = []byte(`{"success":` + no + `,` + strings.TrimPrefix(status("01"), "{"))
	}
	return a
}

func (s *simulation) opened(success string) []byte {
	b := make([]byte, 0, 1024)
	b = append(append(b, `{"success":`...), success...)
	return append(simulator.AppendMember(b, "merchant_code", s.configuration.MerchantCode), ',')
}

func closed(b []byte) simulator.Answer {
	return simulator.Answer{Status: http.StatusOK, Body: append(append(b, ','), strings.TrimPrefix(status(codeOK), "{")...)}
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
	b = simulator.AppendText(append(b, `"operation":{"merchant_operation_number":`...), number)
	b = simulator.AppendMember(b, "amount", c.amount)
	b = simulator.AppendMember(b, "currency", c.money())
	b = appendTime(append(b, `,"created_at":`...), c.created, plainTime, 0)
	b = simulator.AppendMember(b, "state", stateNames[state])
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
	var off int64
	if made != nil {
		off = made.off
	}
	b = simulator.AppendText(append(b, `{"transaction_id":`...), id)
	b = append(b, `,"channel":"ecommerce"`...)
	b = simulator.AppendMember(b, "state", stateNames[state])
	if made != nil && made.continueURL != "" {
		b = simulator.AppendMember(b, "continue_url", made.continueURL)
	}
	b = simulator.AppendMember(b, "state_reason", map[chargeState]string{stateCancelled: "Usuario cancelo el metodo de pago", stateAuthorised: "Approval and completed successfully"}[state])
	b = simulator.AppendMember(b, "amount", c.amount)
	b = simulator.AppendMember(b, "currency", c.money())
	b = append(b, `,"additional_fields":null,"payment_method":{"method_name":`...)
	method := c.method
	if method == "" {
		method = "PAGOEFECTIVO"
	}
	b = append(simulator.AppendText(b, method), `,"method_details":`...)
	if made != nil {
		b = append(b, made.details...)
	} else {
		b = append(b, `{}`...)
	}
	b = append(b, `},"expiration_date":`...)
	if state == statePending {
		b = appendTime(b, c.created+payable, layout, off)
	} else {
		b = append(b, `null`...)
	}
	b = append(b, `,"processor_response":`...)
	switch {
	case made != nil && made.processor != "":
		b = append(b, made.processor...)
	case state == stateAuthorised:
		b = append(b, `{"authorization_code":"055552","brand_transaction_id":"100B","result_message":{"code":"00","description":"Approval and completed successfully"}}`...)
	case state == statePending && method == "PAGOEFECTIVO":
		b = append(b, cip...)
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
		b = appendStep(b, stateNames[step], at, layout, off)
	}
	return append(b, `]}`...)
}

func (c *simulatedCharge) money() string {
	if c.currency == "" {
		return "604"
	}
	return c.currency
}

// echoed is the operation that an answer names.
func echoed(f *simulator.Fate, number string) string {
	if f.Befalls(otherCharge) {
		return number + "0"
	}
	return number
}

func appendStep(b []byte, state string, at int64, layout string, off int64) []byte {
	b = simulator.AppendText(append(b, `{"state":`...), state)
	return append(appendTime(append(b, `,"date":`...), at, layout, off), '}')
}

// appendTime writes a moment twice. The second form may be off.
func appendTime(b []byte, seconds int64, layout string, off int64) []byte {
	b = append(b, `{"utc_time":"`...)
	b = time.Unix(seconds, 0).UTC().AppendFormat(b, layout)
	b = append(b, `","unix_time":`...)
	return append(strconv.AppendInt(b, seconds+off, 10), '}')
}
