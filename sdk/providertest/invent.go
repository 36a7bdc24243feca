package providertest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bulkrunner/runner/sdk"
)

// invent makes a value that an attribute's schema allows: another text at
// every call, since it may be what names an item, and a planted one for what
// is sensitive.
func (s *suite) invent(a sdk.Attribute) (any, error) {
	s.number++
	if len(a.OneOf) > 0 {
		return a.OneOf[0], nil
	}
	value, err := s.inventType(a.Type, a)
	if err != nil {
		return nil, fmt.Errorf("attribute %s: %w", a.Name, err)
	}
	if text, ok := value.(string); ok && a.Sensitive {
		s.planted.add(text)
	}
	return value, nil
}

func (s *suite) inventType(notation json.RawMessage, a sdk.Attribute) (any, error) {
	var parts []json.RawMessage
	if json.Unmarshal(notation, &parts) == nil && len(parts) > 1 {
		return s.inventCompound(parts)
	}
	switch strings.Trim(string(notation), `"`) {
	case "bool":
		return false, nil
	case "number":
		if a.Role == "amount" {
			return 1000, nil
		}
		return 1, nil
	case "string":
		if a.Decimal {
			if a.Integer || a.Exponent > 0 {
				return "1000", nil
			}
			return "10.00", nil
		}
		return s.inventText(a)
	}
	return nil, fmt.Errorf("nothing is known of its type: give a sample of your own")
}

func (s *suite) inventCompound(parts []json.RawMessage) (any, error) {
	var kind string
	_ = json.Unmarshal(parts[0], &kind)
	switch kind {
	case "list", "set":
		element, err := s.inventType(parts[1], sdk.Attribute{})
		return []any{element}, err
	case "map":
		return map[string]any{}, nil
	}
	var attributes map[string]json.RawMessage
	var optional []string
	if err := json.Unmarshal(parts[1], &attributes); err != nil {
		return nil, fmt.Errorf("its type is not in cty's notation")
	}
	if len(parts) > 2 {
		_ = json.Unmarshal(parts[2], &optional)
	}
	out := map[string]any{}
	for name, t := range attributes {
		if slices.Contains(optional, name) {
			continue
		}
		value, err := s.inventType(t, sdk.Attribute{})
		if err != nil {
			return nil, err
		}
		out[name] = value
	}
	return out, nil
}

// currencies are tried in this order.
var currencies = []string{"PEN", "COP", "ARS", "USD", "EUR"}

func (s *suite) inventText(a sdk.Attribute) (string, error) {
	if a.Role == "currency" && a.Pattern == "" {
		return currencies[0], nil
	}
	if a.Pattern == "" {
		text := fmt.Sprintf("T%d", s.number)
		if a.Sensitive {
			text = fmt.Sprintf("planted%dsecret", s.number)
		}
		for utf8.RuneCountInString(text) < a.MinLength {
			text += "0"
		}
		if a.MaxLength > 0 && len(text) > a.MaxLength {
			text = text[len(text)-a.MaxLength:]
		}
		return text, nil
	}
	whole, err := regexp.Compile("^(?:" + a.Pattern + ")$")
	if err != nil {
		return "", fmt.Errorf("its pattern is not a regular expression")
	}
	fits := func(text string) bool {
		n := utf8.RuneCountInString(text)
		return whole.MatchString(text) && n >= a.MinLength && (a.MaxLength == 0 || n <= a.MaxLength)
	}
	if a.Role == "currency" {
		if i := slices.IndexFunc(currencies, fits); i >= 0 {
			return currencies[i], nil
		}
	}
	tree, err := syntax.Parse(a.Pattern, syntax.Perl)
	if err != nil {
		return "", fmt.Errorf("its pattern is not a regular expression")
	}
	random := rand.New(rand.NewPCG(uint64(s.number), 0))
	for extra := range 64 {
		var out strings.Builder
		expand(&out, tree, random, extra)
		if text := out.String(); text != "" && fits(text) {
			return text, nil
		}
	}
	return "", fmt.Errorf("no text was found that its pattern %s and lengths allow: give a sample of your own", a.Pattern)
}

// expand writes a text that a pattern matches. What may be repeated is
// repeated extra times more than it must.
func expand(out *strings.Builder, re *syntax.Regexp, random *rand.Rand, extra int) {
	repeat := func(least, most int) {
		n := least + extra
		if most >= 0 {
			n = min(n, most)
		}
		for range n {
			expand(out, re.Sub[0], random, extra)
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		out.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		out.WriteRune(pick(re.Rune, random))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		out.WriteRune('a' + rune(random.IntN(26)))
	case syntax.OpCapture:
		expand(out, re.Sub[0], random, extra)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			expand(out, sub, random, extra)
		}
	case syntax.OpAlternate:
		expand(out, re.Sub[random.IntN(len(re.Sub))], random, extra)
	case syntax.OpQuest:
		repeat(0, 1)
	case syntax.OpStar:
		repeat(0, -1)
	case syntax.OpPlus:
		repeat(1, -1)
	case syntax.OpRepeat:
		repeat(re.Min, re.Max)
	}
}

// pick takes a character of a class, a printable one of ASCII if it has any.
func pick(ranges []rune, random *rand.Rand) rune {
	var plain []rune
	for i := 0; i+1 < len(ranges); i += 2 {
		for c := max(ranges[i], '!'); c <= min(ranges[i+1], '~'); c++ {
			plain = append(plain, c)
		}
	}
	letters := slices.DeleteFunc(slices.Clone(plain), func(c rune) bool {
		return !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z')
	})
	switch {
	case len(letters) > 0:
		return letters[random.IntN(len(letters))]
	case len(plain) > 0:
		return plain[random.IntN(len(plain))]
	case len(ranges) > 0:
		return ranges[0]
	}
	return 'a'
}
