package config

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/bulkrunner/runner/internal/card"
	"github.com/bulkrunner/runner/internal/diag"
)

// cards finds what looks like a card number in operation files, which the run
// file keeps as they are read: in comments, conditions and defaults too. What
// an inline list has in a column of ids is none.
func (c *Config) cards() (out diag.List) {
	ids := c.idsWritten()
	for _, src := range c.Sources {
		if !card.Possible(src.Bytes) {
			continue
		}
		text := string(src.Bytes)
		for start, end := range card.All(text) {
			if slices.ContainsFunc(ids, func(r hcl.Range) bool {
				return r.Filename == src.Name && r.Start.Byte <= start && end <= r.End.Byte
			}) {
				continue
			}
			at := *oneByte(src, start)
			at.End = oneByte(src, end).Start
			out = append(out, diag.Diagnostic{
				Summary: "Value looks like a card number",
				Detail: fmt.Sprintf("%s stands at column %d. The run file keeps operation files as they are read, and no file may hold a card number in the clear: take it out. A card number comes with a row of a list, for an argument that the provider calls write-only. "+
					"If it is none, have a column of a list bring it, and say that the column holds ids.", card.Mask(text[start:end]), at.Start.Column),
				Subject: &at, Secret: true,
			})
			if len(out) > maxDiagnostics {
				return out
			}
		}
	}
	return out
}

// idsWritten are where values of inline lists stand whose columns are declared
// to hold ids.
func (c *Config) idsWritten() (out []hcl.Range) {
	for _, l := range c.Lists {
		at := l.Attributes["rows"]
		if l.Type != "inline" || at == nil {
			continue
		}
		rows, _ := at.Expr.(*hclsyntax.TupleConsExpr)
		if rows == nil {
			continue
		}
		for _, row := range rows.Exprs {
			object, _ := row.(*hclsyntax.ObjectConsExpr)
			if object == nil {
				continue
			}
			for _, item := range object.Items {
				if l.Columns[memberName(item.KeyExpr)].Type == "id" {
					out = append(out, item.ValueExpr.Range())
				}
			}
		}
	}
	return out
}

// masked takes card numbers out of messages.
func masked(in diag.List) diag.List {
	for i := range in {
		in[i].Detail, in[i].In = card.Mask(in[i].Detail), card.Mask(in[i].In)
	}
	return in
}
