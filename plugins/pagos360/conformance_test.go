package main

import (
	"testing"

	"github.com/bulkrunner/runner/sdk/providertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	named := map[string]any{"id": "9{n}"} // another one each time: what is there already isn't seeded anew
	providertest.Run(t, providertest.Options{Samples: []providertest.Sample{
		{Operation: "cancel_card_debit_request", Arguments: named},
		{Operation: "cancel_debit_request", Arguments: named},
		{Operation: "cancel_card_adhesion", Arguments: named},
		{Operation: "cancel_adhesion", Arguments: named},
		{Operation: "create_card_debit_request", Arguments: map[string]any{"card_adhesion_id": "77", "month": 12, "year": 2099, "amount": "1500.50"}},
		{Operation: "create_debit_request", Arguments: map[string]any{"adhesion_id": "77", "first_due_date": "2099-12-31", "first_total": "1500.50", "description": "Cuota"}},
	}})
}
