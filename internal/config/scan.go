package config

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// What a file may ask of the HCL library. Its parser recurses once for each
// bracket and each operator, and Go can't recover from a stack that overflows;
// cty writes 1e100000000 out digit by digit, which takes hours.
const (
	maxDepth    = 100     // brackets, quotes and templates open at once
	maxChain    = 1000    // operators, indexes and directives that hang on one another
	maxSigns    = 400_000 // words and signs: some 800 KiB of inline rows
	maxNumber   = 40      // characters of a number
	maxExponent = 30
)

// scan looks at a file's tokens before the parser may: it returns nil when the
// parser can be trusted with it, or what is wrong and where.
func scan(src Source) *diag.Diagnostic {
	if len(src.Bytes) > MaxFile {
		d := tooLarge(src.Name)
		return &d
	}
	if d := checkUTF8(src); d != nil {
		return d
	}
	if i := bytes.IndexByte(src.Bytes, 0); i >= 0 {
		return &diag.Diagnostic{
			Summary: "NUL byte in the file",
			Detail:  fmt.Sprintf("Byte %d of the file is NUL, which no text has: the file is damaged, or of another kind. Take the byte out, or write the file again.", i+1),
			Subject: oneByte(src, i),
		}
	}
	if d := checkSigns(src); d != nil {
		return d
	}
	if IsJSON(src.Name) {
		return scanJSON(src)
	}
	tokens, _ := hclsyntax.LexConfig(src.Bytes, src.Name, hcl.InitialPos)
	return scanTokens(tokens)
}

func scanTokens(tokens hclsyntax.Tokens) *diag.Diagnostic {
	s := scanner{frames: []frame{{open: hclsyntax.TokenNewline}}}
	for _, t := range tokens {
		if d := checkNumber(t); d != nil {
			return d
		}
		if t.Type == hclsyntax.TokenNewline || t.Type == hclsyntax.TokenComment {
			s.line = s.line || bytes.HasSuffix(t.Bytes, []byte("\n"))
			continue
		}
		if d := s.token(t); d != nil {
			return d
		}
		s.last, s.line = t.Type, false
	}
	return nil
}

// scanJSON bounds brackets and numbers. What is in strings is looked at when
// they are parsed.
func scanJSON(src Source) *diag.Diagnostic {
	depth, text, number := 0, false, -1
	for i := 0; i <= len(src.Bytes); i++ {
		var c byte // 0 after the last
		if i < len(src.Bytes) {
			c = src.Bytes[i]
		}
		switch {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{', c == '[':
			if depth++; depth > maxDepth {
				return tooDeep(oneByte(src, i))
			}
		case c == '}', c == ']':
			depth--
		}
		switch {
		case number < 0 && !text && (c == '-' || '0' <= c && c <= '9'):
			number = i
		case number >= 0 && strings.IndexByte("0123456789+-.eE", c) < 0:
			if d := checkNumber(hclsyntax.Token{Type: hclsyntax.TokenNumberLit, Bytes: src.Bytes[number:i]}); d != nil {
				d.Subject = oneByte(src, number)
				return d
			}
			number = -1
		}
	}
	return nil
}

func tooDeep(subject *hcl.Range) *diag.Diagnostic {
	return &diag.Diagnostic{
		Summary: "Expression is nested too deeply",
		Detail:  fmt.Sprintf("More than %d brackets, quotes and templates are open here. Split what is inside into local values.", maxDepth),
		Subject: subject,
	}
}

// A scanner bounds the depth of the tree that the parser will build. Brackets
// make it deep, and so does a chain: 1+1+1 is a tree two levels deep although
// nothing is open in it.
type scanner struct {
	frames []frame
	chain  int                 // of all open frames together
	last   hclsyntax.TokenType // the last that was neither a line end nor a comment
	line   bool                // whether a line ended since
}

// A frame is one open bracket, quote or template. Its depth is that of its
// deepest segment, where commas and line ends divide segments.
type frame struct {
	open  hclsyntax.TokenType
	chain int // links met in this segment
	child int // the deepest frame closed in this segment
	best  int // the deepest segment before this one
}

func (s *scanner) token(t hclsyntax.Token) *diag.Diagnostic {
	top := &s.frames[len(s.frames)-1]
	if t.Type == hclsyntax.TokenComma || s.line && top.seesLines() && !links(s.last) && !links(t.Type) {
		top.best = max(top.best, top.chain+top.child)
		s.chain -= top.chain
		top.chain, top.child = 0, 0
	}
	if links(t.Type) {
		top.chain++
		s.chain++
		if s.chain+top.child > maxChain {
			return tooLong(t)
		}
	}
	switch {
	case opens(t.Type):
		if len(s.frames) > maxDepth {
			return tooDeep(t.Range.Ptr())
		}
		s.frames = append(s.frames, frame{open: t.Type})
	case len(s.frames) > 1 && closes(top.open, t.Type):
		depth := max(top.best, top.chain+top.child)
		s.chain -= top.chain
		s.frames = s.frames[:len(s.frames)-1]
		top = &s.frames[len(s.frames)-1]
		top.child = max(top.child, depth)
		if s.chain+top.child > maxChain {
			return tooLong(t)
		}
	}
	return nil
}

// seesLines tells whether a line end may divide segments: in brackets the
// parser doesn't see it. It doesn't in { for … } either; rather than to know
// where that is, the scanner trusts no line end between two parts of a chain.
func (f *frame) seesLines() bool {
	return f.open == hclsyntax.TokenOBrace || f.open == hclsyntax.TokenNewline
}

func tooLong(t hclsyntax.Token) *diag.Diagnostic {
	return &diag.Diagnostic{
		Summary: "Expression is too long",
		Detail:  fmt.Sprintf("More than %d operators, indexes and template directives hang on one another here. Split the expression into local values; a long row of comparisons reads better as contains([…], value).", maxChain),
		Subject: t.Range.Ptr(),
	}
}

func links(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPlus, hclsyntax.TokenMinus, hclsyntax.TokenPercent,
		hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq,
		hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenBang,
		hclsyntax.TokenQuestion, hclsyntax.TokenOBrack, hclsyntax.TokenTemplateControl:
		return true
	}
	return false
}

func opens(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote,
		hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return true
	}
	return false
}

