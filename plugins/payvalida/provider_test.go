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
		Kind                sdk.Kind
		Required            []string
		Guarded, Repeatable bool
		Settles             bool
		Resend              sdk.Resend
	}
	got := map[string]traits{}
	for _, o := range s.Operations {
		r := traits{o.Kind, nil, o.GuardedByAPI, o.Repeatable, o.Settles, o.Resend}
		for _, a := range o.Arguments {
			if a.Doc == "" {
				t.Errorf("argument %s of %s is undocumented", a.Name, o.Name)
			}
			if a.Required {
				r.Required = append(r.Required, a.Name)
			}
		}
		// An amount that is to change can't be held against the file's.
		held := slices.ContainsFunc(o.Live, func(a sdk.Attribute) bool { return a.Role == "amount" })
		if o.Reads && held == (o.Name == "update_order") {
			t.Errorf("%s: that a live amount has its role is %v", o.Name, held)
		}
		got[o.Name] = r
	}
	want := map[string]traits{
		"cancel_order":   {sdk.KindMutation, []string{"order"}, true, false, true, sdk.ResendAuto},
		"update_order":   {sdk.KindMutation, []string{"order", "email", "country", "currency", "amount"}, true, false, true, sdk.ResendManual},
		"register_order": {sdk.KindMutation, []string{"order", "email", "country", "currency", "amount", "description"}, true, false, true, sdk.ResendManual},
		"get_order":      {sdk.KindQuery, []string{"order"}, false, true, false, sdk.ResendManual},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(s.Faults) == 0 || !s.Simulates {
		t.Error("the schema has no simulator")
	}
}
