package eval

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/sdk"
)

func providerIn(p *config.Provider) string { return fmt.Sprintf("provider %q", p.Name) }

// ProviderConfig evaluates an instance's configuration by its provider's
// schema. Overrides, such as a rehearsal's endpoint, go before what the file
// says; nil is none. Secrets are the texts that must not be shown: what it
// returns holds credentials and is kept in memory only.
//
// A sensitive attribute must get its value from a sensitive variable or the
// environment: the sources are stored in the run file as they were read, and so
// would a literal in them.
func (s *Scope) ProviderConfig(p *config.Provider, attrs []sdk.Attribute, overrides map[string]cty.Value) (cfg json.RawMessage, secrets []string, diags diag.List) {
	in := providerIn(p)
	report := func(d diag.Diagnostic) {
		d.In = in
		diags = append(diags, d)
	}
	b := []byte{'{'}
	var names []string
	for _, attr := range attrs {
		names = append(names, attr.Name)
		r, err := newRule(attr)
		if err != nil {
			report(diag.Diagnostic{Summary: "Invalid schema", Detail: fmt.Sprintf("This is a bug in the provider %s: %s.", p.Name, err), Subject: p.Range.Ptr()})
			continue
		}
		given, ok := p.Config[attr.Name]
		v, overridden := overrides[attr.Name]
		hidden := ok && (attr.Sensitive || attr.WriteOnly) && s.spelledOut(given.Expr)
		subject := p.Range.Ptr()
		switch {
		case overridden:
		case ok:
			subject = given.Expr.Range().Ptr()
			var d diag.List
			v, d = s.value(given.Expr, in)
			for i := range d {
				d[i].Secret = d[i].Secret || hidden
			}
			diags = append(diags, d...)
			if d.HasErrors() {
				continue
			}
			if attr.Sensitive || attr.WriteOnly {
				if why := s.exposed(given.Expr, v); why != "" && !s.rehearse {
					report(diag.Diagnostic{Summary: "Secret in the sources", Detail: fmt.Sprintf("%q is a secret. %s", attr.Name, why), Subject: subject, Secret: hidden})
					continue
				}
			}
			if s.unvalued && !v.IsWhollyKnown() {
				continue // nothing can be said of it before its variables have values
			}
		case len(attr.Default) > 0 && string(attr.Default) != "null":
			b = append(append(appendComma(b), r.name...), attr.Default...)
			continue
		case attr.Required:
			report(diag.Diagnostic{Summary: "Missing argument", Detail: fmt.Sprintf("The provider %s needs %q%s. Add: %s = …", p.Name, attr.Name, aside(attr.Doc), attr.Name), Subject: subject})
			continue
		default:
			continue
		}
		if attr.Sensitive || attr.WriteOnly || v.ContainsMarked() {
			secrets = append(secrets, s.texts(v)...)
			r.Sensitive = true
		}
		plain, _ := v.UnmarkDeep()
		start := len(b)
		b = append(appendComma(b), r.name...)
		var absent bool
		var f fault
		if b, absent, f = r.append(b, plain); f != noFault {
			if f.summary == missingValue {
				f.detail = fmt.Sprintf("The provider %s needs %q, and its value here is empty. Give it one.", p.Name, attr.Name)
			}
			report(diag.Diagnostic{Summary: f.summary, Detail: f.detail, Subject: subject, Secret: hidden})
			absent = true
		}
		if absent {
			b = b[:start]
		}
	}
	for _, n := range sortedKeys(p.Config) {
		if !slices.Contains(names, n) {
			known := append(slices.Clone(names), "alias", "rate_limit", "max_in_flight", "timeout")
			report(diag.Diagnostic{Summary: "Unknown argument", Detail: fmt.Sprintf("The provider %s has no argument %q.%s", p.Name, n, suggest(n, known, "arguments")), Subject: p.Config[n].NameRange.Ptr()})
		}
	}
	if diags.HasErrors() {
		return nil, secrets, unique(diags)
	}
	return append(b, '}'), secrets, unique(diags)
}

func appendComma(b []byte) []byte {
	if len(b) > 1 {
		return append(b, ',')
	}
	return b
}

