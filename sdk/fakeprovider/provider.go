// Package fakeprovider is a small polite provider that can be told to
// misbehave. Its API exists only in its own simulator: things that are open,
// and are then cancelled or paid. Scripts and tests run against it.
package fakeprovider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
	"github.com/bulkrunner/runner/sdk/simulator"
)

// Endpoint is where the API would be if there were one.
const Endpoint = "https://api.fake.invalid"

// Config is the provider block.
type Config struct {
	Endpoint string `json:"endpoint" doc:"Where the API is." runner:"default=https://api.fake.invalid"`
	Token    string `json:"token" doc:"The credential." runner:"required,sensitive"`
	Merchant string `json:"merchant" doc:"The account." runner:"default=M-1"`

	Misbehave      string `json:"misbehave" doc:"What goes wrong, and where: in Configure, in the operations that change something, or on the wire." runner:"oneof=|refuse_configure|crash_in_configure|crash_before_request|crash_after_request|hang|panic|flood_stderr|flood_stdout|leak_token|false_not_sent|wrong_id|answer_twice|no_answer|huge_answer|not_json|other_result|other_thing|unknown_outcome"`
	FloodMB        int    `json:"flood_mb" doc:"How much each flood is, in MiB." runner:"default=4"`
	MisbehaveAfter int    `json:"misbehave_after" doc:"How many executions go well first." runner:"default=0"`
}

// Provider returns the provider under the name fake.
func Provider() sdk.Provider[Config, *client] {
	return sdk.Provider[Config, *client]{
		Name:       "fake",
		Version:    "0.1.0",
		Doc:        "An API that exists only in its simulator, for tests.",
		RateLimit:  sdk.RateLimit{RequestsPerSecond: 1000, MaxInFlight: 16, Source: "made up"},
		Configure:  configure,
		Account:    account,
		Operations: []sdk.Operation[*client]{cancel, pay, charge, tip, blind, note, get},
		Lists:      []sdk.Listing[*client]{things},
		Simulator:  &sdk.Simulator[Config]{Faults: simulator.Faults(switches), New: newSimulation},
	}
}

func configure(c Config, s sdk.Setup) (*client, error) {
	switch {
	case strings.TrimSpace(c.Token) == "":
		return nil, errors.New("the token is empty: set token in the provider block")
	case c.Misbehave == "refuse_configure":
		return nil, errors.New("the configuration is refused because misbehave says so")
	}
	if c.Misbehave == "crash_in_configure" {
		crash()
	}
	if c.Endpoint == "" {
		c.Endpoint = Endpoint
	}
	if c.FloodMB == 0 { // it didn't pass through the schema
		c.FloodMB = 4
	}
	api, err := apiclient.New(apiclient.Options{
		Endpoint: c.Endpoint, MaxInFlight: s.MaxInFlight, Timeout: s.Timeout, UserAgent: "runner-provider-fake",
	})
	if err != nil {
		return nil, err
	}
	return &client{api: api, token: c.Token, mood: mood{name: c.Misbehave, after: int64(c.MisbehaveAfter), flood: c.FloodMB << 20}}, nil
}

func account(c Config) sdk.Account {
	a := sdk.Account{Name: c.Merchant, Environment: "other"}
	if a.Name == "" {
		a.Name = "M-1"
	}
	if c.Endpoint == "" || c.Endpoint == Endpoint {
		a.Environment = "live"
	}
	return a
}

type target struct {
	ID       string      `json:"id" doc:"The thing." runner:"required,max=64,role=id"`
	Amount   sdk.Decimal `json:"amount" doc:"What it is worth." runner:"role=amount"`
	Currency string      `json:"currency" doc:"ISO 4217 code." runner:"role=currency,min=3,max=3"`
	Memos    []string    `json:"memos,omitempty" doc:"Whatever is to be said, at any length."`
}

type thing struct {
	ID       string      `json:"id" doc:"The thing." runner:"role=id"`
	State    string      `json:"state" doc:"open, cancelled, refunded, paid or absent." runner:"role=status"`
	Amount   sdk.Decimal `json:"amount" doc:"What it is worth." runner:"role=amount"`
	Currency string      `json:"currency" doc:"ISO 4217 code." runner:"role=currency"`
}

