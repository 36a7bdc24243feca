package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
	"github.com/bulkrunner/runner/sdk/simulator"
)

// decodeTerms reads the body of POST or PATCH. Amounts and their like may be
// strings, as in Payvalida's samples, or numbers, as in its table.
func decodeTerms(body []byte, t *orderRequest) bool {
	members, err := apiclient.ParseObject(body)
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
func (s *simulation) register(f *simulator.Fate, t orderRequest, now time.Time) []byte {
	if code := judge(f, t, 250, now); code != codeOK {
		return refusal(code)
	}
	if t.Description == "" {
		return refusal(codeDescriptionEmpty)
	}
	used := s.orders.known[t.Order] != nil // whatever its state: a number is used up for ever
	taken := t.Reference != "" && s.taken(t.Reference, nil, f, now)
	switch {
	case used && (!taken || checkedFirst.In(f) == firstOrder):
		return refusal(codeDuplicateOrder)
	case taken:
		return refusal(codeReferenceActive)
	}
	own := terms{
		currency: t.Money, amount: sdk.Decimal(t.Amount), email: t.Email,
		reference: t.Reference, description: t.Description, method: t.Method,
	}
	o := &simulatedOrder{id: t.Order, own: &own, recurrent: t.Recurrent, before: stateAbsent}
	s.orders.add(o, now, life(t, now))
	if t.Reference != "" {
		s.orders.references[t.Reference] = o
	}
	s.Effect("register:" + o.id)
	return written(o, "CREADA", echo(f, o.id))
}

// update answers PATCH: what the body leaves out stays.
func (s *simulation) update(f *simulator.Fate, t orderRequest, now time.Time) []byte {
	if code := judge(f, t, 500, now); code != codeOK {
		return refusal(code)
	}
	if strict.In(f) == "yes" && len(t.Order) > 20 {
		return refusal(codeContent)
	}
	o := s.find(t.Order, f, now)
	if o == nil || o.state != statePending {
		return refusal(codeNotPending)
	}
	if t.Reference != "" && s.taken(t.Reference, o, f, now) {
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
		o.recurrent = t.Recurrent
	}
	s.Effect("update:" + o.id)
	return written(o, "ACTUALIZADO", echo(f, o.id))
}

func replace(field *string, with string) {
	if with != "" {
		*field = with
	}
}

// judge holds terms against the limits that are documented. Of the codes it is
// documented what they mean, and not which limit has which.
func judge(f *simulator.Fate, t orderRequest, description int, now time.Time) string {
	amount, err := sdk.ParseDecimal(t.Amount)
	demanding := strict.In(f) == "yes"
	switch {
	case err != nil || amount.Cmp("0") < 0:
		return codeAmountInvalid
	case len(t.Country) != 3:
		return codeCountryInvalid
	case len(t.Money) != 3 || strings.ToUpper(t.Money) != t.Money:
		return codeCurrencyInvalid
	case t.Recurrent && t.Country != colombia:
		return codeRecurrent
	case t.Order == "", !strings.Contains(t.Email, "@"), strings.Trim(t.Reference, "0123456789") != "",
		t.Language != "" && t.Language != "es" && t.Language != "en",
		demanding && (t.IVA == "" || !plain.MatchString(t.Order)):
		return codeContent
	case longer(t.Order, 200), longer(t.Email, 100), longer(t.Reference, 25), longer(t.Description, description), longer(t.Method, 25),
		longer(t.UserDI, 15), longer(t.UserTypeDI, 3), longer(t.UserName, 25), longer(t.RedirectTimeout, 5):
		return codeContent
	case t.Expiration == "" || t.Recurrent:
		return codeOK
	}
	day, err := time.Parse(expirationLayout, t.Expiration)
	switch {
	case err != nil:
		return codeExpiryFormat
	case day.Before(now.UTC().Truncate(24 * time.Hour)):
		return codeExpiryPast
	case day.Sub(now) > usualLife, day.Add(24*time.Hour).Sub(now) < 30*time.Minute:
		return codeLifetime
	}
	return codeOK
}

const colombia = "343"

var plain = regexp.MustCompile(`^[0-9A-Za-z]+$`)

func longer(s string, most int) bool { return utf8.RuneCountInString(s) > most }

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
