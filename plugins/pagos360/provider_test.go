package main

import (
	"slices"
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
		Kind           sdk.Kind
		Required       []string
		GuardedByAPI   bool
		Guard          []string
		Reads, Settles bool
		Resend         sdk.Resend
	}
	got := map[string]traits{}
	for _, o := range s.Operations {
		r := traits{Kind: o.Kind, GuardedByAPI: o.GuardedByAPI, Reads: o.Reads, Settles: o.Settles, Resend: o.Resend}
		if o.DefaultGuard != nil {
			r.Guard = o.DefaultGuard.Allowed
		}
		for _, a := range o.Arguments {
			if a.Doc == "" {
				t.Errorf("argument %s of %s is undocumented", a.Name, o.Name)
			}
			if a.Required {
				r.Required = append(r.Required, a.Name)
			}
		}
		got[o.Name] = r
	}
	id := []string{"id"}
	want := map[string]traits{
		"cancel_card_debit_request": {sdk.KindMutation, id, true, nil, true, true, sdk.ResendAuto},
		"cancel_debit_request":      {sdk.KindMutation, id, false, []string{pending}, true, true, sdk.ResendAuto},
		"cancel_card_adhesion":      {sdk.KindMutation, id, false, []string{signed}, true, true, sdk.ResendAuto},
		"cancel_adhesion":           {sdk.KindMutation, id, false, []string{signed}, true, true, sdk.ResendAuto},
		"create_card_debit_request": {sdk.KindMutation, []string{"card_adhesion_id", "month", "year", "amount"}, true, nil, false, false, sdk.ResendManual},
		"create_debit_request":      {sdk.KindMutation, []string{"adhesion_id", "first_due_date", "first_total", "description"}, true, nil, false, false, sdk.ResendManual},
		"get_card_debit_request":    {sdk.KindQuery, id, false, nil, false, false, sdk.ResendManual},
		"get_debit_request":         {sdk.KindQuery, id, false, nil, false, false, sdk.ResendManual},
		"get_card_adhesion":         {sdk.KindQuery, id, false, nil, false, false, sdk.ResendManual},
		"get_adhesion":              {sdk.KindQuery, id, false, nil, false, false, sdk.ResendManual},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, name := range []string{"card_debit_requests", "debit_requests"} {
		l, ok := s.List(name)
		if !ok || l.Key != "id" || !slices.ContainsFunc(l.Row, func(a sdk.Attribute) bool { return a.Role == "amount" && a.Decimal }) {
			t.Errorf("list %s is %+v", name, l)
		}
	}
	if !s.Simulates || !slices.ContainsFunc(s.Faults, func(f sdk.Fault) bool { return f.Name == "generate" }) {
		t.Error("the simulator can't make things up, so no list can be rehearsed")
	}
}
