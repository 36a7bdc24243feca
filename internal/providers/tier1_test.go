//go:build !torture

package providers

// swappedStarts is how many programs TestC9SwappedProgram runs.
const swappedStarts = 150
