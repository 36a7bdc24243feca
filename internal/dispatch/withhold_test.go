package dispatch_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/internal/dispatch"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/providers"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// Whatever a provider repeats of a secret argument, in an answer or in its last
// words, nobody hears it, and of any other card number no more than a receipt
// tells.
func TestSecretsAreWithheld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const card = "4111111111111111"
		a := &api{start: time.Now(), answer: func(time.Duration, host.Call) (host.Answer, time.Duration) { return host.Answer{}, -1 }}
		line := dispatch.NewLine(dispatch.Settings{Name: "x", Rate: plan.Rate{RequestsPerSecond: 10}, MaxInFlight: 4, Timeout: time.Second}, a, time.Now())
		a.line = line
		call := func() uint64 {
			time.Sleep(time.Second)
			defer line.Flush()
			return line.Call(time.Now(), nil, host.Call{Verb: host.Execute, Arguments: []byte(`{"card":"` + card + `"}`)}, plan.Secret(`{"card":"`+card+`"}`))
		}
		id := call()
		got := line.Handle(time.Now(), providers.Event{Answers: []host.Answer{{
			ID: id, Outcome: sdk.OutcomeFatal, Code: "x" + card, Reason: "card 4111 1111 1111 1111, not 5555 5555 5555 4444",
			Live: []byte(`{"card":"` + card + `"}`), Result: []byte(`{"card":` + card + `}`),
		}}})
		want := host.Answer{
			ID: id, Outcome: sdk.OutcomeFatal, Code: "x(sensitive)", Reason: "card (sensitive), not 555555••••••4444",
			Live: []byte(`{"card":"(sensitive)"}`), Result: []byte(`{"card":"(sensitive)"}`),
		}
		if len(got) != 1 || !cmp.Equal(want, got[0].Answer) {
			t.Errorf("%+v", got)
		}
		call()
		line.Handle(time.Now(), providers.Event{Down: errorText("it panicked: card " + card + " or 5555555555554444")})
		said := fmt.Sprint(line.Notes(), line.Err())
		if strings.Contains(said, card) || strings.Contains(said, "4111 1111") || !strings.Contains(said, "it panicked: card (sensitive) or 555555••••••4444") {
			t.Error(said)
		}
	})
}
