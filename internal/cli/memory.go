package cli

import (
	"os"
	"runtime/debug"
)

// collectLess trades some memory for time: garbage is collected when there is
// twice as much of it as of what is in use, which is little, and as often as it
// takes from 64 MB on. Nothing here grows with the work, so what is beyond is
// garbage. Who sets GOGC or GOMEMLIMIT is obeyed.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(64 << 20)
	}
}
