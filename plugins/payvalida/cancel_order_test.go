package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

func TestCancelOrder(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.seed("cancel_order", `{"order":"0001"}`, "")
	got, err := s.cancelOrder(t.Context(), orderArgs{"0001"})
	if err != nil {
		t.Fatal(err)
	}
	want := cancellation{Order: "0001", Operation: "DELETED", Reference: "3100095585", PayvalidaOrder: "95585"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]int{"cancel:0001": 1}, s.simulation.Ledger().Effects); d != "" {
		t.Error(d)
	}
}

// 0041 never says whether an earlier request worked, so it decides nothing:
// the read after it does.
func TestCancelOrderThatIsNotPending(t *testing.T) {
	t.Parallel()
	for state, settled := range map[string]sdk.Settled{
		cancelada: sdk.SettledYes, aprobada: sdk.SettledImpossible, vencida: sdk.SettledImpossible, anulada: sdk.SettledImpossible,
	} {
		s := newStage(t)
		s.seed("cancel_order", `{"order":"A1"}`, state)
		_, err := s.cancelOrder(t.Context(), orderArgs{"A1"})
		s.want(err, sdk.OutcomeUnknown, "0041")
		o, err := s.readOrder(t.Context(), orderArgs{"A1"})
		if err != nil {
			t.Fatal(err)
		}
		if got := cancellationSettled(orderArgs{"A1"}, o); got != settled || o.State != state {
			t.Errorf("%s is read as %s: got %v, want %v", state, o.State, got, settled)
		}
	}
}

func TestCancelOrderAfterALostAnswer(t *testing.T) {
	t.Parallel()
	s := newStage(t, "lose_answer=1")
	s.seed("cancel_order", `{"order":"A1"}`, "")
	_, err := s.cancelOrder(t.Context(), orderArgs{"A1"})
	s.want(err, sdk.OutcomeUnknown, "connection_lost")

	s.set("lose_answer", "0")
	_, err = s.cancelOrder(t.Context(), orderArgs{"A1"})
	s.want(err, sdk.OutcomeUnknown, "0041")
	o, err := s.readOrder(t.Context(), orderArgs{"A1"})
	if err != nil || cancellationSettled(orderArgs{"A1"}, o) != sdk.SettledYes {
		t.Errorf("%+v, %v", o, err)
	}
	if d := cmp.Diff(map[string]int{"cancel:A1": 1}, s.simulation.Ledger().Effects); d != "" {
		t.Error(d)
	}
}

// A payment between the guard's read and the deletion costs the payer nothing.
func TestCancelOrderThatIsPaidMeanwhile(t *testing.T) {
	t.Parallel()
	s := newStage(t, "pay_between=1")
	s.seed("cancel_order", `{"order":"A1"}`, "")
	o, err := s.readOrder(t.Context(), orderArgs{"A1"})
	if err != nil || o.State != pendiente {
		t.Fatalf("%+v, %v", o, err)
	}
	_, err = s.cancelOrder(t.Context(), orderArgs{"A1"})
	s.want(err, sdk.OutcomeUnknown, "0041")
	if o, err = s.readOrder(t.Context(), orderArgs{"A1"}); err != nil || cancellationSettled(orderArgs{"A1"}, o) != sdk.SettledImpossible {
		t.Errorf("%+v, %v", o, err)
	}
	if e := s.simulation.Ledger().Effects; len(e) != 0 {
		t.Errorf("effects are %v", e)
	}
}

func TestCancellationSettled(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]sdk.Settled{
		pendiente: sdk.SettledNo, cancelada: sdk.SettledYes,
		aprobada: sdk.SettledImpossible, vencida: sdk.SettledImpossible, anulada: sdk.SettledImpossible,
		"": sdk.SettledCantTell, "pendiente": sdk.SettledCantTell, "EN REVISION": sdk.SettledCantTell,
	} {
		if got := cancellationSettled(orderArgs{}, order{State: state}); got != want {
			t.Errorf("%q: got %v, want %v", state, got, want)
		}
	}
}

func TestConfirmCancellation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data string
		want sdk.Outcome
	}{
		"confirmed":         {`{"OrderID":"A1","Operation":"DELETED"}`, sdk.OutcomeDone},
		"another order":     {`{"OrderID":"A2","Operation":"DELETED"}`, sdk.OutcomeIncident},
		"another case":      {`{"OrderID":"a1","Operation":"DELETED"}`, sdk.OutcomeIncident},
		"no order":          {`{"Operation":"DELETED"}`, sdk.OutcomeUnknown},
		"a number":          {`{"OrderID":1,"Operation":"DELETED"}`, sdk.OutcomeUnknown},
		"another operation": {`{"OrderID":"A1","Operation":"UPDATED"}`, sdk.OutcomeUnknown},
		"no operation":      {`{"OrderID":"A1"}`, sdk.OutcomeUnknown},
		"Spanish keys":      {`{"OrdenID":"A1","Operacion":"DELETED"}`, sdk.OutcomeUnknown},
		"nothing":           {`{}`, sdk.OutcomeUnknown},
	} {
		data, err := apiclient.ParseObject([]byte(c.data))
		if err != nil {
			t.Fatal(err)
		}
		_, err = confirmCancellation("A1", data)
		if got, _ := outcome(err); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
