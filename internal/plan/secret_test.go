package plan_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/bulkrunner/runner/internal/plan"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	it := plan.Item{Key: "A-1", Secret: plan.Secret(`{"card":"4111111111111111"}`)}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%U"} {
		fmt.Fprintf(&out, verb+" "+verb+"\n", it, it.Secret)
	}
	json.NewEncoder(&out).Encode(it)
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "secret", it.Secret, "item", it)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "secret", it.Secret, "item", it)
	for _, form := range []string{"4111", "34313131", "34 31", "52 49", "NDExMTEx", "eyJjYXJk", "['4' '1'"} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%q is in what was printed", form)
		}
	}
	if !strings.Contains(out.String(), "(sensitive)") {
		t.Errorf("it isn't said that there is something:\n%s", out.String())
	}
}

func TestSent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ stored, secret, want string }{
		{`{"a":1}`, ``, `{"a":1}`},
		{`{"a":1}`, `{}`, `{"a":1}`},
		{`{}`, `{"b":2}`, `{"b":2}`},
		{`{"a":1}`, `{"b":2}`, `{"a":1,"b":2}`},
	} {
		it := plan.Item{Arguments: json.RawMessage(c.stored), Secret: plan.Secret(c.secret)}
		if got := string(it.Sent()); got != c.want {
			t.Errorf("%s and %s are sent as %s, not %s", c.stored, c.secret, got, c.want)
		}
		if string(it.Arguments) != c.stored {
			t.Errorf("%s was changed to %s", c.stored, it.Arguments)
		}
	}
}
