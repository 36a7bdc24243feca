package main

import (
	"strings"

	"github.com/bulkrunner/runner/sdk"
)

// Terms are what was asked of an order, as far as a read shows it. Empty ones
// weren't asked for.
type terms struct {
	currency    string
	amount      sdk.Decimal
	email       string
	reference   string
	description string
	method      string
}

// An agreement is how an order compares with terms. The zero value decides
// nothing.
type agreement uint8

const (
	unsure  agreement = iota // what is shown proves neither
	agrees                   // every term is shown as it was asked for
	differs                  // a term is certainly another
)

// compare holds an order against terms. Amount, currency, e-mail and
// reference can prove a difference. Description and method can't: nobody
// documents that they are shown as they were sent.
func (o order) compare(t terms) agreement {
	certain := []agreement{
		o.compareAmount(t),
		compareText(t.email, o.Email, differs),
		compareText(t.reference, o.Reference, differs),
		compareText(t.description, o.Description, unsure),
		compareText(t.method, o.Method, unsure),
	}
	result := agrees
	for _, c := range certain {
		switch c {
		case differs:
			return differs
		case unsure:
			result = unsure
		}
	}
	return result
}

// compareAmount compares amounts by value. It decides nothing where the API
// shows another amount of its own accord: US dollars are converted to the
// country's currency, and deleting an order answers with an amount of 0.0.
func (o order) compareAmount(t terms) agreement {
	if o.Amount == "" || o.Currency == "" {
		return unsure
	}
	if o.Currency == t.currency && o.Amount.Cmp(t.amount) == 0 {
		return agrees
	}
	if t.currency == "USD" || o.State == cancelada {
		return unsure
	}
	return differs
}

func compareText(asked, shown string, otherwise agreement) agreement {
	switch {
	case asked == "" || strings.EqualFold(asked, shown):
		return agrees
	case shown == "":
		return unsure
	}
	return otherwise
}
