// Package providertest is the conformance suite for providers: it starts a
// provider as the runner would, sets the provider's own simulator behind it,
// and proves rule by rule what the runner relies on. docs/provider-contract.md
// has a heading for each rule, with its reason and how to keep it.
//
// A provider's tests run it with
//
//	func TestMain(m *testing.M) {
//		providertest.Serve(main) // is the provider where the suite starts it
//		os.Exit(m.Run())
//	}
//
//	func TestConformance(t *testing.T) {
//		providertest.Run(t, providertest.Options{})
//	}
//
// and anybody runs it against a program with `runner provider test BINARY`.
//
// What a simulator must offer to be tested against is the fault switches named
// in [Faults], which package simulator has. A rule whose fault isn't offered is
// skipped, and says so.
package providertest
