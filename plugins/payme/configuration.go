package main

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// A configuration is the provider block.
//
// The environment defaults to production: the plan shows it and pins it, while
// a default of preprod would let a file that was meant for real charges finish
// green without having touched one.
type configuration struct {
	MerchantCode       string `json:"merchant_code" runner:"required,min=1,max=100" doc:"The commerce's code at Pay-me."`
	ClientID           string `json:"client_id" runner:"required,min=1" doc:"Of the credentials that Alignet issued to the merchant."`
	ClientSecret       string `json:"client_secret" runner:"required,sensitive,min=1" doc:"The secret of client_id. Production and preprod have different ones."`
	Environment        string `json:"environment" runner:"default=production,oneof=production|preprod" doc:"Which of Pay-me's two installations is meant."`
	Endpoint           string `json:"endpoint" doc:"Where the API is instead: scheme, host and port, to which /charges is added. http is for loopback only."`
	AuthEndpoint       string `json:"auth_endpoint" doc:"Where tokens are got instead; /token is added. Left out beside an endpoint of one's own, that endpoint serves both."`
	Audience           string `json:"audience" doc:"What the token is asked for. Left out it is the environment's API as Alignet's page writes it, with its final slash; their own plugin leaves the slash out."`
	Scope              string `json:"scope" runner:"default=create:token post:charges get:charges delete:charges" doc:"What the token is to allow, separated by spaces: say less where the credential may do less. No scope is documented for refunds."`
	APIVersion         string `json:"api_version" runner:"default=1709847567,pattern=[0-9]+" doc:"The ALG-API-VERSION that is spoken. Another one has other shapes."`
	PaymentFacilitator string `json:"payment_facilitator_code" runner:"max=100" doc:"The payment facilitator's code, where there is one. It isn't sent with a new charge, for which Pay-me documents no such header."`
}

const (
	production = "production"
	preprod    = "preprod"
)

// An installation is one of the two that Alignet runs.
type installation struct{ auth, api, account string }

var installations = map[string]installation{
	production: {"https://auth.alignet.io", "https://api.alignet.io", "live"},
	preprod:    {"https://auth.preprod.alignet.io", "https://api.preprod.alignet.io", "sandbox"},
}

const other = "other" // an endpoint of one's own

// account names what a plan is pinned to: charges are addressed by the
// merchant's code, so that is the account, whatever credential is used.
func account(c configuration) sdk.Account {
	a := sdk.Account{Name: c.MerchantCode, Environment: other}
	c = c.complete()
	if i, known := installations[c.Environment]; known && site(c.Endpoint) == c.Environment && site(c.AuthEndpoint) == c.Environment {
		a.Environment = i.account
	}
	return a
}

// complete applies the defaults, also those of a configuration that didn't
// pass through the schema.
func (c configuration) complete() configuration {
	replace := func(field *string, with string) {
		if *field == "" {
			*field = with
		}
	}
	replace(&c.Environment, production)
	i := installations[c.Environment]
	if c.AuthEndpoint == "" {
		c.AuthEndpoint = c.Endpoint
		if site(c.Endpoint) != "" {
			c.AuthEndpoint = ""
		}
	}
	replace(&c.AuthEndpoint, i.auth)
	replace(&c.Endpoint, i.api)
	replace(&c.Audience, i.api+"/")
	replace(&c.Scope, "create:token post:charges get:charges delete:charges")
	replace(&c.APIVersion, "1709847567")
	return c
}

// judge refuses what would carry a credential or a token of one installation
// to another. Alignet's own plugin takes its test tokens from one host and
// deletes on a second, so such a mix is no far-fetched slip.
func (c configuration) judge() error {
	if _, known := installations[c.Environment]; !known {
		return fmt.Errorf("environment is %q: write %q or %q", c.Environment, production, preprod)
	}
	for _, at := range []struct{ name, url string }{{"endpoint", c.Endpoint}, {"auth_endpoint", c.AuthEndpoint}, {"audience", c.Audience}} {
		if s := site(at.url); s != "" && s != c.Environment {
			return fmt.Errorf("%s belongs to Pay-me's %s and environment is %q: hosts of test and production don't mix. Correct one of the two", at.name, s, c.Environment)
		}
	}
	if loopback(c.Endpoint) != loopback(c.AuthEndpoint) {
		return fmt.Errorf("one of endpoint and auth_endpoint is on this machine and the other isn't, so that a credential or a token would leave for where it doesn't belong: set both")
	}
	return nil
}

// site tells which installation a URL's host belongs to, "" where it is
// nobody's that we know. Alignet's hosts for tests, older ones included, say so
// in their second label.
func site(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host != "alignet.io" && !strings.HasSuffix(host, ".alignet.io") {
		return ""
	}
	for _, label := range strings.Split(host, ".") {
		if slices.Contains([]string{preprod, "pp", "wip", "dev", "test", "qa", "sandbox"}, label) {
			return preprod
		}
	}
	return production
}

func loopback(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}

func configure(c configuration, s sdk.Setup) (*client, error) {
	c = c.complete()
	if err := c.judge(); err != nil {
		return nil, err
	}
	at := func(endpoint string) apiclient.Options {
		return apiclient.Options{Endpoint: endpoint, MaxInFlight: s.MaxInFlight, Timeout: s.Timeout, UserAgent: "runner-provider-payme/" + version}
	}
	api, err := apiclient.New(at(c.Endpoint))
	if err != nil {
		return nil, fmt.Errorf("configure the client of Pay-me's API: %w", err)
	}
	auth, err := apiclient.New(at(c.AuthEndpoint))
	if err != nil {
		return nil, fmt.Errorf("configure the client of Pay-me's tokens: %w", err)
	}
	return &client{api: api, auth: auth, configuration: c}, nil
}
