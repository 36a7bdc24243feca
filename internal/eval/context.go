package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// kept is what of a row is stored with its item, because a guard will ask for
// it when the row itself is long gone.
//
// It is written as {"key":…,"row":…,"value":{COLUMN:…}}. A string stands as
// itself and null as null; a value of another type is an object of its type
// and value, a decimal {"decimal":"1250.00"}, and what holds decimals is written
// part by part.
type kept struct {
	columns  []int
	key, row bool
	value    bool
}

func (c *compiler) keep() kept {
	var k kept
	for _, g := range c.program.guards {
		k.key = k.key || g.expr.key
		k.row = k.row || g.expr.row
		k.value = k.value || g.expr.whole || len(g.expr.names) > 0
		for _, i := range g.expr.columns {
			if !slices.Contains(k.columns, i) {
				k.columns = append(k.columns, i)
			}
		}
	}
	slices.Sort(k.columns)
	return k
}

func (k kept) write(f *frame) json.RawMessage {
	if !k.key && !k.row && !k.value {
		return nil
	}
	b := []byte("{")
	comma := func(name string) {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(b, name...)
	}
	if k.key {
		comma(`"key":`)
		b = appendString(b, f.key)
	}
	if k.row {
		comma(`"row":`)
		b = strconv.AppendInt(b, f.row.Number, 10)
	}
	if k.value {
		comma(`"value":{`)
		for n, i := range k.columns {
			if n > 0 {
				b = append(b, ',')
			}
			b = appendString(b, f.columns[i].Name)
			b = append(b, ':')
			b = appendKept(b, f.column(i))
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

func appendKept(b []byte, v cty.Value) []byte {
	switch {
	case v.IsNull():
		return append(b, "null"...)
	case v.Type() == cty.String:
		return appendString(b, v.AsString())
	case v.Type() == Decimal:
		b = append(b, `{"decimal":`...)
		b = appendString(b, DecimalText(v))
		return append(b, '}')
	}
	if t := v.Type(); !textType(t).Equals(t) {
		return appendParts(b, v)
	}
	t, errType := json.Marshal(v.Type())
	j, errValue := ctyjson.Marshal(v, v.Type())
	if errType != nil || errValue != nil {
		return append(b, "null"...)
	}
	b = append(b, `{"type":`...)
	b = append(b, t...)
	b = append(b, `,"value":`...)
	b = append(b, j...)
	return append(b, '}')
}

// appendParts writes what holds decimals part by part: {"tuple":[…]} and
// {"object":{…}} of values that are written so themselves.
func appendParts(b []byte, v cty.Value) []byte {
	t := v.Type()
	if t.IsObjectType() || t.IsMapType() {
		b = append(b, `{"object":{`...)
		m := v.AsValueMap()
		for i, name := range sortedKeys(m) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, name), ':')
			b = appendKept(b, m[name])
		}
		return append(b, "}}"...)
	}
	b = append(b, `{"tuple":[`...)
	for i, e := range v.AsValueSlice() {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendKept(b, e)
	}
	return append(b, "]}"...)
}

// readContext makes the object each of what [kept] wrote.
func (p *Program) readContext(context json.RawMessage) (cty.Value, error) {
	var stored struct {
		Key   *string                    `json:"key"`
		Row   *int64                     `json:"row"`
		Value map[string]json.RawMessage `json:"value"`
	}
	if len(context) > 0 {
		if err := json.Unmarshal(context, &stored); err != nil {
			return cty.NilVal, fmt.Errorf("read an item's context: %w", err)
		}
	}
	value := make(map[string]cty.Value, len(stored.Value))
	for name, raw := range stored.Value {
		v, err := readKept(raw)
		if err != nil {
			return cty.NilVal, fmt.Errorf("read an item's context: column %q: %w", name, err)
		}
		value[name] = v
	}
	for _, g := range p.guards {
		for _, n := range g.expr.names {
			if _, ok := value[n]; !ok {
				return cty.NilVal, fmt.Errorf("read an item's context: the column %q was not kept with the item", n)
			}
		}
		if g.expr.key && stored.Key == nil || g.expr.row && stored.Row == nil {
			return cty.NilVal, errors.New("read an item's context: its key or row was not kept with the item")
		}
	}
	each := map[string]cty.Value{"value": cty.ObjectVal(value)}
	if stored.Key != nil {
		each["key"] = cty.StringVal(*stored.Key)
	}
	if stored.Row != nil {
		each["row"] = cty.NumberIntVal(*stored.Row)
	}
	return cty.ObjectVal(each), nil
}

func readKept(raw json.RawMessage) (cty.Value, error) {
	if string(raw) == "null" {
		return cty.NullVal(cty.DynamicPseudoType), nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return cty.StringVal(text), nil
	}
	var typed struct {
		Decimal *string                    `json:"decimal"`
		Tuple   []json.RawMessage          `json:"tuple"`
		Object  map[string]json.RawMessage `json:"object"`
		Type    json.RawMessage            `json:"type"`
		Value   json.RawMessage            `json:"value"`
	}
	if err := json.Unmarshal(raw, &typed); err != nil {
		return cty.NilVal, err
	}
	if typed.Decimal != nil {
		return DecimalVal(*typed.Decimal)
	}
	if typed.Tuple != nil {
		all := make([]cty.Value, len(typed.Tuple))
		for i, raw := range typed.Tuple {
			var err error
			if all[i], err = readKept(raw); err != nil {
				return cty.NilVal, err
			}
		}
		return cty.TupleVal(all), nil
	}
	if typed.Object != nil {
		m := make(map[string]cty.Value, len(typed.Object))
		for name, raw := range typed.Object {
			var err error
			if m[name], err = readKept(raw); err != nil {
				return cty.NilVal, err
			}
		}
		return cty.ObjectVal(m), nil
	}
	var t cty.Type
	if err := json.Unmarshal(typed.Type, &t); err != nil {
		return cty.NilVal, err
	}
	v, err := ctyjson.Unmarshal(typed.Value, t)
	if err != nil {
		return cty.NilVal, err
	}
	return v, boundDeep(v)
}
