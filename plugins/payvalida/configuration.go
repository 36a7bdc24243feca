package main

import (
	"fmt"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// A configuration is the provider block.
//
// The environment defaults to live, as Payvalida's own pages do: the plan
// shows it and pins it, while a default of sandbox would let a file that was
// meant for real orders finish green without having touched one.
type configuration struct {
	Merchant    string `json:"merchant" runner:"required,min=1,max=50" doc:"The commerce's id at Payvalida."`
	FixedHash   string `json:"fixed_hash" runner:"required,sensitive,min=1" doc:"The account's FIXED_HASH, the secret behind every checksum. Live and sandbox have different ones."`
	Environment string `json:"environment" runner:"default=live,oneof=live|sandbox" doc:"Which of Payvalida's two installations is meant."`
	Endpoint    string `json:"endpoint" doc:"Where the API is instead: scheme, host and port, to which /api/v3/porders is added. http is for loopback only."`
}

const (
	live    = "live"
	sandbox = "sandbox"
	other   = "other" // an endpoint of one's own
)

var endpoints = map[string]string{
	live:    "https://api.payvalida.com",
	sandbox: "https://api-test.payvalida.com",
}

// account names what a plan is pinned to. Checksums are bound to a merchant,
// so the merchant is the account and no fingerprint of the secret is needed.
func account(c configuration) sdk.Account {
	a := sdk.Account{Name: c.Merchant, Environment: c.environment()}
	if c.Endpoint != "" {
		a.Environment = other
	}
	return a
}

// environment applies the default for a configuration that didn't pass
// through the schema.
func (c configuration) environment() string {
	if c.Environment == "" {
		return live
	}
	return c.Environment
}

func configure(c configuration, s sdk.Setup) (*client, error) {
	endpoint := c.Endpoint
	if endpoint == "" {
		var known bool
		if endpoint, known = endpoints[c.environment()]; !known {
			return nil, fmt.Errorf("environment is %q: write %q or %q", c.Environment, live, sandbox)
		}
	}
	api, err := apiclient.New(apiclient.Options{
		Endpoint:    endpoint,
		MaxInFlight: s.MaxInFlight,
		Timeout:     s.Timeout,
		UserAgent:   "runner-provider-payvalida/" + version,
	})
	if err != nil {
		return nil, fmt.Errorf("configure the client of Payvalida's API: %w", err)
	}
	return &client{api: api, merchant: c.Merchant, fixedHash: c.FixedHash}, nil
}
