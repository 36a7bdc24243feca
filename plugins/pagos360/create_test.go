package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"200", "201"} {
		s := newStage(t, "created="+status)
		s.seedAll()
		card, err := s.createCardDebit(t.Context(), card1)
		if err != nil || card.State != pending || card.Amount != "1500.5" || card.Month != 12 || card.CardAdhesionID != "77" {
			t.Errorf("%+v, %v", card, err)
		}
		cbu, err := s.createDebit(t.Context(), debit1)
		if err != nil || cbu.State != pending || cbu.FirstTotal != "99999999.99" || cbu.FirstDueDate != "2099-12-31T00:00:00-03:00" {
			t.Errorf("%+v, %v", cbu, err)
		}
		want := map[string]int{"create:card_debit_request:" + card.ID: 1, "create:debit_request:" + cbu.ID: 1}
		if d := cmp.Diff(want, s.simulation.Ledger().Effects); d != "" {
			t.Error(d)
		}
	}
}

// Amounts keep their digits, dates turn, and the body has its root key.
func TestCreateOnTheWire(t *testing.T) {
	t.Parallel()
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		body = string(b)
	}))
	t.Cleanup(server.Close)
	c := newClient(t, server.URL)
	_, _ = c.createDebit(t.Context(), createDebitArgs{
		AdhesionID: "77", FirstDueDate: "2026-12-31", FirstTotal: "0070.10", SecondDueDate: "2027-01-15", SecondTotal: "12345678.90",
		Description: "Cuota", Metadata: map[string]string{"invoice": "A-1"},
	})
	want := `{"debit_request":{"adhesion_id":77,"first_due_date":"31-12-2026","first_total":70.10,"second_due_date":"15-01-2027","second_total":12345678.90,"description":"Cuota","metadata":{"invoice":"A-1"}}}`
	if d := cmp.Diff(want, body); d != "" {
		t.Error(d)
	}
	got := withKey(map[string]string{"invoice": "A-1"}, "key-1")
	if d := cmp.Diff(map[string]string{"invoice": "A-1", keyMember: "key-1"}, got); d != "" {
		t.Error(d)
	}
}

// An answer that shows another debit than the one that was asked for says that
// something was made that nobody wanted.
func TestCreateAnswers(t *testing.T) {
	t.Parallel()
	const right = `{"id":9,"state":"pending","amount":1500.5,"month":12,"year":2099,"card_adhesion":{"id":77}}`
	for name, c := range map[string]struct {
		old, new string
		want     sdk.Outcome
	}{
		"confirmed":        {"", "", sdk.OutcomeDone},
		"another amount":   {"1500.5", "15005", sdk.OutcomeIncident},
		"another month":    {`"month":12`, `"month":11`, sdk.OutcomeIncident},
		"another adhesion": {`"id":77`, `"id":78`, sdk.OutcomeIncident},
		"no adhesion":      {`{"id":77}`, `null`, sdk.OutcomeUnknown},
		"canceled":         {"pending", "canceled", sdk.OutcomeUnknown},
		"a binary float":   {"1500.5", "1.5005e3", sdk.OutcomeUnknown},
		"no id":            {`"id":9,`, "", sdk.OutcomeUnknown},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(strings.Replace(right, c.old, c.new, 1)))
		}))
		t.Cleanup(server.Close)
		_, err := newClient(t, server.URL).createCardDebit(t.Context(), card1)
		if got, _ := outcome(err); got != c.want {
			t.Errorf("%s: got %v (%v), want %v", name, got, err, c.want)
		}
	}
}

func TestCheckCreations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change string
		ok     bool
	}{
		"as it is":         {`{}`, true},
		"no amount at all": {`{"first_total":"0"}`, false},
		"three decimals":   {`{"first_total":"1.005"}`, false},
		"nine digits":      {`{"first_total":"123456789"}`, false},
		"leading zeros":    {`{"first_total":"0000000001.00"}`, true},
		"no such day":      {`{"first_due_date":"2026-02-30"}`, false},
		"half a second":    {`{"second_due_date":"2100-01-31"}`, false},
		"second first":     {`{"second_due_date":"2099-01-31","second_total":"1"}`, false},
		"both":             {`{"second_due_date":"2100-01-31","second_total":"1"}`, true},
		"the runner's key": {`{"metadata":{"runner_idempotency_key":"x"}}`, false},
	} {
		a := debit1
		if err := json.Unmarshal([]byte(c.change), &a); err != nil {
			t.Fatal(err)
		}
		if err := checkDebit(a); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	for month, ok := range map[int64]bool{0: false, 1: true, 12: true, 13: false} {
		a := card1
		a.Month = month
		if err := checkCardDebit(a); (err == nil) != ok {
			t.Errorf("month %d: %v", month, err)
		}
	}
}
