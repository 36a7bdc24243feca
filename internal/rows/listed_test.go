package rows

import (
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

var listedColumns = []Column{{"id", String}, {"amount", Decimal}, {"month", Number}, {"open", Bool}, {"tags", Any}}

func TestListed(t *testing.T) {
	t.Parallel()
	l := NewListed("list.fake_things.all", listedColumns, []json.RawMessage{
		json.RawMessage(`{"id":"007","amount":"12345678901234567890.10","month":12,"open":true,"tags":{"a":["b"]}}`),
		json.RawMessage(`{"id":"008","amount":null}`),
	})
	for range 2 { // as two operations read it
		r, _ := l.Open(t.Context())
		row, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		want := []cty.Value{
			cty.StringVal("007"), cty.StringVal("12345678901234567890.10"), cty.NumberIntVal(12), cty.True,
			cty.ObjectVal(map[string]cty.Value{"a": cty.TupleVal([]cty.Value{cty.StringVal("b")})}),
		}
		for i, v := range row.Values {
			if !v.RawEquals(want[i]) {
				t.Errorf("%s is %#v", listedColumns[i].Name, v)
			}
		}
		if row.Number != 1 || row.Line != 0 || row.Text != nil {
			t.Errorf("%+v", row)
		}
		if row, err = r.Next(); err != nil || row.Number != 2 || !row.Values[1].IsNull() || !row.Values[2].IsNull() {
			t.Errorf("%+v, %v", row, err)
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	}
	if other := NewListed("x", listedColumns, []json.RawMessage{json.RawMessage(`{"id":"007"}`)}); other.digest == l.digest {
		t.Error("other rows, the same digest")
	}
}

func TestListedBadRows(t *testing.T) {
	t.Parallel()
	for column, row := range map[string]string{
		"id": `{"id":7}`, "amount": `{"amount":"1e5"}`, "month": `{"month":"twelve"}`, "open": `{"open":"yes"}`, "": `[]`,
	} {
		r, _ := NewListed("list.fake_things.all", listedColumns, []json.RawMessage{json.RawMessage(row), json.RawMessage(`{"id":"1"}`)}).Open(t.Context())
		_, err := r.Next()
		var bad *Problem
		if !errors.As(err, &bad) || bad.Fatal || bad.Column != column {
			t.Errorf("%s: %v", row, err)
		}
		if _, err := r.Next(); err != nil {
			t.Errorf("the row after %s: %v", row, err)
		}
	}
}
