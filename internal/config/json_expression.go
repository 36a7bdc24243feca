package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/diag"
)

// A reading is what the strings of a JSON value are.
type reading uint8

const (
	asTemplate   reading = iota // templates: "${each.value.id}" is that value
	asExpression                // what HCL writes without quotes: "list.csv.stale", "list(string)"
	asText                      // themselves, as in a variables file
)

// unquoted are our own arguments whose values are names or types: HCL writes
// them without quotes.
var unquoted = []string{"for_each", "provider", "depends_on", "columns", "type"}

func (d *decoder) reading(name string, s shape) reading {
	switch {
	case d.values:
		return asText
	case slices.Contains(unquoted, name) && slices.Contains(s.names(), name):
		return asExpression
	}
	return asTemplate
}

// withoutQuotes is how a name or a type is written where expr stands.
func withoutQuotes(expr hcl.Expression) string {
	if IsJSON(expr.Range().Filename) {
		return "without ${ }"
	}
	return "without quotes"
}

// jsonExpression is the tree that the same value has in HCL's own syntax, so
// that whatever looks at trees needs to know one kind.
func (d *decoder) jsonExpression(n node, r reading) hclsyntax.Expression {
	switch v := n.value.(type) {
	case json.Delim:
		if v == '[' {
			tuple := &hclsyntax.TupleConsExpr{SrcRange: n.rng, OpenRange: opening(n)}
			for _, e := range n.elements {
				tuple.Exprs = append(tuple.Exprs, d.jsonExpression(e, r))
			}
			return tuple
		}
		object := &hclsyntax.ObjectConsExpr{SrcRange: n.rng, OpenRange: opening(n)}
		for _, m := range n.members {
			key := r
			if r == asExpression {
				key = asText
			}
			object.Items = append(object.Items, hclsyntax.ObjectConsItem{
				KeyExpr:   &hclsyntax.ObjectConsKeyExpr{Wrapped: d.jsonExpression(m.name, key), ForceNonLiteral: true},
				ValueExpr: d.jsonExpression(m.value, r),
			})
		}
		return object
	case string:
		return d.jsonString(n, r)
	case json.Number:
		number, err := cty.ParseNumberVal(v.String())
		if err != nil {
			number = cty.NullVal(cty.Number)
		}
		return &hclsyntax.LiteralValueExpr{Val: number, SrcRange: n.rng}
	case bool:
		return &hclsyntax.LiteralValueExpr{Val: cty.BoolVal(v), SrcRange: n.rng}
	}
	return &hclsyntax.LiteralValueExpr{Val: cty.NullVal(cty.DynamicPseudoType), SrcRange: n.rng}
}

func opening(n node) hcl.Range {
	r := n.rng
	r.End = r.Start
	r.End.Byte++
	r.End.Column++
	return r
}

// bareReference is what somebody meant who has forgotten that JSON's strings
// are texts: as an argument it would be sent for every row.
var bareReference = regexp.MustCompile(`^(var|local|each|live)(\.[A-Za-z_][A-Za-z0-9_-]*)+$`)

// jsonString was held to be a template that can be parsed when its file was
// read. One that is no expression where it should be remains a text, of which
// whoever wants a name or a type will say so.
func (d *decoder) jsonString(n node, r reading) hclsyntax.Expression {
	if r == asExpression {
		tokens, _ := hclsyntax.LexExpression([]byte(n.text()), n.rng.Filename, n.rng.Start)
		if scanTokens(tokens) == nil {
			if e, diags := d.embedded(n, hclsyntax.ParseExpression); !diags.HasErrors() {
				return e
			}
		}
		r = asText
	}
	if r == asTemplate && bareReference.MatchString(n.text()) {
		d.add(diag.Diagnostic{
			Summary: "Reference without ${ }",
			Detail:  fmt.Sprintf(`This is the text %q and not what it names, the same for every row: write "${%s}". If the text itself is meant, write "${\"%s\"}".`, n.text(), n.text(), n.text()),
			Subject: n.rng.Ptr(),
		})
	}
	if r == asText || !strings.ContainsAny(n.text(), "$%") {
		return &hclsyntax.TemplateExpr{
			Parts:    []hclsyntax.Expression{&hclsyntax.LiteralValueExpr{Val: cty.StringVal(n.text()), SrcRange: n.rng}},
			SrcRange: n.rng,
		}
	}
	e, _ := d.embedded(n, hclsyntax.ParseTemplate)
	switch e := e.(type) {
	case *hclsyntax.TemplateWrapExpr: // "${…}" alone is what is in it
		return e.Wrapped
	case *hclsyntax.TemplateExpr:
		e.SrcRange = n.rng
	}
	return e
}

