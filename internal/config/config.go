// Package config turns operation files into declarations that know where they
// stand. It evaluates nothing: values are expressions still, references are
// only checked to name something.
package config

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
)

// A Config is all operation files of one run together. Block order and file
// order never matter.
type Config struct {
	Sources    []Source // as read, by name
	Runner     Runner
	Variables  map[string]*Variable
	Locals     map[string]*Local
	Providers  map[string]*Provider  // by address: provider.NAME or provider.NAME.ALIAS
	Lists      map[string]*List      // by address: list.TYPE.NAME
	Operations map[string]*Operation // by address: operation.TYPE.NAME
}

// A Source is one operation file.
type Source struct {
	Name  string `json:"name"` // the path as the user gave it, slashes forward; ranges name it
	Bytes []byte `json:"bytes"`
}

// Runner is the runner blocks of all files together.
type Runner struct {
	RequiredVersion   []Constraint
	RequiredProviders map[string]*Requirement // by name; a provider block alone requires its name
}

// A Constraint is a version constraint as written.
type Constraint struct {
	Text  string
	Range hcl.Range
}

// A Requirement says which program serves a provider name.
type Requirement struct {
	Name    string
	Source  string // a name, or a path beginning with ./ or ../ or /, relative to the file that says it
	Version string // "" is any
	Range   hcl.Range
}

// A Variable is a value that whoever runs it gives.
type Variable struct {
	Name        string
	Type        cty.Type  // that values have; cty.DynamicPseudoType for any
	Decimal     bool      // type = decimal: Type is string, and a value is the number's text
	Default     cty.Value // of that type; cty.NilVal when there is none
	Description string
	Sensitive   bool
	Nullable    bool
	Validations []Validation
	Range       hcl.Range // of the block's header

	constraint cty.Type // Type with what objects may leave out
	optional   *typeexpr.Defaults
}

// A Validation is a condition that a variable's value must meet.
type Validation struct {
	Condition    hcl.Expression
	ErrorMessage hcl.Expression
	Range        hcl.Range
}

// A Local is a named expression.
type Local struct {
	Name  string
	Expr  hcl.Expression
	Range hcl.Range
}

// A Provider is one instance of a provider: one configuration, one process,
// one rate.
type Provider struct {
	Name, Alias string
	Config      hcl.Attributes // by the provider's own schema
	RateLimit   *RateLimit
	MaxInFlight hcl.Expression // nil where not said, here and below
	Timeout     hcl.Expression
	Range       hcl.Range
}

// Address is provider.NAME or provider.NAME.ALIAS.
func (p *Provider) Address() string {
	if p.Alias == "" {
		return "provider." + p.Name
	}
	return "provider." + p.Name + "." + p.Alias
}

// A RateLimit counts API requests.
type RateLimit struct {
	RequestsPerSecond hcl.Expression
	Burst             hcl.Expression
	Range             hcl.Range
}

// A List is where items come from.
type List struct {
	Type, Name string
	Provider   string         // address of the instance that reads it; "" for a list that is built in
	Attributes hcl.Attributes // path, rows, delimiter and so on: its type knows them; a provider's filter
	Key        hcl.Expression // the column that names a row
	Columns    map[string]Column
	LeaveOut   bool // on_invalid: rows that are invalid don't refuse the plan
	Range      hcl.Range
	TypeRange  hcl.Range
}

// Address is list.TYPE.NAME.
func (l *List) Address() string { return "list." + l.Type + "." + l.Name }

// A Column declares the type of a column that is not a string.
type Column struct {
	Type  string // string, id, decimal, number or bool
	Range hcl.Range
}

// An Operation is one kind of action on every row of a list.
type Operation struct {
	Type, Name string
	Provider   string // address of the instance
	ForEach    string // address of the list, or of the operation that feeds it
	DependsOn  []string
	Key        hcl.Expression
	Where      hcl.Expression
	Arguments  hcl.Attributes // the provider's own, by its schema

	NoDefaultGuard bool // default_guard = false
	Guards         []Guard
	Money          *Money
	Limits         *Limits
	Canary         *Canary
	Retry          *Retry
	Abort          *Abort
	RateLimit      *RateLimit
	MaxInFlight    hcl.Expression
	RehearseState  hcl.Expression

	Range        hcl.Range // of the block's header
	ForEachRange hcl.Range
	TypeRange    hcl.Range
}

// Address is operation.TYPE.NAME.
func (o *Operation) Address() string { return "operation." + o.Type + "." + o.Name }

// FedBy is the address of the operation whose items it takes up, "" where its
// items come from a list.
func (o *Operation) FedBy() string {
	if strings.HasPrefix(o.ForEach, "operation.") {
		return o.ForEach
	}
	return ""
}

// A Guard is judged on what the API says, at plan and again just before each
// execution.
type Guard struct {
	Condition hcl.Expression
	Otherwise string // skip, fail or stop; skip where nothing is said
	Range     hcl.Range
}

// Money says what an item is worth.
type Money struct {
	Amount, Currency hcl.Expression
	Range            hcl.Range
}

// Limits bound what a plan may do. A plan that exceeds one is refused whole.
type Limits struct {
	MaxItems hcl.Expression // a whole number, or "unlimited"
	MaxShare hcl.Expression // 0 to 1, of all rows of the list
	MaxTotal hcl.Expression // an object of decimals by currency
	Range    hcl.Range
}

// Canary lets the first items go alone.
type Canary struct {
	Stages hcl.Expression
	Range  hcl.Range
}

// Retry bounds further attempts.
type Retry struct {
	MaxAttempts, MinBackoff, MaxBackoff hcl.Expression
	Range                               hcl.Range
}

// Abort stops an operation that fails too often.
type Abort struct {
	MaxFailures, MaxConsecutiveFailures, MaxFailureRatio, MinItems hcl.Expression
	Range                                                          hcl.Range
}
