//go:build linux && torture

package torture

import "flag"

// everyWrite has TestB4EveryWrite try every write instead of some.
const everyWrite = true

var large = flag.Int("items", 1_000_000, "how many items the tests of size have")

// largeRun is how many items the tests of size have.
func largeRun() int { return *large }

// readersRun is how many items TestB8Readers has, how many it sends at a time,
// and how many a second.
func readersRun() (n, part int, rate float64) { return *large / 5, 4000, 200 }
