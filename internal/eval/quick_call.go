package eval

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// quickText are functions of one string that give a string.
var quickText = map[string]func(string) string{
	"lower":     strings.ToLower,
	"upper":     strings.ToUpper,
	"trimspace": strings.TrimSpace,
	"tostring":  func(s string) string { return s },
	"sha256": func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	},
}

// quickTest are questions about two strings.
var quickTest = map[string]func(a, b string) bool{
	"startswith":  strings.HasPrefix,
	"endswith":    strings.HasSuffix,
	"strcontains": strings.Contains,
}

func (q quickener) call(e *hclsyntax.FunctionCallExpr) (node, bool) {
	if e.ExpandFinal {
		return node{}, false
	}
	if e.Name == "contains" && len(e.Args) == 2 {
		return q.contains(e.Args[0], e.Args[1])
	}
	args := make([]node, len(e.Args))
	texts := make([]func(*frame) (string, bool), len(e.Args))
	for i, a := range e.Args {
		var ok bool
		if args[i], ok = q.node(a); !ok || args[i].kind == kindBool {
			return node{}, false
		}
		texts[i] = args[i].asText()
	}
	switch f, test := quickText[e.Name], quickTest[e.Name]; {
	case f != nil && len(args) == 1:
		return node{kind: kindText, text: func(fr *frame) (string, bool) {
			s, ok := texts[0](fr)
			if !ok {
				return "", false
			}
			s = composed(f(s))
			return s, len(s) <= maxText
		}}, true
	case test != nil && len(args) == 2:
		return truthNode(func(fr *frame) (bool, bool) {
			a, okA := texts[0](fr)
			b, okB := texts[1](fr)
			return okA && okB && test(a, b), okA && okB
		}), true
	case e.Name == "timecmp" && len(args) == 2:
		return timeComparison(args, texts), true
	case (e.Name == "tonumber" || e.Name == "todecimal") && len(args) == 1:
		k, from := kindDecimal, texts[0]
		if e.Name == "tonumber" {
			k = kindNumber
			if args[0].kind == kindDecimal {
				return node{}, false
			}
			from = args[0].text
		}
		return node{kind: k, text: func(fr *frame) (string, bool) {
			s, ok := from(fr)
			return s, ok && plainDecimal(s)
		}}, true
	}
	return node{}, false
}

// timeComparison parses a side that no row changes only once.
func timeComparison(args []node, texts []func(*frame) (string, bool)) node {
	var side [2]func(*frame) (time.Time, bool)
	for i := range side {
		if args[i].fixed != nil {
			t, ok := parseTime(*args[i].fixed)
			side[i] = func(*frame) (time.Time, bool) { return t, ok }
			continue
		}
		side[i] = func(f *frame) (time.Time, bool) {
			s, ok := texts[i](f)
			if !ok {
				return time.Time{}, false
			}
			return parseTime(s)
		}
	}
	return node{kind: kindNumber, text: func(f *frame) (string, bool) {
		a, okA := side[0](f)
		b, okB := side[1](f)
		return [...]string{"-1", "0", "1"}[a.Compare(b)+1], okA && okB
	}}
}

// contains looks for a text in a list of strings that no row changes.
func (q quickener) contains(list, value hclsyntax.Expression) (node, bool) {
	v, ok := q.constant(list)
	n, okValue := q.node(value)
	if !ok || !okValue || n.kind != kindText {
		return node{}, false
	}
	if t := v.Type(); !t.IsListType() && !t.IsSetType() && !t.IsTupleType() || v.LengthInt() == 0 {
		return node{}, false
	}
	set := make(map[string]bool)
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		if e.Type() != cty.String || e.IsNull() {
			return node{}, false
		}
		set[e.AsString()] = true
	}
	return truthNode(func(f *frame) (bool, bool) {
		s, ok := n.text(f)
		return set[s], ok
	}), true
}
