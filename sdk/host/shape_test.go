package host

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/bulkrunner/runner/sdk"
)

type target struct {
	ID string `json:"id" runner:"required,role=id"`
}

type inner struct {
	Code  string `json:"code" runner:"required"`
	Count *int   `json:"count,omitempty"`
}

type answer struct {
	ID     string           `json:"id" runner:"role=id"`
	State  string           `json:"state" runner:"required"`
	Paid   bool             `json:"paid"`
	Amount sdk.Decimal      `json:"amount"`
	Minor  int64            `json:"minor"`
	Share  float64          `json:"share"`
	At     time.Time        `json:"at"`
	Raw    json.RawMessage  `json:"raw,omitempty"`
	Parts  []inner          `json:"parts"`
	Names  map[string]inner `json:"names,omitempty"`
	Inner  inner            `json:"inner"`
}

func shapes(t testing.TB) *Shapes {
	t.Helper()
	s, err := sdk.SchemaOf(sdk.Provider[struct{}, int]{
		Name: "x", Version: "1.0.0",
		Configure: func(struct{}, sdk.Setup) (int, error) { return 0, nil },
		Account:   func(struct{}) sdk.Account { return sdk.Account{Environment: "other"} },
		Operations: []sdk.Operation[int]{sdk.Mutation[int, target, answer, answer]{
			Name: "act", Execute: func(int, context.Context, target) (answer, error) { return answer{}, nil }, Read: func(int, context.Context, target) (answer, error) { return answer{}, nil },
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return NewShapes(&s.Operations[0])
}

func TestShapes(t *testing.T) {
	t.Parallel()
	s := shapes(t)
	two := 2
	full := answer{ID: "A", State: "done", Amount: "1.50", Parts: []inner{{"x", &two}}, Names: map[string]inner{"n": {Code: "y"}}, Raw: json.RawMessage(`[1,{}]`)}
	encoded := func(a answer) string {
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	tests := map[string]struct{ document, says string }{
		"as the SDK writes it":   {encoded(full), ""},
		"with nothing set":       {encoded(answer{ID: "A", State: "x"}), ""},
		"only what is required":  {`{"state":"x"}`, ""},
		"another operation's":    {`{"order":"1042","balance":"12.50"}`, "an attribute that isn't there"},
		"one attribute too many": {`{"state":"x","secret":"s3cret"}`, "an attribute that isn't there"},
		"nothing":                {``, `lacks "state"`},
		"required is missing":    {`{"id":"A"}`, `lacks "state"`},
		"required is null":       {`{"state":null}`, `lacks "state"`},
		"number for a string":    {`{"state":12345}`, `"state": it is not of the type string`},
		"string for a bool":      {`{"state":"x","paid":"false"}`, `"paid": it is not of the type bool`},
		"string for a number":    {`{"state":"x","share":"1"}`, `"share": it is not of the type number`},
		"fraction for a whole":   {`{"state":"x","minor":1.5}`, `"minor": it is not of the type number`},
		"no decimal":             {`{"state":"x","amount":"1,50"}`, `"amount": it is not of the type string`},
		"a float for a decimal":  {`{"state":"x","amount":1.5}`, `"amount": it is not of the type string`},
		"object for a list":      {`{"state":"x","parts":{}}`, `"parts": it is not of the type list`},
		"within a list":          {`{"state":"x","parts":[{"code":1}]}`, `"parts": in it: "code": it is not of the type string`},
		"within a map":           {`{"state":"x","names":{"n":{}}}`, `"names": in it: it lacks "code"`},
		"within an object":       {`{"state":"x","inner":{"code":"y","more":1}}`, `"inner": it has an attribute that isn't there`},
		"an attribute twice":     {`{"state":"x","state":"x"}`, `it has "state" twice`},
		"twice, escaped":         {`{"state":"x","st\u0061te":"y"}`, `it has "state" twice`},
		"white space":            {" {\n \"id\" : \"A\" , \"state\":\"x\" } ", ""},
		"escaped":                {`{"id":"\u0041","state":"x","parts":[ { "code":"}\"" } , null ]}`, ""},
		"another thing's":        {`{"id":"B","state":"x"}`, "another thing"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range []Verb{Read, Execute} {
				c := &Call{Verb: verb, Arguments: []byte(`{"id":"A"}`)}
				a := Answer{Outcome: sdk.OutcomeDone, Settled: sdk.SettledYes}
				if verb == Read {
					a.Live = []byte(tt.document)
				} else {
					a.Result = []byte(tt.document)
				}
				got := s.Hold(c, a)
				switch {
				case tt.says == "":
					if got.Outcome != sdk.OutcomeDone || got.Settled != sdk.SettledYes {
						t.Errorf("%v: %s %s", verb, got.Outcome, got.Reason)
					}
				case !strings.Contains(got.Reason, tt.says) || strings.Contains(got.Reason, "12345") || strings.Contains(got.Reason, "s3cret"):
					t.Errorf("%v: %q", verb, got.Reason)
				case got.Outcome != map[bool]sdk.Outcome{true: sdk.OutcomeFatal, false: sdk.OutcomeUnknown}[name == "another thing's"] || got.NoEffect:
					t.Errorf("%v: %s", verb, got.Outcome)
				case got.Live != nil || got.Result != nil || got.Settled != sdk.SettledCantTell:
					t.Errorf("%v: something of it is left: %+v", verb, got)
				}
			}
		})
	}
}

// TestShapesLeaveRefusals: what is no success claims nothing that must be held
// against the schema.
func TestShapesLeaveRefusals(t *testing.T) {
	t.Parallel()
	for o := sdk.OutcomeUnknown; o <= sdk.OutcomeFatal; o++ {
		a := Answer{Outcome: o, Code: "c", Result: []byte(`{"answer":"refunded"}`)}
		got := shapes(t).Hold(&Call{Verb: Execute}, a)
		if changed := got.Code != "c"; changed != (o == sdk.OutcomeDone) {
			t.Errorf("%s became %+v", o, got)
		}
	}
}

// FuzzShape: what is let through decodes into the author's own type.
func FuzzShape(f *testing.F) {
	f.Add([]byte(`{"id":"A","state":"x","paid":true,"amount":"1.5","minor":3,"share":1e3,"parts":[{"code":"c"}],"names":{"n":{"code":""}},"inner":{"code":"c","count":null}}`))
	f.Add([]byte(`{"state":"x","amount":"1,5"}`))
	s := shapes(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if !object(b) {
			return
		}
		a := s.Hold(&Call{Verb: Execute, Arguments: []byte(`{"id":"A"}`)}, Answer{Outcome: sdk.OutcomeDone, Result: b})
		if a.Outcome != sdk.OutcomeDone || len(b) == 0 {
			return
		}
		var v struct {
			answer
			At    string      `json:"at"`    // a time is a string to the schema
			Minor json.Number `json:"minor"` // of any size
			Share json.Number `json:"share"`
			Parts []struct {
				inner
				Count json.Number `json:"count"`
			} `json:"parts"`
			Names map[string]struct {
				inner
				Count json.Number `json:"count"`
			} `json:"names"`
			Inner struct {
				inner
				Count json.Number `json:"count"`
			} `json:"inner"`
		}
		if err := json.Unmarshal(b, &v); err != nil {
			t.Errorf("%s was let through: %v", b, err)
		}
	})
}
