package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/bulkrunner/runner/internal/diag"
)

// A node is a value of a file in HCL's JSON syntax, with its place.
//
// HCL's own parser of that syntax isn't used: it hands out expressions that
// can't be looked into, and takes the second of two members of one name for a
// second block, where everything else that reads JSON drops the first.
type node struct {
	value    any // string, json.Number, bool or nil; json.Delim where it holds others
	members  []member
	elements []node
	rng      hcl.Range
}

// A member is one NAME: VALUE of an object.
type member struct {
	name  node
	value node
}

func (n node) is(delim json.Delim) bool { return n.value == delim }

func (n node) text() string { s, _ := n.value.(string); return s }

// IsJSON tells whether a file is in HCL's JSON syntax.
func IsJSON(name string) bool { return strings.HasSuffix(name, ".json") }

// parseJSON reads a file that scan has let pass.
func parseJSON(src Source) (node, *diag.Diagnostic) {
	text := bytes.TrimPrefix(src.Bytes, []byte("\ufeff"))
	r := jsonReader{src: src, decoder: json.NewDecoder(bytes.NewReader(text)), mark: len(src.Bytes) - len(text), at: hcl.InitialPos}
	r.at.Byte += r.mark
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		at := len(src.Bytes)
		if se, ok := errors.AsType[*json.SyntaxError](err); ok {
			at = int(se.Offset) - 1 + r.mark
		}
		r.invalid(at, err)
		return node{}, r.refusal
	}
	r.decoder.UseNumber()
	root := r.node()
	return root, r.refusal
}

// A jsonReader makes nodes of text that is known to be JSON.
type jsonReader struct {
	src     Source
	decoder *json.Decoder
	mark    int // length of the byte order mark, which the decoder doesn't see
	at      hcl.Pos
	refusal *diag.Diagnostic // the first
}

func (r *jsonReader) invalid(at int, err error) {
	rng := *fileStart(r.src.Name)
	if len(r.src.Bytes) > 0 {
		rng = *oneByte(r.src, max(0, min(at, len(r.src.Bytes)-1)))
	}
	r.refuse(rng, "Invalid JSON", fmt.Sprintf("The file can't be read as JSON from here on: %s.", err))
}

func (r *jsonReader) node() node {
	n := r.token()
	delim, ok := n.value.(json.Delim)
	if !ok {
		return n
	}
	seen := map[string]hcl.Range{}
	for r.decoder.More() && r.refusal == nil {
		if delim == '[' {
			n.elements = append(n.elements, r.node())
			continue
		}
		name := r.token()
		if first, twice := seen[name.text()]; twice {
			r.refuse(name.rng, "Repeated name", fmt.Sprintf("%q stands already at %s in the same object, and most programs would see one of the two. Delete one; blocks of one kind stand in an array.", name.text(), place(first)))
		}
		seen[name.text()] = name.rng
		n.members = append(n.members, member{name, r.node()})
	}
	if r.refusal == nil {
		n.rng.End = r.token().rng.End
	}
	return n
}

func (r *jsonReader) refuse(rng hcl.Range, summary, detail string) {
	if r.refusal == nil {
		r.refusal = &diag.Diagnostic{Summary: summary, Detail: detail, Subject: &rng}
	}
}

// token is the next bracket, name or value.
func (r *jsonReader) token() node {
	token, err := r.decoder.Token()
	if err != nil {
		r.invalid(r.at.Byte, err)
		return node{}
	}
	for strings.IndexByte(" \t\r\n,:", r.src.Bytes[r.at.Byte]) >= 0 {
		r.advance(r.at.Byte + 1)
	}
	n := node{value: token, rng: hcl.Range{Filename: r.src.Name, Start: r.at}}
	r.advance(int(r.decoder.InputOffset()) + r.mark)
	n.rng.End = r.at
	if text, ok := token.(string); ok && strings.ContainsRune(text, utf8.RuneError) {
		raw := bytes.ToLower(n.rng.SliceBytes(r.src.Bytes))
		if !bytes.ContainsRune(raw, utf8.RuneError) && !bytes.Contains(raw, []byte(`\ufffd`)) {
			r.refuse(n.rng, "Invalid JSON", `The text holds half of a \u pair, which is no character. Write the character itself.`)
		}
	}
	return n
}

