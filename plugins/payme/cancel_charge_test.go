package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

func TestCancelCharge(t *testing.T) {
	t.Parallel()
	for _, state := range unpaid {
		s := newStage(t)
		s.charge(state)
		got, err := s.cancelCharge(t.Context(), charge1)
		if err != nil {
			t.Fatal(err)
		}
		want := deletion{
			MerchantOperationNumber: "0012345", State: cancelado, States: []string{cancelado, cancelado}, Amount: "15000", Currency: "604",
			PaymentMethod: "PAGOEFECTIVO", StateReason: "Usuario cancelo el metodo de pago",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(map[string]int{"cancel:0012345": 1}, s.simulation.Ledger().Effects); d != "" {
			t.Error(d)
		}
	}
}

// A payment between the guard's read and the deletion costs: the API gives the
// money back, and says so.
func TestCancelChargeThatIsPaidMeanwhile(t *testing.T) {
	t.Parallel()
	s := newStage(t, "authorise_between=1")
	s.charge("")
	c, err := s.readCharge(t.Context(), charge1)
	if err != nil || c.State != pendiente {
		t.Fatalf("%+v, %v", c, err)
	}
	_, err = s.cancelCharge(t.Context(), charge1)
	s.want(err, sdk.OutcomeIncident, "")
	if d, ok := sdk.AsFailure(err).Result.(deletion); !ok || d.State != extornado {
		t.Errorf("the incident keeps %+v", sdk.AsFailure(err).Result)
	}
}

// The same with the answer lost: the read after it tells.
func TestCancelChargeThatIsPaidMeanwhileUnseen(t *testing.T) {
	t.Parallel()
	s := newStage(t, "lose_answer=1")
	s.charge(autorizado)
	_, err := s.cancelCharge(t.Context(), charge1)
	s.want(err, sdk.OutcomeUnknown, "connection_lost")
	s.set("lose_answer", "0")
	c, err := s.readCharge(t.Context(), charge1)
	if err != nil || cancellationSettled(charge1, c) != sdk.SettledOtherwise {
		t.Errorf("%+v, %v", c, err)
	}
}

// One paid transaction among several is enough for an incident.
func TestCancelChargeWithAPaidTransaction(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.seed("cancel_charge", `{"merchant_operation_number":"0012345","transaction_id":"tx1","other_state":"AUTORIZADO"}`, pendiente)
	c, err := s.readCharge(t.Context(), charge1)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{pendiente, pendiente, autorizado}, c.States); d != "" {
		t.Error(d)
	}
	_, err = s.cancelCharge(t.Context(), charge1)
	s.want(err, sdk.OutcomeIncident, "")
}

// What a deletion does in a state that it isn't documented for proves nothing,
// whichever way the API takes it.
func TestCancelChargeInUndocumentedStates(t *testing.T) {
	t.Parallel()
	for _, state := range []string{liquidado, depositado, denegado, expirado, cancelado, extornado, invalido} {
		for setting, code := range map[string]string{"undocumented_delete=refuse": "01", "failure_status=409": "http_409", "undocumented_delete=accept": "unconfirmed"} {
			s := newStage(t, setting)
			s.charge(state)
			_, err := s.cancelCharge(t.Context(), charge1)
			switch {
			case setting != "undocumented_delete=accept" || state != cancelado && state != extornado:
				s.want(err, sdk.OutcomeUnknown, code)
			case state == cancelado:
				s.want(err, sdk.OutcomeDone, "")
			default:
				s.want(err, sdk.OutcomeIncident, "")
			}
			if s.state("0012345") != state || len(s.simulation.Ledger().Effects) != 0 {
				t.Errorf("%s, %s: it is %s", state, setting, s.state("0012345"))
			}
		}
	}
}

func TestCancellationSettled(t *testing.T) {
	t.Parallel()
	settles(t, cancellationSettled, map[sdk.Settled][][]string{
		sdk.SettledYes:        {{cancelado, cancelado}, {cancelado, denegado, cancelado}},
		sdk.SettledNo:         {{pendiente, pendiente}, {registrado, registrado}, {pendiente, registrado, pendiente}},
		sdk.SettledImpossible: {{autorizado, autorizado}, {pendiente, autorizado}, {liquidado, liquidado}, {depositado, depositado}, {expirado, expirado}, {denegado, denegado}, {invalido, invalido}, {cancelado, autorizado}},
		sdk.SettledOtherwise:  {{extornado, extornado}, {cancelado, extornado}, {pendiente, extornado}},
		sdk.SettledCantTell:   {{}, {"EN_PROCESO", "EN_PROCESO"}, {"", ""}, {"cancelado", "cancelado"}, {cancelado, pendiente}, {pendiente, cancelado}, {pendiente, denegado}},
	})
}

