package main

import (
	"errors"
	"strings"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
	"github.com/bulkrunner/runner/sdk/simulator"
)

// create answers POST. The lock is held.
func (s *simulation) create(f *simulator.Fate, q request, now time.Time) simulator.Answer {
	t := &thing{thingID: thingID{resource: q.resource}, created: now}
	wrong := q.resource.root
	if wrapped, err := apiclient.ParseObject(q.body); err == nil && len(wrapped) == 1 {
		if fields, err := apiclient.ParseObject(wrapped[q.resource.root]); err == nil {
			t.description, t.metadata = fields.Text("description"), fields.Raw("metadata")
			if t.debit() {
				wrong = s.debitTerms(t, fields, f)
			} else {
				wrong = t.adhesionTerms(fields)
			}
		}
	}
	if wrong != "" {
		return s.refusal(f, 400, wrong, "El valor no es válido")
	}
	t.id = s.things.give(q.resource)
	s.things.add(t, now)
	s.Effect("create:" + t.resource.root + ":" + t.id)
	return simulator.JSON(createdStatus.In(f), t.members(f.Still(), t.state))
}

// debitTerms gives a debit what was asked for, and names the field that is
// wrong, if one is. It will be collected when its time comes.
func (s *simulation) debitTerms(t *thing, fields apiclient.Object, f *simulator.Fate) (wrong string) {
	t.state, t.timed = pending, true
	amount, adhesion, of := "amount", "card_adhesion_id", cardAdhesions
	var err error
	switch t.resource {
	case cardDebits:
		t.month, t.year = int(fields.Number("month")), int(fields.Number("year"))
		if t.month < 1 || t.month > 12 {
			return "month"
		}
		if t.year < 2000 {
			return "year"
		}
		t.due = time.Date(t.year, time.Month(t.month), cutDay.In(f), 0, 0, 0, 0, buenosAires)
	case debits:
		amount, adhesion, of = "first_total", "adhesion_id", adhesions
		if t.due, err = day(fields.Text("first_due_date")); err != nil || s.clock(f).After(businessDaysBefore(t.due, leadDays.In(f))) && leadDays.In(f) > 0 {
			return "first_due_date"
		}
		if second := fields.Text("second_due_date"); second != "" {
			if t.secondDue, err = day(second); err != nil {
				return "second_due_date"
			}
			if t.second, err = bareAmount(fields, "second_total"); err != nil {
				return "second_total"
			}
		}
		if t.description == "" || len(t.description) > 255 {
			return "description"
		}
	}
	if t.amount, err = bareAmount(fields, amount); err != nil {
		return amount
	}
	t.adhesion = s.things.known[thingID{of, fields.Whole(adhesion)}]
	if t.adhesion == nil || t.adhesion.state != signed {
		return adhesion
	}
	return ""
}

// adhesionTerms gives an adhesion what was asked for. Its holder has to sign it.
func (t *thing) adhesionTerms(fields apiclient.Object) (wrong string) {
	t.state = pendingToSign
	required := map[string]*string{
		"adhesion_holder_name": &t.holder, "email": &t.email, "description": &t.description, "external_reference": &t.reference,
	}
	secret := "card_number"
	if t.resource == adhesions {
		secret = "cbu_number"
		required["cbu_holder_id_number"], required["short_description"] = &t.holderID, &t.short
		t.cbu = fields.Text("cbu_number")
	}
	for name, field := range required {
		if *field = fields.Text(name); *field == "" {
			return name
		}
	}
	if number := fields.Text(secret); number == "" || strings.Trim(number, "0123456789") != "" || t.resource == adhesions && len(number) != 22 {
		return secret
	}
	return ""
}

// bareAmount reads an amount, which must be a bare number of at most eight
// digits before the point and two after it.
func bareAmount(o apiclient.Object, name string) (sdk.Decimal, error) {
	if strings.HasPrefix(string(o[name]), `"`) {
		return "", errNotANumber
	}
	d, err := o.Decimal(name)
	if err == nil {
		err = checkAmount(name, d)
	}
	return d, err
}

var errNotANumber = errors.New("an amount within quotes")

func day(s string) (time.Time, error) { return time.ParseInLocation(wireDate, s, buenosAires) }
