package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/simulator"
)

// show answers with a thing.
func (t *thing) show(f *simulator.Fate, now time.Time) simulator.Answer {
	return simulator.JSON(http.StatusOK, t.members(f, t.shown(f, now)))
}

// members are a thing as the API's answers have it: dates with their offset,
// amounts as floats, null where there is nothing.
func (t *thing) members(f *simulator.Fate, state string) map[string]any {
	id := t.id
	if f.Befalls(otherID) {
		id += "0"
	}
	m := map[string]any{
		"id": json.Number(id), "type": t.resource.root, "state": spelled(state, f), "created_at": moment(t.created),
		"description": t.description, "state_comment": nullable(t.comment), "metadata": t.metadata,
	}
	if t.metadata == nil && noMetadata.In(f) == emptyObject {
		m["metadata"] = map[string]any{}
	}
	within := func() map[string]any { return t.adhesion.members(f.Still(), t.adhesion.state) }
	switch t.resource {
	case cardDebits:
		m["amount"], m["month"], m["year"] = float(t.amount), t.month, t.year
		m["card_adhesion"] = within()
	case debits:
		m["first_total"], m["first_due_date"] = float(t.amount), moment(t.dueDate())
		m["second_total"], m["second_due_date"] = nil, nil
		if t.second != "" {
			m["second_total"], m["second_due_date"] = float(t.second), moment(t.secondDue)
		}
		m["adhesion"] = within()
	default:
		m["external_reference"], m["adhesion_holder_name"], m["email"] = t.reference, t.holder, t.email
		m["canceled_at"] = nil
		if !t.canceledAt.IsZero() {
			m["canceled_at"] = moment(t.canceledAt)
		}
		if t.resource == cardAdhesions {
			m["card_holder_name"], m["last_four_digits"], m["card"] = t.holder, "4242", "Visa"
		} else {
			m["cbu_holder_name"], m["cbu_holder_id_number"], m["cbu_number"], m["bank"] = t.holder, t.holderID, t.cbu, "Banco Simulado"
			m["short_description"] = t.short
		}
		delete(m, "type")
	}
	if attempt := t.attempt(state); attempt != nil {
		m["request_result"] = []any{attempt}
	}
	return m
}

// attempt is the entry of request_result, which is there once the collection
// has been tried.
func (t *thing) attempt(state string) map[string]any {
	kind := "collected_"
	switch {
	case !t.debit():
		return nil
	case state == rejected:
		kind = "rejected_"
	case state != paid && state != reverted && state != refunded:
		return nil
	}
	day := moment(t.dueDate())
	a := map[string]any{"id": json.Number(t.id), "type": kind + t.resource.root + "_result", "channel": "simulated", "created_at": day, "amount": float(t.amount), "state_comment": nil}
	if state == rejected {
		a["rejected_at"] = day
		return a
	}
	a["paid_at"], a["available_at"], a["is_available"], a["gross_fee"], a["net_fee"], a["fee_iva"], a["net_amount"] = day, day, true, 0, 0, 0, float(t.amount)
	if state == reverted {
		a["reverted_at"] = day
	}
	return a
}

// dueDate is when a debit is collected: of a bank account what it was made
// for, of a card a day of its month that the API doesn't show.
func (t *thing) dueDate() time.Time {
	if !t.due.IsZero() {
		return t.due
	}
	return time.Date(t.year, time.Month(t.month), 10, 0, 0, 0, 0, buenosAires)
}

// spelled is a state in the spelling that is switched on.
func spelled(state string, f *simulator.Fate) string {
	if state == inProcess {
		return spelling.In(f)
	}
	return state
}

// float writes an amount as the API's JSON does, which drops zeros at the end:
// 1500.50 is 1500.5.
func float(d sdk.Decimal) json.Number {
	amount := string(bare(d))
	if strings.Contains(amount, ".") {
		amount = strings.TrimRight(strings.TrimRight(amount, "0"), ".")
	}
	return json.Number(amount)
}

func moment(t time.Time) string { return t.In(buenosAires).Format("2006-01-02T15:04:05-07:00") }

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
