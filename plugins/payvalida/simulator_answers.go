package main

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/bulkrunner/runner/sdk/simulator"
)

// consult answers GET. Its keys and their misspellings are the API's. What it
// shows may have changed right after it. The lock is held.
func (s *simulation) consult(f *simulator.Fate, q request, now time.Time) []byte {
	o, lag := s.find(q.order, f, now), readLag.In(f)
	if o == nil || o.shown(now, lag) == stateAbsent {
		code := unknownOrder.In(f)
		if code == unknownEmpty {
			return []byte(`{"CODE":"0000","DESC":"OK","DATA":{}}`)
		}
		return refusal(code)
	}
	shown := o.shown(now, lag)
	b := o.append(f, shown, q.query.Get("aditionalinfo") == "cuspse")
	switch {
	case o.state == statePending && f.Befalls(payBetween):
		s.pay(o, f, now)
	case o.state == statePending && f.Befalls(expireBetween):
		s.become(o, stateExpired, f, now)
	case o.state == stateApproved && shown == stateApproved && f.Befalls(annulBetween):
		s.become(o, stateReversed, f, now)
	}
	return b
}

// append writes an order as a read shows it.
func (o *simulatedOrder) append(f *simulator.Fate, state orderState, cus bool) []byte {
	t, dates := o.terms(), zones[zone.In(f)]

	b := make([]byte, 0, 640)
	b = append(b, `{"CODE":"0000","DATA":{"ORDER":`...)
	b = simulator.AppendText(b, echo(f, o.id))
	b = simulator.AppendMember(b, "STATE", stateNames[state])
	b = simulator.AppendMember(b, "REFERENCE", o.reference(t))
	b = simulator.AppendMember(b, "AMOUNT", withDecimals(t.amount.String(), 2))
	b = simulator.AppendMember(b, "CURRENCY", t.currency)
	b = append(b, `,"CODE":123`...) // an integer, and not the result code
	b = simulator.AppendMember(b, "EMAIL", t.email)
	b = simulator.AppendMember(b, "DESCRIPTION", t.description)
	b = simulator.AppendMember(b, "PAYMNENT_METHOD", t.method)
	b = appendDate(append(b, `,"CREATION_DATE":`...), o.created, dates)
	b = appendDate(append(b, `,"UDPATE_DATE":`...), o.changed/1000, dates)
	b = append(b, `,"LIFE_TIME":"`...)
	b = strconv.AppendInt(b, max(0, o.expires-o.created)/3600, 10)
	b = append(b, `h"`...)
	b = simulator.AppendMember(b, "NOTIFICATION_RESPONSE", o.answer)
	b = simulator.AppendMember(b, "checkout", checkout(o))
	b = append(b, `,"TRANSACTION":{`...)
	if state == stateApproved || state == stateReversed {
		b = appendDate(append(b, `"DATE":`...), o.changed/1000, dates)
		b = append(b, `,"RESPONSE_CODE":"00"`...)
	}
	b = append(b, `},"ADITIONAL_INFO":{`...)
	if cus && state == stateApproved {
		b = append(append(b, `"CUS":`...), strconv.Quote(strconv.Itoa(int(o.number)))...)
	}
	return append(b, `}},"DESC":"OK"}`...)
}

// delete answers DELETE: a pending order is cancelled, and its amount reset in
// the answer. Nobody is notified. The lock is held.
func (s *simulation) delete(f *simulator.Fate, order string, now time.Time) []byte {
	o := s.find(order, f, now)
	if o == nil || o.state != statePending {
		return refusal(codeNotPending)
	}
	s.become(o, stateCancelled, f, now)
	s.Effect("cancel:" + o.id)

	b := make([]byte, 0, 192)
	b = append(b, `{"CODE":"0000","DATA":{"Reference":`...)
	b = simulator.AppendText(b, o.reference(o.terms()))
	b = append(b, `,"Amount":"0.0","Operation":"DELETED"`...)
	b = simulator.AppendMember(b, "OrderID", echo(f, o.id))
	b = simulator.AppendMember(b, "PVOrderID", strconv.Itoa(int(o.number)))
	return append(b, `},"DESC":"OK"}`...)
}

// written answers POST and PATCH.
func written(o *simulatedOrder, operation, echo string) []byte {
	t := o.terms()
	b := make([]byte, 0, 320)
	b = append(b, `{"CODE":"0000","DATA":{"OrdenID":`...)
	b = simulator.AppendText(b, echo)
	b = simulator.AppendMember(b, "Monto", withDecimals(t.amount.String(), 1))
	b = simulator.AppendMember(b, "PVordenID", strconv.Itoa(int(o.number)))
	b = simulator.AppendMember(b, "Referencia", o.reference(t))
	b = simulator.AppendMember(b, "Operacion", operation)
	b = simulator.AppendMember(b, "checkout", checkout(o))
	return append(b, `},"DESC":"OK"}`...)
}

// refusal answers a business error, which is HTTP 200 too.
func refusal(code string) []byte {
	desc := cmp.Or(refusals[code], accountCodes[code], unclear[code], "ERROR")
	b := append([]byte(`{"CODE":"`), code...)
	b = simulator.AppendText(append(b, `","DATA":null,"DESC":`...), desc)
	return append(b, '}')
}

// echo is the order that an answer names.
func echo(f *simulator.Fate, order string) string {
	if f.Befalls(otherOrder) {
		return order + "0"
	}
	return order
}

// checkout has no scheme, as on the wire.
func checkout(o *simulatedOrder) string {
	return "checkout.payvalida.com/?token=simulated-" + strconv.Itoa(int(o.number))
}

// withDecimals writes an amount with at least n decimals: POST's Monto has
// one, GET's AMOUNT two. An amount that nobody told stays empty.
func withDecimals(amount string, n int) string {
	if amount == "" {
		return ""
	}
	whole, decimals, _ := strings.Cut(amount, ".")
	if len(decimals) < n {
		decimals += strings.Repeat("0", n-len(decimals))
	}
	return whole + "." + decimals
}

// zones are those that dates may be in.
var zones = map[string]*time.Location{"UTC": time.UTC, "America/Bogota": time.FixedZone("", -5*60*60)}

func appendDate(b []byte, seconds int64, in *time.Location) []byte {
	b = append(b, '"')
	b = time.Unix(seconds, 0).In(in).AppendFormat(b, time.DateTime)
	return append(b, '"')
}
