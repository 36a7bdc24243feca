package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// A provider that repeats an item's secret argument is not written down with it.
func TestSecretsAreWithheld(t *testing.T) {
	t.Parallel()
	const card = "4111111111111111"
	for name, c := range map[string]struct {
		answer host.Answer
		want   plan.State
	}{
		"in a refusal":   {host.Answer{Outcome: sdk.OutcomeRefused, Code: "c" + card, Reason: "card 4111-1111-1111-1111 is refused"}, plan.Failed},
		"in doubt":       {host.Answer{Outcome: sdk.OutcomeUnknown, Reason: card}, plan.InDoubt},
		"in an incident": {host.Answer{Outcome: sdk.OutcomeIncident, Reason: card, Result: []byte(`{"n":` + card + `}`)}, plan.Incident},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1)
				w.things[""] = w.things["k0001"] // what this world makes of arguments that are an object
				w.journal.items[0].Arguments, w.journal.items[0].Secret = []byte(`{"id":"k0001"}`), plan.Secret(`{"card":"`+card+`"}`)
				w.act = func(*thing, int) act { return act{answer: c.answer} }
				var sent string
				w.onSend = func(c host.Call, _ string) { sent += string(c.Arguments) }
				r := cancelRun()
				r.schema.Resend = sdk.ResendManual
				result := w.apply(t, r)
				it := w.item("k0001")
				if it.State != c.want || !strings.Contains(sent, card) {
					t.Errorf("it is %s (%s), and %s was sent", it.State, it.Reason, sent)
				}
				kept := fmt.Sprintf("%s %v %v %+v", it.Reason, result.Stops, result.Fatal, w.journal.requests)
				if strings.Contains(kept, card) || strings.Contains(kept, "4111-1111") || !strings.Contains(kept, "(sensitive)") {
					t.Errorf("kept is %s", kept)
				}
			})
		})
	}
}
