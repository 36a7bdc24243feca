package main

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/bulkrunner/runner/sdk"
)

// decodeTerms reads the body of POST or PATCH. Amounts and their like may be
// strings, as in Payvalida's samples, or numbers, as in its table.
func decodeTerms(body []byte, t *orderRequest) bool {
	members, err := decodeObject(body)
	if err != nil {
		return false
	}
	for _, name := range []string{"amount", "iva", "user_di", "redirect_timeout"} {
		var n json.Number
		if raw, there := members[name]; there && raw[0] != '"' && json.Unmarshal(raw, &n) == nil {
			members[name] = json.RawMessage(`"` + n.String() + `"`)
		}
	}
	body, err = json.Marshal(members)
	return err == nil && json.Unmarshal(body, t) == nil
}

// register answers POST.
func (s *simulation) register(d dice, t orderRequest) []byte {
	now := s.now()
	if code := judge(t, now); code != codeOK {
		return refusal(code)
	}
	if t.Description == "" {
		return refusal(codeDescriptionEmpty)
	}
	s.orders.mu.Lock()
	defer s.orders.mu.Unlock()
	if s.orders.known[t.Order] != nil {
		return refusal(codeDuplicateOrder) // whatever its state: a number is used up for ever
	}
	if t.Reference != "" && s.orders.taken(t.Reference, nil, now) {
		return refusal(codeReferenceActive)
	}
	own := terms{
		currency: t.Money, amount: sdk.Decimal(t.Amount), email: t.Email,
		reference: t.Reference, description: t.Description, method: t.Method,
	}
	o := &simulatedOrder{id: t.Order, own: &own, registered: 1, before: stateAbsent}
	s.orders.add(o, now, life(t, now))
	if t.Reference != "" {
		s.orders.references[t.Reference] = o
	}
	return written(o, "CREADA", d.echo(o.id))
}

// update answers PATCH: what the body leaves out stays.
func (s *simulation) update(d dice, t orderRequest) []byte {
	now := s.now()
	if code := judge(t, now); code != codeOK {
		return refusal(code)
	}
	s.orders.mu.Lock()
	defer s.orders.mu.Unlock()
	o := s.orders.get(t.Order, now)
	if o == nil || o.state != statePending {
		return refusal(codeNotPending)
	}
	if t.Reference != "" && s.orders.taken(t.Reference, o, now) {
		return refusal(codeReferenceActive)
	}
	own := o.terms()
	own.currency, own.amount, own.email = t.Money, sdk.Decimal(t.Amount), t.Email
	replace(&own.reference, t.Reference)
	replace(&own.description, t.Description)
	replace(&own.method, t.Method)
	o.own = &own
	if t.Reference != "" {
		s.orders.references[t.Reference] = o
	}
	if t.Expiration != "" || t.Recurrent {
		o.expires = 0
		if l := life(t, now); l > 0 {
			o.expires = now.Add(l).Unix()
		}
	}
	o.updated++
	return written(o, "ACTUALIZADO", d.echo(o.id))
}

func replace(field *string, with string) {
	if with != "" {
		*field = with
	}
}

// judge holds terms against the limits that are documented.
func judge(t orderRequest, now time.Time) string {
	amount, err := sdk.ParseDecimal(t.Amount)
	switch {
	case err != nil || amount.Cmp("0") < 0:
		return codeAmountInvalid
	case len(t.Country) != 3:
		return codeCountryInvalid
	case len(t.Money) != 3 || strings.ToUpper(t.Money) != t.Money:
		return codeCurrencyInvalid
	case t.Order == "" || len(t.Order) > 200 || len(t.Reference) > 25 || !strings.Contains(t.Email, "@"):
		return "0011"
	case t.Expiration == "" || t.Recurrent:
		return codeOK
	}
	day, err := time.Parse(expirationLayout, t.Expiration)
	switch {
	case err != nil:
		return codeExpiryFormat
	case day.Before(now.UTC().Truncate(24 * time.Hour)):
		return codeExpiryPast
	case day.Sub(now) > usualLife:
		return codeLifetime
	}
	return codeOK
}

// life is how long an order with these terms may be paid: to the end of its
// day, for the usual time, or for ever (0).
func life(t orderRequest, now time.Time) time.Duration {
	if t.Recurrent {
		return 0
	}
	day, err := time.Parse(expirationLayout, t.Expiration)
	if err != nil {
		return usualLife
	}
	return day.Add(24 * time.Hour).Sub(now)
}
