package config

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A shape is what a block may hold.
type shape struct {
	required   []string
	attributes []string // optional ones
	open       bool     // any other attribute belongs to somebody else: a provider, locals
	blocks     []nested
}

// A nested is a kind of block within a shape.
type nested struct {
	name   string
	labels []string // what each label is, for messages
	once   bool
}

func (s shape) names() []string { return append(slices.Clone(s.required), s.attributes...) }

func (s shape) nested(name string) *nested {
	for i := range s.blocks {
		if s.blocks[i].name == name {
			return &s.blocks[i]
		}
	}
	return nil
}

func (s shape) blockNames() []string {
	var names []string
	for _, b := range s.blocks {
		names = append(names, b.name)
	}
	return names
}

// content is what a block holds, checked against its shape.
type content struct {
	known  map[string]*hcl.Attribute
	rest   hcl.Attributes // those of an open shape
	blocks []*hclsyntax.Block
}

// expr is the expression of an attribute, nil where it isn't said.
func (c content) expr(name string) hcl.Expression {
	if a := c.known[name]; a != nil {
		return a.Expr
	}
	return nil
}

// content is the only place that looks at bodies. Those of JSON are empty until
// it fills them.
func (d *decoder) content(body *hclsyntax.Body, in string, s shape) content {
	if n, ok := d.objects[body]; ok {
		d.fill(body, n, in, s)
	}
	c := content{known: map[string]*hcl.Attribute{}, rest: hcl.Attributes{}}
	names := s.names()
	for _, a := range sorted(body.Attributes) {
		switch {
		case slices.Contains(names, a.Name):
			c.known[a.Name] = a.AsHCLAttribute()
		case s.nested(a.Name) != nil:
			d.add(diag.Diagnostic{
				Summary: "Block written as an argument",
				Detail:  fmt.Sprintf("%q is a block here: write it as %s { … }, without the equals sign.", a.Name, a.Name),
				Subject: a.NameRange.Ptr(), In: in,
			})
		case s.open:
			c.rest[a.Name] = a.AsHCLAttribute()
		default:
			expected := "Expected are: "
			if len(names) == 0 {
				expected = "Only blocks stand here; arguments stand within them."
			}
			d.add(diag.Diagnostic{
				Summary: "Unknown argument",
				Detail:  fmt.Sprintf("An argument named %q is not expected here.%s", a.Name, didYouMean(a.Name, names, expected)),
				Subject: a.NameRange.Ptr(), In: in,
			})
		}
	}
	for _, name := range s.required {
		if c.known[name] == nil {
			d.add(diag.Diagnostic{
				Summary: "Missing argument",
				Detail:  fmt.Sprintf("The argument %q is required here. Add it.", name),
				Subject: blockStart(body), In: in,
			})
		}
	}
	seen := map[string]*hclsyntax.Block{}
	for _, b := range body.Blocks {
		if d.full() {
			break
		}
		if d.block(b, in, s, seen) {
			c.blocks = append(c.blocks, b)
		}
	}
	return c
}

func (d *decoder) block(b *hclsyntax.Block, in string, s shape, seen map[string]*hclsyntax.Block) bool {
	n := s.nested(b.Type)
	if n == nil {
		m := diag.Diagnostic{Summary: "Unknown block", Subject: b.TypeRange.Ptr(), In: in}
		if slices.Contains(s.names(), b.Type) {
			m.Summary = "Argument written as a block"
			m.Detail = fmt.Sprintf("%q is an argument here: write it as %s = …, with an equals sign.", b.Type, b.Type)
		} else {
			what := "Blocks that may stand here: "
			if len(s.blocks) == 0 {
				what = "No blocks are expected here."
			}
			m.Detail = fmt.Sprintf("A block %q is not expected here.%s", b.Type, didYouMean(b.Type, s.blockNames(), what))
		}
		d.add(m)
		return false
	}
	if len(b.Labels) != len(n.labels) {
		d.add(diag.Diagnostic{
			Summary: "Wrong number of labels",
			Detail:  fmt.Sprintf("The block %q %s. Write it as %s.", b.Type, labelCount(n.labels), header(n)),
			Subject: b.DefRange().Ptr(), In: in,
		})
		return false
	}
	for i, l := range b.Labels {
		if !hclsyntax.ValidIdentifier(l) || len(l) > 100 {
			d.add(diag.Diagnostic{
				Summary: "Invalid name",
				Detail:  fmt.Sprintf("The %s of a %s begins with a letter and goes on with letters, digits, _ and -, at most 100 in all.", n.labels[i], b.Type),
				Subject: b.LabelRanges[i].Ptr(), In: in,
			})
			return false
		}
	}
	if first := seen[b.Type]; n.once && first != nil {
		d.add(diag.Diagnostic{
			Summary: "Repeated block",
			Detail:  fmt.Sprintf("A %q block stands already at %s, and one is all there can be. Put both together or delete one.", b.Type, place(first.DefRange())),
			Subject: b.DefRange().Ptr(), In: in,
		})
		return false
	}
	seen[b.Type] = b
	return true
}

// declared refuses a second declaration, naming both places.
func (d *decoder) declared(what string, first, second hcl.Range) {
	d.add(diag.Diagnostic{
		Summary: "Repeated name",
		Detail:  fmt.Sprintf("The %s is declared already at %s. Rename or delete one of the two.", what, place(first)),
		Subject: second.Ptr(),
	})
}

func place(r hcl.Range) string { return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line) }

// blockStart is where something is missing: the brace that opens the block.
func blockStart(body *hclsyntax.Body) *hcl.Range {
	r := body.SrcRange
	end := r.Start
	end.Byte++
	end.Column++
	return &hcl.Range{Filename: r.Filename, Start: r.Start, End: end}
}

func labelCount(labels []string) string {
	switch len(labels) {
	case 0:
		return "has no labels"
	case 1:
		return "has one label, its " + labels[0]
	}
	return "has two labels, its " + strings.Join(labels, " and its ")
}

func header(n *nested) string {
	h := n.name
	for _, l := range n.labels {
		h += ` "` + strings.ToUpper(l) + `"`
	}
	return h + " { … }"
}

// title is how messages name a block.
func title(b *hclsyntax.Block) string {
	t := b.Type
	for _, l := range b.Labels {
		t += ` "` + l + `"`
	}
	return t
}

func sorted(attrs hclsyntax.Attributes) []*hclsyntax.Attribute {
	out := make([]*hclsyntax.Attribute, 0, len(attrs))
	for _, a := range attrs {
		out = append(out, a)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].SrcRange.Start.Byte < out[j].SrcRange.Start.Byte })
	return out
}

func sortedHCL(attrs hcl.Attributes) []*hcl.Attribute {
	out := make([]*hcl.Attribute, 0, len(attrs))
	for _, a := range attrs {
		out = append(out, a)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Range.Start.Byte < out[j].Range.Start.Byte })
	return out
}
