package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk"
)

func TestUpdateOrder(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.seed("update_order", `{"order":"A1","email":"payer@example.com","currency":"COP","amount":"50000"}`, "")
	before, err := s.readForUpdate(t.Context(), update1)
	if err != nil || updateSettled(update1, before) != sdk.SettledNo {
		t.Fatalf("%+v, %v", before, err)
	}
	got, err := s.updateOrder(t.Context(), update1)
	if err != nil {
		t.Fatal(err)
	}
	want := registration{
		Order: "A1", Operation: "ACTUALIZADO", Reference: "3100095585", Amount: "50000.0",
		PayvalidaOrder: "95585", Checkout: "checkout.payvalida.com/?token=simulated-95585",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	after, err := s.readForUpdate(t.Context(), update1)
	if err != nil || updateSettled(update1, after) != sdk.SettledYes {
		t.Errorf("%+v, %v", after, err)
	}
	if d := cmp.Diff(map[string]int{"update:A1": 1}, s.simulation.Ledger().Effects); d != "" {
		t.Error(d)
	}
}

func TestUpdateOrderThatIsNotPending(t *testing.T) {
	t.Parallel()
	for _, state := range []string{aprobada, vencida, cancelada, anulada} {
		s := newStage(t)
		s.seed("update_order", `{"order":"A1"}`, state)
		_, err := s.updateOrder(t.Context(), update1)
		s.want(err, sdk.OutcomeRefused, "0041")
	}
}

func TestUpdateSettled(t *testing.T) {
	t.Parallel()
	full := update1
	full.Description, full.Method = "Course", "efecty"
	hidden := update1
	hidden.Expiration = "31/12/2026"
	dollars := update1
	dollars.Currency, dollars.Amount = "USD", "12"
	shown := orderToUpdate{Order: "A1", State: pendiente, Amount: "50000.00", Currency: "COP", Email: "Payer@Example.com", Description: "Course", Method: "efecty"}
	with := func(change func(*orderToUpdate)) orderToUpdate { o := shown; change(&o); return o }

	for name, c := range map[string]struct {
		args updateArgs
		live orderToUpdate
		want sdk.Settled
	}{
		"all of it is there":         {full, shown, sdk.SettledYes},
		"there, and paid since":      {full, with(func(o *orderToUpdate) { o.State = aprobada }), sdk.SettledYes},
		"the old amount":             {full, with(func(o *orderToUpdate) { o.Amount = "45000.00" }), sdk.SettledNo},
		"the old amount, paid":       {full, with(func(o *orderToUpdate) { o.State, o.Amount = aprobada, "45000.00" }), sdk.SettledImpossible},
		"the old amount, expired":    {full, with(func(o *orderToUpdate) { o.State, o.Amount = vencida, "45000.00" }), sdk.SettledImpossible},
		"deleted, amount reset":      {full, with(func(o *orderToUpdate) { o.State, o.Amount = cancelada, "0.0" }), sdk.SettledCantTell},
		"the old amount, new state":  {full, with(func(o *orderToUpdate) { o.State, o.Amount = "EN REVISION", "45000.00" }), sdk.SettledCantTell},
		"another e-mail":             {full, with(func(o *orderToUpdate) { o.Email = "x@example.com" }), sdk.SettledNo},
		"another description":        {full, with(func(o *orderToUpdate) { o.Description = "course." }), sdk.SettledCantTell},
		"no amount is shown":         {full, with(func(o *orderToUpdate) { o.Amount = "" }), sdk.SettledCantTell},
		"no method is shown":         {full, with(func(o *orderToUpdate) { o.Method = "" }), sdk.SettledCantTell},
		"an expiration, not shown":   {hidden, shown, sdk.SettledCantTell},
		"an expiration, old amount":  {hidden, with(func(o *orderToUpdate) { o.Amount = "1.00" }), sdk.SettledNo},
		"dollars, shown in pesos":    {dollars, shown, sdk.SettledCantTell},
		"another currency":           {update1, with(func(o *orderToUpdate) { o.Currency = "PEN" }), sdk.SettledNo},
		"the same amount, by value":  {update1, with(func(o *orderToUpdate) { o.Amount = "50000" }), sdk.SettledYes},
		"one centavo less, by value": {update1, with(func(o *orderToUpdate) { o.Amount = "49999.99" }), sdk.SettledNo},
	} {
		if got := updateSettled(c.args, c.live); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

// Every argument that a read doesn't show makes an update one that a read
// can't confirm.
func TestChangesHidden(t *testing.T) {
	t.Parallel()
	if update1.changesHidden() {
		t.Error("an amount counts as hidden")
	}
	for name, change := range map[string]func(*updateArgs){
		"language":         func(a *updateArgs) { a.Language = "en" },
		"recurrent":        func(a *updateArgs) { a.Recurrent = true },
		"expiration":       func(a *updateArgs) { a.Expiration = "31/12/2026" },
		"iva":              func(a *updateArgs) { a.IVA = "19" },
		"user_di":          func(a *updateArgs) { a.UserDI = "1" },
		"user_type_di":     func(a *updateArgs) { a.UserTypeDI = "CC" },
		"user_name":        func(a *updateArgs) { a.UserName = "P" },
		"redirect_timeout": func(a *updateArgs) { a.RedirectTimeout = "300" },
	} {
		a := update1
		change(&a)
		if !a.changesHidden() {
			t.Errorf("%s counts as shown", name)
		}
	}
}
