package main

import (
	"testing"

	"github.com/bulkrunner/runner/sdk"
)

// The plan is pinned to what account says, so a file that leaves environment
// out must say live, and another key must be another account.
func TestAccount(t *testing.T) {
	t.Parallel()
	one := account(configuration{APIKey: secret})
	for name, c := range map[string]struct {
		configuration configuration
		environment   string
	}{
		"nothing said": {configuration{APIKey: secret}, "live"},
		"production":   {configuration{APIKey: secret, Environment: "production"}, "live"},
		"sandbox":      {configuration{APIKey: secret, Environment: "sandbox"}, "sandbox"},
		"elsewhere":    {configuration{APIKey: secret, Endpoint: "http://127.0.0.1:1"}, "other"},
	} {
		if got := account(c.configuration); got.Environment != c.environment || got.Fingerprint != one.Fingerprint {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if account(configuration{APIKey: secret + "x"}).Fingerprint == one.Fingerprint || len(one.Fingerprint) != 24 {
		t.Errorf("the fingerprint is %q", one.Fingerprint)
	}
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		configuration configuration
		ok            bool
	}{
		"production":             {configuration{}, true},
		"sandbox":                {configuration{Environment: "sandbox"}, true},
		"loopback":               {configuration{Endpoint: "http://127.0.0.1:8080"}, true},
		"no such environment":    {configuration{Environment: "live"}, false},
		"no TLS beyond loopback": {configuration{Endpoint: "http://api.pagos360.com"}, false},
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
