//go:build linux && !torture

package torture

// everyWrite has TestB4EveryWrite try every write instead of some.
const everyWrite = false

// largeRun is how many items the tests of size have.
func largeRun() int { return 30_000 }

// readersRun is how many items TestB8Readers has, how many it sends at a time,
// and how many a second.
func readersRun() (n, part int, rate float64) { return 2000, 250, 100 }
