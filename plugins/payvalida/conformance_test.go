package main

import (
	"testing"

	"github.com/bulkrunner/runner/sdk/providertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	terms := map[string]any{"email": "ana@example.com", "country": "343", "currency": "COP", "amount": "25000"}
	providertest.Run(t, providertest.Options{Samples: []providertest.Sample{
		{Operation: "register_order", Arguments: terms},
		{Operation: "update_order", Arguments: terms},
	}})
}
