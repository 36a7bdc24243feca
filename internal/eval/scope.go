package eval

import (
	"crypto/rand"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/bulkrunner/runner/internal/card"
	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
)

type mark string

// Sensitive is the mark of values that nobody may read: it travels with a
// value into whatever is computed from it.
const Sensitive = mark("sensitive")

// A Scope is what the expressions of one configuration can see: variables,
// locals, functions. It may be used by several goroutines at once.
//
// Every expression is evaluated under recover. The HCL library has a history of
// panics on marked values, and a payment run must not die of one row.
type Scope struct {
	cfg       *config.Config
	now       time.Time
	rehearse  bool
	unvalued  bool // variables may go without a value
	variables map[string]variable

	mu        sync.Mutex // guards what follows
	locals    map[string]*local
	rewritten map[hclsyntax.Expression]bool           // those that have our operators
	functions map[string]map[string]function.Function // by the folder that file is relative to

	allowance allowance

	secretsMu sync.Mutex
	secrets   map[string]struct{}
	generated []string          // values that a rehearsal has made up
	madeUp    map[string]string // those of environment variables, by name
}

// An Option changes how a scope is made.
type Option func(*Scope)

// Rehearse gives required sensitive variables that nobody gave a generated
// value, and environment variables that aren't set, so that a rehearsal needs
// no credential.
func Rehearse() Option { return func(s *Scope) { s.rehearse = true } }

// Validate lets variables go without a value, for judging a configuration that
// nobody is about to carry out. What depends on one is then not judged.
func Validate() Option { return func(s *Scope) { s.unvalued = true } }

// NewScope resolves the variables. Now is what timestamp() says everywhere in
// the run. The scope is usable for further checks even when there are errors:
// variables without a value are then unknown.
func NewScope(cfg *config.Config, given map[string]Given, now time.Time, options ...Option) (*Scope, diag.List) {
	s := &Scope{
		cfg:       cfg,
		now:       now.UTC(),
		variables: make(map[string]variable),
		locals:    make(map[string]*local),
		rewritten: make(map[hclsyntax.Expression]bool),
		functions: make(map[string]map[string]function.Function),
		secrets:   make(map[string]struct{}),
		madeUp:    make(map[string]string),
		allowance: allowance{left: maxStepsScope},
	}
	for _, o := range options {
		o(s)
	}
	diags := s.resolve(given)
	if !diags.HasErrors() {
		diags = append(diags, s.validate()...)
	}
	for i := range diags { // a validation's own words may have a value in them
		diags[i].Detail = card.Mask(diags[i].Detail)
	}
	return s, diags
}

// Value evaluates an expression that sees no row, such as a list's path. The
// value may be marked [Sensitive].
func (s *Scope) Value(expr hcl.Expression) (cty.Value, diag.List) {
	return s.value(expr, "")
}

func (s *Scope) value(expr hcl.Expression, in string) (cty.Value, diag.List) {
	e, diags := s.expression(expr, sight{in: in})
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	return e.static, diags
}

// Secrets are the texts of all sensitive values met so far, for redaction.
func (s *Scope) Secrets() []string {
	s.secretsMu.Lock()
	defer s.secretsMu.Unlock()
	out := make([]string, 0, len(s.secrets))
	for t := range s.secrets {
		out = append(out, t)
	}
	slices.Sort(out)
	return out
}

// generate makes a value for whoever needs some credential and no particular one.
func (s *Scope) generate() string {
	text := "rehearsal-" + strings.ToLower(rand.Text())
	s.generated = append(s.generated, text)
	return text
}

// Generated tells whether a text was made with a value that was generated,
// because a rehearsal had none.
func (s *Scope) Generated(text string) bool {
	s.secretsMu.Lock()
	defer s.secretsMu.Unlock()
	return slices.ContainsFunc(s.generated, func(g string) bool { return strings.Contains(text, g) })
}

// MadeUp are the environment variables that aren't set and for which a
// rehearsal has generated values so far.
func (s *Scope) MadeUp() []string {
	s.secretsMu.Lock()
	defer s.secretsMu.Unlock()
	return sortedKeys(s.madeUp)
}

