// Package torture holds the runner's promise that nothing is lost and nothing
// is done twice against real processes under faults. It has no code of its
// own: its test binary is the runner and its providers at once, the API is the
// fake provider's simulator, and the judge is the simulator's ledger of what
// has really happened.
//
// Every test bears the name of a row of docs/faults.md. What takes longer than
// a commit can wait is behind the build tag torture: make torture.
package torture
