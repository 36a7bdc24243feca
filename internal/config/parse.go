package config

import (
	"fmt"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxDiagnostics is how many problems one parse reports. A file of another
// kind under our name would fill the screen with them, and who has corrected a
// hundred runs the command again.
const maxDiagnostics = 100

// Parse makes a configuration of sources, such as those that a run file has
// stored. What it answers is what [Load] answers.
func Parse(sources []Source) (*Config, diag.List) {
	d := newDecoder(newConfig(sources))
	broken := false
	for _, src := range d.cfg.Sources {
		body := d.syntax(src)
		if body == nil {
			broken = true
			continue
		}
		d.file(body)
	}
	if !broken { // what a broken file declares would be missed everywhere
		d.check()
	}
	return d.cfg, d.report()
}

// A decoder turns syntax into declarations, and collects what is left to check
// when all of them are known.
type decoder struct {
	cfg     *Config
	bytes   map[string][]byte
	objects map[*hclsyntax.Body]node // what bodies of files in JSON syntax are made of
	values  bool                     // the file is a variables file
	diags   diag.List

	providers  []*Provider // in the order of the files, so that messages are
	operations []*pending
	locals     []*Local
	lists      []*List
	provided   []provided
	uses       []use
}

func newDecoder(cfg *Config) *decoder {
	return &decoder{cfg: cfg, bytes: map[string][]byte{}, objects: map[*hclsyntax.Body]node{}}
}

// syntax returns nil where the file has an error that leaves its declarations
// in doubt.
func (d *decoder) syntax(src Source) *hclsyntax.Body {
	d.bytes[src.Name] = src.Bytes
	if refusal := scan(src); refusal != nil {
		d.add(*refusal)
		return nil
	}
	if IsJSON(src.Name) {
		return d.jsonSyntax(src)
	}
	f, diags := hclsyntax.ParseConfig(src.Bytes, src.Name, hcl.InitialPos)
	for _, m := range diag.FromHCL(diags) {
		d.add(m)
	}
	if diags.HasErrors() {
		return nil
	}
	return f.Body.(*hclsyntax.Body)
}

func (d *decoder) jsonSyntax(src Source) *hclsyntax.Body {
	root, refusal := parseJSON(src)
	if refusal != nil {
		d.add(*refusal)
		return nil
	}
	before := len(d.diags)
	if !d.values {
		d.checkTemplates(root)
	}
	if len(d.diags) > before {
		return nil
	}
	return d.jsonBody(root)
}

func (d *decoder) add(m diag.Diagnostic) { d.diags = append(d.diags, m) }

// full tells whether nobody would read more problems.
func (d *decoder) full() bool { return len(d.diags) > maxDiagnostics }

func (d *decoder) report() diag.List { return limited(d.diags) }

func limited(diags diag.List) diag.List {
	if len(diags) <= maxDiagnostics {
		return diags
	}
	return append(diags[:maxDiagnostics:maxDiagnostics], diag.Diagnostic{
		Summary: "Too many problems",
		Detail:  fmt.Sprintf("Only the first %d problems are shown. Correct them and run the command again.", maxDiagnostics),
	})
}

// fileShape is the top level of a file.
var fileShape = shape{blocks: []nested{
	{name: "runner"},
	{name: "variable", labels: []string{"name"}},
	{name: "locals"},
	{name: "provider", labels: []string{"name"}},
	{name: "list", labels: []string{"type", "name"}},
	{name: "operation", labels: []string{"type", "name"}},
}}

func (d *decoder) file(body *hclsyntax.Body) {
	for _, b := range d.content(body, "", fileShape).blocks {
		if d.full() {
			return
		}
		switch b.Type {
		case "runner":
			d.runner(b)
		case "variable":
			d.variable(b)
		case "locals":
			d.localValues(b)
		case "provider":
			d.provider(b)
		case "list":
			d.list(b)
		case "operation":
			d.operation(b)
		}
	}
}

func (d *decoder) check() {
	d.checkReferences()
	d.checkLocalCycles()
	d.impliedRequirements()
	d.checkOperations()
}
