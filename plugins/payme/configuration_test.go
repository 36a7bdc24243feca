package main

import (
	"strings"
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
		"nothing said":          {configuration{MerchantCode: merchant}, "live"},
		"preprod":               {configuration{MerchantCode: merchant, Environment: preprod}, "sandbox"},
		"preprod by name":       {configuration{MerchantCode: merchant, Environment: preprod, Endpoint: "https://api.dev.alignet.io"}, "sandbox"},
		"elsewhere":             {configuration{MerchantCode: merchant, Endpoint: "http://127.0.0.1:1"}, "other"},
		"tokens from elsewhere": {configuration{MerchantCode: merchant, AuthEndpoint: "https://auth.example.com"}, "other"},
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
		refusal       string // a part of it; "" is none
	}{
		"production":                     {configuration{}, ""},
		"preprod":                        {configuration{Environment: preprod}, ""},
		"loopback":                       {configuration{Endpoint: "http://127.0.0.1:8080"}, ""},
		"a proxy of one's own":           {configuration{Endpoint: "https://pay.example.com"}, ""},
		"a proxy for the API alone":      {configuration{Endpoint: "https://pay.example.com", AuthEndpoint: "https://auth.alignet.io"}, ""},
		"older hosts":                    {configuration{Environment: preprod, Endpoint: "https://api.dev.alignet.io", AuthEndpoint: "https://auth.wip.alignet.io", Audience: "https://api.dev.alignet.io"}, ""},
		"another audience":               {configuration{Environment: preprod, Audience: "https://paymentapi.preprod.alignet.io"}, ""},
		"no such environment":            {configuration{Environment: "staging"}, "environment"},
		"test API, production tokens":    {configuration{Endpoint: "https://api.preprod.alignet.io", Environment: production}, "endpoint belongs"},
		"test tokens, production API":    {configuration{AuthEndpoint: "https://auth.pp.alignet.io"}, "auth_endpoint belongs"},
		"test audience, production":      {configuration{Audience: "https://api.dev.alignet.io/"}, "audience belongs"},
		"production host, preprod":       {configuration{Environment: preprod, Endpoint: "https://API.alignet.io."}, "endpoint belongs"},
		"secret from here to Alignet":    {configuration{Endpoint: "http://127.0.0.1:1", AuthEndpoint: "https://auth.alignet.io"}, "on this machine"},
		"token from Alignet to here":     {configuration{Endpoint: "https://api.alignet.io", AuthEndpoint: "http://[::1]:1"}, "on this machine"},
		"no TLS beyond loopback":         {configuration{Endpoint: "http://api.alignet.io"}, "https"},
		"no TLS beyond loopback, tokens": {configuration{AuthEndpoint: "http://auth.alignet.io"}, "https"},
		"an endpoint with a query":       {configuration{Endpoint: "https://api.alignet.io/?a=b"}, "configure"},
	} {
		client, err := configure(c.configuration, sdk.Setup{MaxInFlight: 1})
		if (err == nil) != (c.refusal == "") || err != nil && !strings.Contains(err.Error(), c.refusal) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			client.api.Close()
			client.auth.Close()
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ given, want configuration }{
		"nothing": {configuration{}, configuration{Environment: production, Endpoint: "https://api.alignet.io", AuthEndpoint: "https://auth.alignet.io", Audience: "https://api.alignet.io/"}},
		"preprod": {configuration{Environment: preprod}, configuration{Environment: preprod, Endpoint: "https://api.preprod.alignet.io", AuthEndpoint: "https://auth.preprod.alignet.io", Audience: "https://api.preprod.alignet.io/"}},
		"own":     {configuration{Endpoint: "https://pay.example.com"}, configuration{Environment: production, Endpoint: "https://pay.example.com", AuthEndpoint: "https://pay.example.com", Audience: "https://api.alignet.io/"}},
		"theirs":  {configuration{Endpoint: "https://api.alignet.io"}, configuration{Environment: production, Endpoint: "https://api.alignet.io", AuthEndpoint: "https://auth.alignet.io", Audience: "https://api.alignet.io/"}},
	} {
		c.want.Scope, c.want.APIVersion = "create:token post:charges get:charges delete:charges", "1709847567"
		if d := cmp.Diff(c.want, c.given.complete()); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
