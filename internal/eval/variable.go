package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
)

// Given is a value that whoever runs the command gave a variable.
type Given struct {
	Text        string     // as typed; the variable's type says how it is read
	Value       cty.Value  // from a variables file; cty.NilVal where Text holds
	Origin      string     // for messages: --var merchant, RUNNER_VAR_merchant, prod.vars.hcl
	Range       *hcl.Range // in a variables file
	Environment bool       // from the environment: a name that no variable has is passed over
	Stored      bool       // from a run file, which is to be carried out as it is
	Beside      bool       // from a file beside the operation files, so nobody said it on the command line
}

// variable is a variable with its value.
type variable struct {
	decl    *config.Variable
	value   cty.Value // marked where it is sensitive
	written bool      // the value stands in the operation files, as its default
}

func (s *Scope) resolve(given map[string]Given) diag.List {
	var diags diag.List
	names := sortedKeys(s.cfg.Variables)
	for _, n := range sortedKeys(given) {
		if g := given[n]; s.cfg.Variables[n] == nil && !g.Environment {
			diags = append(diags, diag.Diagnostic{
				Summary: "Unknown variable",
				Detail:  fmt.Sprintf("%s gives a value to %q, and the operation files have no such variable.%s", g.Origin, n, suggest(n, names, "variables")),
				Subject: g.Range,
			})
		}
	}
	for _, n := range names {
		decl := s.cfg.Variables[n]
		v := variable{decl: decl}
		g, ok := given[n]
		var d *diag.Diagnostic
		if ok {
			if v.value, d = readGiven(decl, g); d == nil && !g.Stored {
				d = cardlessVariable(decl, v.value, g.Origin)
			}
		}
		if d == nil && (!ok || v.value.IsNull() && !decl.Nullable) {
			v.value, v.written, d = s.fallback(decl, g.Origin)
		}
		if d != nil {
			if d.Subject, d.In = g.Range, fmt.Sprintf("variable %q", n); d.Subject == nil {
				d.Subject = decl.Range.Ptr()
			}
			diags = append(diags, *d)
			v.value = cty.UnknownVal(typeOf(decl))
		}
		if decl.Sensitive {
			s.keepSecret(v.value)
			v.value = v.value.Mark(Sensitive)
		}
		s.variables[n] = v
	}
	return diags
}

// fallback is the value of a variable that nobody gave one, or gave null.
func (s *Scope) fallback(decl *config.Variable, origin string) (v cty.Value, written bool, d *diag.Diagnostic) {
	if decl.Default != cty.NilVal && (decl.Nullable || !decl.Default.IsNull()) {
		v, err := convertTo(decl.Default, decl)
		if err != nil {
			return cty.NilVal, false, &diag.Diagnostic{Summary: "Invalid default", Detail: fmt.Sprintf("The default of %q is not a %s: %s.", decl.Name, typeName(decl), err)}
		}
		return v, !v.IsNull(), nil
	}
	if origin != "" {
		return cty.NilVal, false, &diag.Diagnostic{Summary: "Variable is null", Detail: fmt.Sprintf("%s gives null to %q, which must have a value.", origin, decl.Name)}
	}
	if s.rehearse && decl.Sensitive && (decl.Type == cty.String || decl.Type == cty.DynamicPseudoType) && !decl.Decimal {
		return cty.StringVal(s.generate()), false, nil
	}
	if s.unvalued {
		return cty.UnknownVal(typeOf(decl)), false, nil
	}
	how := fmt.Sprintf("Give it one with --var %s=…, with --var-file, or in the environment as RUNNER_VAR_%s.", decl.Name, decl.Name)
	if decl.Sensitive {
		how = fmt.Sprintf("It is sensitive: give it in the environment as RUNNER_VAR_%s, or with --var-file, so that it stays out of the shell's history.", decl.Name)
	}
	about := ""
	if decl.Description != "" {
		about = " It is: " + strings.TrimRight(decl.Description, ".") + "."
	}
	return cty.NilVal, false, &diag.Diagnostic{Summary: "Variable without a value", Detail: fmt.Sprintf("The variable %q has no default and nobody gave it a value.%s %s", decl.Name, about, how)}
}

// readGiven never puts the value itself into a message: it may be a secret
// whose variable lacks its mark.
func readGiven(decl *config.Variable, g Given) (cty.Value, *diag.Diagnostic) {
	invalid := func(why string) (cty.Value, *diag.Diagnostic) {
		what := g.Origin
		if g.Range != nil {
			what = fmt.Sprintf("The value of %q", decl.Name)
		}
		return cty.NilVal, &diag.Diagnostic{Summary: "Invalid value for a variable", Detail: fmt.Sprintf("%s is not a %s: %s.", what, typeName(decl), why)}
	}
	v := g.Value
	switch {
	case v == cty.NilVal && (!utf8.ValidString(g.Text) || strings.IndexByte(g.Text, 0) >= 0):
		return invalid("it holds bytes that are no UTF-8 text")
	case v != cty.NilVal:
	case decl.Type == cty.String, decl.Decimal:
		v = cty.StringVal(g.Text)
	default:
		var why string
		if v, why = parseLiteral(g.Text); why != "" {
			return invalid(why)
		}
	}
	out, err := convertTo(v, decl)
	if err != nil {
		return invalid(err.Error())
	}
	return out, nil
}

