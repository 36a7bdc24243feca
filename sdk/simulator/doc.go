// Package simulator is what simulators of APIs have in common.
//
// A provider's author writes the API in miniature: its things, their states,
// its answers. A [Front] does the rest of [sdk.Simulation]: it counts requests,
// lets faults befall them, keeps a rate, holds the ledger of effects and sends
// notifications.
//
//	type simulation struct {
//		*simulator.Front
//		mu    sync.Mutex
//		links map[string]*link
//	}
//
//	func newSimulation(configuration) sdk.Simulation {
//		s := &simulation{links: map[string]*link{}}
//		s.Front = simulator.NewFront(switches, s.handle)
//		return s
//	}
//
//	func (s *simulation) Seed(operation string, arguments json.RawMessage, state string) error { … }
//	func (s *simulation) handle(r *http.Request) simulator.Task { … }
//
// Every front has the faults that the conformance suite turns on (lost
// answers, resets, 429, 500, HTML, broken JSON, slowness), a limit of requests
// a second, and a seed. What is particular about an API, and what nobody
// documents about it, is a [Switch] of the author's own: a [Share] of the
// requests, a [Number], a [Duration], a [Word] or a [Text]. [Faults] lists all
// of them for the schema.
package simulator
