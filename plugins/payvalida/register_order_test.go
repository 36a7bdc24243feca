package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk"
)

func TestRegisterOrder(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	a := terms1
	a.Reference, a.Method, a.Recurrent, a.IVA, a.UserDI = "3102292330", "efecty", true, "19", "79000000"
	got, err := s.registerOrder(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	want := registration{
		Order: "A1", Operation: "CREADA", Reference: "3102292330", Amount: "45000.0",
		PayvalidaOrder: "95585", Checkout: "checkout.payvalida.com/?token=simulated-95585",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	o, err := s.readRegistration(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if o.State != pendiente || o.Amount != "45000.00" || o.Currency != "COP" || o.Email != a.Email || o.Method != "efecty" || o.Lifetime != "0h" {
		t.Errorf("the order is shown as %+v", o)
	}
	if got := registrationSettled(a, o); got != sdk.SettledYes {
		t.Errorf("settled: %v", got)
	}
}

// Both an order number and a reference may be taken by the item itself.
func TestRegisterOrderAgain(t *testing.T) {
	t.Parallel()
	a := terms1
	a.Reference = "555"
	same, sameReference, otherAmount := a, a, a
	sameReference.Order = "A2"
	otherAmount.Amount = "45000.01"
	for name, c := range map[string]struct {
		args    registerArgs
		code    string
		settled sdk.Settled
	}{
		"the same":                   {same, "0042", sdk.SettledYes},
		"another amount":             {otherAmount, "0042", sdk.SettledImpossible},
		"another with the reference": {sameReference, "0043", sdk.SettledCantTell},
	} {
		s := newStage(t, "lose_answer=1")
		_, err := s.registerOrder(t.Context(), a)
		s.want(err, sdk.OutcomeUnknown, "connection_lost")
		s.set("lose_answer", "0")
		_, err = s.registerOrder(t.Context(), c.args)
		s.want(err, sdk.OutcomeUnknown, c.code)
		o, err := s.readRegistration(t.Context(), c.args)
		if err != nil {
			t.Fatal(err)
		}
		if got := registrationSettled(c.args, o); got != c.settled {
			t.Errorf("%s: got %v, want %v", name, got, c.settled)
		}
		if d := cmp.Diff(map[string]int{"register:A1": 1}, s.simulation.Ledger().Effects); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// An order that isn't there yet can be planned, and in doubt proves nothing.
func TestReadRegistrationOfUnknownOrder(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	o, err := s.readRegistration(t.Context(), terms1)
	if d := cmp.Diff(order{Order: "A1"}, o); d != "" || err != nil {
		t.Fatal(d, err)
	}
	if got := registrationSettled(terms1, o); got != sdk.SettledCantTell {
		t.Errorf("got %v, want cant_tell", got)
	}
}

func TestRegistrationSettled(t *testing.T) {
	t.Parallel()
	a := terms1
	a.Reference = "555"
	dollars := a
	dollars.Currency, dollars.Amount = "USD", "12"
	shown := order{Order: "A1", State: pendiente, Amount: "45000.00", Currency: "COP", Email: a.Email, Reference: "555"}
	with := func(change func(*order)) order { o := shown; change(&o); return o }
	for name, c := range map[string]struct {
		args registerArgs
		live order
		want sdk.Settled
	}{
		"there":                   {a, shown, sdk.SettledYes},
		"there, and paid since":   {a, with(func(o *order) { o.State = aprobada }), sdk.SettledYes},
		"no reference asked for":  {terms1, shown, sdk.SettledYes},
		"described otherwise":     {a, with(func(o *order) { o.Description = "x" }), sdk.SettledYes},
		"another amount":          {a, with(func(o *order) { o.Amount = "450.00" }), sdk.SettledImpossible},
		"another currency":        {a, with(func(o *order) { o.Currency = "PEN" }), sdk.SettledImpossible},
		"another payer":           {a, with(func(o *order) { o.Email = "x@example.com" }), sdk.SettledImpossible},
		"another reference":       {a, with(func(o *order) { o.Reference = "556" }), sdk.SettledImpossible},
		"deleted, amount reset":   {a, with(func(o *order) { o.State, o.Amount = cancelada, "0.0" }), sdk.SettledCantTell},
		"dollars, shown in pesos": {dollars, shown, sdk.SettledCantTell},
		"no amount is shown":      {a, with(func(o *order) { o.Amount = "" }), sdk.SettledCantTell},
		"no order is shown":       {a, order{Order: "A1"}, sdk.SettledCantTell},
	} {
		if got := registrationSettled(c.args, c.live); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestRefusedRegistrations(t *testing.T) {
	t.Parallel()
	for code, change := range map[string]func(*registerArgs){
		"0021": func(a *registerArgs) { a.Amount = "-1" },
		"0022": func(a *registerArgs) { a.Country = "1" },
		"0023": func(a *registerArgs) { a.Currency = "cop" },
		"0029": func(a *registerArgs) { a.Description = "" },
		"0031": func(a *registerArgs) { a.Expiration = "31/02/2026" },
		"0032": func(a *registerArgs) { a.Expiration = "01/01/2020" },
		"0024": func(a *registerArgs) { a.Expiration = "01/01/2999" },
	} {
		s := newStage(t)
		a := terms1
		change(&a)
		_, err := s.registerOrder(t.Context(), a)
		s.want(err, sdk.OutcomeRefused, code)
		if e := s.simulation.Ledger().Effects; len(e) != 0 {
			t.Errorf("%s: effects are %v", code, e)
		}
	}
}

func TestCheckRegistration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*registerArgs)
		ok     bool
	}{
		"fine":              {func(*registerArgs) {}, true},
		"an open amount":    {func(a *registerArgs) { a.Amount = "0" }, true},
		"a leap day":        {func(a *registerArgs) { a.Expiration = "29/02/2028" }, true},
		"a negative amount": {func(a *registerArgs) { a.Amount = "-0.01" }, false},
		"a negative iva":    {func(a *registerArgs) { a.IVA = "-19" }, false},
		"no such day":       {func(a *registerArgs) { a.Expiration = "31/02/2026" }, false},
		"the month first":   {func(a *registerArgs) { a.Expiration = "12/31/2026" }, false},
		"an order of dots":  {func(a *registerArgs) { a.Order = ".." }, false},
	} {
		a := terms1
		c.change(&a)
		if err := checkRegistration(a); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
