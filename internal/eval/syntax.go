package eval

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// syntaxOf is the syntax tree of an expression with our operators in it. Both
// of HCL's syntaxes have the same trees.
func (s *Scope) syntaxOf(expr hcl.Expression) hclsyntax.Expression {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.syntaxLocked(expr)
}

func (s *Scope) syntaxLocked(expr hcl.Expression) hclsyntax.Expression {
	e := expr.(hclsyntax.Expression)
	if !s.rewritten[e] {
		s.rewritten[e] = true
		rewrite(e)
	}
	return e
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
