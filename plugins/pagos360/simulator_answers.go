package main

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/bulkrunner/runner/sdk"
)

// show is a thing as the API's answers have it: dates with their offset,
// amounts as floats, null where there is nothing.
func (t *thing) show(f *faults, d dice) []byte {
	b, _ := json.Marshal(t.members(f, d)) // of our own types
	return b
}

func (t *thing) members(f *faults, d dice) map[string]any {
	id := t.id
	if d.fell(otherID) {
		id += "0"
	}
	m := map[string]any{
		"id": json.Number(id), "type": t.resource.root, "state": spelled(t.state, f), "created_at": moment(t.created),
		"description": t.description, "state_comment": nullable(t.comment), "metadata": t.metadata,
	}
	switch t.resource {
	case cardDebits:
		m["amount"], m["month"], m["year"] = float(t.amount), t.month, t.year
		m["card_adhesion"] = t.adhesion.members(f, dice{faults: f, still: true})
	case debits:
		m["first_total"], m["first_due_date"] = float(t.amount), moment(t.dueDate())
		m["second_total"], m["second_due_date"] = nil, nil
		if t.second != "" {
			m["second_total"], m["second_due_date"] = float(t.second), moment(t.secondDue)
		}
		m["adhesion"] = t.adhesion.members(f, dice{faults: f, still: true})
	default:
		m["external_reference"], m["adhesion_holder_name"], m["email"] = t.reference, "Titular Simulado", "titular@example.com"
		m["canceled_at"] = nil
		if !t.canceledAt.IsZero() {
			m["canceled_at"] = moment(t.canceledAt)
		}
		if t.resource == cardAdhesions {
			m["card_holder_name"], m["last_four_digits"], m["card"] = "Titular Simulado", "4242", "Visa"
		} else {
			m["cbu_holder_name"], m["bank"] = "Titular Simulado", "Banco Simulado"
		}
		delete(m, "type")
	}
	return m
}

// dueDate is when a bank account is first debited.
func (t *thing) dueDate() time.Time {
	if !t.due.IsZero() {
		return t.due
	}
	if t.second == "" && !t.secondDue.IsZero() {
		return t.secondDue
	}
	return time.Date(t.year, time.Month(t.month), 10, 0, 0, 0, 0, buenosAires)
}

// spelled is a state in the spelling that is switched on.
func spelled(state string, f *faults) string {
	if state == inProcess {
		return f.spelling
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
