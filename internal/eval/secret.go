package eval

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/rows"
)

// secretColumns refuses what would store, in another place, a column that a
// secret argument takes: as the item's key, in the row that a guard looks at
// again, as the amount or the currency, or as it is in another argument. What
// is made of it, such as the last four digits, is the file's own decision.
//
// Messages show no value of such a column, whichever expression fails on it.
func (c *compiler) secretColumns() {
	p := c.program
	p.secret = make([]bool, len(p.columns))
	for _, a := range p.arguments {
		if a.keep == keepPlain || a.expr == nil {
			continue
		}
		for _, i := range a.expr.columns {
			p.secret[i] = true
			name := p.columns[i].Name
			refuse := func(e *expression, what string) {
				c.report(diag.Diagnostic{
					Summary: "Secret value would be stored",
					Detail:  fmt.Sprintf("The column %q gives %q, which may not be in the run file as it is, and %s is stored there. Use another column.", name, a.Name, what),
					Subject: e.syntax.Range().Ptr(),
				})
			}
			if p.key == nil && p.keyColumn == i {
				refuse(a.expr, "the list's key")
			}
			names := func(e *expression) bool { return e != nil && slices.Contains(e.columns, i) }
			if names(p.key) {
				refuse(p.key, "the key")
			}
			for _, g := range p.guards {
				if names(g.expr) {
					refuse(g.expr, "what a guard looks at")
				}
			}
			if p.money != nil {
				for _, e := range []*expression{p.money.amount, p.money.currency} {
					if names(e) {
						refuse(e, "the money of an item")
					}
				}
			}
			for _, other := range p.arguments {
				if other.keep == keepPlain && names(other.expr) && (other.expr.whole || other.expr.bare()) {
					refuse(other.expr, fmt.Sprintf("the argument %q", other.Name))
				}
			}
		}
	}
	for _, e := range p.expressions() {
		e.sensitive = e.sensitive || slices.ContainsFunc(e.columns, func(i int) bool { return p.secret[i] })
	}
}

// expressions are all that are evaluated for a row.
func (p *Program) expressions() (all []*expression) {
	for _, e := range []*expression{p.where, p.key, p.state} {
		if e != nil {
			all = append(all, e)
		}
	}
	for _, a := range p.arguments {
		if a.expr != nil {
			all = append(all, a.expr)
		}
	}
	return all
}

// Secret tells whether a column gives a secret argument.
func (p *Program) Secret(column string) bool {
	i := slices.IndexFunc(p.columns, func(c rows.Column) bool { return c.Name == column })
	return i >= 0 && p.secret[i]
}

// bare tells whether the expression is a column and nothing else.
func (e *expression) bare() bool {
	for syntax := e.syntax; ; {
		switch s := syntax.(type) {
		case *hclsyntax.TemplateWrapExpr:
			syntax = s.Wrapped
		case *hclsyntax.ParenthesesExpr:
			syntax = s.Expression
		default:
			_, ok := syntax.(*hclsyntax.ScopeTraversalExpr)
			return ok
		}
	}
}
