package config

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

var runnerShape = shape{
	attributes: []string{"required_version"},
	blocks:     []nested{{name: "required_providers", once: true}},
}

func (d *decoder) runner(b *hclsyntax.Block) {
	c := d.content(b.Body, "runner", runnerShape)
	if a := c.known["required_version"]; a != nil {
		if text, ok := d.constraint(a.Expr, "runner", func() (string, bool) { return d.text(a, "runner") }); ok {
			d.cfg.Runner.RequiredVersion = append(d.cfg.Runner.RequiredVersion, Constraint{Text: text, Range: a.Expr.Range()})
		}
	}
	for _, p := range c.blocks {
		for _, a := range sortedHCL(d.content(p.Body, "required_providers", shape{open: true}).rest) {
			d.requirement(a)
		}
	}
}

// constraint reads a version constraint such as "~> 0.1".
func (d *decoder) constraint(expr hcl.Expression, in string, read func() (string, bool)) (string, bool) {
	text, ok := read()
	if !ok {
		return "", false
	}
	if _, err := version.NewConstraint(text); err != nil || len(text) > 200 {
		d.add(diag.Diagnostic{
			Summary: "Invalid version constraint",
			Detail:  `A version constraint is an operator and a version, such as "~> 0.1" or ">= 0.1.2, < 2.0".`,
			Subject: expr.Range().Ptr(), In: in,
		})
		return "", false
	}
	return text, true
}

var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,99}$`)

// requirement reads NAME = { source = "…", version = "…" }.
func (d *decoder) requirement(a *hcl.Attribute) {
	const in = "required_providers"
	if first := d.cfg.Runner.RequiredProviders[a.Name]; first != nil {
		d.declared(fmt.Sprintf("required provider %q", a.Name), first.Range, a.Range)
		return
	}
	req := &Requirement{Name: a.Name, Source: a.Name, Range: a.Range}
	d.cfg.Runner.RequiredProviders[a.Name] = req
	v, ok := d.literal(a, in)
	if !ok {
		return
	}
	if v.IsNull() || !v.Type().IsObjectType() {
		d.add(diag.Diagnostic{
			Summary: "Wrong type of value",
			Detail:  fmt.Sprintf(`A required provider is an object: write it as %s = { source = %q, version = "~> 0.1" }.`, a.Name, a.Name),
			Subject: a.Expr.Range().Ptr(), In: in,
		})
		return
	}
	names := []string{"source", "version"}
	types := v.Type().AttributeTypes()
	for _, name := range keys(types) {
		if name != "source" && name != "version" {
			d.add(diag.Diagnostic{
				Summary: "Unknown argument",
				Detail:  fmt.Sprintf("An argument named %q is not expected here.%s", name, didYouMean(name, names, "Expected are: ")),
				Subject: a.Expr.Range().Ptr(), In: in,
			})
		}
	}
	field := func(name string) (string, bool) {
		f := v.GetAttr(name)
		if f.IsNull() || f.Type() != cty.String {
			d.add(diag.Diagnostic{
				Summary: "Wrong type of value",
				Detail:  fmt.Sprintf("%q is text: write it between quotes.", name),
				Subject: a.Expr.Range().Ptr(), In: in,
			})
			return "", false
		}
		return f.AsString(), true
	}
	if v.Type().HasAttribute("version") {
		req.Version, _ = d.constraint(a.Expr, in, func() (string, bool) { return field("version") })
	}
	if v.Type().HasAttribute("source") {
		if s, ok := field("source"); ok {
			req.Source = d.source(s, a, in)
		}
	}
}

func (d *decoder) source(s string, a *hcl.Attribute, in string) string {
	switch {
	case strings.HasPrefix(s, "./"), strings.HasPrefix(s, "../"), strings.HasPrefix(s, "/"):
		if !strings.ContainsRune(s, 0) {
			return s
		}
	case sourceName.MatchString(s):
		return s
	case strings.HasPrefix(s, "oci://"):
		d.add(diag.Diagnostic{
			Summary: "Registries are not supported",
			Detail:  "This version of runner finds providers on this machine only. Install the provider's program and give its name, or its path beginning with ./, ../ or /.",
			Subject: a.Expr.Range().Ptr(), In: in,
		})
		return ""
	}
	d.add(diag.Diagnostic{
		Summary: "Invalid provider source",
		Detail:  `A source is a provider's name in lower case, such as "payvalida", or the path of its program beginning with ./, ../ or /.`,
		Subject: a.Expr.Range().Ptr(), In: in,
	})
	return ""
}

// impliedRequirements requires by its own name every provider that has a block
// and no entry in required_providers.
func (d *decoder) impliedRequirements() {
	for _, p := range d.providers {
		if d.cfg.Runner.RequiredProviders[p.Name] == nil {
			d.cfg.Runner.RequiredProviders[p.Name] = &Requirement{Name: p.Name, Source: p.Name, Range: p.Range}
		}
	}
}

// CheckVersion holds the program's own version against every required_version.
// A pre-release counts as the release that it precedes.
func CheckVersion(cfg *Config, own string) diag.List {
	var out diag.List
	v, err := version.NewVersion(own)
	constraints := append([]Constraint(nil), cfg.Runner.RequiredVersion...)
	sort.SliceStable(constraints, func(i, j int) bool { return constraints[i].Range.Filename < constraints[j].Range.Filename })
	for _, c := range constraints {
		if err != nil {
			out = append(out, diag.Diagnostic{
				Severity: diag.Warning,
				Summary:  "Version of runner is not checked",
				Detail:   fmt.Sprintf("This program calls its version %q, which can't be held against %q. Use a released version where the difference matters.", own, c.Text),
				Subject:  c.Range.Ptr(), In: "runner",
			})
			continue
		}
		if required, err := version.NewConstraint(c.Text); err != nil || !required.Check(v.Core()) {
			out = append(out, diag.Diagnostic{
				Summary: "Another version of runner is required",
				Detail:  fmt.Sprintf("This is runner %s, and the file requires %q. Use a version that fits, or change required_version once the file has been tried with this one.", own, c.Text),
				Subject: c.Range.Ptr(), In: "runner",
			})
		}
	}
	return out
}

// CheckProviderVersion holds the version that a provider's program says of
// itself against what the configuration requires.
func CheckProviderVersion(req *Requirement, found string) diag.List {
	if req.Version == "" {
		return nil
	}
	v, err := version.NewVersion(found) // an error is for whoever asks about a schema that nobody checked
	if required, err2 := version.NewConstraint(req.Version); err != nil || err2 != nil || !required.Check(v.Core()) {
		return diag.List{{
			Summary: "Another version of a provider is required",
			Detail:  fmt.Sprintf("The program found is provider %q %s, and the file requires %q. Install a version that fits, or change the requirement once the file has been tried with this one.", req.Name, found, req.Version),
			Subject: req.Range.Ptr(), In: "runner",
		}}
	}
	return nil
}
