package main

import (
	"testing"

	"github.com/bulkrunner/runner/sdk/providertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	who := map[string]any{
		"first_name": "Pedro", "last_name": "Miranda", "email": "pedro@pay-me.com",
		"phone":    map[string]any{"country_code": "+51", "subscriber": "999835685"},
		"location": map[string]any{"line_1": "Av. Casimiro Ulloa 333", "line_2": "Miraflores", "city": "Lima", "state": "Lima", "country": "Peru"},
	}
	providertest.Run(t, providertest.Options{Samples: []providertest.Sample{{
		Operation: "authorize_charge",
		Arguments: map[string]any{
			"merchant_operation_number": "9{n}", "amount": "150.00", "currency": "PEN", "payment_method": "CARD",
			"pan": testPAN, "expiry_date": testExpiry, "security_code": testCVV,
			"card_holder":           map[string]any{"first_name": "Pedro", "last_name": "Miranda", "email": "pedro@pay-me.com", "phone": map[string]any{"prefix": "51", "number": "999835685"}},
			"authentication_result": map[string]any{"version": "2.1.0", "trans_status": "Y"},
			"cardholder_authentication_verification_value": testCAVV,
			"billing": who, "shipping": who, "customer": who,
		},
	}}})
}
