package eval

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/sdk"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	const order = "  order = each.value.order_id\n"
	base := plan.Settings{
		Kind: "mutation", Reads: true, ByHand: true, Limits: plan.Limits{MaxItems: 100}, Retry: plan.DefaultRetry, Abort: plan.DefaultAbort,
		Default: &plan.Default{Attribute: "state", Allowed: []string{"PENDIENTE", "REGISTRADO"}},
		Columns: &plan.Columns{Arguments: []string{"order", "amount", "currency", "days", "reason", "notify", "tags"}, Result: []string{}},
	}
	for name, test := range map[string]struct {
		body   string
		change func(*plan.Settings)
		err    string
	}{
		"defaults": {body: order},
		"all": {
			body: order + `
  default_guard = false
  max_in_flight = 2
  guard { condition = live.state ==   "X" }
  guard {
    condition = live.total < 5
    otherwise = "stop"
  }
  limits {
    max_items = 5000
    max_share = 0.25
    max_total = { COP = 250000000, PEN = "10.50" }
  }
  canary { stages = [10, 100] }
  retry {
    max_attempts = 3
    max_backoff  = "10s"
  }
  abort { max_failure_ratio = 0.02 }
  rate_limit { requests_per_second = 0.5 }`,
			change: func(s *plan.Settings) {
				s.Default, s.Dropped = nil, s.Default
				s.MaxInFlight = 2
				s.Guards = []plan.Guard{{Condition: `live.state == "X"`, Otherwise: "skip"}, {Condition: "live.total < 5", Otherwise: "stop"}}
				s.Limits = plan.Limits{MaxItems: 5000, MaxShare: 0.25, MaxTotal: map[string]string{"COP": "250000000", "PEN": "10.50"}, Said: true}
				s.Canary = []int64{10, 100}
				s.Retry = plan.Retry{MaxAttempts: 3, MinBackoff: time.Second, MaxBackoff: 10 * time.Second}
				s.Abort = plan.Abort{MaxFailureRatio: 0.02, MinItems: 100}
				s.Rate = plan.Rate{RequestsPerSecond: 0.5, Burst: 1}
			},
		},
		"unlimited":        {body: order + `limits { max_items = "unlimited" }`, change: func(s *plan.Settings) { s.Limits = plan.Limits{MaxItems: -1, Said: true} }},
		"none":             {body: order + `limits { max_items = 0 }`, change: func(s *plan.Settings) { s.Limits = plan.Limits{MaxItems: 0, Said: true} }},
		"negative":         {body: order + `limits { max_items = -1 }`, err: "max_items must be a whole number"},
		"half":             {body: order + `limits { max_items = 1.5 }`, err: "max_items must be a whole number"},
		"word":             {body: order + `limits { max_items = "many" }`, err: `the word "unlimited"`},
		"share above":      {body: order + `limits { max_share = 25 }`, err: "0.25 is a quarter"},
		"share of nothing": {body: order + `limits { max_share = 0 }`, err: "max_items = 0"},
		"total by name":    {body: order + `limits { max_total = { pesos = 5 } }`, err: "not a currency"},
		"total by number":  {body: order + `limits { max_total = { "604" = 5 } }`, err: "three letters"},
		"total text":       {body: order + `limits { max_total = { COP = "1,5" } }`, err: "write it as 1.5"},
		"total alone":      {body: order + `limits { max_total = 5 }`, err: "by currency"},
		"stages down":      {body: order + `canary { stages = [100, 10] }`, err: "each larger than the one before"},
		"no stages":        {body: order + `canary { stages = [] }`, err: "each larger than the one before"},
		"backoff reversed": {body: order + "retry {\n min_backoff = \"1m\"\n max_backoff = \"1s\"\n}", err: "must not be shorter"},
		"duration":         {body: order + `retry { min_backoff = "soon" }`, err: `such as "30s"`},
		"rate":             {body: order + `rate_limit { requests_per_second = 0 }`, err: "above 0"},
		"burst":            {body: order + "rate_limit {\n requests_per_second = 1\n burst = 0\n}", err: "burst must be a whole number"},
		"secret":           {body: order + `limits { max_items = length(var.secret) }`, err: "can't be a sensitive value"},
		"null":             {body: order + `limits { max_items = null }`, err: "has no value"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, op := operationOf(t, test.body)
			got, diags := s.Settings(op, cancel)
			if test.err != "" {
				if !diags.HasErrors() || !strings.Contains(words(diags), test.err) {
					t.Errorf("got %q, want %q", words(diags), test.err)
				}
				return
			}
			want := base
			if test.change != nil {
				test.change(&want)
			}
			if diff := cmp.Diff(want, got); diff != "" || len(diags) > 0 {
				t.Error(diff, words(diags))
			}
		})
	}
}

func TestReads(t *testing.T) {
	t.Parallel()
	guarded := sdk.OperationSchema{Kind: sdk.KindMutation, Reads: true, GuardedByAPI: true}
	query := sdk.OperationSchema{Kind: sdk.KindQuery, Reads: true}
	blind := sdk.OperationSchema{Kind: sdk.KindMutation}
	bare := sdk.OperationSchema{Kind: sdk.KindMutation, Reads: true}
	const guard = "guard {\n condition = live.state == \"X\"\n}"
	for name, test := range map[string]struct {
		schema sdk.OperationSchema
		body   string
		want   bool
		err    bool
	}{
		"guarded by the API":   {schema: guarded, want: false},
		"guarded and a guard":  {schema: guarded, body: guard, want: true},
		"nobody guards":        {schema: bare, want: true},
		"a query":              {schema: query, want: false},
		"can't be read":        {schema: blind, want: false},
		"guard without a read": {schema: blind, body: guard, err: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, op := operationOf(t, test.body)
			got, diags := s.Settings(op, &test.schema)
			if got.Reads != test.want || diags.HasErrors() != test.err {
				t.Errorf("got %v %s", got.Reads, words(diags))
			}
		})
	}
}

