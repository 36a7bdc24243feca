package main

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/bulkrunner/runner/sdk"
)

// create answers POST. The lock is held.
func (s *simulation) create(f *faults, q request, now time.Time) (int, []byte) {
	refuse := func(field string) (int, []byte) {
		return http.StatusBadRequest, s.refusal(f, field, "El valor no es válido")
	}
	if q.resource != cardDebits && q.resource != debits {
		return refuse("adhesion_holder_name") // adhesions are made by their holders, who sign them
	}
	wrapped, err := decodeObject(q.body)
	if err != nil {
		return refuse(q.resource.root)
	}
	fields, err := decodeObject(wrapped[q.resource.root])
	if err != nil || len(wrapped) != 1 {
		return refuse(q.resource.root)
	}
	t := &thing{state: pending, description: fields.text("description"), metadata: fields.raw("metadata"), made: 1, created: now}
	amount, adhesion := "amount", "card_adhesion_id"
	if q.resource == debits {
		amount, adhesion = "first_total", "adhesion_id"
		if t.due, err = day(fields.text("first_due_date")); err != nil {
			return refuse("first_due_date")
		}
		if second := fields.text("second_due_date"); second != "" {
			if t.secondDue, err = day(second); err != nil {
				return refuse("second_due_date")
			}
			if t.second, err = fields.float("second_total"); err != nil {
				return refuse("second_total")
			}
		}
		if t.description == "" || len(t.description) > 255 {
			return refuse("description")
		}
	} else {
		t.month, t.year = int(fields.number("month")), int(fields.number("year"))
		if t.month < 1 || t.month > 12 || t.year < 2000 {
			return refuse("month")
		}
	}
	if t.amount, err = fields.float(amount); err != nil {
		return refuse(amount)
	}
	of := adhesions
	if q.resource == cardDebits {
		of = cardAdhesions
	}
	t.adhesion = s.things.known[thingID{of, fields.whole(adhesion)}]
	if t.adhesion == nil || t.adhesion.state != signed {
		return refuse(adhesion)
	}
	t.thingID = thingID{q.resource, s.things.give(q.resource)}
	s.things.add(t, now)
	return f.created, t.show(f, dice{faults: f, still: true})
}

// float reads an amount, which must be a bare number of at most eight digits
// before the point and two after it.
func (o object) float(name string) (sdk.Decimal, error) {
	if strings.HasPrefix(string(o[name]), `"`) {
		return "", errNotANumber
	}
	d, err := o.decimal(name)
	if err == nil {
		err = checkAmount(name, d)
	}
	return d, err
}

var errNotANumber = errors.New("an amount within quotes")

func day(s string) (time.Time, error) { return time.ParseInLocation(wireDate, s, buenosAires) }
