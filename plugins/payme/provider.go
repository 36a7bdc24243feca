package main

import (
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/simulator"
)

// version is the provider's own. A release sets it at build time.
var version = "0.1.0"

var provider = sdk.Provider[configuration, *client]{
	Name:    "payme",
	Version: version,
	Doc:     "Pay-me by Alignet: e-commerce charges and their refunds, in Peru.",
	RateLimit: sdk.RateLimit{
		RequestsPerSecond: 5,
		MaxInFlight:       4,
		Source:            "a cautious guess: Alignet documents no limit; agree on a figure with them before raising it",
	},
	Configure:    configure,
	Account:      account,
	Authenticate: (*client).authenticate,
	Operations: []sdk.Operation[*client]{
		cancelCharge,
		reverseCharge,
		authorizeCharge,
		getCharge,
		getRefund,
	},
	Simulator: &sdk.Simulator[configuration]{
		Faults: simulator.Faults(switches),
		New:    newSimulation,
	},
}
