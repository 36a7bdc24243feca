package sdk

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	type args struct {
		ID       string            `json:"id"`
		Count    int8              `json:"count"`
		Amount   Decimal           `json:"amount"`
		Flag     bool              `json:"flag"`
		At       time.Time         `json:"at"`
		Tags     []string          `json:"tags"`
		Customer map[string]string `json:"customer"`
	}
	const secret = "4111111111111111"
	tests := map[string]struct{ raw, says string }{
		"fine":            {`{"id":"` + secret + `","count":5,"amount":"1.50","flag":true,"tags":["a"],"customer":{"a":"b"}}`, ""},
		"null":            {`{"id":null,"count":null,"amount":null,"tags":null}`, ""},
		"number for text": {`{"id":` + secret + `}`, `attribute "id" is not a string`},
		"text for number": {`{"count":"` + secret + `"}`, `attribute "count" is not a whole number that fits`},
		"too large":       {`{"count":` + secret + `}`, `attribute "count" is not a whole number that fits`},
		"fraction":        {`{"count":1.5}`, `attribute "count" is not a whole number that fits`},
		"comma":           {`{"amount":"4111,11"}`, `attribute "amount" is not a decimal number such as 1250.00`},
		"bool":            {`{"flag":"` + secret + `"}`, `attribute "flag" is not true or false`},
		"time":            {`{"at":"` + secret + `"}`, `attribute "at" is not a time`},
		"list":            {`{"tags":[` + secret + `]}`, `attribute "tags" is not a list`},
		"object":          {`{"customer":` + secret + `}`, `attribute "customer" is not an object`},
		"array":           {`["` + secret + `"]`, "not one JSON object"},
		"cut":             {`{"id":"` + secret, "not one JSON object"},
		"empty":           {``, "not one JSON object"},
	}
	for name, tt := range tests {
		for kind, decode := range map[string]func(json.RawMessage) (args, error){"decode": decode[args], "strict": decodeStrict[args]} {
			_, err := decode(json.RawMessage(tt.raw))
			switch {
			case tt.says == "" && err != nil, tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("%s, %s: %v", kind, name, err)
			case err != nil && strings.Contains(err.Error(), "4111"):
				t.Errorf("%s, %s: the error repeats the value: %v", kind, name, err)
			}
		}
	}
	if _, err := decodeStrict[args](json.RawMessage(`{"id":"a"} {}`)); err == nil {
		t.Error("two objects were taken for one")
	}
	if _, err := decodeStrict[args](json.RawMessage(`{"ident":"a"}`)); err == nil || !strings.Contains(err.Error(), `"ident" is not known`) {
		t.Errorf("%v", err)
	}
}

// What was decoded before leaves nothing behind, be it whole, wrong or large.
func TestDecodeAgain(t *testing.T) {
	t.Parallel()
	type args struct {
		ID   string   `json:"id"`
		Tags []string `json:"tags"`
	}
	long := strings.Repeat("x", 2*mostKept)
	for range 3 {
		for raw, want := range map[string]args{
			`{"id":"a","tags":["b","c"]}`: {"a", []string{"b", "c"}},
			"{\"id\":\"b\"} \n\t":         {"b", nil},
			`{"tags":[]}`:                 {"", []string{}},
			`{"id":"` + long + `"}`:       {long, nil},
			`{"id":"a"} {"id":"b"}`:       {},
			`{"id":"a"}]`:                 {},
			`{"id":"a"`:                   {},
			`{"ident":"a"}`:               {},
		} {
			got, err := decodeStrict[args](json.RawMessage(raw))
			if wrong := want.ID == "" && want.Tags == nil; wrong != (err != nil) {
				t.Errorf("%.30s: %v", raw, err)
			} else if !wrong && !reflect.DeepEqual(got, want) {
				t.Errorf("%.30s is %.30v", raw, got)
			}
		}
	}
}

// FuzzDecode holds what is decoded without encoding/json against it.
func FuzzDecode(f *testing.F) {
	type inner struct {
		Order string `json:"order"`
		Note  string `json:"note"`
	}
	type args struct {
		inner
		ID     string  `json:"id"`
		Order  string  `json:"order"`
		Amount Decimal `json:"amount"`
		Kept   string  `json:"kept,omitempty"`
		Never  string  `json:"-"`
	}
	for _, raw := range []string{
		`{"id":"a","order":"b"}`, `{"id":"a","id":"b"}`, `{"note":"a"}`, `{"kept":"a"}`, `{"-":"a"}`, `{"ID":"a"}`, `{"id":"a",}`, `{}`, `{"id":"a"}}`,
		`{"id":"\u0041"}`, `{"id":"é"}`, `{"id":"a" }`, `{"id":"a","amount":"1.50"}`, `{"id":"a"`, `{"id"}`, `{"":"a"}`, `{"id":"a\n"}`, `{"id":"` + "\x7f" + `"}`, ``, `"`,
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var got, want args
		if !decodePlain(json.RawMessage(raw), &got) {
			return
		}
		d := json.NewDecoder(strings.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(&want); err != nil {
			t.Fatalf("%q is decoded, and should not be: %v", raw, err)
		}
		if !reflect.DeepEqual(got, want) || !json.Valid([]byte(raw)) {
			t.Errorf("%q is %+v, want %+v", raw, got, want)
		}
	})
}

func BenchmarkDecodeStrict(b *testing.B) {
	type args struct {
		Order string `json:"order"`
	}
	raw := json.RawMessage(`{"order":"B000000001"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeStrict[args](raw); err != nil {
			b.Fatal(err)
		}
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	var p pending
	p.add(2)
	drained := make(chan struct{})
	p.until(time.Now().Add(time.Hour))
	go func() { p.drain(); close(drained) }()
	p.done(1)
	select {
	case <-drained:
		t.Fatal("a call is still on its way")
	case <-time.After(20 * time.Millisecond):
	}
	p.done(1)
	<-drained
	if !p.draining() {
		t.Error("further calls would be begun")
	}
	p.drain() // nothing to wait for
}
