package providertest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
	"github.com/bulkrunner/runner/sdk/fakeprovider"
)

// TestCareless: what an author may get wrong is found by its rules. The
// provider that the others are made of commits no sin and keeps every rule.
func TestCareless(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"none":                nil,
		"undocumented":        {"documented"},
		"no simulator":        {"simulator"},
		"dials to configure":  {"configure"},
		"live":                {"configure"},
		"shows the endpoint":  {"bad_configuration"},
		"refuses samples":     {"check"},
		"reads with effect":   {"read"},
		"always settled":      {"settled"},
		"never settled":       {"settled", "lost_answer"},
		"errors are refusals": {"refused_connection", "reset", "lost_answer", "error_500", "deadline"},
		"sends again":         {"one_request"},
		"no retry-after":      {"throttled", "throttled_date"},
		"believes 200":        {"html", "truncated"},
		"no context":          {"deadline", "cancelled"},
		"exits at once":       {"terminated"},
		"starts a process":    {"parent"},
		"leaks":               {"growth"},
		"asks twice":          {"one_request"},
		"no generate":         {"list_pages"},
		"nameless rows":       {"list_pages"},
		"strange rows":        {"list_pages"},
		"rows twice":          {"list_pages"},
		"pages without end":   {"list_pages"},
		"two pages at once":   {"one_request"},
		"says nothing":        {"list_complete"},
		"counts the last":     {"list_total"},
		"counts itself":       {"list_complete", "list_total", "list_drift"},
		"drops repeats":       {"list_repeat"},
		"forgets the filter":  {"list_filter"},
		"matches everything":  {"list_filter"},
		"names by the page":   {"list_circle"},
	}
	for sin, broken := range tests {
		t.Run(sin, func(t *testing.T) {
			t.Parallel()
			if sin == "starts a process" && runtime.GOOS == "windows" {
				t.Skip("the rule is skipped there")
			}
			o := Options{Timeout: 2 * time.Second, env: []string{program + "=careless", sinning + "=" + sin}}
			o.only = append([]string{"schema", "simulator", "configure", "answers", "execute", "list_pages"}, broken...)
			switch sin {
			case "none":
				o.only = nil
			case "sends again":
				o.only = append(o.only, "lost_answer")
			case "asks twice":
				o.only = append(o.only, "read")
			}
			results := Check(t.Context(), o)
			if sin == "none" {
				for _, r := range results {
					if r.Status != Passed {
						t.Errorf("%s: %s: %s", r.Rule, r.Status, r.Detail)
					}
				}
			}
			for _, rule := range broken {
				breached(t, results, rule)
			}
		})
	}
}

// sinning names what the careless provider does wrong.
const sinning = "RUNNER_PROVIDERTEST_SIN"

func init() { programs["careless"] = func() { careless(os.Getenv(sinning)) } }

type carelessConfig struct {
	Token    string `json:"token" runner:"required,sensitive" doc:"The credential."`
	Endpoint string `json:"endpoint" doc:"Where the API is."`
}

type carelessArgs struct {
	ID string `json:"id" runner:"required" doc:"The thing."`
}

type carelessThing struct {
	ID    string `json:"id" doc:"The thing."`
	State string `json:"state" doc:"What it is."`
}

type undocumented struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

type carelessClient struct {
	carelessConfig
	sin   string
	api   *apiclient.Client
	known map[string]bool // rows that came, which no provider should remember
}

