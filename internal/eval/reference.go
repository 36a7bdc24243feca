package eval

import (
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/rows"
	"github.com/bulkrunner/runner/sdk"
)

// sight is what an expression may see beside variables, locals and functions.
type sight struct {
	in      string // the block around it, for messages
	each    bool
	key     bool                // each.key; not where the key itself is made
	open    bool                // the columns aren't known: any name is believed
	columns []rows.Column       // of each.value
	types   map[string]cty.Type // of columns that hold any value, where it is known
	live    []sdk.Attribute
	hasLive bool
}

// check holds every reference of an expression against what it may see. HCL
// would find most of this too, but later, and without saying what was meant.
func (s *Scope) check(expr hclsyntax.Expression, see sight) diag.List {
	var diags diag.List
	for _, t := range hclsyntax.Variables(expr) {
		if summary, detail := s.reference(t, see); summary != "" {
			diags = append(diags, diag.Diagnostic{Summary: summary, Detail: detail, Subject: t.SourceRange().Ptr(), In: see.in})
		}
	}
	hclsyntax.VisitAll(expr, func(n hclsyntax.Node) hcl.Diagnostics {
		if c, ok := n.(*hclsyntax.FunctionCallExpr); ok && !isFunction(c.Name) {
			var names []string
			for _, b := range builtins {
				names = append(names, b.Name)
			}
			diags = append(diags, diag.Diagnostic{
				Summary: "Unknown function", Detail: fmt.Sprintf("There is no function %q.%s", c.Name, didYouMean(c.Name, names)),
				Subject: c.NameRange.Ptr(), In: see.in,
			})
		}
		return nil
	})
	return diags
}

func isFunction(name string) bool {
	for _, b := range builtins {
		if b.Name == name {
			return true
		}
	}
	return false
}

func (s *Scope) reference(t hcl.Traversal, see sight) (summary, detail string) {
	name, whole := attribute(t, 1)
	switch root := t.RootName(); root {
	case "var":
		if s.cfg.Variables[name] == nil && !whole {
			return "Unknown variable", fmt.Sprintf("No variable is named %q.%s", name, suggest(name, sortedKeys(s.cfg.Variables), "variables"))
		}
	case "local":
		if s.cfg.Locals[name] == nil && !whole {
			return "Unknown local", fmt.Sprintf("No local is named %q.%s", name, suggest(name, sortedKeys(s.cfg.Locals), "locals"))
		}
	case "each":
		return see.eachReference(t)
	case "live":
		if !see.hasLive {
			return "No live state here", "live is what the API says of an item; only the conditions of guards see it."
		}
		names := make([]string, len(see.live))
		for i, a := range see.live {
			names[i] = a.Name
		}
		if whole {
			return "Invalid use of live", "Name one of its attributes: live." + strings.Join(names, ", live.") + "."
		}
		for _, n := range names {
			if n == name {
				return "", ""
			}
		}
		return "Unknown live attribute", fmt.Sprintf("The API says nothing named %q of an item.%s", name, suggest(name, names, "attributes of live"))
	default:
		roots := []string{"var", "local"}
		if see.each {
			roots = append(roots, "each")
		}
		if see.hasLive {
			roots = append(roots, "live")
		}
		return "Unknown name", fmt.Sprintf("There is nothing named %q here. Write text in double quotes; what can be named here: %s.", root, strings.Join(roots, ", "))
	}
	return "", ""
}

func (see sight) eachReference(t hcl.Traversal) (summary, detail string) {
	if !see.each {
		return "No row here", "each is the row of an operation's list; only the operation's own expressions see it."
	}
	what, whole := attribute(t, 1)
	switch {
	case whole:
		return "Invalid use of each", "Name what you mean: each.value.COLUMN, each.key or each.row."
	case what == "key" && !see.key:
		return "Key needs itself", "each.key is what this expression makes. Use each.value.COLUMN."
	case what == "row" || what == "key":
		return "", ""
	case what != "value":
		return "Unknown attribute of each", fmt.Sprintf("each has no %q: it has each.value.COLUMN, each.key and each.row.", what)
	}
	name, whole := attribute(t, 2)
	if whole || see.open {
		return "", ""
	}
	var names []string
	for _, c := range see.columns {
		if c.Name == name {
			return "", ""
		}
		names = append(names, c.Name)
	}
	return "Unknown column", fmt.Sprintf("The list has no column %q.%s", name, suggest(name, names, "columns"))
}

// suggest names what was probably meant, and else what there is.
func suggest(name string, names []string, what string) string {
	if s := didYouMean(name, names); s != "" {
		return s
	}
	if len(names) == 0 {
		return fmt.Sprintf(" There are no %s.", what)
	}
	if len(names) > 20 {
		names = append(names[:20:20], "…")
	}
	return fmt.Sprintf(" The %s are: %s.", what, strings.Join(names, ", "))
}

func didYouMean(name string, names []string) string {
	best, distance := "", max(1, len(name)/3)+1
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return fmt.Sprintf(" Did you mean %q?", n)
		}
		if d := levenshtein.Distance(name, n, nil); d < distance {
			best, distance = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" Did you mean %q?", best)
}
