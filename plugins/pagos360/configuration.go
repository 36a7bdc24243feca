package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// A configuration is the provider block.
//
// The environment defaults to production, as live is the default elsewhere:
// the plan shows it and pins it, while a default of sandbox would let a file
// that was meant for real debits finish green without having touched one.
type configuration struct {
	APIKey      string `json:"api_key" runner:"required,sensitive,min=1,pattern=[!-~]+" doc:"The account's API key from Pagos360's portal. Production and sandbox have different ones."`
	Environment string `json:"environment" runner:"default=production,oneof=production|sandbox" doc:"Which of Pagos360's two installations is meant."`
	Endpoint    string `json:"endpoint" doc:"Where the API is instead: scheme, host and port. http is for loopback only."`
}

const (
	production = "production"
	sandbox    = "sandbox"
	live       = "live"  // what production is for a plan
	other      = "other" // an endpoint of one's own
)

var endpoints = map[string]string{
	production: "https://api.pagos360.com",
	sandbox:    "https://api.sandbox.pagos360.com",
}

// account names what a plan is pinned to. A key names no account, so it is
// told from others by a fingerprint: an HMAC that the key itself keys, which
// tells nothing of it.
func account(c configuration) sdk.Account {
	mac := hmac.New(sha256.New, []byte(c.APIKey))
	mac.Write([]byte("runner-provider-pagos360 account"))
	a := sdk.Account{Environment: live, Fingerprint: hex.EncodeToString(mac.Sum(nil)[:12])}
	switch {
	case c.Endpoint != "":
		a.Environment = other
	case c.environment() == sandbox:
		a.Environment = sandbox
	}
	return a
}

// environment applies the default for a configuration that didn't pass
// through the schema.
func (c configuration) environment() string {
	if c.Environment == "" {
		return production
	}
	return c.Environment
}

// maxAnswer is how long an answer may be: a page of a list is the longest.
const maxAnswer = 8 << 20

func configure(c configuration, s sdk.Setup) (*client, error) {
	endpoint := c.Endpoint
	if endpoint == "" {
		var known bool
		if endpoint, known = endpoints[c.environment()]; !known {
			return nil, fmt.Errorf("environment is %q: write %q or %q", c.Environment, production, sandbox)
		}
	}
	api, err := apiclient.New(apiclient.Options{
		Endpoint:    endpoint,
		MaxInFlight: s.MaxInFlight,
		Timeout:     s.Timeout,
		MaxBody:     maxAnswer,
		UserAgent:   "runner-provider-pagos360/" + version,
	})
	if err != nil {
		return nil, fmt.Errorf("configure the client of Pagos360's API: %w", err)
	}
	authorization := []string{"Bearer " + c.APIKey}
	return &client{
		api:  api,
		bare: http.Header{"Authorization": authorization},
		json: http.Header{"Authorization": authorization, "Content-Type": {"application/json"}},
	}, nil
}
