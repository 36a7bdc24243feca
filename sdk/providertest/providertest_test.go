package providertest

import (
	"os"
	"testing"
	"time"

	"github.com/bulkrunner/runner/sdk/fakeprovider"
)

func TestMain(m *testing.M) {
	Serve(func() { programs[os.Getenv(program)]() })
	os.Exit(m.Run())
}

// program names what the test binary is, as a provider.
const program = "RUNNER_PROVIDERTEST_PROGRAM"

var programs = map[string]func(){"": fakeprovider.Main}

// TestFake: a polite provider keeps every rule.
func TestFake(t *testing.T) {
	t.Parallel()
	for _, r := range Check(t.Context(), Options{Samples: fakeSamples, Timeout: 3 * time.Second}) {
		if r.Status != Passed {
			t.Errorf("%s: %s: %s", r.Rule, r.Status, r.Detail)
		}
	}
}

var fakeSamples = []Sample{{Operation: "pay", Arguments: map[string]any{"amount": "10.00", "currency": "PEN"}}}
