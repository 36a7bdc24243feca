package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk"
)

func TestSchema(t *testing.T) {
	t.Parallel()
	s, err := sdk.SchemaOf(provider)
	if err != nil {
		t.Fatal(err)
	}
	type traits struct {
		Kind                sdk.Kind
		Required            []string
		Guarded, Repeatable bool
		Settles             bool
		Resend              sdk.Resend
		DefaultGuard        []string
	}
	got := map[string]traits{}
	for _, o := range s.Operations {
		r := traits{o.Kind, nil, o.GuardedByAPI, o.Repeatable, o.Settles, o.Resend, nil}
		if o.DefaultGuard != nil {
			r.DefaultGuard = append([]string{o.DefaultGuard.Attribute}, o.DefaultGuard.Allowed...)
		}
		for _, a := range o.Arguments {
			if a.Doc == "" {
				t.Errorf("argument %s of %s is undocumented", a.Name, o.Name)
			}
			if a.Required {
				r.Required = append(r.Required, a.Name)
			}
			// The message about an argument that is missing is made of this.
			if a.Name == "transaction_id" && !strings.Contains(a.Doc, "the list must carry it") {
				t.Errorf("%s doesn't say why it needs transaction_id", o.Name)
			}
		}
		held := slices.ContainsFunc(o.Live, func(a sdk.Attribute) bool { return a.Role == "amount" && a.Exponent == 2 })
		if o.Reads && !held {
			t.Errorf("%s: its live amount isn't in minor units", o.Name)
		}
		got[o.Name] = r
	}
	both := []string{"merchant_operation_number", "transaction_id"}
	want := map[string]traits{
		"cancel_charge":    {sdk.KindMutation, both, false, false, true, sdk.ResendAuto, []string{"states", registrado, pendiente}},
		"reverse_charge":   {sdk.KindMutation, both, false, false, true, sdk.ResendManual, []string{"states", autorizado}},
		"authorize_charge": {sdk.KindMutation, []string{"merchant_operation_number", "amount", "currency", "payment_method", "billing", "shipping", "customer"}, false, false, false, sdk.ResendManual, nil},
		"get_charge":       {sdk.KindQuery, both, false, true, false, sdk.ResendManual, nil},
		"get_refund":       {sdk.KindQuery, both[:1], false, true, false, sdk.ResendManual, nil},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// What a card is charged by is written nowhere.
	charge, _ := s.Operation("authorize_charge")
	var secrets []string
	for _, a := range charge.Arguments {
		if a.WriteOnly {
			secrets = append(secrets, a.Name)
		}
	}
	if d := cmp.Diff([]string{"pan", "expiry_date", "security_code", "cardholder_authentication_verification_value", "otp"}, secrets); d != "" {
		t.Error(d)
	}
	if len(s.Faults) == 0 || !s.Simulates || !s.Authenticates {
		t.Error("the schema has no simulator or no token")
	}
}