// checkTemplates parses every string of a file once, so that a file is refused
// for its syntax before anything is made of it.
func (d *decoder) checkTemplates(n node) {
	for _, e := range n.elements {
		d.checkTemplates(e)
	}
	for _, m := range n.members {
		d.checkTemplates(m.name)
		d.checkTemplates(m.value)
	}
	if d.full() || !strings.ContainsAny(n.text(), "$%") {
		return
	}
	start := n.rng.Start
	tokens, _ := hclsyntax.LexTemplate([]byte(n.text()), n.rng.Filename, start)
	if refusal := scanTokens(tokens); refusal != nil {
		refusal.Subject = n.rng.Ptr()
		d.add(*refusal)
		return
	}
	_, diags := d.embedded(n, hclsyntax.ParseTemplate)
	for _, m := range diags {
		d.add(m)
	}
}

// embedded parses HCL that stands in a string of JSON. The ranges within it
// are those of the file, where quotes have a backslash before them.
func (d *decoder) embedded(n node, parse func([]byte, string, hcl.Pos) (hclsyntax.Expression, hcl.Diagnostics)) (hclsyntax.Expression, diag.List) {
	start := n.rng.Start
	start.Byte++
	start.Column++
	text := n.text()
	e, hd := parse([]byte(text), n.rng.Filename, start)
	diags := diag.FromHCL(hd)
	raw := n.rng.SliceBytes(d.bytes[n.rng.Filename])
	if len(raw) == len(text)+2 {
		return e, diags
	}
	at := positions(raw[1:len(raw)-1], start)
	move := func(r hcl.Range) hcl.Range {
		place := func(p hcl.Pos) hcl.Pos { return at[max(0, min(p.Byte-start.Byte, len(at)-1))] }
		return hcl.Range{Filename: r.Filename, Start: place(r.Start), End: place(r.End)}
	}
	relocate(reflect.ValueOf(e), move, map[uintptr]bool{})
	for i := range diags {
		if diags[i].Subject != nil {
			moved := move(*diags[i].Subject)
			diags[i].Subject = &moved
		}
	}
	return e, diags
}

// positions are the places in a file of each byte that the inside of a JSON
// string stands for, and of its end.
func positions(raw []byte, at hcl.Pos) []hcl.Pos {
	var out []hcl.Pos
	for i := 0; i < len(raw); {
		c, size := utf8.DecodeRune(raw[i:])
		columns, stands := 1, size
		if c == '\\' {
			size, stands = 2, 1
			if raw[i+1] == 'u' {
				size, c = 6, hex(raw[i+2:i+6])
				if utf16.IsSurrogate(c) {
					size, c = 12, utf16.DecodeRune(c, hex(raw[i+8:i+12]))
				}
				stands = utf8.RuneLen(c)
			}
			columns = size
		}
		for range stands {
			out = append(out, at)
		}
		i += size
		at.Byte, at.Column = at.Byte+size, at.Column+columns
	}
	return append(out, at)
}

func hex(digits []byte) rune {
	n, _ := strconv.ParseUint(string(digits), 16, 32)
	return rune(n)
}

// relocate moves all ranges within a tree. A symbol that stands in two places
// of it is moved once.
func relocate(v reflect.Value, move func(hcl.Range) hcl.Range, seen map[uintptr]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] || v.Type() == reflect.TypeFor[*hclsyntax.Operation]() {
			return
		}
		seen[v.Pointer()] = true
		relocate(v.Elem(), move, seen)
	case reflect.Interface:
		switch e := v.Elem(); e.Kind() {
		case reflect.Pointer:
			relocate(e, move, seen)
		case reflect.Struct: // a step of a traversal
			moved := reflect.New(e.Type()).Elem()
			moved.Set(e)
			relocate(moved, move, seen)
			v.Set(moved)
		}
	case reflect.Slice:
		for i := range v.Len() {
			relocate(v.Index(i), move, seen)
		}
	case reflect.Struct:
		if r, ok := v.Interface().(hcl.Range); ok {
			v.Set(reflect.ValueOf(move(r)))
			return
		}
		for _, f := range v.Fields() {
			if f.CanSet() {
				relocate(f, move, seen)
			}
		}
	}
}
