package eval

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/rows"
)

// guard is a guard block, ready to be judged.
type guard struct {
	expr    *expression
	verdict Verdict // where the condition doesn't hold
	text    string  // the condition as written
	about   hcl.Traversal
	rng     hcl.Range
}

// A Judgement is what guards say of an item, and the guard of the file's that
// decided; nil where none did.
type Judgement struct {
	Verdict Verdict
	Reason  string
	Guard   *hcl.Range
}

// Judge holds what the API says of an item against the provider's default guard
// and the file's own. The strictest answer wins, and its reason is returned.
//
// Context is the item's [Item.Context], so that a judgement at apply sees the
// row as it was when the run was planned. An error says that a guard could not
// be judged, which is no permission to go on.
func (p *Program) Judge(context, live json.RawMessage) (Judgement, error) {
	out := Judgement{Verdict: Proceed}
	said, err := p.readLive(live)
	if err != nil {
		return Judgement{Verdict: Fail}, err
	}
	if p.fallback != nil {
		out.Verdict, out.Reason = p.judgeDefault(said)
	}
	if len(p.guards) == 0 {
		return out, nil
	}
	each, err := p.readContext(context)
	if err != nil {
		return Judgement{Verdict: Fail}, err
	}
	for i := range p.guards {
		g := &p.guards[i]
		holds, err := g.holds(each, said)
		if err != nil {
			return Judgement{Verdict: Fail, Guard: &g.rng}, err
		}
		if !holds && g.verdict > out.Verdict {
			out = Judgement{g.verdict, g.reason(said), &g.rng}
		}
	}
	return out, nil
}

func (p *Program) judgeDefault(live map[string]cty.Value) (Verdict, string) {
	name := p.fallback.Attribute
	v, _ := live[name].UnmarkDeep()
	var states []cty.Value
	switch t := v.Type(); {
	case v.IsNull():
		return Fail, fmt.Sprintf("the API says no %s, so nothing is known to be safe", name)
	case t.IsListType() || t.IsSetType() || t.IsTupleType():
		states = v.AsValueSlice()
	default:
		states = []cty.Value{v}
	}
	for _, s := range states {
		if s.IsNull() || s.Type() != cty.String || !slices.Contains(p.fallback.Allowed, s.AsString()) {
			return Skip, fmt.Sprintf("%s is %s", name, p.shown(name, s))
		}
	}
	return Proceed, ""
}

func (g *guard) holds(each cty.Value, live map[string]cty.Value) (bool, error) {
	if g.expr.constant() {
		v, _ := g.expr.static.Unmark()
		return v.True(), nil
	}
	ctx := g.expr.base.NewChild()
	ctx.Variables = map[string]cty.Value{"each": each, "live": cty.ObjectVal(live)}
	v, hd := protect(g.expr.measured, ctx, newMeter(maxStepsRow, nil))
	if d := tell(hd, g.expr.sensitive || v.ContainsMarked(), g.expr.in); d.HasErrors() {
		return false, &Problem{d[0]}
	}
	v, _ = v.Unmark()
	if v.Type() != cty.Bool || v.IsNull() || !v.IsKnown() {
		return false, &Problem{diag.Diagnostic{Summary: "Guard is not a bool", Detail: fmt.Sprintf("The guard's condition %s must give true or false.", g.text), Subject: g.expr.syntax.Range().Ptr(), In: g.expr.in}}
	}
	return v.True(), nil
}

// reason tells why the guard does not hold: what the API says where the
// condition is about one attribute of it, and else the condition.
func (g *guard) reason(live map[string]cty.Value) string {
	if g.about == nil {
		return g.text + " is false"
	}
	v, diags := g.about.TraverseAbs(&hcl.EvalContext{Variables: map[string]cty.Value{"live": cty.ObjectVal(live)}})
	if diags.HasErrors() {
		return g.text + " is false"
	}
	name := strings.TrimPrefix(traversalText(g.about), "live.")
	return fmt.Sprintf("%s is %s", name, shownValue(v))
}

func (p *Program) shown(name string, v cty.Value) string {
	for _, r := range p.live {
		if r.Name == name && r.Sensitive {
			return "(sensitive)"
		}
	}
	return shownValue(v)
}

// shownValue is a value of the API's in a sentence. What it says is not to be
// trusted with a terminal.
func shownValue(v cty.Value) string {
	if v.IsMarked() {
		return "(sensitive)"
	}
	if v.IsNull() {
		return "not known"
	}
	if t := v.Type(); !t.IsPrimitiveType() && t != Decimal {
		return "another"
	}
	text, err := plainText(v)
	if err != nil {
		return "another"
	}
	if text = shorten(text); text == "" || rows.Invisible(text) >= 0 {
		return strconv.Quote(text)
	}
	return text
}

