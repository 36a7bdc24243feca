package sdk_test

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/sdk"
)

var update = flag.Bool("update", false, "rewrite the golden files")

type everything struct {
	Text     string            `json:"text" doc:"A text." runner:"required,min=1,max=64,pattern=[A-Z]{1,3}(,[A-Z]{1,3})*"`
	Choice   string            `json:"choice" runner:"oneof=a|b,default=a"`
	Secret   string            `json:"secret" runner:"sensitive"`
	Card     string            `json:"card" runner:"write_only"`
	Flag     bool              `json:"flag" runner:"default=true"`
	Count    int64             `json:"count" runner:"default=5"`
	Ratio    float64           `json:"ratio"`
	Whole    sdk.Decimal       `json:"whole" runner:"integer"`
	Amount   sdk.Decimal       `json:"amount" runner:"role=amount"`
	Currency *string           `json:"currency,omitempty" runner:"role=currency"`
	Tags     []string          `json:"tags"`
	Labels   map[string]string `json:"labels"`
	Customer struct {
		ID    string `json:"id" runner:"required"`
		Phone string `json:"phone"`
	} `json:"customer"`
	Lines []struct {
		Total sdk.Decimal `json:"total" runner:"required"`
	} `json:"lines"`
	hidden string
	Not    string `json:"-"`
}

type answer struct {
	State  string          `json:"state" runner:"role=status"`
	Minor  int64           `json:"minor" runner:"role=amount,exponent=2"`
	Raw    json.RawMessage `json:"raw"`
	At     time.Time       `json:"at"`
	Nested struct {
		Raw []json.RawMessage `json:"raw"`
	} `json:"nested"`
}

type none struct{}

type connection struct{}

type settings struct {
	Endpoint string `json:"endpoint" runner:"default=https://api.example.com"`
	Key      string `json:"key_id" runner:"required,sensitive"`
}

func provider(operations ...sdk.Operation[*connection]) sdk.Provider[settings, *connection] {
	return sdk.Provider[settings, *connection]{
		Name: "sample", Version: "1.2.3-rc.1", Doc: "A sample.",
		RateLimit:  sdk.RateLimit{RequestsPerSecond: 2.5, MaxInFlight: 4, Source: "a guess"},
		Configure:  func(settings, sdk.Setup) (*connection, error) { return &connection{}, nil },
		Account:    func(settings) sdk.Account { return sdk.Account{Environment: "sandbox"} },
		Operations: operations,
	}
}

func mutation[Args, Live any]() sdk.Mutation[*connection, Args, Live, none] {
	return sdk.Mutation[*connection, Args, Live, none]{
		Name:    "change",
		Execute: func(*connection, context.Context, Args) (none, error) { return none{}, nil },
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	m := sdk.Mutation[*connection, everything, answer, answer]{
		Name: "change", Doc: "Changes.",
		Execute:      func(*connection, context.Context, everything) (a answer, err error) { return },
		Read:         func(*connection, context.Context, everything) (a answer, err error) { return },
		Settled:      func(everything, answer) sdk.Settled { return sdk.SettledNo },
		SettleAfter:  2 * time.Second,
		DefaultGuard: &sdk.DefaultGuard{Attribute: "state", Allowed: []string{"OPEN"}},
		Resend:       sdk.ResendAuto,
	}
	q := sdk.Query[*connection, none, answer]{
		Name: "ask", Execute: func(*connection, context.Context, none) (a answer, err error) { return },
	}
	s, err := sdk.SchemaOf(provider(m, q))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const golden = "testdata/schema.json"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Error(d)
	}
}

