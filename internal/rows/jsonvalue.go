package rows

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
)

// parser reads one JSON value in memory. Unlike encoding/json it refuses an
// object with two members of the same name, of which the one or the other
// would have to be believed, half a surrogate pair, and deep nesting.
type parser struct {
	s string
	i int
}

func (p *parser) space() {
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\t' || p.s[p.i] == '\n' || p.s[p.i] == '\r') {
		p.i++
	}
}

// peek is the next byte that isn't space, 0 at the end.
func (p *parser) peek() byte {
	p.space()
	if p.i == len(p.s) {
		return 0
	}
	return p.s[p.i]
}

func (p *parser) end() error {
	if c := p.peek(); c != 0 || p.i < len(p.s) {
		return fmt.Errorf("behind it stands %q", c)
	}
	return nil
}

func (p *parser) unexpected() error {
	if p.peek(); p.i == len(p.s) {
		return errCut
	}
	return fmt.Errorf("%q stands where JSON has something else", p.s[p.i])
}

func (p *parser) expect(c byte) error {
	if p.peek() != c {
		return p.unexpected()
	}
	p.i++
	return nil
}

// members calls each with the names of an object, before the values, which it
// must read.
func (p *parser) members(each func(name string) error) error {
	if p.peek() != '{' {
		if p.i == len(p.s) {
			return errCut
		}
		return errors.New("it is no object")
	}
	p.i++
	var room [16]string
	names, many := room[:0], map[string]bool(nil)
	for first := true; ; first = false {
		if p.peek() == '}' {
			p.i++
			return nil
		}
		if !first {
			if err := p.expect(','); err != nil {
				return err
			}
			p.space()
		}
		name, err := p.text()
		if err != nil {
			return err
		}
		twice := many[name]
		for _, n := range names {
			twice = twice || n == name
		}
		if twice {
			return fmt.Errorf("it has two members %q, and which of them is meant would be a guess", cut(name))
		}
		if len(names) < len(room) {
			names = append(names, name)
		} else {
			if many == nil {
				many = make(map[string]bool)
			}
			many[name] = true
		}
		if err := p.expect(':'); err != nil {
			return err
		}
		p.space()
		if err := each(name); err != nil {
			return err
		}
	}
}

// elements calls each before every element of an array.
func (p *parser) elements(each func() error) error {
	if err := p.expect('['); err != nil {
		return err
	}
	for first := true; ; first = false {
		if p.peek() == ']' && first {
			p.i++
			return nil
		}
		if !first {
			if p.peek() == ']' {
				p.i++
				return nil
			}
			if err := p.expect(','); err != nil {
				return err
			}
		}
		p.space()
		if err := each(); err != nil {
			return err
		}
	}
}

// skip reads over a value.
func (p *parser) skip(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("it is nested deeper than %d levels", maxDepth)
	}
	switch c := p.peek(); c {
	case '{':
		return p.members(func(string) error { return p.skip(depth + 1) })
	case '[':
		return p.elements(func() error { return p.skip(depth + 1) })
	case '"':
		_, err := p.text()
		return err
	case 't', 'f', 'n':
		_, err := p.word()
		return err
	}
	_, err := p.digits()
	return err
}

// value reads a value of any kind. Numbers are exact: nobody writes more digits
// than cty keeps, and who does is refused.
func (p *parser) value(depth int) (cty.Value, error) {
	if depth > maxDepth {
		return cty.NilVal, fmt.Errorf("it is nested deeper than %d levels", maxDepth)
	}
	switch c := p.peek(); c {
	case '{':
		m := make(map[string]cty.Value)
		err := p.members(func(name string) (err error) {
			// cty keeps accented letters as one character, so two names
			// may be one to it.
			name = cty.NormalizeString(name)
			if _, twice := m[name]; twice {
				return fmt.Errorf("it has two members %q", cut(name))
			}
			m[name], err = p.value(depth + 1)
			return err
		})
		return cty.ObjectVal(m), err
	case '[':
		list := []cty.Value{}
		err := p.elements(func() error {
			v, err := p.value(depth + 1)
			list = append(list, v)
			return err
		})
		return cty.TupleVal(list), err
	case '"':
		s, err := p.text()
		return cty.StringVal(s), err
	case 't', 'f', 'n':
		word, err := p.word()
		switch {
		case err != nil:
			return cty.NilVal, err
		case word == "null":
			return cty.NullVal(cty.DynamicPseudoType), nil
		}
		return cty.BoolVal(word == "true"), nil
	}
	s, err := p.digits()
	if err != nil {
		return cty.NilVal, err
	}
	return exact(s)
}

func exact(s string) (cty.Value, error) {
	plain, ok := expand(s)
	if !ok || len(plain) > 64 {
		return cty.NilVal, fmt.Errorf("the number %s has more digits than are held", cut(s))
	}
	return cty.ParseNumberVal(plain)
}

