package eval

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/bulkrunner/runner/internal/rows"
)

// frame is what expressions are evaluated on: a row and its key.
type frame struct {
	row     rows.Row
	columns []rows.Column
	key     string
}

// each is the object that an expression sees as each, with no more in it than
// it names.
func (f *frame) each(e *expression) cty.Value {
	m := make(map[string]cty.Value, 3)
	if len(e.names) > 0 || e.whole {
		value := make(map[string]cty.Value, len(e.columns))
		for _, i := range e.columns {
			value[f.columns[i].Name] = f.column(i)
		}
		m["value"] = cty.ObjectVal(value)
	}
	if e.key {
		m["key"] = cty.StringVal(f.key)
	}
	if e.row {
		m["row"] = cty.NumberIntVal(f.row.Number)
	}
	return cty.ObjectVal(m)
}

// column is one value of the row. Its text has been judged by the reader, so
// what doesn't convert here is unknown to it and shown as null.
func (f *frame) column(i int) cty.Value {
	c := f.columns[i]
	t := columnType(c.Type)
	if f.null(i) {
		return cty.NullVal(t)
	}
	if f.row.Text == nil || c.Type == rows.Any {
		v := f.row.Values[i]
		if v.IsNull() {
			return cty.NullVal(t)
		}
		if c.Type != rows.Any && !v.Type().Equals(t) {
			if v, err := convert.Convert(v, t); err == nil {
				return v
			}
			return cty.NullVal(t)
		}
		return v
	}
	text := f.row.Text[i]
	if c.Type == rows.String {
		return cty.StringVal(text)
	}
	if text == "" {
		return cty.NullVal(t)
	}
	v, err := convert.Convert(cty.StringVal(text), t)
	if err != nil {
		return cty.NullVal(t)
	}
	return v
}

// null tells of a column of text that it is no empty text.
func (f *frame) null(i int) bool { return f.row.Null != nil && f.row.Null[i] }

// text is what a column says, for messages.
func (f *frame) text(i int) string {
	if f.row.Text != nil && f.columns[i].Type != rows.Any {
		return f.row.Text[i]
	}
	v := f.row.Values[i]
	if v.IsNull() || !v.Type().IsPrimitiveType() && v.Type() != Decimal {
		return ""
	}
	s, err := plainText(v)
	if err != nil {
		return ""
	}
	return s
}

// shorten cuts a value to what can be read at a glance.
func shorten(s string) string {
	const most = 80
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

func quoted(s string) string { return fmt.Sprintf("%q", shorten(s)) }