func careless(sin string) {
	switch sin {
	case "exits at once":
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		go func() { <-signals; os.Exit(0) }()
	case "starts a process":
		_ = exec.Command("sleep", "7").Start() // with all descriptors that were inherited
	}
	fake := fakeprovider.Provider()
	p := sdk.Provider[carelessConfig, *carelessClient]{
		Name: "careless", Version: "1.0.0", Doc: "For tests of tests.",
		RateLimit: sdk.RateLimit{RequestsPerSecond: 100, MaxInFlight: 16, Source: "made up"},
		Configure: func(c carelessConfig, _ sdk.Setup) (*carelessClient, error) {
			api, err := apiclient.New(apiclient.Options{Endpoint: c.Endpoint})
			if err != nil && sin == "shows the endpoint" {
				return nil, errors.New("no such endpoint for " + c.Token)
			}
			if sin == "dials to configure" {
				if r, err := http.Get(c.Endpoint + "/things/x"); err == nil {
					_ = r.Body.Close()
				}
			}
			return &carelessClient{c, sin, api, nil}, err
		},
		Account: func(carelessConfig) sdk.Account {
			if sin == "live" {
				return sdk.Account{Name: "M", Environment: "live"}
			}
			return sdk.Account{Name: "M", Environment: "other"}
		},
		Operations: []sdk.Operation[*carelessClient]{operation[carelessThing](sin)},
		Lists:      []sdk.Listing[*carelessClient]{things(sin)},
		Simulator: &sdk.Simulator[carelessConfig]{
			Faults: fake.Simulator.Faults,
			New:    func(c carelessConfig) sdk.Simulation { return fake.Simulator.New(fakeprovider.Config{Token: c.Token}) },
		},
	}
	switch sin {
	case "undocumented":
		p.Operations = []sdk.Operation[*carelessClient]{operation[undocumented](sin)}
	case "no simulator":
		p.Simulator = nil
	case "no generate":
		p.Simulator.Faults = slices.DeleteFunc(slices.Clone(p.Simulator.Faults), func(f sdk.Fault) bool { return f.Name == "generate" })
	}
	sdk.Serve(p)
}

// operation cancels things, with an answer of type T.
func operation[T any](sin string) sdk.Operation[*carelessClient] {
	return sdk.Mutation[*carelessClient, carelessArgs, carelessThing, T]{
		Name: "cancel", Doc: "Cancels a thing.",
		Check: func(carelessArgs) error {
			if sin == "refuses samples" {
				return errors.New("never")
			}
			return nil
		},
		Read: func(c *carelessClient, ctx context.Context, a carelessArgs) (carelessThing, error) {
			if sin == "asks twice" {
				_, _ = send[carelessThing](c, ctx, http.MethodGet, a, "")
			}
			if sin == "reads with effect" {
				return send[carelessThing](c, ctx, http.MethodPost, a, "/blind")
			}
			return send[carelessThing](c, ctx, http.MethodGet, a, "")
		},
		Settled: func(_ carelessArgs, t carelessThing) sdk.Settled {
			switch {
			case sin == "always settled", sin != "never settled" && t.State == "cancelled":
				return sdk.SettledYes
			}
			return sdk.SettledNo
		},
		Execute: func(c *carelessClient, ctx context.Context, a carelessArgs) (T, error) {
			if sin == "leaks" {
				go func() { select {} }()
			}
			r, err := send[T](c, ctx, http.MethodPost, a, "/cancel")
			if err != nil && sin == "sends again" {
				return send[T](c, ctx, http.MethodPost, a, "/cancel")
			}
			return r, err
		},
	}
}

func send[T any](c *carelessClient, ctx context.Context, method string, a carelessArgs, action string) (answer T, err error) {
	if c.sin == "no context" {
		ctx = context.WithoutCancel(ctx)
	}
	if c.sin == "leaks" {
		go func() { select {} }()
	}
	r, err := c.api.Do(ctx, apiclient.Request{
		Method: method, Path: "/things/" + a.ID + action, Header: http.Header{"Authorization": {"Bearer " + c.Token}},
	})
	f := sdk.AsFailure(err)
	switch {
	case f == nil:
	case c.sin == "no retry-after" && f.Outcome == sdk.OutcomeThrottled:
		return answer, sdk.Throttled(0)
	case c.sin == "errors are refusals":
		return answer, sdk.Refused("error", "it went wrong")
	case c.sin == "believes 200" && f.Code == "truncated":
		return answer, nil
	default:
		return answer, err
	}
	switch {
	case r.Status == http.StatusConflict, r.Status != http.StatusOK && c.sin == "errors are refusals":
		return answer, sdk.Refused("refused", "it said no")
	case r.Status != http.StatusOK:
		return answer, r.Unexpected()
	}
	if err := json.Unmarshal(r.Body, &answer); err != nil && c.sin != "believes 200" {
		return answer, err
	}
	return answer, nil
}
