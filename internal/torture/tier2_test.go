//go:build linux && torture

package torture

import "flag"

// everyWrite has TestB4EveryWrite try every write instead of some.
const everyWrite = true

var large = flag.Int("items", 1_000_000, "how many items the tests of size have")

// largeRun is how many items the tests of size have.
func largeRun() int { return *large }

// readersRun is how many items TestB8Readers has, and how many it sends a
// second.
func readersRun() (n int, rate float64) { return *large / 5, 2000 }
