//go:build linux && torture

package torture

import (
	"testing"
	"time"
)

// TestA6 over all lags: see TestA6LaggingReads.
func TestA6LagSweep(t *testing.T) {
	t.Parallel()
	const step = settleAfter / 10
	for lag := time.Duration(0); lag <= 2*settleAfter; lag += step {
		for _, operation := range []string{"charge", "pay"} {
			t.Run(operation+lag.String(), func(t *testing.T) {
				t.Parallel()
				twice := laggingReads(t, operation, 60, lag)
				if lag > settleAfter && operation == "charge" {
					t.Logf("beyond settle_after: reads %s late, %d of 60 twice", lag, twice)
				}
			})
		}
	}
}
