package eval

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/diag"
)

// syntaxOf is the syntax tree of an expression with our operators in it.
func (s *Scope) syntaxOf(expr hcl.Expression) (hclsyntax.Expression, diag.List) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.syntaxLocked(expr)
}

func (s *Scope) syntaxLocked(expr hcl.Expression) (hclsyntax.Expression, diag.List) {
	if e, ok := s.syntax[expr]; ok {
		return e, nil
	}
	e, ok := expr.(hclsyntax.Expression)
	var diags diag.List
	if !ok {
		if e, diags = fromJSON(expr); diags.HasErrors() {
			return nil, diags
		}
	}
	rewrite(e)
	s.syntax[expr] = e
	return e, diags
}

// fromJSON makes the tree of an expression in HCL's JSON syntax. The library
// parses its strings anew at each evaluation, where our operators would not be.
func fromJSON(expr hcl.Expression) (hclsyntax.Expression, diag.List) {
	rng := expr.Range()
	if pairs, d := hcl.ExprMap(expr); !d.HasErrors() {
		object := &hclsyntax.ObjectConsExpr{SrcRange: rng, OpenRange: rng}
		for _, p := range pairs {
			k, d := fromJSON(p.Key)
			if d.HasErrors() {
				return nil, d
			}
			v, d := fromJSON(p.Value)
			if d.HasErrors() {
				return nil, d
			}
			object.Items = append(object.Items, hclsyntax.ObjectConsItem{KeyExpr: k, ValueExpr: v})
		}
		return object, nil
	}
	if elements, d := hcl.ExprList(expr); !d.HasErrors() {
		tuple := &hclsyntax.TupleConsExpr{SrcRange: rng, OpenRange: rng}
		for _, e := range elements {
			v, d := fromJSON(e)
			if d.HasErrors() {
				return nil, d
			}
			tuple.Exprs = append(tuple.Exprs, v)
		}
		return tuple, nil
	}
	v, hd := expr.Value(nil)
	if hd.HasErrors() {
		return nil, diag.FromHCL(hd)
	}
	if v.Type() != cty.String || v.IsNull() {
		return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: rng}, nil
	}
	text := []byte(v.AsString())
	start := rng.Start
	start.Byte++
	start.Column++
	tokens, _ := hclsyntax.LexTemplate(text, rng.Filename, start)
	if why := boundTokens(tokens); why != "" {
		return nil, diag.List{{Summary: "Expression too large", Detail: "The expression can't be read: " + why + ".", Subject: rng.Ptr()}}
	}
	e, hd := hclsyntax.ParseTemplate(text, rng.Filename, start)
	return e, diag.FromHCL(hd)
}

// boundSource says what makes a source unfit to be parsed: brackets within
// brackets beyond what Go's stack holds, and numbers that take minutes to
// print. "" when nothing does.
func boundSource(src []byte) string {
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
	return boundTokens(tokens)
}

func boundTokens(tokens hclsyntax.Tokens) string {
	const maxDepth, maxDigits, maxPower = 100, 40, 30
	depth, signs := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenMinus, hclsyntax.TokenBang, hclsyntax.TokenQuestion, hclsyntax.TokenColon:
			signs++
		default:
			if t.Type != hclsyntax.TokenNumberLit && t.Type != hclsyntax.TokenIdent {
				signs = 0
			}
		}
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			depth--
		case hclsyntax.TokenNumberLit:
			digits, power, _ := strings.Cut(strings.ToLower(string(t.Bytes)), "e")
			if n, err := strconv.Atoi(power); len(digits) > maxDigits || power != "" && (err != nil || n > maxPower || n < -maxPower) {
				return fmt.Sprintf("a number may have %d digits and an exponent up to %d", maxDigits, maxPower)
			}
		}
		if depth > maxDepth || signs > maxDepth {
			return fmt.Sprintf("brackets, quotes and signs may be nested %d deep", maxDepth)
		}
	}
	return ""
}