// cancel does different things in different states: of a thing that is paid
// it gives the money back.
var cancel = sdk.Mutation[*client, target, thing, thing]{
	Name:    "cancel",
	Doc:     "Cancels a thing that is open. One that is paid is refunded instead.",
	Read:    (*client).read,
	Execute: (*client).cancel,
	Settled: func(_ target, t thing) sdk.Settled {
		switch t.State {
		case "cancelled":
			return sdk.SettledYes
		case "open":
			return sdk.SettledNo
		default:
			return sdk.SettledImpossible
		}
	},
	DefaultGuard: &sdk.DefaultGuard{Attribute: "state", Allowed: []string{"open"}},
	Resend:       sdk.ResendAuto,
}

func paid(_ target, t thing) sdk.Settled {
	switch t.State {
	case "paid":
		return sdk.SettledYes
	case "open", "absent":
		return sdk.SettledNo
	default:
		return sdk.SettledImpossible
	}
}

// pay has an effect each time, so it is never sent again without a person.
var pay = sdk.Mutation[*client, target, thing, thing]{
	Name:    "pay",
	Doc:     "Pays a thing. Paying twice pays twice.",
	Read:    (*client).read,
	Execute: (*client).pay,
	Settled: paid,
	Check: func(a target) error {
		if a.Amount == "" || a.Currency == "" {
			return errors.New("pay needs both amount and currency")
		}
		return nil
	},
	SettleAfter: time.Second,
}

// charge has an effect each time too, and is sent again after a no: reading
// comes first, and the API may know its key.
var charge = sdk.Mutation[*client, target, thing, thing]{
	Name:        "charge",
	Doc:         "Charges a thing. The API can be one that knows a request again by its key.",
	Read:        (*client).read,
	Execute:     (*client).pay,
	Settled:     paid,
	SettleAfter: time.Second,
	Resend:      sdk.ResendAuto,
	Keyed:       &sdk.Keyed{Lives: 24 * time.Hour, RepeatsErrors: true},
}

// tip can't be read. While the API knows its key, sending it again does it
// once.
var tip = sdk.Mutation[*client, target, struct{}, thing]{
	Name:       "tip",
	Doc:        "Has an effect that no request reads, once for each key that the API knows.",
	Execute:    (*client).blind,
	Repeatable: true,
	Keyed:      &sdk.Keyed{Lives: 10 * time.Second, RepeatsErrors: true},
}

// blind can't be read, so its doubts are for a person.
var blind = sdk.Mutation[*client, target, struct{}, thing]{
	Name:    "blind",
	Doc:     "Has an effect that no request reads.",
	Execute: (*client).blind,
}

type noteArgs struct {
	ID   string `json:"id" doc:"The thing." runner:"required,max=64,role=id"`
	Note string `json:"note" doc:"What nobody should read." runner:"required,sensitive"`
	Card string `json:"card" doc:"What is stored nowhere." runner:"write_only,max=19,pattern=[0-9]*"`
}

type noted struct {
	ID string `json:"id" doc:"The thing." runner:"role=id"`
}

var note = sdk.Mutation[*client, noteArgs, struct{}, noted]{
	Name:         "secret_note",
	Doc:          "Leaves a note with a thing.",
	Execute:      (*client).note,
	GuardedByAPI: true,
	Repeatable:   true,
	Resend:       sdk.ResendAuto,
}

type getArgs struct {
	ID string `json:"id" doc:"The thing." runner:"required,max=64,role=id"`
}

var get = sdk.Query[*client, getArgs, thing]{
	Name: "get",
	Doc:  "Asks what a thing is.",
	Execute: func(c *client, ctx context.Context, a getArgs) (thing, error) {
		t, err := c.read(ctx, target{ID: a.ID})
		if err == nil && t.State == "absent" {
			return t, sdk.Refused("not_found", fmt.Sprintf("there is no thing %s", a.ID))
		}
		return t, err
	},
}
