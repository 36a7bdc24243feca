package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk"
)

func TestReverseCharge(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.charge(autorizado)
	got, err := s.reverseCharge(t.Context(), charge1)
	if err != nil {
		t.Fatal(err)
	}
	if got.State != extornado {
		t.Errorf("got %+v", got)
	}
	if d := cmp.Diff(map[string]int{"reverse:0012345": 1}, s.simulation.Ledger().Effects); d != "" {
		t.Error(d)
	}
}

// A reversal that meets an unpaid charge cancels it, which wasn't meant.
func TestReverseChargeThatIsUnpaid(t *testing.T) {
	t.Parallel()
	for _, state := range unpaid {
		s := newStage(t)
		s.charge(state)
		_, err := s.reverseCharge(t.Context(), charge1)
		s.want(err, sdk.OutcomeIncident, "")
	}
}

func TestReverseChargeAfterALostAnswer(t *testing.T) {
	t.Parallel()
	s := newStage(t, "lose_answer=1")
	s.charge(autorizado)
	_, err := s.reverseCharge(t.Context(), charge1)
	s.want(err, sdk.OutcomeUnknown, "connection_lost")
	s.set("lose_answer", "0")
	c, err := s.readCharge(t.Context(), charge1)
	if err != nil || reversalSettled(charge1, c) != sdk.SettledYes {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestReversalSettled(t *testing.T) {
	t.Parallel()
	settles(t, reversalSettled, map[sdk.Settled][][]string{
		sdk.SettledYes:        {{extornado, extornado}, {extornado, denegado, extornado}},
		sdk.SettledNo:         {{autorizado, autorizado}, {autorizado, denegado, autorizado}},
		sdk.SettledImpossible: {{liquidado, liquidado}, {autorizado, depositado}, {expirado, expirado}, {denegado, denegado}, {extornado, liquidado}},
		sdk.SettledOtherwise:  {{cancelado, cancelado}, {extornado, cancelado}},
		sdk.SettledCantTell:   {{}, {pendiente, pendiente}, {registrado, registrado}, {"EN_PROCESO", "EN_PROCESO"}, {extornado, autorizado}, {autorizado, extornado}},
	})
}
