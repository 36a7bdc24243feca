//go:build linux && torture

package torture

// everyWrite has TestB4EveryWrite try every write instead of some.
const everyWrite = true