func settles(t *testing.T, judge func(chargeArgs, charge) sdk.Settled, wants map[sdk.Settled][][]string) {
	t.Helper()
	for want, list := range wants {
		for _, states := range list {
			c := charge{States: states}
			if len(states) > 0 {
				c.State = states[0]
			}
			if got := judge(charge1, c); got != want {
				t.Errorf("%v: got %v, want %v", states, got, want)
			}
		}
	}
}

func TestConfirmDeletion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		operation string
		want      map[string]sdk.Outcome // by what was meant
	}{
		"cancelled":               {`{"merchant_operation_number":"0012345","state":"CANCELADO","transactions":[{"state":"CANCELADO"}]}`, map[string]sdk.Outcome{cancelado: sdk.OutcomeDone, extornado: sdk.OutcomeIncident}},
		"reversed":                {`{"merchant_operation_number":"0012345","state":"EXTORNADO","transactions":[{"state":"EXTORNADO"}]}`, map[string]sdk.Outcome{cancelado: sdk.OutcomeIncident, extornado: sdk.OutcomeDone}},
		"an earlier attempt":      {`{"merchant_operation_number":"0012345","state":"CANCELADO","transactions":[{"state":"DENEGADO"},{"state":"CANCELADO"}]}`, map[string]sdk.Outcome{cancelado: sdk.OutcomeDone, extornado: sdk.OutcomeIncident}},
		"no transactions":         {`{"merchant_operation_number":"0012345","state":"CANCELADO"}`, map[string]sdk.Outcome{cancelado: sdk.OutcomeDone, extornado: sdk.OutcomeIncident}},
		"both":                    {`{"merchant_operation_number":"0012345","state":"CANCELADO","transactions":[{"state":"EXTORNADO"}]}`, map[string]sdk.Outcome{cancelado: sdk.OutcomeIncident, extornado: sdk.OutcomeIncident}},
		"pending":                 {`{"merchant_operation_number":"0012345","state":"PENDIENTE","transactions":[{"state":"PENDIENTE"}]}`, map[string]sdk.Outcome{cancelado: sdk.OutcomeUnknown, extornado: sdk.OutcomeUnknown}},
		"a pending transaction":   {`{"merchant_operation_number":"0012345","state":"CANCELADO","transactions":[{"state":"PENDIENTE"}]}`, map[string]sdk.Outcome{cancelado: sdk.OutcomeUnknown, extornado: sdk.OutcomeIncident}},
		"no state":                {`{"merchant_operation_number":"0012345"}`, map[string]sdk.Outcome{cancelado: sdk.OutcomeUnknown, extornado: sdk.OutcomeUnknown}},
		"lower case":              {`{"merchant_operation_number":"0012345","state":"cancelado"}`, map[string]sdk.Outcome{cancelado: sdk.OutcomeUnknown, extornado: sdk.OutcomeUnknown}},
		"no number":               {`{"state":"CANCELADO"}`, map[string]sdk.Outcome{cancelado: sdk.OutcomeUnknown, extornado: sdk.OutcomeUnknown}},
		"another number":          {`{"merchant_operation_number":"12345","state":"CANCELADO"}`, map[string]sdk.Outcome{cancelado: sdk.OutcomeIncident, extornado: sdk.OutcomeIncident}},
		"an amount that is none":  {`{"merchant_operation_number":"0012345","state":"CANCELADO","amount":"1,000"}`, map[string]sdk.Outcome{cancelado: sdk.OutcomeUnknown, extornado: sdk.OutcomeUnknown}},
		"no list of transactions": {`{"merchant_operation_number":"0012345","state":"CANCELADO","transactions":{}}`, map[string]sdk.Outcome{cancelado: sdk.OutcomeUnknown, extornado: sdk.OutcomeUnknown}},
		"nothing":                 {`null`, map[string]sdk.Outcome{cancelado: sdk.OutcomeUnknown, extornado: sdk.OutcomeUnknown}},
	} {
		answer := apiclient.Object{"operation": []byte(c.operation)}
		for meant, want := range c.want {
			if _, err := confirmDeletion(charge1, meant, answer); true {
				if got, _ := outcome(err); got != want {
					t.Errorf("%s, %s meant: got %v, want %v", name, meant, got, want)
				}
			}
		}
	}
}
