package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

func TestCancelCardDebit(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.seed("cancel_card_debit_request", `{"id":"4012","card_adhesion_id":"77","amount":"1500.50"}`, "")
	got, err := s.cancelCardDebit(t.Context(), cardDebitArgs{ID: "4012", CardAdhesionID: "77"})
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != "4012" || got.State != canceled || got.Amount != "1500.5" || got.CardAdhesionID != "77" || got.ExternalReference != "cli-77" || got.StateComment == "" {
		t.Errorf("%+v", got)
	}
	if d := cmp.Diff(map[string]int{"cancel:card_debit_request:4012": 1}, s.simulation.Ledger().Effects); d != "" {
		t.Error(d)
	}
	if s.state(cardAdhesions, "77") != signed {
		t.Error("the adhesion was cancelled with its debit")
	}
}

// A refusal never says whether an earlier request worked, so it decides
// nothing, whatever its body: the read after it does.
func TestCancelThatIsRefused(t *testing.T) {
	t.Parallel()
	for state, settled := range map[string]sdk.Settled{
		canceled: sdk.SettledYes, inProcess: sdk.SettledImpossible, paid: sdk.SettledImpossible, rejected: sdk.SettledImpossible,
		reverted: sdk.SettledImpossible, refunded: sdk.SettledImpossible,
	} {
		for _, shape := range []string{shapeChildren, shapeErrors, shapeError, shapeNone} {
			for _, spelling := range []string{inProcess, inProcessToo} {
				s := newStage(t, "error_shape="+shape, "spelling="+spelling)
				s.seed("cancel_card_debit_request", `{"id":"4012"}`, state)
				_, err := s.cancelCardDebit(t.Context(), cardDebitArgs{ID: "4012"})
				s.want(err, sdk.OutcomeUnknown, "http_400")
				d, err := s.readCardDebit(t.Context(), cardDebitArgs{ID: "4012"})
				if err != nil || d.State != state || cancellationSettled(d.State) != settled {
					t.Errorf("%s (%s) is read as %+v, %v", state, spelling, d, err)
				}
			}
		}
	}
}

func TestCancelAfterALostAnswer(t *testing.T) {
	t.Parallel()
	s := newStage(t, "lose_answer=1")
	s.seedAll()
	_, err := s.cancelDebit(t.Context(), debitArgs{ID: "4012"})
	s.want(err, sdk.OutcomeUnknown, "connection_lost")
	s.set("lose_answer", "0")
	_, err = s.cancelDebit(t.Context(), debitArgs{ID: "4012"})
	s.want(err, sdk.OutcomeUnknown, "http_400")
	d, err := s.readDebit(t.Context(), debitArgs{ID: "4012"})
	if err != nil || cancellationSettled(d.State) != sdk.SettledYes {
		t.Errorf("%+v, %v", d, err)
	}
	if d := cmp.Diff(map[string]int{"cancel:debit_request:4012": 1}, s.simulation.Ledger().Effects); d != "" {
		t.Error(d)
	}
}

// A debit that goes into process between the guard's read and the cancellation
// stays as it is.
func TestCancelThatFlips(t *testing.T) {
	t.Parallel()
	s := newStage(t, "flip_between=1")
	s.seedAll()
	d, err := s.readCardDebit(t.Context(), cardDebitArgs{ID: "4012"})
	if err != nil || d.State != pending {
		t.Fatalf("%+v, %v", d, err)
	}
	_, err = s.cancelCardDebit(t.Context(), cardDebitArgs{ID: "4012"})
	s.want(err, sdk.OutcomeUnknown, "http_400")
	if d, err = s.readCardDebit(t.Context(), cardDebitArgs{ID: "4012"}); err != nil || cancellationSettled(d.State) != sdk.SettledImpossible {
		t.Errorf("%+v, %v", d, err)
	}
	if e := s.simulation.Ledger().Effects; len(e) != 0 {
		t.Errorf("effects are %v", e)
	}
}

// The ids of debits and of adhesions overlap. Who names the adhesion as well
// is told before anything happens, or at the latest by the answer.
func TestAnotherAdhesion(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.seed("cancel_card_debit_request", `{"id":"77","card_adhesion_id":"5"}`, "")
	s.seed("cancel_card_adhesion", `{"id":"77"}`, "")
	_, err := s.readCardDebit(t.Context(), cardDebitArgs{ID: "77", CardAdhesionID: "77"})
	s.want(err, sdk.OutcomeRefused, "other_adhesion")
	_, err = s.cancelCardDebit(t.Context(), cardDebitArgs{ID: "77", CardAdhesionID: "77"})
	s.want(err, sdk.OutcomeIncident, "")
	if s.state(cardAdhesions, "77") != signed {
		t.Error("the adhesion was cancelled in the place of the debit")
	}
	_, err = s.readCardAdhesion(t.Context(), adhesionArgs{ID: "77", ExternalReference: "cli-5"})
	s.want(err, sdk.OutcomeRefused, "other_adhesion")
}

func TestCancelAdhesion(t *testing.T) {
	t.Parallel()
	for effect, after := range map[string]string{adhesionKeeps: pending, adhesionCancels: canceled} {
		s := newStage(t, "adhesion_cancel="+effect)
		s.seedAll()
		got, err := s.cancelAdhesion(t.Context(), adhesionArgs{ID: "77"})
		if err != nil || got.State != canceled || got.CanceledAt == "" {
			t.Errorf("%+v, %v", got, err)
		}
		if state := s.state(debits, "4012"); state != after {
			t.Errorf("%s: its debit is %s", effect, state)
		}
		if state := s.state(cardAdhesions, "77"); state != signed {
			t.Errorf("the card's adhesion of the same id is %s", state)
		}
	}
	for unsigned, want := range map[string]sdk.Outcome{unsignedRefuse: sdk.OutcomeUnknown, unsignedCancel: sdk.OutcomeDone} {
		s := newStage(t, "unsigned="+unsigned)
		s.seed("cancel_card_adhesion", `{"id":"77"}`, pendingToSign)
		_, err := s.cancelCardAdhesion(t.Context(), adhesionArgs{ID: "77"})
		if got, _ := outcome(err); got != want {
			t.Errorf("%s: got %v, want %v", unsigned, got, want)
		}
	}
}

func TestConfirmCanceled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data string
		want sdk.Outcome
	}{
		"confirmed":        {`{"id":1,"state":"canceled","card_adhesion":{"id":7}}`, sdk.OutcomeDone},
		"another id":       {`{"id":2,"state":"canceled","card_adhesion":{"id":7}}`, sdk.OutcomeIncident},
		"another adhesion": {`{"id":1,"state":"canceled","card_adhesion":{"id":8}}`, sdk.OutcomeIncident},
		"still pending":    {`{"id":1,"state":"pending","card_adhesion":{"id":7}}`, sdk.OutcomeUnknown},
		"an id as text":    {`{"id":"1","state":"canceled"}`, sdk.OutcomeUnknown},
		"no id":            {`{"state":"canceled"}`, sdk.OutcomeUnknown},
		"no state":         {`{"id":1}`, sdk.OutcomeUnknown},
		"cancelled":        {`{"id":1,"state":"cancelled"}`, sdk.OutcomeUnknown},
	} {
		data, err := apiclient.ParseObject([]byte(c.data))
		if err != nil {
			t.Fatal(err)
		}
		d, err := decodeCardDebit(data)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := outcome(confirmCanceled("1", d.ID, d.State, "7", d.CardAdhesionID, d)); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