func parseLiteral(text string) (cty.Value, string) {
	if why := boundSource([]byte(text)); why != "" {
		return cty.NilVal, why
	}
	expr, diags := hclsyntax.ParseExpression([]byte(text), "value", hcl.InitialPos)
	if diags.HasErrors() || len(hclsyntax.Variables(expr)) > 0 {
		return cty.NilVal, `write it as in an operation file: a string in quotes, true, 5, ["a", "b"], { a = 1 }`
	}
	v, diags := protect(stepOf(expr), &hcl.EvalContext{}, newMeter(maxSteps, nil))
	if diags.HasErrors() {
		return cty.NilVal, "it must be a plain value, without functions"
	}
	return v, ""
}

func typeOf(decl *config.Variable) cty.Type {
	if decl.Decimal {
		return Decimal
	}
	return replaced(decl.Type, config.DecimalText, Decimal)
}

func typeName(decl *config.Variable) string {
	if decl.Decimal {
		return "decimal"
	}
	if decl.Type == cty.DynamicPseudoType {
		return "value"
	}
	return decl.Type.FriendlyName()
}

func convertTo(v cty.Value, decl *config.Variable) (cty.Value, error) {
	if err := boundDeep(v); err != nil {
		return cty.NilVal, err
	}
	if size, deep := sizeOf(v, maxSteps, false); size > maxSteps || deep {
		return cty.NilVal, errors.New("it is larger than a value may be, or nested too deeply, or has a number of too many digits")
	}
	var err error
	if decl.Decimal {
		v, err = convert.Convert(v, Decimal)
	} else if v, err = decl.Convert(v); err == nil {
		v, err = exactly(v)
	}
	if err != nil {
		return cty.NilVal, err
	}
	return v, boundDeep(v)
}

// boundDeep refuses absurd numbers anywhere within a value.
func boundDeep(v cty.Value) error {
	plain, _ := v.UnmarkDeep()
	return boundResult(plain, true)
}

// validate judges the variables' own conditions.
func (s *Scope) validate() diag.List {
	var diags diag.List
	for _, n := range sortedKeys(s.cfg.Variables) {
		decl := s.cfg.Variables[n]
		in := fmt.Sprintf("variable %q", n)
		for _, rule := range decl.Validations {
			ok, d := s.value(rule.Condition, in)
			diags = append(diags, d...)
			if d.HasErrors() {
				continue
			}
			ok, _ = ok.Unmark()
			if s.unvalued && !ok.IsKnown() {
				continue
			}
			if ok.IsNull() || !ok.IsKnown() || ok.Type() != cty.Bool {
				diags = append(diags, diag.Diagnostic{Summary: "Condition is not a bool", Detail: "The condition of a validation must be true or false.", Subject: rule.Condition.Range().Ptr(), In: in})
				continue
			}
			if ok.True() {
				continue
			}
			diags = append(diags, diag.Diagnostic{Summary: "Invalid value for a variable", Detail: s.message(rule, n), Subject: rule.Range.Ptr(), In: in})
		}
	}
	return diags
}

// message is a validation's own words, unless they would tell a secret.
func (s *Scope) message(rule config.Validation, name string) string {
	text, d := s.value(rule.ErrorMessage, "")
	if !d.HasErrors() && !text.IsMarked() && text.Type() == cty.String && text.IsKnown() && !text.IsNull() {
		return text.AsString()
	}
	return fmt.Sprintf("The value of %q doesn't meet its validation. Its error message can't be shown, because it is not a text or names a sensitive value.", name)
}

// Variables returns the values that aren't sensitive, as canonical JSON for
// the run file, and the names of the others.
func (s *Scope) Variables() (values json.RawMessage, withheld []string) {
	out := make(map[string]json.RawMessage)
	for _, n := range sortedKeys(s.variables) {
		v := s.variables[n].value
		if v.ContainsMarked() {
			withheld = append(withheld, n)
			continue
		}
		if !v.IsWhollyKnown() {
			continue
		}
		if b, err := variableJSON(v); err == nil {
			out[n] = b
		}
	}
	values, _ = json.Marshal(out)
	return values, withheld
}

// variableJSON is a value as the run file holds it.
func variableJSON(v cty.Value) ([]byte, error) {
	text, err := decimalsAsText(v)
	if err != nil {
		return nil, err
	}
	return ctyjson.Marshal(text, text.Type())
}

// StoredVariables takes the values that [Scope.Variables] wrote as given ones.
func StoredVariables(cfg *config.Config, values json.RawMessage) (map[string]Given, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(values, &raw); err != nil {
		return nil, fmt.Errorf("read stored variables: %w", err)
	}
	out := make(map[string]Given, len(raw))
	for n, b := range raw {
		decl := cfg.Variables[n]
		if decl == nil {
			return nil, fmt.Errorf("read stored variables: no variable is named %q", n)
		}
		t := textType(typeOf(decl))
		if t == cty.DynamicPseudoType {
			var err error
			if t, err = ctyjson.ImpliedType(b); err != nil {
				return nil, fmt.Errorf("read stored variable %q: %w", n, err)
			}
		}
		v, err := ctyjson.Unmarshal(b, t)
		if err != nil {
			return nil, fmt.Errorf("read stored variable %q: %w", n, err)
		}
		out[n] = Given{Value: v, Origin: "the run file", Stored: true}
	}
	return out, nil
}

func sortedKeys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
