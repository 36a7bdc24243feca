package rows

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// inlineReader gives the rows that an operation file itself holds.
type inlineReader struct {
	source  string
	columns []Column
	values  []cty.Value
	number  int64
	sum     hash.Hash
	done    bool
}

// An Inline is a list whose rows stand in an operation file. All rows must have
// the same attributes; a column that holds strings in every row is a String
// column, any other that isn't declared an Any column. Decimal columns keep the
// values that the file wrote, numbers or strings, already checked.
type Inline struct {
	Source  string // what problems name: the list's address
	Columns map[string]Type
	Rows    []cty.Value
}

func (l Inline) Open(context.Context) (Reader, error) {
	columns, values := l.Columns, slices.Clone(l.Rows)
	r := &inlineReader{source: l.Source, values: values, sum: sha256.New()}
	for i, v := range values {
		if v.ContainsMarked() {
			return nil, r.refuse(i, "Sensitive value in a list", "A row holds a sensitive value. Rows are kept in the run file, so they can't hold secrets: remove it from the row.")
		}
		if v.IsNull() || !v.IsWhollyKnown() || !v.Type().IsObjectType() && !v.Type().IsMapType() {
			return nil, r.refuse(i, "Invalid row", "Every element of rows must be an object such as { order_id = \"A-1\" }.")
		}
		if v.Type().IsMapType() {
			r.values[i] = cty.ObjectVal(v.AsValueMap())
		}
		if err := r.compare(i); err != nil {
			return nil, err
		}
	}
	if len(values) > 0 {
		for _, name := range sortedNames(values[0].Type().AttributeTypes()) {
			r.columns = append(r.columns, Column{Name: name, Type: r.typeOf(name, columns)})
		}
	}
	for _, name := range sortedNames(columns) {
		if len(values) > 0 && !values[0].Type().HasAttribute(name) {
			return nil, r.refuse(0, "Unknown column", fmt.Sprintf("The list declares the column %q, which its rows don't have.%s", name, hint(name, r.columns)))
		}
	}
	return r, nil
}

// compare holds a row's attributes against those of the first.
func (r *inlineReader) compare(i int) error {
	first, this := r.values[0].Type(), r.values[i].Type()
	var missing, extra []string
	for _, n := range sortedNames(first.AttributeTypes()) {
		if !this.HasAttribute(n) {
			missing = append(missing, n)
		}
	}
	for _, n := range sortedNames(this.AttributeTypes()) {
		if !first.HasAttribute(n) {
			extra = append(extra, n)
		}
	}
	if missing == nil && extra == nil {
		return nil
	}
	detail := "All rows must have the same attributes as the first."
	if missing != nil {
		detail += " This one lacks " + strings.Join(missing, ", ") + "."
	}
	if extra != nil {
		detail += " The first lacks " + strings.Join(extra, ", ") + "."
	}
	return r.refuse(i, "Rows with different attributes", detail+" Write null where a row has no value.")
}

func (r *inlineReader) typeOf(name string, declared map[string]Type) Type {
	if t, ok := declared[name]; ok {
		return t
	}
	for _, v := range r.values {
		if a := v.GetAttr(name); a.Type() != cty.String {
			return Any
		}
	}
	return String
}

func (r *inlineReader) Reading() string   { return "" }
func (r *inlineReader) Columns() []Column { return r.columns }
func (r *inlineReader) Source() string    { return "" }
func (r *inlineReader) Close() error      { return nil }

func (r *inlineReader) Digest() string {
	if !r.done {
		return ""
	}
	return "sha256:" + hex.EncodeToString(r.sum.Sum(nil))
}

func (r *inlineReader) Next() (Row, error) {
	if int(r.number) == len(r.values) {
		r.done = true
		return Row{}, io.EOF
	}
	v := r.values[r.number]
	r.number++
	canonical, err := canonicalJSON(v)
	if err != nil {
		return Row{}, r.refuse(int(r.number)-1, "Invalid row", "A value of the row can't be written down: "+err.Error()+".")
	}
	r.sum.Write(append(canonical, '\n'))
	row := Row{Number: r.number, Values: make([]cty.Value, len(r.columns))}
	for i, c := range r.columns {
		row.Values[i] = v.GetAttr(c.Name)
		if p := r.check(c, row.Values[i]); p != nil {
			return Row{}, p
		}
	}
	return row, nil
}

// check holds a value against its column's declared type.
func (r *inlineReader) check(c Column, v cty.Value) *Problem {
	if v.IsNull() || c.Type == Any {
		return nil
	}
	problem := func(value, summary, detail string) *Problem {
		return &Problem{Source: r.source, Column: c.Name, Value: cut(value), Summary: summary, Detail: fmt.Sprintf("Row %d: %s", r.number, detail)}
	}
	text, err := convert.Convert(v, cty.String)
	switch {
	case err != nil:
		return problem("", "Invalid value", fmt.Sprintf("%s must be one %s, not a collection.", c.Name, typeNames[c.Type]))
	case c.Type == String && v.Type() != cty.String:
		return problem(text.AsString(), "Invalid value", fmt.Sprintf("%s is declared a string: put it in double quotes.", c.Name))
	case c.Type == Bool && v.Type() != cty.Bool:
		return problem(text.AsString(), "Invalid bool", fmt.Sprintf("%s must be true or false.", c.Name))
	}
	if accept := acceptor(c.Type); accept != nil {
		if summary, detail := accept(text.AsString()); summary != "" {
			return problem(text.AsString(), summary, detail)
		}
	}
	return nil
}

var typeNames = [...]string{"string", "decimal", "number", "bool", "value"}

func (t Type) String() string { return typeNames[t] }

func (r *inlineReader) refuse(i int, summary, detail string) *Problem {
	return &Problem{Source: r.source, Summary: summary, Detail: fmt.Sprintf("Row %d: %s", i+1, detail), Fatal: true}
}

// canonicalJSON writes a value with sorted attributes; what JSON doesn't know
// (decimals) as text.
func canonicalJSON(v cty.Value) ([]byte, error) {
	plain, err := cty.Transform(v, func(_ cty.Path, v cty.Value) (cty.Value, error) {
		if !v.Type().IsCapsuleType() {
			return v, nil
		}
		if v.IsNull() {
			return cty.NullVal(cty.String), nil
		}
		text, err := convert.Convert(v, cty.String)
		if err != nil {
			return v, errors.New("it is of a type that can't be stored")
		}
		return text, nil
	})
	if err != nil {
		return nil, err
	}
	return ctyjson.Marshal(plain, plain.Type())
}
