package main

import (
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/simulator"
)

// version is the provider's own. A release sets it at build time.
var version = "0.1.0"

var provider = sdk.Provider[configuration, *client]{
	Name:    "pagos360",
	Version: version,
	Doc:     "Pagos360: automatic debits on cards and bank accounts (CBU), and the adhesions behind them, in Argentina.",
	RateLimit: sdk.RateLimit{
		RequestsPerSecond: 5,
		MaxInFlight:       4,
		Source:            "a cautious guess: Pagos360 documents no limit; agree on a figure with them before raising it",
	},
	Configure: configure,
	Account:   account,
	Operations: []sdk.Operation[*client]{
		cancelCardDebitRequest,
		cancelDebitRequest,
		cancelCardAdhesion,
		cancelAdhesion,
		createCardDebitRequest,
		createDebitRequest,
		getCardDebitRequest,
		getDebitRequest,
		getCardAdhesion,
		getAdhesion,
	},
	Lists: []sdk.Listing[*client]{
		cardDebitRequests,
		debitRequests,
	},
	Simulator: &sdk.Simulator[configuration]{
		Faults: simulator.Faults(switches),
		New:    newSimulation,
	},
}
