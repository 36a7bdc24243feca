package config

import (
	"fmt"
	"strings"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

var providerShape = shape{
	attributes: []string{"alias", "max_in_flight", "timeout"},
	open:       true,
	blocks:     []nested{{name: "rate_limit", once: true}},
}

var rateLimitShape = shape{required: []string{"requests_per_second"}, attributes: []string{"burst"}}

func (d *decoder) provider(b *hclsyntax.Block) {
	in := title(b)
	c := d.content(b.Body, in, providerShape)
	p := &Provider{
		Name:        b.Labels[0],
		Config:      c.rest,
		MaxInFlight: c.expr("max_in_flight"),
		Timeout:     c.expr("timeout"),
		Range:       b.DefRange(),
	}
	if a := c.known["alias"]; a != nil {
		alias, ok := d.text(a, in)
		if ok && (!hclsyntax.ValidIdentifier(alias) || len(alias) > 100) {
			d.add(diag.Diagnostic{
				Summary: "Invalid name",
				Detail:  "An alias begins with a letter and goes on with letters, digits, _ and -, at most 100 in all.",
				Subject: a.Expr.Range().Ptr(), In: in,
			})
			ok = false
		}
		if !ok {
			return
		}
		p.Alias = alias
	}
	for _, rb := range c.blocks {
		p.RateLimit = d.rateLimit(rb, in)
	}
	for _, a := range sortedHCL(p.Config) {
		d.use(a.Expr, seesValues, in)
	}
	d.use(p.MaxInFlight, seesValues, in)
	d.use(p.Timeout, seesValues, in)

	if first := d.cfg.Providers[p.Address()]; first != nil {
		d.add(diag.Diagnostic{
			Summary: "Repeated name",
			Detail:  fmt.Sprintf(`%s is declared already at %s. Delete one of the two, or give this one an alias of its own, such as alias = "second", which operations name with provider = %s.second.`, p.Address(), place(first.Range), p.Name),
			Subject: p.Range.Ptr(),
		})
		return
	}
	d.cfg.Providers[p.Address()] = p
	d.providers = append(d.providers, p)
}

func (d *decoder) rateLimit(b *hclsyntax.Block, in string) *RateLimit {
	c := d.content(b.Body, in, rateLimitShape)
	r := &RateLimit{RequestsPerSecond: c.expr("requests_per_second"), Burst: c.expr("burst"), Range: b.DefRange()}
	d.use(r.RequestsPerSecond, seesValues, in)
	d.use(r.Burst, seesValues, in)
	return r
}

// served is a block that an instance of a provider carries out: an operation,
// or a list that is read from the API.
type served struct {
	typ       string
	typeRange hcl.Range
	what      string // in the plural, for messages
	in        string
	provider  *hcl.Attribute // where the block names an instance
	to        *string        // where the instance's address goes
}

// resolveInstance finds the instance that serves a block: the one it names,
// else the one without an alias of the provider whose name its type begins
// with.
func (d *decoder) resolveInstance(s served) {
	name, alias := d.providerOf(s.typ), ""
	if s.provider != nil {
		names := staticName(s.provider.Expr)
		if len(names) == 0 || len(names) > 2 {
			d.add(diag.Diagnostic{
				Summary: "Invalid provider reference",
				Detail:  fmt.Sprintf("provider names an instance %s: NAME, or NAME.ALIAS where the provider block has an alias.", withoutQuotes(s.provider.Expr)),
				Subject: s.provider.Expr.Range().Ptr(), In: s.in,
			})
			return
		}
		name = names[0]
		if len(names) == 2 {
			alias = names[1]
		}
		if !strings.HasPrefix(s.typ, name+"_") {
			d.add(diag.Diagnostic{
				Summary: "Provider doesn't fit the " + strings.TrimSuffix(s.what, "s"),
				Detail:  fmt.Sprintf("%s of the provider %q have types that begin with %s_, and this one is a %s. Change one of the two.", capital(s.what), name, name, s.typ),
				Subject: s.provider.Expr.Range().Ptr(), In: s.in,
			})
			return
		}
	}
	want := (&Provider{Name: name, Alias: alias}).Address()
	if d.cfg.Providers[want] != nil {
		*s.to = want
		return
	}
	m := d.missingProvider(s, name, alias)
	m.In, m.Subject = s.in, s.typeRange.Ptr()
	if s.provider != nil {
		m.Subject = s.provider.Expr.Range().Ptr()
	}
	d.add(m)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func (d *decoder) missingProvider(s served, name, alias string) diag.Diagnostic {
	m := diag.Diagnostic{Summary: "Missing provider"}
	aliases := d.aliases(name)
	guess, _, _ := strings.Cut(s.typ, "_")
	switch {
	case name == "" && nearest(guess, d.providerNames()) != "":
		best := nearest(guess, d.providerNames())
		m.Detail = fmt.Sprintf("No provider serves %s of the type %q: a type begins with its provider's name and _. Did you mean %q?", s.what, s.typ, best+strings.TrimPrefix(s.typ, guess))
	case name == "":
		m.Detail = fmt.Sprintf("No provider serves %s of the type %q: a type begins with its provider's name and _. Add a block: provider %q { … }.", s.what, s.typ, guess)
	case alias == "" && len(aliases) > 0:
		m.Detail = fmt.Sprintf("Every provider %q block has an alias, so the %s must say which it means: provider = %s.%s.", name, strings.TrimSuffix(s.what, "s"), name, aliases[0])
	case alias != "" && len(aliases) > 0:
		m.Detail = fmt.Sprintf("No provider %q block has the alias %q.%s", name, alias, didYouMean(alias, aliases, "There are: "))
	case alias != "":
		m.Detail = fmt.Sprintf("No provider %q block has the alias %q. Add a block: provider %q { alias = %q … }.", name, alias, name, alias)
	default:
		m.Detail = fmt.Sprintf("The provider %q is not configured. Add a block, even an empty one: provider %q { … }.", name, name)
	}
	return m
}

// providerOf is the longest name of a provider that, with a _, begins the type
// of an operation: with providers pay and pay_me, pay_me_cancel is pay_me's.
func (d *decoder) providerOf(operationType string) string {
	for i := len(operationType) - 1; i > 0; i-- {
		if operationType[i] == '_' && d.providerNamed(operationType[:i]) {
			return operationType[:i]
		}
	}
	return ""
}

func (d *decoder) providerNamed(name string) bool {
	return d.cfg.Runner.RequiredProviders[name] != nil || d.cfg.Providers["provider."+name] != nil || len(d.aliases(name)) > 0
}

func (d *decoder) providerNames() []string {
	set := map[string]bool{}
	for name := range d.cfg.Runner.RequiredProviders {
		set[name] = true
	}
	for _, p := range d.providers {
		set[p.Name] = true
	}
	return keys(set)
}

func (d *decoder) aliases(name string) []string {
	var out []string
	for _, p := range d.providers {
		if p.Name == name && p.Alias != "" {
			out = append(out, p.Alias)
		}
	}
	return out
}
