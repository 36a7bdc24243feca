package planner

import (
	"crypto/sha256"
	"encoding/json"
	"testing"

	"github.com/bulkrunner/runner/internal/plan"
)

// FuzzEnter holds the lines of the digest against encoding/json's.
func FuzzEnter(f *testing.F) {
	f.Add("operation.a.b", "A-1", `{"order":"A-1"}`, "", "10.50", "COP", `{"x":[1,2]}`, false)
	f.Add("", "<&>\"\\\x00\x7fé\u2028", `{ "a" : "<b> \u2028 é", "n": 1e5 }`, "s", "", "", "", true)
	f.Add("\xff", "\t\n", `not json`, "\"", "1", "", `"`, false)
	f.Fuzz(func(t *testing.T, operation, key, arguments, fingerprint, amount, currency, context string, invalid bool) {
		it := plan.Item{Key: key, Fingerprint: fingerprint, Amount: amount, Currency: currency, State: plan.Planned}
		if invalid {
			it.State = plan.Invalid
		}
		raw := func(s string) (json.RawMessage, any) {
			switch {
			case s == "":
				return nil, nil
			case json.Valid([]byte(s)):
				return json.RawMessage(s), json.RawMessage(s)
			}
			return json.RawMessage(s), s
		}
		var a, c any
		it.Arguments, a = raw(arguments)
		it.Context, c = raw(context)
		want, err := json.Marshal([]any{operation, key, a, fingerprint, amount, currency, c, invalid})
		if err != nil {
			t.Fatal(err)
		}
		d := newItemsDigest()
		for range 2 {
			d.enter(operation, &it)
			if got := string(d.line); got != string(want)+"\n" {
				t.Fatalf("%s, not %s", got, want)
			}
		}
		sum := sha256.Sum256([]byte(string(want) + "\n" + string(want) + "\n"))
		if string(d.Sum(nil)) != string(sum[:]) {
			t.Fatal("the sum is another")
		}
	})
}
