package eval

import (
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/rows"
	"github.com/bulkrunner/runner/sdk"
)

// A Feed is the rows that an operation's settled items make for the operation
// that takes them up: each.value.outcome is the state that an item came to,
// each.value.arguments is what it was sent with, live what the API said of it,
// and result what it answered, each an object by the schema of the first
// operation, in which null is what there is not.
type Feed struct {
	arguments, live, result []*rule
}

// The columns of a feed. An item keeps the key that it has.
var feedColumns = []rows.Column{
	{Name: "key"}, {Name: "outcome"}, {Name: "reason"},
	{Name: "amount", Type: rows.Decimal}, {Name: "currency"},
	{Name: "arguments", Type: rows.Any}, {Name: "live", Type: rows.Any}, {Name: "result", Type: rows.Any},
}

const feedKey = 0 // the place of the key among feedColumns

// NewFeed makes the feed of an operation with a schema.
func NewFeed(schema *sdk.OperationSchema) (*Feed, error) {
	f := &Feed{}
	for _, part := range []struct {
		to   *[]*rule
		from []sdk.Attribute
	}{{&f.arguments, schema.Arguments}, {&f.live, schema.Live}, {&f.result, schema.Result}} {
		for _, a := range part.from {
			r, err := newRule(a)
			if err != nil {
				return nil, err
			}
			*part.to = append(*part.to, r)
		}
	}
	return f, nil
}

// CompileFed is [Scope.Compile] for an operation that is fed by another one.
func (s *Scope) CompileFed(op *config.Operation, feed *Feed, schema *sdk.OperationSchema) (*Program, diag.List) {
	types := map[string]cty.Type{"arguments": object(feed.arguments), "live": object(feed.live), "result": object(feed.result)}
	p, diags := s.compile(op, sight{columns: feedColumns, types: types}, schema)
	if p == nil || diags.HasErrors() {
		return p, diags
	}
	if names := append(p.WriteOnly(), p.Sensitive()...); len(names) > 0 {
		diags = append(diags, diag.Diagnostic{
			Summary: "Secret of a later operation",
			Detail:  fmt.Sprintf("%q would be secret, and what becomes known only while a run is applied can't be kept as a secret. Take the items of this operation from a list.", names[0]),
			Subject: op.Range.Ptr(), In: operationIn(op),
		})
		return nil, diags
	}
	return p, diags
}

// object is the type of an object with a rule for each attribute.
func object(rules []*rule) cty.Type {
	m := make(map[string]cty.Type, len(rules))
	for _, r := range rules {
		m[r.Name] = attributeType(r.Attribute)
	}
	return cty.Object(m)
}

// Row is the row of an item that has been settled.
func (f *Feed) Row(it *plan.Item) (rows.Row, error) {
	arguments, err := values(f.arguments, it.Arguments)
	if err != nil {
		return rows.Row{}, fmt.Errorf("arguments of %q: %w", it.Key, err)
	}
	live, err := values(f.live, it.Live)
	if err != nil {
		return rows.Row{}, fmt.Errorf("live state of %q: %w", it.Key, err)
	}
	result, err := values(f.result, it.Result)
	if err != nil {
		return rows.Row{}, fmt.Errorf("result of %q: %w", it.Key, err)
	}
	amount := cty.NullVal(Decimal)
	if it.Amount != "" {
		if amount, err = DecimalVal(it.Amount); err != nil {
			return rows.Row{}, fmt.Errorf("amount of %q: %w", it.Key, err)
		}
	}
	return rows.Row{
		Source: it.Source, Number: it.Row, Line: it.Row,
		Values: []cty.Value{
			cty.StringVal(it.Key), cty.StringVal(it.State.String()), cty.StringVal(it.Reason),
			amount, orNull(it.Currency), arguments, live, result,
		},
	}, nil
}

func orNull(s string) cty.Value {
	if s == "" {
		return cty.NullVal(cty.String)
	}
	return cty.StringVal(s)
}

// values makes an object of JSON by its rules. What the schema doesn't know is
// left out; what it knows and the JSON doesn't say is null.
func values(rules []*rule, raw json.RawMessage) (cty.Value, error) {
	said, err := members(raw)
	if err != nil {
		return cty.NilVal, err
	}
	m := make(map[string]cty.Value, len(rules))
	for _, r := range rules {
		v, err := r.read(said[r.Name])
		if err != nil {
			return cty.NilVal, fmt.Errorf("%s: %w", r.Name, err)
		}
		if r.Sensitive || r.WriteOnly {
			v = v.Mark(Sensitive)
		}
		m[r.Name] = v
	}
	return cty.ObjectVal(m), nil
}
