package rows

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// A Listed holds the rows of a list that was read from an API, as the JSON
// objects that came: about as much memory as they have bytes. Any number of
// readers may read it, one after another or at once.
type Listed struct {
	source  string
	columns []Column
	rows    []json.RawMessage
	digest  string
}

// NewListed takes rows over. Source is the list's address. A column that isn't
// text, a number, true or false is of type [Any].
func NewListed(source string, columns []Column, rows []json.RawMessage) *Listed {
	sum := sha256.New()
	for _, row := range rows {
		sum.Write(row)
		sum.Write([]byte{'\n'})
	}
	return &Listed{source, columns, rows, "sha256:" + hex.EncodeToString(sum.Sum(nil))}
}

// Open begins at the first row.
func (l *Listed) Open(context.Context) (Reader, error) { return &listedReader{Listed: l}, nil }

type listedReader struct {
	*Listed
	number int64
}

func (r *listedReader) Columns() []Column { return r.columns }
func (r *listedReader) Reading() string   { return "" }
func (r *listedReader) Source() string    { return r.source }
func (r *listedReader) Digest() string    { return r.digest }
func (r *listedReader) Close() error      { return nil }

func (r *listedReader) Next() (Row, error) {
	if int(r.number) == len(r.rows) {
		return Row{}, io.EOF
	}
	r.number++
	var members map[string]json.RawMessage
	if json.Unmarshal(r.rows[r.number-1], &members) != nil {
		return Row{}, r.refuse("", "The row is not a JSON object.")
	}
	row := Row{Source: r.source, Number: r.number, Values: make([]cty.Value, len(r.columns))}
	for i, c := range r.columns {
		v, err := listedValue(c.Type, members[c.Name])
		if err != nil {
			return Row{}, r.refuse(c.Name, fmt.Sprintf("%s: %s.", c.Name, err))
		}
		row.Values[i] = v
	}
	return row, nil
}

func (r *listedReader) refuse(column, detail string) *Problem {
	return &Problem{
		Source: r.source, Line: r.number, Column: column, Summary: "Invalid row from a provider",
		Detail: detail + " This is a bug in the provider.",
	}
}

// listedValue reads a member as its column's type. Decimals stay the text that
// they are.
func listedValue(t Type, raw json.RawMessage) (cty.Value, error) {
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return cty.NullVal(listedTypes[t]), nil
	}
	wrong := fmt.Errorf("the value is not a %s", t)
	switch t {
	case String, Decimal:
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return cty.NilVal, wrong
		}
		if accept := acceptor(t); accept != nil {
			if _, detail := accept(s); detail != "" {
				return cty.NilVal, wrong
			}
		}
		return cty.StringVal(s), nil
	case Number:
		var n json.Number
		if json.Unmarshal(raw, &n) != nil || len(n) > 64 {
			return cty.NilVal, wrong
		}
		v, err := cty.ParseNumberVal(n.String())
		if err != nil {
			return cty.NilVal, wrong
		}
		return v, nil
	case Bool:
		var b bool
		if json.Unmarshal(raw, &b) != nil {
			return cty.NilVal, wrong
		}
		return cty.BoolVal(b), nil
	}
	implied, err := ctyjson.ImpliedType(raw)
	if err != nil {
		return cty.NilVal, wrong
	}
	v, err := ctyjson.Unmarshal(raw, implied)
	if err != nil {
		return cty.NilVal, wrong
	}
	return v, nil
}

var listedTypes = [...]cty.Type{String: cty.String, Decimal: cty.String, Number: cty.Number, Bool: cty.Bool, Any: cty.DynamicPseudoType}