var payConfig = []sdk.Attribute{
	{Name: "merchant", Type: json.RawMessage(`"string"`), Required: true},
	{Name: "fixed_hash", Type: json.RawMessage(`"string"`), Required: true, Sensitive: true},
	{Name: "endpoint", Type: json.RawMessage(`"string"`)},
	{Name: "country", Type: json.RawMessage(`"number"`), Integer: true, Default: json.RawMessage(`343`)},
}

func TestProviderConfig(t *testing.T) {
	t.Parallel()
	const variables = `
variable "hash" {
  type      = string
  sensitive = true
}
variable "weak" {
  type      = string
  sensitive = true
  default   = "from-the-file"
}
variable "plain" { default = "plain-default" }
locals { derived = "${var.weak}!" }
`
	given := map[string]Given{"hash": {Text: "s3cret-hash"}}
	for name, test := range map[string]struct {
		config    string
		overrides map[string]cty.Value
		want      string
		secrets   []string
		err       string
	}{
		"good": {
			config: "merchant = \"kuanto\"\n fixed_hash = var.hash", secrets: []string{"s3cret-hash"},
			want: `{"merchant":"kuanto","fixed_hash":"s3cret-hash","country":343}`,
		},
		"override": {
			config: "merchant = \"kuanto\"\n fixed_hash = var.hash", secrets: []string{"s3cret-hash"},
			overrides: map[string]cty.Value{"endpoint": cty.StringVal("http://127.0.0.1:1"), "merchant": cty.StringVal("other")},
			want:      `{"merchant":"other","fixed_hash":"s3cret-hash","endpoint":"http://127.0.0.1:1","country":343}`,
		},
		"literal":           {config: "merchant = \"k\"\n fixed_hash = \"abcdef\"", err: "It is written in the file"},
		"plain variable":    {config: "merchant = \"k\"\n fixed_hash = var.plain", err: "var.plain, which is not sensitive"},
		"default of one":    {config: "merchant = \"k\"\n fixed_hash = var.weak", err: `the default of the variable "weak"`},
		"default via local": {config: "merchant = \"k\"\n fixed_hash = local.derived", err: `the default of the variable "weak"`},
		"missing":           {config: "fixed_hash = var.hash", err: `needs "merchant"`},
		"unknown":           {config: "merchant = \"k\"\n fixed_hash = var.hash\n merchnt = 1", err: `Did you mean "merchant"?`},
		"type":              {config: "merchant = \"k\"\n fixed_hash = var.hash\n country = \"x\"", err: "digits only"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := parse(t, "runner {\n required_providers {\n pay = { source = \"pay\" }\n }\n}\n"+variables+"provider \"pay\" {\n"+test.config+"\n}\n")
			s, diags := NewScope(cfg, given, now)
			if diags.HasErrors() {
				t.Fatal(words(diags))
			}
			got, secrets, diags := s.ProviderConfig(cfg.Providers["provider.pay"], payConfig, test.overrides)
			if test.err != "" {
				if !diags.HasErrors() || !strings.Contains(words(diags), test.err) {
					t.Errorf("got %q, want %q", words(diags), test.err)
				}
				for _, secret := range []string{"s3cret", "from-the-file", "abcdef", "plain-default"} {
					if strings.Contains(words(diags), secret) {
						t.Errorf("a secret is in %q", words(diags))
					}
				}
				return
			}
			if string(got) != test.want || len(diags) > 0 {
				t.Errorf("got %s %s, want %s", got, words(diags), test.want)
			}
			if diff := cmp.Diff(test.secrets, secrets); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	defaults := sdk.RateLimit{RequestsPerSecond: 5, MaxInFlight: 8}
	for name, test := range map[string]struct {
		config  string
		rate    plan.Rate
		flight  int
		timeout time.Duration
		err     string
	}{
		"defaults": {rate: plan.Rate{RequestsPerSecond: 5, Burst: 1}, flight: 8, timeout: 30 * time.Second},
		"said": {
			config: "rate_limit {\n requests_per_second = 2.5\n burst = 3\n}\n max_in_flight = 4\n timeout = \"5s\"",
			rate:   plan.Rate{RequestsPerSecond: 2.5, Burst: 3}, flight: 4, timeout: 5 * time.Second,
		},
		"flight": {config: "max_in_flight = 0", err: "max_in_flight must be"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scopeOf(t, "runner {\n required_providers {\n pay = { source = \"pay\" }\n }\n}\nprovider \"pay\" {\n"+test.config+"\n}\n", nil)
			rate, flight, timeout, diags := s.Rate(s.cfg.Providers["provider.pay"], defaults)
			if test.err != "" {
				if !strings.Contains(words(diags), test.err) {
					t.Errorf("got %q", words(diags))
				}
				return
			}
			if rate != test.rate || flight != test.flight || timeout != test.timeout || len(diags) > 0 {
				t.Errorf("got %v %d %v %s", rate, flight, timeout, words(diags))
			}
		})
	}
}
