package apiclient

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk"
)

func TestParseObject(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		ok   bool
	}{
		"one":             {`{"a":1,"A":2}`, true},
		"none":            {`{}`, true},
		"white space":     {" {\n} ", true},
		"twice":           {`{"a":1,"a":1}`, false},
		"twice, escaped":  {`{"a":1,"\u0061":1}`, false},
		"two":             {`{}{}`, false},
		"something after": {`{} x`, false},
		"a list":          {`[{}]`, false},
		"a string":        {`"{}"`, false},
		"null":            {`null`, false},
		"nothing":         {``, false},
		"cut":             {`{"a":1`, false},
		"cut in a member": {`{"a":{"b":1}`, false},
		"html":            {`<html></html>`, false},
	} {
		_, err := (&Response{Body: []byte(c.body)}).Object()
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		if f := sdk.AsFailure(err); f != nil && (f.Outcome != sdk.OutcomeUnknown || f.Code != "no_json") {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestObjectMembers(t *testing.T) {
	t.Parallel()
	o, err := ParseObject([]byte(`{"text":"é","number":1500.50,"quoted":"0.10","whole":4012,"negative":-1,"long":12345678901234567890,
		"null":null,"object":{"twice":1},"bad":{"x":1,"x":1},"list":[{"a":1},{}],"empty":[],"numbers":[1],"badly":[{"x":1,"x":1}],"float":1e3}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"text": "é", "number": "", "null": "", "missing": "", "quoted": "0.10"} {
		if got := o.Text(name); got != want {
			t.Errorf("text %s is %q", name, got)
		}
	}
	for name, want := range map[string]sdk.Decimal{"number": "1500.50", "quoted": "0.10", "null": "", "missing": ""} {
		if got, err := o.Decimal(name); err != nil || got != want {
			t.Errorf("decimal %s is %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"text", "float", "object"} {
		if got, err := o.Decimal(name); err == nil {
			t.Errorf("decimal %s is %q", name, got)
		}
	}
	for name, want := range map[string]string{"whole": "4012", "negative": "", "long": "", "number": "", "quoted": "", "missing": ""} {
		if got := o.Whole(name); got != want {
			t.Errorf("whole %s is %q", name, got)
		}
	}
	if n := o.Number("whole"); n != 4012 || o.Number("number") != 0 || o.Number("missing") != 0 {
		t.Errorf("numbers are %d, %d, %d", n, o.Number("number"), o.Number("missing"))
	}
	if n := o.Object("object").Number("twice"); n != 1 || len(o.Object("bad")) != 0 || len(o.Object("null")) != 0 || len(o.Object("missing")) != 0 {
		t.Errorf("objects are %d, %v", n, o.Object("bad"))
	}
	for name, want := range map[string]int{"list": 2, "empty": 0} {
		if got, err := o.Objects(name); err != nil || got == nil || len(got) != want {
			t.Errorf("list %s is %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"null", "missing"} {
		if got, err := o.Objects(name); err != nil || got != nil {
			t.Errorf("list %s is %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"numbers", "badly", "object", "text"} {
		if got, err := o.Objects(name); err == nil {
			t.Errorf("list %s is %v", name, got)
		}
	}
	if d := cmp.Diff(json.RawMessage(`{"twice":1}`), o.Raw("object")); d != "" || o.Raw("null") != nil || o.Raw("missing") != nil {
		t.Error(d)
	}
}

// What ParseObject finds is what encoding/json finds, and nothing that
// encoding/json refuses is an object.
func FuzzParseObject(f *testing.F) {
	for _, s := range []string{`{}`, ` { "a" : [1, {"b":"}\\\""}] , "ñ\u0061":-1.5e3,"t":true } `, `{"a":1,"a":2}`, `{"a":"\ud800"}`, "{\"\xff\":1}", `[]`, `{"a":1}x`, `{"":{}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := ParseObject(b)
		var want map[string]json.RawMessage
		if json.Unmarshal(b, &want) != nil || want == nil {
			if err == nil {
				t.Fatalf("%q is taken for an object: %v", b, o)
			}
			return
		}
		if err == errTwice {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if d := cmp.Diff(want, map[string]json.RawMessage(o)); d != "" {
			t.Fatalf("%q (-want +got):\n%s", b, d)
		}
		for name, raw := range want {
			var s string
			_ = json.Unmarshal(raw, &s)
			if got := o.Text(name); got != s {
				t.Fatalf("%s of %q is %q, not %q", name, b, got, s)
			}
		}
	})
}
