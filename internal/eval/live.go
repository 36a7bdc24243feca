package eval

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/bulkrunner/runner/sdk"
)

// readLive makes values of the attributes that guards look at. What the API
// left out is null.
func (p *Program) readLive(live json.RawMessage) (map[string]cty.Value, error) {
	said, err := members(live)
	if err != nil {
		return nil, fmt.Errorf("read live state: %w", err)
	}
	values := make(map[string]cty.Value)
	for _, r := range p.live {
		if !p.looksAt(r.Name) {
			continue
		}
		v, err := r.read(said[r.Name])
		if err != nil {
			return nil, fmt.Errorf("read live state: attribute %q: %w", r.Name, err)
		}
		if r.Sensitive {
			v = v.Mark(Sensitive)
		}
		values[r.Name] = v
	}
	return values, nil
}

func (p *Program) looksAt(name string) bool {
	if p.fallback != nil && p.fallback.Attribute == name {
		return true
	}
	for _, g := range p.guards {
		for _, n := range g.expr.live {
			if n == name {
				return true
			}
		}
	}
	return false
}

// read makes a value of an attribute's JSON.
func (r *rule) read(raw json.RawMessage) (cty.Value, error) {
	if raw == nil || string(raw) == "null" {
		return cty.NullVal(attributeType(r.Attribute)), nil
	}
	if r.Decimal {
		var d sdk.Decimal
		if err := json.Unmarshal(raw, &d); err != nil {
			return cty.NilVal, err
		}
		if d == "" {
			return cty.NullVal(Decimal), nil
		}
		return DecimalVal(d.String())
	}
	v, err := ctyjson.Unmarshal(raw, r.typ)
	if err != nil {
		return cty.NilVal, err
	}
	return v, boundDeep(v)
}

// LiveAmount is what the API says an item is worth, in major units, where its
// live state has an amount. Ok is false where it says none, or nothing that can
// be read as one.
func (p *Program) LiveAmount(live json.RawMessage) (amount, currency string, ok bool) {
	said, err := members(live)
	if err != nil {
		return "", "", false
	}
	for _, r := range p.live {
		raw, there := said[r.Name]
		if !there || string(raw) == "null" || r.Role != "amount" && r.Role != "currency" {
			continue
		}
		text := string(raw)
		if raw[0] == '"' && json.Unmarshal(raw, &text) != nil {
			return "", "", false
		}
		var f fault
		if r.Role == "amount" {
			amount, f = major(text, r)
		} else {
			currency, f = letters(text)
		}
		if f != noFault {
			return "", "", false
		}
	}
	return amount, currency, amount != ""
}

// Differs is "COP 10.00 and the API says COP 99.00" for an item that is not
// worth what the API says, "" where it is or the API says nothing of it.
func (p *Program) Differs(amount, currency string, live json.RawMessage) string {
	a, c, ok := p.LiveAmount(live)
	if !ok || amount == "" || sdk.Decimal(a).Cmp(sdk.Decimal(amount)) == 0 && (c == "" || c == currency) {
		return ""
	}
	return fmt.Sprintf("%s %s and the API says %s %s", currency, amount, c, a)
}

// members splits a JSON object, numbers as they stand.
func members(object json.RawMessage) (map[string]json.RawMessage, error) {
	if len(bytes.TrimSpace(object)) == 0 {
		return nil, nil
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(object, &m); err != nil {
		return nil, err
	}
	return m, nil
}
