package cli

import (
	"os"
	"runtime/debug"
)

// collectMore has garbage collected more often than Go would from 80 MB on.
// Nothing here grows with the work, so what is beyond is garbage. Who sets
// GOMEMLIMIT is obeyed.
func collectMore() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(80 << 20)
	}
}
