package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/hashicorp/hcl/v2"
)

// sees is what an expression may name.
type sees uint8

const (
	seesVariables sees = 1 << iota
	seesLocals
	seesRow  // each.key, each.value, each.row
	seesLive // what the provider read

	seesValues = seesVariables | seesLocals
	seesItem   = seesValues | seesRow
	seesAll    = seesItem | seesLive
)

// A use is an expression whose references are checked once all is declared.
type use struct {
	expr  hcl.Expression
	sees  sees
	in    string
	noKey bool // each.key is what the expression makes
}

// use notes an expression; nil, which stands for one that isn't said, is fine.
func (d *decoder) use(expr hcl.Expression, s sees, in string) {
	if expr != nil {
		d.uses = append(d.uses, use{expr: expr, sees: s, in: in})
	}
}

func (d *decoder) checkReferences() {
	for _, u := range d.uses {
		for _, t := range u.expr.Variables() {
			if d.full() {
				return
			}
			if m := d.reference(u, t); m != nil {
				m.Subject, m.In = t.SourceRange().Ptr(), u.in
				d.add(*m)
			}
		}
	}
}

// reference returns what is wrong with one, nil when it names something.
func (d *decoder) reference(u use, t hcl.Traversal) *diag.Diagnostic {
	root, name := t.RootName(), ""
	if len(t) > 1 {
		name = attrName(t[1])
	}
	switch root {
	case "var":
		if d.cfg.Variables[name] != nil {
			return nil
		}
		return unnamed(root, name, "variable", keys(d.cfg.Variables),
			fmt.Sprintf("Declare it with variable %q { … }", name))
	case "local":
		if u.sees&seesLocals == 0 {
			return &diag.Diagnostic{
				Summary: "Reference out of place",
				Detail:  "A validation may only use variables, since local values are computed from those once they are valid.",
			}
		}
		if d.cfg.Locals[name] != nil {
			return nil
		}
		return unnamed(root, name, "local value", keys(d.cfg.Locals), "Declare it in a locals block")
	case "each":
		return u.row(name)
	case "live":
		if u.sees&seesLive == 0 {
			return &diag.Diagnostic{
				Summary: "Reference out of place",
				Detail:  "live is what the API says of an item. It is read when an item is judged, so only the condition of a guard may use it.",
			}
		}
		return nil
	}
	return u.unknownRoot(root, t)
}

func unnamed(root, name, what string, all []string, declare string) *diag.Diagnostic {
	if name == "" {
		return &diag.Diagnostic{
			Summary: "Incomplete reference",
			Detail:  fmt.Sprintf("%s must be followed by a name, as in %s.%s: all of them together are no value.", root, root, example(all)),
		}
	}
	m := &diag.Diagnostic{Summary: "Unknown " + what}
	if best := nearest(name, all); best != "" {
		m.Detail = fmt.Sprintf(`No %s %q is declared. Did you mean "%s.%s"?`, what, name, root, best)
	} else {
		m.Detail = fmt.Sprintf("No %s %q is declared. %s, or correct the name.", what, name, declare)
	}
	return m
}

func example(all []string) string {
	if len(all) > 0 {
		return all[0]
	}
	return "NAME"
}

func (u use) row(name string) *diag.Diagnostic {
	switch {
	case u.sees&seesRow == 0:
		return &diag.Diagnostic{
			Summary: "Reference out of place",
			Detail:  "each is the row of an item. Only an operation's own expressions that are computed for every item may use it: where, key, the provider's arguments, guards, money and rehearse.",
		}
	case name == "key" && u.noKey:
		return &diag.Diagnostic{
			Summary: "Reference out of place",
			Detail:  "each.key is what this expression makes. Use each.value.COLUMN here.",
		}
	case name == "key", name == "value", name == "row":
		return nil
	}
	all := []string{"key", "value", "row"}
	m := &diag.Diagnostic{Summary: "Incomplete reference", Detail: "each must be followed by key, value or row, as in each.value.COLUMN."}
	if name != "" {
		m.Summary = "Unknown reference"
		m.Detail = fmt.Sprintf("each has no %q: it has key, value and row. A column is each.value.%s.", name, name)
		if best := nearest(name, all); best != "" {
			m.Detail = fmt.Sprintf(`each has no %q. Did you mean "each.%s"?`, name, best)
		}
	}
	return m
}

func (u use) unknownRoot(root string, t hcl.Traversal) *diag.Diagnostic {
	switch root {
	case "list":
		return &diag.Diagnostic{
			Summary: "Reference out of place",
			Detail:  "A list is not a value: it is read row by row. Name it with for_each in an operation, and its columns as each.value.COLUMN.",
		}
	case "operation", "provider":
		return &diag.Diagnostic{
			Summary: "Reference out of place",
			Detail:  fmt.Sprintf("%s names a block, which is not a value. Only for_each, depends_on and provider name blocks.", root),
		}
	}
	roots := []string{"var", "local"}
	if u.sees&seesLocals == 0 {
		roots = roots[:1]
	}
	if u.sees&seesRow != 0 {
		roots = append(roots, "each")
	}
	if u.sees&seesLive != 0 {
		roots = append(roots, "live")
	}
	best := nearest(root, append([]string{"list", "operation"}, roots...))
	switch {
	case best != "" && len(t) > 1:
		return &diag.Diagnostic{
			Summary: "Unknown reference",
			Detail:  fmt.Sprintf(`%q names nothing. Did you mean %q?`, written(t), best+strings.TrimPrefix(written(t), root)),
		}
	case len(t) == 1:
		return &diag.Diagnostic{
			Summary: "Unknown reference",
			Detail:  fmt.Sprintf("%q names nothing. If it is text, write it between quotes; a column is each.value.%s. References begin with %s.", root, root, enumerate(roots, "or")),
		}
	}
	return &diag.Diagnostic{
		Summary: "Unknown reference",
		Detail:  fmt.Sprintf("%q names nothing. References begin with %s here.", written(t), enumerate(roots, "or")),
	}
}

// attrName is the name that a step of a traversal gives, "" for an index: an
// index may be text as well, but one way to write a name is enough.
func attrName(step hcl.Traverser) string {
	if a, ok := step.(hcl.TraverseAttr); ok {
		return a.Name
	}
	return ""
}

// written is the beginning of a traversal as it stands in the file.
func written(t hcl.Traversal) string {
	out := t.RootName()
	for i, step := range t[1:] {
		name := attrName(step)
		if name == "" || i == 3 {
			return out + "…"
		}
		out += "." + name
	}
	return out
}

// ItemVariables are the names of the variables on which it depends what the
// items of an operation are: not those that its guards look at.
func (c *Config) ItemVariables(op *Operation) []string {
	exprs := []hcl.Expression{op.Where, op.Key}
	for _, a := range op.Arguments {
		exprs = append(exprs, a.Expr)
	}
	if op.Money != nil {
		exprs = append(exprs, op.Money.Amount, op.Money.Currency)
	}
	names, seen := make(map[string]bool), make(map[string]bool)
	for len(exprs) > 0 {
		expr := exprs[len(exprs)-1]
		exprs = exprs[:len(exprs)-1]
		if expr == nil {
			continue
		}
		for _, t := range expr.Variables() {
			if len(t) < 2 {
				continue
			}
			switch name := attrName(t[1]); {
			case t.RootName() == "var":
				names[name] = true
			case t.RootName() == "local" && !seen[name] && c.Locals[name] != nil:
				seen[name] = true
				exprs = append(exprs, c.Locals[name].Expr)
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