func (r *jsonReader) advance(to int) {
	for r.at.Byte < to {
		_, size := utf8.DecodeRune(r.src.Bytes[r.at.Byte:])
		if r.src.Bytes[r.at.Byte] == '\n' {
			r.at.Line, r.at.Column = r.at.Line+1, 0
		}
		r.at.Byte, r.at.Column = r.at.Byte+size, r.at.Column+1
	}
}

// jsonBody is a body that content fills when it knows its shape: only that
// tells blocks from arguments.
func (d *decoder) jsonBody(n node) *hclsyntax.Body {
	body := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}, SrcRange: n.rng, EndRange: hcl.Range{Filename: n.rng.Filename, Start: n.rng.End, End: n.rng.End}}
	d.objects[body] = n
	return body
}

// fill puts the members of an object into its body, as blocks and arguments.
func (d *decoder) fill(body *hclsyntax.Body, n node, in string, s shape) {
	for _, object := range d.jsonObjects(n, in) {
		for _, m := range object.members {
			name := m.name.text()
			nested := s.nested(name)
			switch {
			case name == "//": // a comment
			case nested != nil:
				d.jsonBlocks(body, hclsyntax.Block{Type: name, TypeRange: m.name.rng}, nested.labels, m.value, in)
			case len(s.names()) == 0 && !s.open: // nothing but blocks, of which it is none
				body.Blocks = append(body.Blocks, &hclsyntax.Block{Type: name, TypeRange: m.name.rng, Body: d.jsonBody(m.value)})
			case body.Attributes[name] != nil:
				d.declared(fmt.Sprintf("argument %q", name), body.Attributes[name].NameRange, m.name.rng)
			default:
				d.jsonAttribute(body, m, in, s)
			}
		}
	}
}

func (d *decoder) jsonAttribute(body *hclsyntax.Body, m member, in string, s shape) {
	name := m.name.text()
	if !hclsyntax.ValidIdentifier(name) {
		d.add(diag.Diagnostic{
			Summary: "Invalid name",
			Detail:  "The name of an argument or a local value begins with a letter and goes on with letters, digits, _ and -.",
			Subject: m.name.rng.Ptr(), In: in,
		})
		return
	}
	body.Attributes[name] = &hclsyntax.Attribute{
		Name: name, Expr: d.jsonExpression(m.value, d.reading(name, s)),
		SrcRange: hcl.RangeBetween(m.name.rng, m.value.rng), NameRange: m.name.rng, EqualsRange: m.name.rng,
	}
}

// jsonBlocks takes the levels of labels off, and makes a block of each object
// that is left. A message about a block points at its last label, or where it
// stands in an array at its beginning: the name of its type may be far above.
func (d *decoder) jsonBlocks(body *hclsyntax.Body, b hclsyntax.Block, labels []string, n node, in string) {
	if n.value == nil {
		return
	}
	for _, object := range d.jsonObjects(n, in) {
		if len(labels) == 0 {
			block := b
			block.Body = d.jsonBody(object)
			if last := len(b.Labels) - 1; n.is('[') && last >= 0 {
				block.TypeRange = opening(object)
				block.LabelRanges = append(slices.Clone(b.LabelRanges[:last]), block.TypeRange)
			} else if n.is('[') && len(object.members) > 0 {
				block.TypeRange = object.members[0].name.rng
			}
			body.Blocks = append(body.Blocks, &block)
			continue
		}
		for _, m := range object.members {
			block := b
			block.TypeRange = m.name.rng
			block.Labels = append(slices.Clone(b.Labels), m.name.text())
			block.LabelRanges = append(slices.Clone(b.LabelRanges), m.name.rng)
			d.jsonBlocks(body, block, labels[1:], m.value, in)
		}
	}
}

// jsonObjects are an object, or those of an array.
func (d *decoder) jsonObjects(n node, in string) []node {
	all := []node{n}
	if n.is('[') {
		all = n.elements
	}
	for _, o := range all {
		if !o.is('{') {
			d.add(diag.Diagnostic{
				Summary: "Not an object",
				Detail:  `A file, a block and a label are each an object that says what is in them, such as { "csv": { "stale": { … } } }; several stand in an array.`,
				Subject: o.rng.Ptr(), In: in,
			})
			return nil
		}
	}
	return all
}
