package providertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// Faults are the switches that a simulator offers to be tested against. All
// but the last three are a share of the requests, from 0 to 1; slow is a
// duration, generate a number, list a word. Package simulator has them all.
var Faults = []sdk.Fault{
	{Name: "lose_answer", Doc: "The request is carried out and the connection ends without an answer.", Default: "0"},
	{Name: "reset_before", Doc: "The connection is reset before anything is done.", Default: "0"},
	{Name: "throttle", Doc: "429 before anything is done, with Retry-After in seconds and as a date in turn.", Default: "0"},
	{Name: "error500_before", Doc: "500 before anything is done.", Default: "0"},
	{Name: "error500_after", Doc: "500 after the request has been carried out.", Default: "0"},
	{Name: "html", Doc: "The request is carried out and answered with a page of HTML.", Default: "0"},
	{Name: "truncated", Doc: "The request is carried out and its answer breaks off halfway.", Default: "0"},
	{Name: "slow", Doc: "How long an answer takes, such as 200ms.", Default: "0s"},
	{Name: "generate", Doc: "Of a provider that has lists: how many things there are, in mixed states.", Default: "0"},
	{Name: "list", Doc: "What is wrong with lists: drift, repeat, circle, total, cut or unfiltered.", Default: ""},
}

// A stage is the provider's simulator, in a process of its own, so that the
// provider under test may die without its API.
type stage struct {
	process  *process
	schema   *sdk.Schema
	endpoint string
}

// raise starts the simulator for the suite's configuration.
func (s *suite) raise() error {
	p, err := s.start()
	if err != nil {
		return err
	}
	ctx, cancel := s.unary()
	defer cancel()
	config, err := json.Marshal(s.configAt(""))
	if err == nil {
		s.stage = &stage{process: p, schema: s.schema}
		s.stage.endpoint, err = p.client.Simulate(ctx, host.Simulation{Config: config})
	}
	if err != nil {
		return fmt.Errorf("the simulator doesn't start: %w", err)
	}
	s.relay, err = newRelay(s.stage.endpoint)
	return err
}

// seed makes what an item acts on.
func (s *suite) seed(op *sdk.OperationSchema, arguments json.RawMessage, state string) error {
	ctx, cancel := s.unary()
	defer cancel()
	_, err := s.stage.process.client.Simulate(ctx, host.Simulation{Seeds: []host.Seed{{Operation: op.Name, Arguments: arguments, State: state}}})
	if err != nil {
		return fmt.Errorf("seed operation %s: %w", op.Name, err)
	}
	return nil
}

// with does something while a fault is on. It skips what the simulator can't.
func (s *suite) with(v *verdict, fault, value string, do func()) {
	i := slices.IndexFunc(s.schema.Faults, func(f sdk.Fault) bool { return f.Name == fault })
	if i < 0 {
		v.skip("the simulator offers no such fault: %s", fault)
		return
	}
	if err := s.turn(fault, value); err != nil {
		v.wrong("the simulator offers the fault %s and refuses %s=%s: %s", fault, fault, value, err)
		return
	}
	do()
	j := slices.IndexFunc(Faults, func(f sdk.Fault) bool { return f.Name == fault })
	if err := s.turn(fault, Faults[j].Default); err != nil {
		v.wrong("the simulator refuses to turn %s off with %s: %s", fault, Faults[j].Default, err)
	}
}

func (s *suite) turn(fault, value string) error {
	ctx, cancel := s.unary()
	defer cancel()
	_, err := s.stage.process.client.Simulate(ctx, host.Simulation{Faults: map[string]string{fault: value}})
	return err
}

// effects is how much has really happened at the simulator.
func (s *suite) effects() (int, error) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get(s.stage.endpoint + "/_simulator/ledger")
	if err != nil {
		return 0, fmt.Errorf("ask the simulator for its ledger: %w", err)
	}
	defer r.Body.Close()
	var l sdk.Ledger
	if err := json.NewDecoder(r.Body).Decode(&l); err != nil {
		return 0, fmt.Errorf("read the simulator's ledger: %w", err)
	}
	total := 0
	for _, n := range l.Effects {
		total += n
	}
	return total, nil
}
