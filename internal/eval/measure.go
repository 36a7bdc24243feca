package eval

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// stepOf is an expression that can be evaluated under a [meter]: a copy, of
// which every part that computes is a [step]. The original stays as it is, to
// be looked at. What is written out costs nothing.
func stepOf(expr hclsyntax.Expression) hclsyntax.Expression {
	if _, ok := expr.(*hclsyntax.LiteralValueExpr); ok || expr == nil {
		return expr
	}
	return always(expr)
}

// always measures what a loop repeats, whatever it is.
func always(expr hclsyntax.Expression) *step {
	return &step{Expression: parts(expr), plain: expr}
}

// source measures what an index or an attribute is taken from, which costs
// nothing as long as nothing is computed for it.
func source(expr hclsyntax.Expression) hclsyntax.Expression {
	switch expr.(type) {
	case *hclsyntax.ScopeTraversalExpr, *hclsyntax.AnonSymbolExpr:
		return expr
	}
	return stepOf(expr)
}

func stepsOf(exprs []hclsyntax.Expression) []hclsyntax.Expression {
	out := make([]hclsyntax.Expression, len(exprs))
	for i, e := range exprs {
		out[i] = stepOf(e)
	}
	return out
}

// parts copies an expression with its parts measured.
func parts(expr hclsyntax.Expression) hclsyntax.Expression {
	switch e := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		c := *e
		c.Expression = stepOf(e.Expression)
		return &c
	case *hclsyntax.BinaryOpExpr:
		c := *e
		c.LHS, c.RHS = stepOf(e.LHS), stepOf(e.RHS)
		return &c
	case *hclsyntax.UnaryOpExpr:
		c := *e
		c.Val = stepOf(e.Val)
		return &c
	case *hclsyntax.ConditionalExpr:
		c := *e
		c.Condition, c.TrueResult, c.FalseResult = stepOf(e.Condition), stepOf(e.TrueResult), stepOf(e.FalseResult)
		return &c
	case *hclsyntax.FunctionCallExpr:
		c := *e
		c.Args = argumentsOf(e)
		return &c
	case *hclsyntax.IndexExpr:
		c := *e
		c.Collection, c.Key = source(e.Collection), stepOf(e.Key)
		return &c
	case *hclsyntax.RelativeTraversalExpr:
		c := *e
		c.Source = source(e.Source)
		return &c
	case *hclsyntax.SplatExpr:
		c := *e
		c.Source, c.Each = source(e.Source), always(e.Each)
		return &c
	case *hclsyntax.ForExpr:
		c := *e
		c.CollExpr, c.ValExpr = stepOf(e.CollExpr), always(e.ValExpr)
		c.KeyExpr, c.CondExpr = stepOf(e.KeyExpr), stepOf(e.CondExpr)
		return &c
	case *hclsyntax.TupleConsExpr:
		c := *e
		c.Exprs = stepsOf(e.Exprs)
		return &c
	case *hclsyntax.ObjectConsExpr:
		c := *e
		c.Items = make([]hclsyntax.ObjectConsItem, len(e.Items))
		for i, item := range e.Items {
			c.Items[i] = hclsyntax.ObjectConsItem{KeyExpr: keyOf(item.KeyExpr), ValueExpr: stepOf(item.ValueExpr)}
		}
		return &c
	case *hclsyntax.TemplateExpr:
		c := *e
		c.Parts = stepsOf(e.Parts)
		return &c
	case *hclsyntax.TemplateWrapExpr:
		c := *e
		c.Wrapped = stepOf(e.Wrapped)
		return &c
	case *hclsyntax.TemplateJoinExpr:
		c := *e
		c.Tuple = stepOf(e.Tuple)
		return &c
	}
	return expr // a leaf
}

// keyOf leaves the outermost part of an object's key as it is: HCL takes a
// bare word there for the name itself.
func keyOf(expr hclsyntax.Expression) hclsyntax.Expression {
	e, ok := expr.(*hclsyntax.ObjectConsKeyExpr)
	if !ok {
		return stepOf(expr)
	}
	c := *e
	c.Wrapped = parts(e.Wrapped)
	return &c
}
