package fakeprovider

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk"
)

func TestSchema(t *testing.T) {
	t.Parallel()
	s, err := sdk.SchemaOf(Provider())
	if err != nil {
		t.Fatal(err)
	}
	if o, ok := s.Operation("cancel"); !ok || !o.Reads || !o.Settles || o.GuardedByAPI || o.Resend != sdk.ResendAuto {
		t.Errorf("cancel: %+v", o)
	}
	if o, ok := s.Operation("blind"); !ok || o.Reads || o.Settles || o.Resend != sdk.ResendManual {
		t.Errorf("blind: %+v", o)
	}
}

func TestSimulation(t *testing.T) {
	t.Parallel()
	s := newSimulation(Config{Token: "t"})
	for id, state := range map[string]string{"O": "", "P": "paid", "C": "cancelled"} {
		if err := s.Seed("cancel", json.RawMessage(`{"id":"`+id+`"}`), state); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		method, path, token string
		status              int
		says                string
	}{
		{"GET", "/things/O", "wrong", 401, "token"},
		{"GET", "/things/O", "t", 200, `"state":"open"`},
		{"POST", "/things/O/cancel", "t", 200, `"state":"cancelled"`},
		{"POST", "/things/O/cancel", "t", 409, "not_open"},
		{"POST", "/things/P/cancel", "t", 200, `"state":"refunded"`},
		{"POST", "/things/N/pay", "t", 200, `"state":"paid"`},
		{"POST", "/things/N/pay", "t", 200, `"state":"paid"`},
		{"POST", "/things/C/pay", "t", 409, "not_open"},
		{"POST", "/things/C/blind", "t", 200, "cancelled"},
		{"POST", "/things/C/nothing", "t", 404, "no_such_path"},
		{"POST", "/things/", "t", 404, "no_such_path"},
		{"GET", "/things/X", "t", 404, "not_found"},
		{"GET", "/elsewhere", "t", 404, "no_such_path"},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(tt.method, tt.path, strings.NewReader("{}"))
		r.Header.Set("Authorization", "Bearer "+tt.token)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, w.Code, w.Body)
		}
	}
	if err := s.Set("rest", "1"); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, httptest.NewRequest("GET", "/things/O", nil)); w.Code != 503 || w.Header().Get("Retry-After") != "1" {
		t.Errorf("at rest: %d %v", w.Code, w.Header())
	}
	want := sdk.Ledger{Requests: len(tests) + 1, Effects: map[string]int{"O": 1, "P": 1, "N": 2, "C": 1}}
	if d := cmp.Diff(want, s.Ledger()); d != "" {
		t.Error(d)
	}
}

func TestSetRefuses(t *testing.T) {
	t.Parallel()
	s := newSimulation(Config{})
	for name, value := range map[string]string{"html": "1.5", "nothing": "1", "flip": "often", "page_size": "0", "list": "odd", "generate": "-1"} {
		if s.Set(name, value) == nil {
			t.Errorf("%s=%s was taken", name, value)
		}
	}
	for _, f := range Provider().Simulator.Faults {
		if err := s.Set(f.Name, f.Default); err != nil {
			t.Errorf("the default of %s: %v", f.Name, err)
		}
	}
}
