package eval

import (
	"regexp/syntax"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A call is a call of a function that may cost more than its arguments are
// large.
type call struct {
	plain *hclsyntax.FunctionCallExpr
	args  []*step // all but the last
	costs func(args []cty.Value) int64
}

// argumentsOf measures a call's arguments. When the last of them is known, and
// before the function runs, its cost is charged.
func argumentsOf(e *hclsyntax.FunctionCallExpr) []hclsyntax.Expression {
	costs := costly[e.Name]
	if costs == nil || len(e.Args) == 0 {
		return stepsOf(e.Args)
	}
	c := &call{plain: e, costs: costs}
	out := make([]hclsyntax.Expression, len(e.Args))
	for i, a := range e.Args {
		s := always(a)
		if i < len(e.Args)-1 {
			s.note = true
			c.args = append(c.args, s)
		} else {
			s.call = c
		}
		out[i] = s
	}
	return out
}

// cost is what the call costs beyond its arguments and its result, in steps.
func (c *call) cost(m *meter, last cty.Value) int64 {
	var args []cty.Value
	for _, s := range c.args {
		v, _ := m.noted[s].UnmarkDeep()
		args = append(args, v)
	}
	last, _ = last.UnmarkDeep()
	if c.plain.ExpandFinal && last.IsWhollyKnown() && !last.IsNull() && last.CanIterateElements() {
		args = append(args, last.AsValueSlice()...)
	} else {
		args = append(args, last)
	}
	for _, a := range args {
		if !a.IsKnown() || a.IsNull() {
			return 0 // the function won't run
		}
	}
	return c.costs(args)
}

// costly are the functions whose work grows faster than what they are given.
var costly = map[string]func(args []cty.Value) int64{
	"regex":    matching(0, 1),
	"regexall": matching(0, 1),
	"replace": func(args []cty.Value) int64 {
		if len(args) != 3 || args[1].Type() != cty.String || !isPattern(args[1].AsString()) {
			return 0
		}
		pattern := args[1].AsString()
		return matching(0, 1)([]cty.Value{cty.StringVal(pattern[1 : len(pattern)-1]), args[0]})
	},
	"jsondecode": func(args []cty.Value) int64 { return decoding(args[0], ",:[{") },
	"csvdecode":  func(args []cty.Value) int64 { return decoding(args[0], ",\n") },
	"parseint":   func(args []cty.Value) int64 { return digits(args[0]) },
	"distinct":   func(args []cty.Value) int64 { return square(args[0], args[0]) },
	"matchkeys": func(args []cty.Value) int64 {
		if len(args) != 3 {
			return 0
		}
		return square(args[1], args[2])
	},
	"join": func(args []cty.Value) int64 {
		if args[0].Type() != cty.String {
			return 0
		}
		n := int64(0)
		for _, list := range args[1:] {
			n += lengthOf(list)
		}
		return n * int64(len(args[0].AsString())) / stepBytes
	},
	"formatlist": func(args []cty.Value) int64 {
		if args[0].Type() != cty.String {
			return 0
		}
		n := int64(1)
		for _, list := range args[1:] {
			n = max(n, lengthOf(list))
		}
		return n * widths(args[0].AsString()) / stepBytes
	},
	"format": func(args []cty.Value) int64 {
		if args[0].Type() != cty.String {
			return 0
		}
		return widths(args[0].AsString()) / stepBytes
	},
	"setproduct": func(args []cty.Value) int64 {
		n := int64(1)
		for _, a := range args {
			if n *= lengthOf(a); n > maxSteps {
				break
			}
		}
		return n * int64(len(args))
	},
}

func lengthOf(v cty.Value) int64 {
	if !v.CanIterateElements() {
		return 1
	}
	return int64(v.LengthInt())
}

func square(a, b cty.Value) int64 { return lengthOf(a) * lengthOf(b) / 4 }

// decoding is the cost of the values that a text stands for, of which each has
// a separator.
func decoding(text cty.Value, separators string) int64 {
	if text.Type() != cty.String {
		return 0
	}
	n, run, s := int64(0), int64(0), text.AsString()
	for i := 0; i <= len(s); i++ {
		if i < len(s) && '0' <= s[i] && s[i] <= '9' {
			run++
			continue
		}
		n, run = n+run*run>>15, 0
		if i < len(s) && strings.IndexByte(separators, s[i]) >= 0 {
			n += 2
		}
	}
	return n
}

// digits is the cost of reading a text as a number.
func digits(text cty.Value) int64 {
	if text.Type() != cty.String {
		return 0
	}
	n := int64(len(text.AsString()))
	return n * n >> 17
}

// matching is the cost of holding a text against an RE2 pattern: the states of
// the pattern are all tried at each byte of the text.
func matching(pattern, text int) func(args []cty.Value) int64 {
	return func(args []cty.Value) int64 {
		if len(args) != 2 || args[pattern].Type() != cty.String || args[text].Type() != cty.String {
			return 0
		}
		re, err := syntax.Parse(args[pattern].AsString(), syntax.Perl)
		if err != nil {
			return 0 // the function will say so
		}
		program, err := syntax.Compile(re.Simplify())
		if err != nil {
			return 0
		}
		states := int64(len(program.Inst))
		return states + states*int64(len(args[text].AsString()))/stepBytes
	}
}

// widths are the characters that a format asks for beside its values.
func widths(spec string) int64 {
	n := int64(0)
	for _, verb := range strings.Split(spec, "%")[1:] {
		number := int64(0)
		for _, c := range verb {
			switch {
			case c >= '0' && c <= '9':
				number = min(number*10+int64(c-'0'), maxText)
				continue
			case number > 0:
				n += number
				number = 0
			}
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
				break
			}
		}
	}
	return n
}