func TestRefusedDeclarations(t *testing.T) {
	t.Parallel()
	type recursive struct {
		Inner []recursive `json:"inner"`
	}
	noExecute := mutation[none, none]()
	noExecute.Execute = nil
	named := func(name string) sdk.Mutation[*connection, none, none, none] {
		m := mutation[none, none]()
		m.Name = name
		return m
	}
	settlesUnread := mutation[none, none]()
	settlesUnread.Settled = func(none, none) sdk.Settled { return 0 }
	guarded := mutation[none, none]()
	guarded.DefaultGuard = &sdk.DefaultGuard{Attribute: "state", Allowed: []string{"x"}}

	tests := map[string]struct {
		operation sdk.Operation[*connection]
		says      string
	}{
		"no execute":     {noExecute, "no Execute"},
		"name":           {named("cancelOrder"), "lower_snake_case"},
		"settled unread": {settlesUnread, "only from a read"},
		"guard":          {guarded, "no attribute of the live state"},
		"no json tag":    {mutation[struct{ ID string }, none](), "no json tag"},
		"not snake": {mutation[struct {
			ID string `json:"orderId"`
		}, none](), `"orderId" is not in lower_snake_case`},
		"meta-argument": {mutation[struct {
			Where string `json:"where"`
		}, none](), `"where" has the name of a meta-argument`},
		"meta-argument key": {mutation[struct {
			Key string `json:"key"`
		}, none](), `"key" has the name of a meta-argument`},
		"unknown word": {mutation[struct {
			ID string `json:"id" runner:"requird"`
		}, none](), `"requird", which is no word`},
		"word with a value": {mutation[struct {
			ID string `json:"id" runner:"required=yes"`
		}, none](), "takes no value"},
		"word without one": {mutation[struct {
			ID string `json:"id" runner:"max"`
		}, none](), "max"},
		"word twice": {mutation[struct {
			ID string `json:"id" runner:"required,required"`
		}, none](), "twice"},
		"required default": {mutation[struct {
			ID string `json:"id" runner:"required,default=x"`
		}, none](), "both required and default"},
		"default of a secret": {mutation[struct {
			ID string `json:"id" runner:"sensitive,default=x"`
		}, none](), "has no default"},
		"default's type": {mutation[struct {
			N int `json:"n" runner:"default=1.5"`
		}, none](), "not of the attribute's type"},
		"default outside": {mutation[struct {
			S string `json:"s" runner:"oneof=a|b,default=c"`
		}, none](), "not among oneof"},
		"min over max": {mutation[struct {
			S string `json:"s" runner:"min=3,max=2"`
		}, none](), "more than"},
		"length of a number": {mutation[struct {
			N int `json:"n" runner:"max=2"`
		}, none](), "for strings"},
		"pattern": {mutation[struct {
			S string `json:"s" runner:"pattern=("`
		}, none](), "missing closing"},
		"role": {mutation[struct {
			S string `json:"s" runner:"role=money"`
		}, none](), `role "money"`},
		"float amount": {mutation[struct {
			F float64 `json:"f" runner:"role=amount"`
		}, none](), "no float touches it"},
		"two amounts": {mutation[struct {
			A sdk.Decimal `json:"a" runner:"role=amount"`
			B sdk.Decimal `json:"b" runner:"role=amount"`
		}, none](), "second with role amount"},
		"exponent": {mutation[struct {
			N int `json:"n" runner:"exponent=2"`
		}, none](), "role=amount"},
		"raw argument": {mutation[struct {
			R json.RawMessage `json:"r"`
		}, none](), "json.RawMessage"},
		"channel": {mutation[struct {
			C chan int `json:"c"`
		}, none](), "chan int"},
		"bytes": {mutation[struct {
			B []byte `json:"b"`
		}, none](), "[]uint8"},
		"itself": {mutation[recursive, none](), "holds itself"},
		"tag inside": {mutation[struct {
			O struct {
				S string `json:"s" runner:"sensitive"`
			} `json:"o"`
		}, none](), "inside an object"},
		"no struct": {mutation[string, none](), "not a struct"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sdk.SchemaOf(provider(tt.operation))
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "This is a bug in the sample provider") {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := sdk.SchemaOf(provider(mutation[none, none](), mutation[none, none]())); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("%v", err)
	}
	odd := provider()
	odd.Configure = nil
	if _, err := sdk.SchemaOf(odd); err == nil {
		t.Error("a provider without Configure was taken")
	}
}