// expand writes a number out without its exponent.
func expand(s string) (plain string, ok bool) {
	e := strings.IndexAny(s, "eE")
	if e < 0 {
		return s, true
	}
	shift, err := strconv.Atoi(s[e+1:])
	if err != nil || shift < -30 || shift > 30 {
		return "", false
	}
	sign, s := s[:strings.LastIndexByte(s[:1], '-')+1], strings.TrimPrefix(s[:e], "-")
	whole, fraction, _ := strings.Cut(s, ".")
	if shift > 0 {
		fraction += strings.Repeat("0", max(0, shift-len(fraction)))
		whole, fraction = whole+fraction[:shift], fraction[shift:]
	} else {
		whole = strings.Repeat("0", max(0, 1-shift-len(whole))) + whole
		whole, fraction = whole[:len(whole)+shift], whole[len(whole)+shift:]+fraction
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return sign + whole + fraction, true
}

// A cell is a value as its column's type: text, or a value of type Any.
type cell struct {
	text  string
	null  bool
	value cty.Value
}

// cell reads a value for a column. What is wrong with it comes as words, and
// as an error only where JSON itself is broken.
func (p *parser) cell(t Type) (v cell, summary, detail string, err error) {
	c := p.peek()
	if c == 'n' {
		_, err := p.word()
		return cell{null: true, value: cty.NullVal(cty.DynamicPseudoType)}, "", "", err
	}
	if t == Any {
		v.value, err = p.value(1)
		return v, "", "", err
	}
	var text string
	kind := "a " + typeNames[t]
	switch c {
	case '"':
		text, err = p.text()
	case 't', 'f':
		text, err = p.word()
	case '{', '[':
		err = p.skip(1)
		return v, "Invalid value", fmt.Sprintf("It is an object or an array, where the column is %s.", kind), err
	default:
		text, err = p.digits()
	}
	number := c == '-' || c >= '0' && c <= '9'
	switch {
	case err != nil:
		return v, "", "", err
	case t == String && (c == '"' || number), t == Bool && c != '"' && !number:
		return cell{text: text}, "", "", nil
	case t == Decimal && (c == '"' || number):
		if plain, ok := expand(text); number && ok && len(plain) <= 15 {
			text = plain
		}
		if !plainDecimal(text) {
			return v, "Invalid decimal", DecimalHint(text), nil
		}
		return cell{text: text}, "", "", nil
	case t == Number && number:
		if plain, ok := expand(text); ok && plainDecimal(plain) {
			return cell{text: plain}, "", "", nil
		}
		return v, "Invalid number", fmt.Sprintf("%s has more digits than can be held.", cut(text)), nil
	}
	return v, "Invalid value", fmt.Sprintf("%s is not %s.", cut(text), kind), nil
}

func (p *parser) word() (string, error) {
	for _, w := range []string{"true", "false", "null"} {
		if strings.HasPrefix(p.s[p.i:min(len(p.s), p.i+5)], w) {
			p.i += len(w)
			return w, nil
		}
	}
	if len(p.s)-p.i < 4 {
		return "", errCut
	}
	return "", fmt.Errorf("%q is no word of JSON", cut(p.s[p.i:min(len(p.s), p.i+8)]))
}

// digits reads a number's text.
func (p *parser) digits() (string, error) {
	start := p.i
	take := func() (n int) {
		for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
			p.i++
			n++
		}
		return n
	}
	next := func(set string) bool {
		if p.i < len(p.s) && strings.IndexByte(set, p.s[p.i]) >= 0 {
			p.i++
			return true
		}
		return false
	}
	next("-")
	whole := p.i
	if n := take(); n == 0 || n > 1 && p.s[whole] == '0' {
		if n == 0 {
			return "", p.unexpected()
		}
		return "", fmt.Errorf("the number %s begins with a zero, which JSON doesn't have; an id that does is text, in double quotes", cut(p.s[start:p.i]))
	}
	if next(".") && take() == 0 {
		return "", p.unexpected()
	}
	if next("eE") {
		next("+-")
		if take() == 0 {
			return "", p.unexpected()
		}
	}
	return p.s[start:p.i], nil
}

// text reads a string.
func (p *parser) text() (string, error) {
	if p.i == len(p.s) || p.s[p.i] != '"' {
		return "", p.unexpected()
	}
	p.i++
	start := p.i
	for ; p.i < len(p.s); p.i++ {
		switch c := p.s[p.i]; {
		case c == '"':
			s := p.s[start:p.i]
			p.i++
			if !utf8.ValidString(s) {
				return "", errors.New("a text in it is not UTF-8")
			}
			return s, nil
		case c < ' ':
			return "", fmt.Errorf("a text in it holds %q as it is, which JSON writes as \\u%04x", c, c)
		case c == '\\':
			return p.escaped(start)
		}
	}
	return "", errCut
}

// escaped reads on in a string that has escapes.
func (p *parser) escaped(start int) (string, error) {
	out := append([]byte(nil), p.s[start:p.i]...)
	for p.i < len(p.s) {
		c := p.s[p.i]
		p.i++
		switch {
		case c == '"':
			if !utf8.Valid(out) {
				return "", errors.New("a text in it is not UTF-8")
			}
			return string(out), nil
		case c < ' ':
			return "", fmt.Errorf("a text in it holds %q as it is, which JSON writes as \\u%04x", c, c)
		case c != '\\':
			out = append(out, c)
			continue
		}
		if p.i == len(p.s) {
			return "", errCut
		}
		c = p.s[p.i]
		p.i++
		if at := strings.IndexByte(`"\/bfnrt`, c); at >= 0 {
			out = append(out, "\"\\/\b\f\n\r\t"[at])
			continue
		}
		if c != 'u' {
			return "", fmt.Errorf("\\%c is no escape of JSON", c)
		}
		r, ok := p.hex()
		if ok && utf16.IsSurrogate(r) {
			var second rune
			if ok = p.i+2 <= len(p.s) && p.s[p.i] == '\\' && p.s[p.i+1] == 'u'; ok {
				p.i += 2
				second, ok = p.hex()
				r = utf16.DecodeRune(r, second)
				ok = ok && r != utf8.RuneError
			}
		}
		if !ok || r == 0 {
			return "", errors.New("a text in it has an escape \\u that is no character")
		}
		out = utf8.AppendRune(out, r)
	}
	return "", errCut
}

func (p *parser) hex() (r rune, ok bool) {
	if p.i+4 > len(p.s) {
		return 0, false
	}
	for _, c := range p.s[p.i : p.i+4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	p.i += 4
	return r, true
}
