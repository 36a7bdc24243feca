package fakeprovider

import (
	"net/http"

	"github.com/bulkrunner/runner/sdk/simulator"
)

var (
	rest      = simulator.Share("rest", "The share of requests that are answered with 503 before anything happens.")
	flip      = simulator.Share("flip", "The share of reads after which an open thing is suddenly paid.")
	generate  = simulator.Number("generate", "How many things there are beside those that are seeded, in states that take turns.", 0, 0, 1_000_000)
	pageSize  = simulator.Number("page_size", "How many things a page of the list holds.", 20, 1, 1_000_000)
	pageFails = simulator.Number("page_fails", "How many requests for a page are answered with 503, from now on.", 0, 0, 1_000_000)
	lag       = simulator.Duration("lag", "How long reads go on showing what a thing was.", 0)
	keys      = simulator.Duration("keys", "How long the API knows a request again by its idempotency key, and repeats its answer; 0 is not at all.", 0)

	switches = []simulator.Toggle{rest, flip, generate, pageSize, pageFails, simulator.List, lag, keys}
)

// Set implements [sdk.Simulation]. Two switches do something once.
func (s *simulation) Set(fault, value string) error {
	if err := s.Front.Set(fault, value); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch f := s.Fate(""); fault {
	case "generate":
		s.generate(generate.In(f))
	case "page_fails":
		s.pageFails = pageFails.In(f)
	}
	return nil
}

// resting is the answer of an API that documents that it did nothing.
func resting() simulator.Answer {
	a := simulator.JSON(http.StatusServiceUnavailable, refusal{"resting", "later"})
	a.Header = http.Header{"Retry-After": {"1"}}
	return a
}
