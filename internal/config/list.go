package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// listTypes are the kinds of list there are, with the arguments of each beside
// key, columns and on_invalid, which all have.
var listTypes = map[string]shape{
	"csv":    {required: []string{"path"}, attributes: []string{"key", "columns", "on_invalid", "delimiter", "comment", "header_row", "encoding", "final_newline"}},
	"json":   {required: []string{"path"}, attributes: []string{"key", "columns", "on_invalid", "at"}},
	"xlsx":   {required: []string{"path"}, attributes: []string{"key", "columns", "on_invalid", "sheet", "header_row"}},
	"sql":    {required: []string{"driver", "query"}, attributes: []string{"key", "columns", "on_invalid", "dsn", "path", "parameters", "timeout"}},
	"inline": {required: []string{"rows"}, attributes: []string{"key", "columns", "on_invalid"}},
}

// providedShape is a list of a type that isn't built in. Its columns have the
// types that its provider gives them, and what else stands in it is the
// provider's filter.
var providedShape = shape{attributes: []string{"key", "on_invalid", "provider"}, open: true}

// A provided list has a provider to find once all files are read.
type provided struct {
	list     *List
	in       string
	provider *hcl.Attribute
}

var columnTypes = []string{"string", "id", "decimal", "number", "bool"}

func (d *decoder) list(b *hclsyntax.Block) {
	in := title(b)
	l := &List{Type: b.Labels[0], Name: b.Labels[1], Attributes: hcl.Attributes{}, Columns: map[string]Column{}, Range: b.DefRange(), TypeRange: b.LabelRanges[0]}
	if first := d.cfg.Lists[l.Address()]; first != nil {
		d.declared(in, first.Range, l.Range)
		return
	}
	d.cfg.Lists[l.Address()] = l
	d.lists = append(d.lists, l)

	s, builtIn := listTypes[l.Type]
	if !builtIn {
		s = providedShape
		if d.unknownType(l, in) {
			return
		}
	}
	c := d.content(b.Body, in, s)
	if !builtIn {
		l.Attributes = c.rest
		d.provided = append(d.provided, provided{list: l, in: in, provider: c.known["provider"]})
	}
	for name, a := range c.known {
		switch name {
		case "key", "columns", "provider", "on_invalid":
		default:
			l.Attributes[name] = a
		}
	}
	if a := c.known["key"]; a != nil {
		if _, ok := d.text(a, in); ok {
			l.Key = a.Expr
		}
	}
	if a := c.known["on_invalid"]; a != nil {
		word, _ := d.word(a, []string{"refuse", "leave_out"}, in)
		l.LeaveOut = word == "leave_out"
	}
	if a := c.known["columns"]; a != nil {
		d.columns(l, a, in)
	}
	for _, a := range sortedHCL(l.Attributes) {
		d.use(a.Expr, seesValues, in)
	}
}

// unknownType tells of a type that no provider can have: theirs begin with
// their name and _.
func (d *decoder) unknownType(l *List, in string) bool {
	if i := strings.IndexByte(l.Type, '_'); i > 0 && i < len(l.Type)-1 {
		return false
	}
	d.add(diag.Diagnostic{
		Summary: "Unknown type of list",
		Detail:  fmt.Sprintf("This version of runner has no list of type %q.%s", l.Type, didYouMean(l.Type, keys(listTypes), "There are: ")),
		Subject: l.TypeRange.Ptr(), In: in,
	})
	return true
}

// checkLists finds the instances that read lists of the API.
func (d *decoder) checkLists() {
	for _, p := range d.provided {
		d.resolveInstance(served{typ: p.list.Type, typeRange: p.list.TypeRange, what: "lists", in: p.in, provider: p.provider, to: &p.list.Provider})
	}
}

// columns reads { NAME = TYPE }, where TYPE is a word without quotes.
func (d *decoder) columns(l *List, a *hcl.Attribute, in string) {
	pairs, diags := hcl.ExprMap(a.Expr)
	if diags.HasErrors() {
		d.add(diag.Diagnostic{
			Summary: "Invalid columns",
			Detail:  "columns is an object of column names and types: columns = { amount = decimal }. A column that it doesn't name holds text.",
			Subject: a.Expr.Range().Ptr(), In: in,
		})
		return
	}
	for _, p := range pairs {
		name := memberName(p.Key)
		word := hcl.ExprAsKeyword(p.Value)
		switch first, twice := l.Columns[name]; {
		case name == "":
			d.add(diag.Diagnostic{
				Summary: "Invalid columns",
				Detail:  "The name of a column is written out: as it is, or between quotes where it has spaces or signs.",
				Subject: p.Key.Range().Ptr(), In: in,
			})
		case twice:
			d.add(diag.Diagnostic{
				Summary: "Repeated name",
				Detail:  fmt.Sprintf("The column %q is declared already at %s. Delete one of the two.", name, place(first.Range)),
				Subject: p.Key.Range().Ptr(), In: in,
			})
		case !slices.Contains(columnTypes, word):
			d.add(diag.Diagnostic{
				Summary: "Unknown type of column",
				Detail:  fmt.Sprintf("The type of a column is a word %s: %s.%s", withoutQuotes(p.Value), enumerate(columnTypes, "or"), nearestWord(word, columnTypes)),
				Subject: p.Value.Range().Ptr(), In: in,
			})
		default:
			l.Columns[name] = Column{Type: word, Range: hcl.RangeBetween(p.Key.Range(), p.Value.Range())}
		}
	}
}

// memberName is the name of an object's member, "" where it isn't written out.
func memberName(expr hcl.Expression) string {
	if name := hcl.ExprAsKeyword(expr); name != "" {
		return name
	}
	if key, ok := expr.(*hclsyntax.ObjectConsKeyExpr); ok && constant(key.Wrapped) {
		if v, diags := key.Value(nil); !diags.HasErrors() && v.IsKnown() && !v.IsNull() && v.Type() == cty.String {
			return v.AsString()
		}
	}
	return ""
}

func nearestWord(word string, words []string) string {
	if best := nearest(word, words); best != "" {
		return fmt.Sprintf(" Did you mean %s?", best)
	}
	return ""
}
