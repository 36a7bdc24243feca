package dispatch

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/sdk/host"
)

func TestWithout(t *testing.T) {
	t.Parallel()
	o := Outcome{Answer: host.Answer{Code: "x4111111111111111", Reason: "card 4111 1111 1111 1111", Live: []byte(`{"card":"4111111111111111"}`), Result: []byte(`{"card":4111111111111111}`)}}
	want := host.Answer{Code: "x(sensitive)", Reason: "card (sensitive)", Live: []byte(`{"card":"(sensitive)"}`), Result: []byte(`{"card":"(sensitive)"}`)}
	if d := cmp.Diff(want, o.Without(plan.Secret(`{"card":"4111111111111111"}`)).Answer); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(o, o.Without(nil)); d != "" {
		t.Error(d)
	}
}
