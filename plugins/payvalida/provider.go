package main

import (
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/simulator"
)

// version is the provider's own. A release sets it at build time.
var version = "0.1.0"

var provider = sdk.Provider[configuration, *client]{
	Name:    "payvalida",
	Version: version,
	Doc:     "Payvalida: payment orders (porders) of the collections API v3, in Colombia and elsewhere.",
	RateLimit: sdk.RateLimit{
		RequestsPerSecond: 5,
		MaxInFlight:       4,
		Source:            "a cautious guess: Payvalida documents no limit; agree on a figure with them before raising it",
	},
	Configure: configure,
	Account:   account,
	Operations: []sdk.Operation[*client]{
		cancelOrder,
		updateOrder,
		registerOrder,
		getOrder,
	},
	Simulator: &sdk.Simulator[configuration]{
		Faults: simulator.Faults(switches),
		New:    newSimulation,
	},
}
