package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk"
)

// The plan is pinned to what account says, so a file that leaves environment
// out must say live.
func TestAccount(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		configuration configuration
		environment   string
	}{
		"nothing said": {configuration{Merchant: merchant}, "live"},
		"sandbox":      {configuration{Merchant: merchant, Environment: "sandbox"}, "sandbox"},
		"elsewhere":    {configuration{Merchant: merchant, Environment: "live", Endpoint: "http://127.0.0.1:1"}, "other"},
	} {
		if d := cmp.Diff(sdk.Account{Name: merchant, Environment: c.environment}, account(c.configuration)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		configuration configuration
		ok            bool
	}{
		"live":                     {configuration{}, true},
		"sandbox":                  {configuration{Environment: "sandbox"}, true},
		"loopback":                 {configuration{Endpoint: "http://127.0.0.1:8080"}, true},
		"no such environment":      {configuration{Environment: "staging"}, false},
		"no TLS beyond loopback":   {configuration{Endpoint: "http://api.payvalida.com"}, false},
		"an endpoint with a query": {configuration{Endpoint: "https://api.payvalida.com/?a=b"}, false},
	} {
		client, err := configure(c.configuration, sdk.Setup{MaxInFlight: 1})
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			client.api.Close()
		}
	}
}
