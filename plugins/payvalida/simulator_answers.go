package main

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// consult answers GET. Its keys and their misspellings are the API's.
func (s *simulation) consult(f *faults, d dice, q request) []byte {
	now := s.now()
	s.orders.mu.Lock()
	defer s.orders.mu.Unlock()
	o := s.orders.get(q.order, now)
	if o == nil || o.shown(now, f.readLag) == stateAbsent {
		if f.unknownOrder == unknownEmpty {
			return []byte(`{"CODE":"0000","DESC":"OK","DATA":{}}`)
		}
		return refusal(f.unknownOrder)
	}
	state := o.shown(now, f.readLag)
	t := o.terms()

	b := make([]byte, 0, 640)
	b = append(b, `{"CODE":"0000","DATA":{"ORDER":`...)
	b = appendText(b, d.echo(o.id))
	b = appendMember(b, "STATE", stateNames[state])
	b = appendMember(b, "REFERENCE", o.reference(t))
	b = appendMember(b, "AMOUNT", withDecimals(t.amount.String(), 2))
	b = appendMember(b, "CURRENCY", t.currency)
	b = append(b, `,"CODE":123`...) // an integer, and not the result code
	b = appendMember(b, "EMAIL", t.email)
	b = appendMember(b, "DESCRIPTION", t.description)
	b = appendMember(b, "PAYMNENT_METHOD", t.method)
	b = appendDate(append(b, `,"CREATION_DATE":`...), o.created)
	b = appendDate(append(b, `,"UDPATE_DATE":`...), o.changed/1000)
	b = append(b, `,"LIFE_TIME":"`...)
	b = strconv.AppendInt(b, max(0, o.expires-o.created)/3600, 10)
	b = append(b, `h","NOTIFICATION_RESPONSE":""`...)
	b = appendMember(b, "checkout", checkout(o))
	b = append(b, `,"TRANSACTION":{`...)
	if state == stateApproved || state == stateReversed {
		b = appendDate(append(b, `"DATE":`...), o.changed/1000)
		b = append(b, `,"RESPONSE_CODE":"00"`...)
	}
	b = append(b, `},"ADITIONAL_INFO":{`...)
	if q.query.Get("aditionalinfo") == "cuspse" && state == stateApproved {
		b = append(append(b, `"CUS":`...), strconv.Quote(strconv.Itoa(int(o.number)))...)
	}
	b = append(b, `}},"DESC":"OK"}`...)

	if o.state == statePending && d.fell(payBetween) {
		o.become(stateApproved, now)
	}
	return b
}

// delete answers DELETE: a pending order is cancelled, and its amount reset in
// the answer. Nobody is notified.
func (s *simulation) delete(d dice, order string) []byte {
	now := s.now()
	s.orders.mu.Lock()
	defer s.orders.mu.Unlock()
	o := s.orders.get(order, now)
	if o == nil || o.state != statePending {
		return refusal(codeNotPending)
	}
	o.become(stateCancelled, now)
	o.cancelled++

	b := make([]byte, 0, 192)
	b = append(b, `{"CODE":"0000","DATA":{"Reference":`...)
	b = appendText(b, o.reference(o.terms()))
	b = append(b, `,"Amount":"0.0","Operation":"DELETED"`...)
	b = appendMember(b, "OrderID", d.echo(o.id))
	b = appendMember(b, "PVOrderID", strconv.Itoa(int(o.number)))
	return append(b, `},"DESC":"OK"}`...)
}

// written answers POST and PATCH.
func written(o *simulatedOrder, operation, echo string) []byte {
	t := o.terms()
	b := make([]byte, 0, 320)
	b = append(b, `{"CODE":"0000","DATA":{"OrdenID":`...)
	b = appendText(b, echo)
	b = appendMember(b, "Monto", withDecimals(t.amount.String(), 1))
	b = appendMember(b, "PVordenID", strconv.Itoa(int(o.number)))
	b = appendMember(b, "Referencia", o.reference(t))
	b = appendMember(b, "Operacion", operation)
	b = appendMember(b, "checkout", checkout(o))
	return append(b, `},"DESC":"OK"}`...)
}

// refusal answers a business error, which is HTTP 200 too.
func refusal(code string) []byte {
	desc := cmp.Or(refusals[code], accountCodes[code], unclear[code], "ERROR")
	b := append([]byte(`{"CODE":"`), code...)
	b = appendText(append(b, `","DATA":null,"DESC":`...), desc)
	return append(b, '}')
}

// echo is the order that an answer names.
func (d dice) echo(order string) string {
	if d.fell(otherOrder) {
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

func appendDate(b []byte, seconds int64) []byte {
	b = append(b, '"')
	b = time.Unix(seconds, 0).UTC().AppendFormat(b, time.DateTime)
	return append(b, '"')
}