func (c *compiler) guards() {
	if c.schema != nil {
		for _, a := range c.schema.Live {
			r, err := newRule(a)
			if err != nil {
				c.report(diag.Diagnostic{Summary: "Invalid schema", Detail: fmt.Sprintf("This is a bug in the provider of %s: %s.", c.op.Type, err), Subject: c.op.TypeRange.Ptr()})
				return
			}
			c.program.live = append(c.program.live, r)
		}
		if c.schema.DefaultGuard != nil && !c.op.NoDefaultGuard {
			c.program.fallback = c.schema.DefaultGuard
			if !slices.ContainsFunc(c.program.live, func(r *rule) bool { return r.Name == c.schema.DefaultGuard.Attribute }) {
				c.report(diag.Diagnostic{Summary: "Invalid schema", Detail: fmt.Sprintf("This is a bug in the provider of %s: its default guard is about %q, which its live state lacks.", c.op.Type, c.schema.DefaultGuard.Attribute), Subject: c.op.TypeRange.Ptr()})
			}
		}
	}
	for _, g := range c.op.Guards {
		see := c.row
		see.hasLive = true
		if c.schema != nil {
			see.live = c.schema.Live
		}
		e, diags := c.expression(g.Condition, see)
		c.diags = append(c.diags, diags...)
		if diags.HasErrors() {
			continue
		}
		if !c.wantBool(e, "condition") {
			continue
		}
		if e.constant() {
			if v, _ := e.static.Unmark(); !v.IsKnown() || v.IsNull() || v.Type() != cty.Bool {
				c.report(diag.Diagnostic{Summary: "Condition is not a bool", Detail: "The condition of a guard must be true or false.", Subject: g.Condition.Range().Ptr()})
				continue
			}
		}
		verdict, ok := map[string]Verdict{"": Skip, "skip": Skip, "fail": Fail, "stop": Stop}[g.Otherwise]
		if !ok {
			c.report(diag.Diagnostic{Summary: "Invalid otherwise", Detail: fmt.Sprintf("otherwise is %q; it must be \"skip\", \"fail\" or \"stop\".", g.Otherwise), Subject: g.Range.Ptr()})
		}
		c.program.guards = append(c.program.guards, guard{expr: e, verdict: verdict, text: c.sourceText(g.Condition), about: subjectOf(e.syntax), rng: g.Range})
	}
}

// sourceText is an expression as its author wrote it, on one line, and out of
// a file in JSON without the backslashes.
func (s *Scope) sourceText(expr hcl.Expression) string {
	rng := expr.Range()
	for _, src := range s.cfg.Sources {
		if src.Name != rng.Filename || !rng.CanSliceBytes(src.Bytes) {
			continue
		}
		text := string(rng.SliceBytes(src.Bytes))
		if config.IsJSON(src.Name) {
			_ = json.Unmarshal([]byte(`"`+text+`"`), &text)
		}
		return strings.Join(strings.Fields(text), " ")
	}
	return "the guard's condition"
}

// subjectOf is the attribute of live that a condition of a simple shape is
// about: live.X == "…", "…" == live.X, contains(["…"], live.X).
func subjectOf(expr hclsyntax.Expression) hcl.Traversal {
	switch e := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		return subjectOf(e.Expression)
	case *hclsyntax.BinaryOpExpr:
		if e.Op != operators[hclsyntax.OpEqual] {
			return nil
		}
		if t := liveTraversal(e.LHS); t != nil && len(hclsyntax.Variables(e.RHS)) == 0 {
			return t
		}
		if t := liveTraversal(e.RHS); t != nil && len(hclsyntax.Variables(e.LHS)) == 0 {
			return t
		}
	case *hclsyntax.FunctionCallExpr:
		if e.Name == "contains" && len(e.Args) == 2 && len(hclsyntax.Variables(e.Args[0])) == 0 {
			return liveTraversal(e.Args[1])
		}
	}
	return nil
}

func liveTraversal(expr hclsyntax.Expression) hcl.Traversal {
	if t, ok := expr.(*hclsyntax.ScopeTraversalExpr); ok && t.Traversal.RootName() == "live" {
		return t.Traversal
	}
	return nil
}

func traversalText(t hcl.Traversal) string {
	var b strings.Builder
	for _, step := range t {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			b.WriteString(s.Name)
		case hcl.TraverseAttr:
			b.WriteString("." + s.Name)
		case hcl.TraverseIndex:
			b.WriteString("[" + shownValue(s.Key) + "]")
		}
	}
	return b.String()
}