func closes(open, t hclsyntax.TokenType) bool {
	switch open {
	case hclsyntax.TokenOBrace:
		return t == hclsyntax.TokenCBrace
	case hclsyntax.TokenOBrack:
		return t == hclsyntax.TokenCBrack
	case hclsyntax.TokenOParen:
		return t == hclsyntax.TokenCParen
	case hclsyntax.TokenOQuote:
		return t == hclsyntax.TokenCQuote
	case hclsyntax.TokenOHeredoc:
		return t == hclsyntax.TokenCHeredoc
	case hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return t == hclsyntax.TokenTemplateSeqEnd
	}
	return false
}

func checkNumber(t hclsyntax.Token) *diag.Diagnostic {
	if t.Type != hclsyntax.TokenNumberLit {
		return nil
	}
	if len(t.Bytes) > maxNumber {
		return &diag.Diagnostic{
			Summary: "Number is too long",
			Detail:  fmt.Sprintf("A number may have %d characters. If this is an identifier, write it between quotes: identifiers are text.", maxNumber),
			Subject: t.Range.Ptr(),
		}
	}
	if i := bytes.IndexAny(t.Bytes, "eE"); i >= 0 {
		e, err := strconv.Atoi(string(t.Bytes[i+1:]))
		if err != nil || e > maxExponent || e < -maxExponent {
			return &diag.Diagnostic{
				Summary: "Number is too large",
				Detail:  fmt.Sprintf("The exponent of a number lies between -%d and %d. Write the number out if it is meant.", maxExponent, maxExponent),
				Subject: t.Range.Ptr(),
			}
		}
	}
	return nil
}

func checkUTF8(src Source) *diag.Diagnostic {
	if utf8.Valid(src.Bytes) {
		return nil
	}
	i := 0
	for {
		r, n := utf8.DecodeRune(src.Bytes[i:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		i += n
	}
	next := "Save the file as UTF-8; if its letters with accents look right elsewhere, it is probably Latin-1 or Windows-1252 now."
	if i == 0 && (bytes.HasPrefix(src.Bytes, []byte{0xff, 0xfe}) || bytes.HasPrefix(src.Bytes, []byte{0xfe, 0xff})) {
		next = "It begins like UTF-16: save it as UTF-8."
	}
	return &diag.Diagnostic{
		Summary: "File is not UTF-8",
		Detail:  fmt.Sprintf("Byte %d of the file is 0x%02X, which is not UTF-8 there. %s", i+1, src.Bytes[i], next),
		Subject: oneByte(src, i),
	}
}

// checkSigns bounds the tokens before there are any: each takes a hundred
// times the memory of the byte that it stands for.
func checkSigns(src Source) *diag.Diagnostic {
	n, inWord := 0, false
	for i, c := range src.Bytes {
		word := c >= utf8.RuneSelf || c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
		if word && !inWord || !word && c != ' ' && c != '\t' && c != '\r' {
			n++
		}
		inWord = word
		if n > maxSigns {
			return &diag.Diagnostic{
				Summary: "File is too large",
				Detail:  fmt.Sprintf("Here begins what is beyond %d words and signs, the most that such a file may have. Rows belong in a list's file, which may have any size.", maxSigns),
				Subject: oneByte(src, i),
			}
		}
	}
	return nil
}

// oneByte is the range of one byte of a file that has no tokens yet.
func oneByte(src Source, i int) *hcl.Range {
	before := src.Bytes[:i]
	start := hcl.Pos{Line: bytes.Count(before, []byte("\n")) + 1, Byte: i}
	start.Column = utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	end := start
	end.Byte++
	end.Column++
	return &hcl.Range{Filename: src.Name, Start: start, End: end}
}