// texts are all texts within a value, for redaction.
func (s *Scope) texts(v cty.Value) []string {
	s.keepSecret(v)
	var out []string
	plain, _ := v.UnmarkDeep()
	_ = cty.Walk(plain, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.IsKnown() && !v.IsNull() && v.Type() == cty.String && v.AsString() != "" {
			out = append(out, v.AsString())
		}
		return true, nil
	})
	return out
}

// exposed says how a secret came to stand in the sources, where it would be
// stored with them; "" when it doesn't.
func (s *Scope) exposed(expr hcl.Expression, v cty.Value) string {
	const advice = "Declare a variable with sensitive = true and no default, and give it in the environment: RUNNER_VAR_NAME."
	if v.IsNull() {
		return ""
	}
	vars := s.variablesBehind(expr)
	elsewhere := s.secretElsewhere(expr, v, vars)
	if len(vars) > 0 {
		for _, n := range vars {
			if d := s.variables[n]; d.decl != nil && d.decl.Sensitive && (d.written || d.decl.Default != cty.NilVal && !d.decl.Default.IsNull()) {
				return fmt.Sprintf("It comes from the default of the variable %q, and sources are stored in the run file as they are. Remove the default, and give the value in the environment: RUNNER_VAR_%s.", n, n)
			}
		}
		if !elsewhere {
			return fmt.Sprintf("It comes from var.%s, which is not sensitive, so its value would be stored in the run file. Add sensitive = true to the variable.", strings.Join(vars, " and var."))
		}
	}
	if !elsewhere {
		return "It is written in the file, and sources are stored in the run file as they are. " + advice
	}
	return ""
}

// spelledOut tells whether a text stands in an expression, so that its line
// would show it.
func (s *Scope) spelledOut(expr hcl.Expression) bool {
	found := false
	hclsyntax.VisitAll(s.syntaxOf(expr), func(n hclsyntax.Node) hcl.Diagnostics {
		if l, ok := n.(*hclsyntax.LiteralValueExpr); ok && !l.Val.IsNull() {
			found = true
		}
		return nil
	})
	return found
}

// variablesBehind are the variables that an expression depends on, through
// locals too.
func (s *Scope) variablesBehind(expr hcl.Expression) []string {
	var out []string
	s.behind(expr, func(e hclsyntax.Expression) {
		for _, t := range hclsyntax.Variables(e) {
			if name, _ := attribute(t, 1); t.RootName() == "var" && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	})
	slices.Sort(out)
	return out
}

// callsBehind tells whether an expression, or a local that it depends on,
// calls one of the functions.
func (s *Scope) callsBehind(expr hcl.Expression, names ...string) bool {
	found := false
	s.behind(expr, func(e hclsyntax.Expression) {
		found = found || slices.ContainsFunc(names, func(n string) bool { return calls(e, n) })
	})
	return found
}

// behind visits an expression and the locals that it depends on, each once.
func (s *Scope) behind(expr hcl.Expression, visit func(hclsyntax.Expression)) {
	seen := make(map[string]bool)
	var walk func(expr hcl.Expression)
	walk = func(expr hcl.Expression) {
		e := s.syntaxOf(expr)
		visit(e)
		for _, t := range hclsyntax.Variables(e) {
			name, _ := attribute(t, 1)
			if decl := s.cfg.Locals[name]; t.RootName() == "local" && decl != nil && !seen[name] {
				seen[name] = true
				walk(decl.Expr)
			}
		}
	}
	walk(expr)
}

// secretElsewhere tells whether a value that is marked comes from a place that
// the run file doesn't hold. The function sensitive marks whatever it is
// given: a text in the sources is stored with them all the same.
func (s *Scope) secretElsewhere(expr hcl.Expression, v cty.Value, vars []string) bool {
	if !v.ContainsMarked() {
		return false
	}
	return !s.callsBehind(expr, "sensitive") || s.callsBehind(expr, "env", "file") ||
		slices.ContainsFunc(vars, func(n string) bool { d := s.variables[n].decl; return d != nil && d.Sensitive })
}