// makeUp is the value of an environment variable that isn't set, the same
// whenever it is asked for.
func (s *Scope) makeUp(name string) string {
	s.secretsMu.Lock()
	defer s.secretsMu.Unlock()
	if s.madeUp[name] == "" {
		s.madeUp[name] = s.generate()
	}
	return s.madeUp[name]
}

// keepSecret remembers every text within a sensitive value.
func (s *Scope) keepSecret(v cty.Value) {
	plain, _ := v.UnmarkDeep()
	s.secretsMu.Lock()
	defer s.secretsMu.Unlock()
	_ = cty.Walk(plain, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.IsKnown() && !v.IsNull() && (v.Type().IsPrimitiveType() && v.Type() != cty.Bool || v.Type() == Decimal) {
			if text, err := plainText(v); err == nil && text != "" {
				s.secrets[text] = struct{}{}
			}
		}
		return true, nil
	})
}

// context makes the evaluation context of an expression: only the variables
// and locals that it names, since building all of them for each would cost
// more than evaluating. Sensitive tells whether any of it is a secret.
func (s *Scope) context(expr hclsyntax.Expression) (ctx *hcl.EvalContext, sensitive bool, diags diag.List) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.contextLocked(expr, nil)
}

func (s *Scope) contextLocked(expr hclsyntax.Expression, path []string) (ctx *hcl.EvalContext, sensitive bool, diags diag.List) {
	vars, locals := map[string]cty.Value{}, map[string]cty.Value{}
	for _, t := range hclsyntax.Variables(expr) {
		name, whole := attribute(t, 1)
		switch t.RootName() {
		case "var":
			for _, n := range named(s.variables, name, whole) {
				vars[n] = s.variables[n].value
			}
		case "local":
			for _, n := range named(s.cfg.Locals, name, whole) {
				if _, asked := locals[n]; asked {
					continue // else what is wrong with one is told twice as often by each that names it twice
				}
				v, d := s.local(n, path)
				diags = append(diags, d...)
				locals[n] = v
			}
		}
	}
	ctx = &hcl.EvalContext{
		Variables: map[string]cty.Value{"var": cty.ObjectVal(vars), "local": cty.ObjectVal(locals)},
		Functions: s.functionsIn(expr.Range().Filename),
	}
	for _, v := range ctx.Variables {
		sensitive = sensitive || v.ContainsMarked()
	}
	return ctx, sensitive || calls(expr, "env") || calls(expr, "sensitive"), diags
}

// named are the names that a reference means: all, or one if it is there.
func named[V any](m map[string]V, name string, whole bool) []string {
	if whole {
		return sortedKeys(m)
	}
	if _, ok := m[name]; ok {
		return []string{name}
	}
	return nil
}

// functionsIn are the functions as the given file sees them.
func (s *Scope) functionsIn(filename string) map[string]function.Function {
	folder := path.Dir(filename)
	if m, ok := s.functions[folder]; ok {
		return m
	}
	m := make(map[string]function.Function, len(builtins))
	for n, f := range shared {
		m[n] = f
	}
	m["env"], m["file"], m["timestamp"] = s.envFunc(), fileFunc(folder), timestampFunc(s.now)
	s.functions[folder] = m
	return m
}

// attribute is the name that a traversal takes at step i; whole when it takes
// the object itself or an index that isn't a constant string.
func attribute(t hcl.Traversal, i int) (name string, whole bool) {
	if len(t) <= i {
		return "", true
	}
	switch step := t[i].(type) {
	case hcl.TraverseAttr:
		return step.Name, false
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString(), false
		}
	}
	return "", true
}

// calls tells whether an expression calls the function.
func calls(expr hclsyntax.Expression, name string) bool {
	found := false
	hclsyntax.VisitAll(expr, func(n hclsyntax.Node) hcl.Diagnostics {
		if c, ok := n.(*hclsyntax.FunctionCallExpr); ok && c.Name == name {
			found = true
		}
		return nil
	})
	return found
}
