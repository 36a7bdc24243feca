package config

import (
	"fmt"
	"slices"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// constant tells whether an expression is written out: literals, lists and
// objects of them. A for expression over literals is refused too, since nested
// ones may compute for hours.
func constant(expr hcl.Expression) bool {
	switch e := expr.(type) {
	case *hclsyntax.LiteralValueExpr:
		return true
	case *hclsyntax.ParenthesesExpr:
		return constant(e.Expression)
	case *hclsyntax.UnaryOpExpr:
		return constant(e.Val)
	case *hclsyntax.TemplateExpr:
		for _, p := range e.Parts {
			if _, ok := p.(*hclsyntax.LiteralValueExpr); !ok {
				return false
			}
		}
		return true
	case *hclsyntax.TupleConsExpr:
		for _, x := range e.Exprs {
			if !constant(x) {
				return false
			}
		}
		return true
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			key, ok := item.KeyExpr.(*hclsyntax.ObjectConsKeyExpr)
			if !ok || hcl.ExprAsKeyword(key) == "" && !constant(key.Wrapped) || !constant(item.ValueExpr) {
				return false
			}
		}
		return true
	}
	return false
}

// literal is the value of an expression that must be written out.
func (d *decoder) literal(a *hcl.Attribute, in string) (cty.Value, bool) {
	if !constant(a.Expr) {
		d.add(diag.Diagnostic{
			Summary: "Value must be written out",
			Detail:  fmt.Sprintf("%q is read before anything is computed: write its value out, without variables, functions or operators.", a.Name),
			Subject: a.Expr.Range().Ptr(), In: in,
		})
		return cty.NilVal, false
	}
	v, diags := a.Expr.Value(nil)
	for _, m := range diag.FromHCL(diags) {
		m.In = in
		d.add(m)
	}
	return v, !diags.HasErrors()
}

// text is the value of an attribute that must be a string in quotes.
func (d *decoder) text(a *hcl.Attribute, in string) (string, bool) {
	if word := hcl.ExprAsKeyword(a.Expr); word != "" {
		d.add(diag.Diagnostic{
			Summary: "Text without quotes",
			Detail:  fmt.Sprintf("%q is text: write it between quotes, as %s = %q.", a.Name, a.Name, word),
			Subject: a.Expr.Range().Ptr(), In: in,
		})
		return "", false
	}
	v, ok := d.literal(a, in)
	if !ok {
		return "", false
	}
	if v.IsNull() || v.Type() != cty.String {
		d.add(diag.Diagnostic{
			Summary: "Wrong type of value",
			Detail:  fmt.Sprintf("%q is text: write it between quotes.", a.Name),
			Subject: a.Expr.Range().Ptr(), In: in,
		})
		return "", false
	}
	return v.AsString(), true
}

// flag is the value of an attribute that must be true or false; otherwise it
// answers what holds where nothing is said.
func (d *decoder) flag(a *hcl.Attribute, unsaid bool, in string) bool {
	if a == nil {
		return unsaid
	}
	v, ok := d.literal(a, in)
	if !ok {
		return unsaid
	}
	if v.IsNull() || v.Type() != cty.Bool {
		d.add(diag.Diagnostic{
			Summary: "Wrong type of value",
			Detail:  fmt.Sprintf("%q is either true or false, without quotes.", a.Name),
			Subject: a.Expr.Range().Ptr(), In: in,
		})
		return unsaid
	}
	return v.True()
}

// word is the value of an attribute that must be one of a few words in quotes.
func (d *decoder) word(a *hcl.Attribute, words []string, in string) (string, bool) {
	s, ok := d.text(a, in)
	if ok && !slices.Contains(words, s) {
		d.add(diag.Diagnostic{
			Summary: "Unknown word",
			Detail:  fmt.Sprintf("%q can't be %q.%s", a.Name, s, didYouMean(s, words, "It is one of: ")),
			Subject: a.Expr.Range().Ptr(), In: in,
		})
		return "", false
	}
	return s, ok
}

// staticName takes a traversal such as list.csv.stale apart. It answers nil
// where the expression is anything else.
func staticName(expr hcl.Expression) []string {
	t, diags := hcl.AbsTraversalForExpr(expr)
	if diags.HasErrors() {
		return nil
	}
	names := []string{t.RootName()}
	for _, step := range t[1:] {
		a, ok := step.(hcl.TraverseAttr)
		if !ok {
			return nil
		}
		names = append(names, a.Name)
	}
	return names
}
