package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

func (d *decoder) localValues(b *hclsyntax.Block) {
	for _, a := range sortedHCL(d.content(b.Body, "locals", shape{open: true}).rest) {
		if first := d.cfg.Locals[a.Name]; first != nil {
			d.declared(fmt.Sprintf("local value %q", a.Name), first.Range, a.Range)
			continue
		}
		l := &Local{Name: a.Name, Expr: a.Expr, Range: a.Range}
		d.cfg.Locals[a.Name] = l
		d.locals = append(d.locals, l)
		d.use(a.Expr, seesValues, "local."+a.Name)
	}
}

func (d *decoder) checkLocalCycles() {
	edges := map[string][]string{}
	for _, l := range d.locals {
		for _, t := range l.Expr.Variables() {
			if t.RootName() != "local" || len(t) < 2 {
				continue
			}
			if name := attrName(t[1]); d.cfg.Locals[name] != nil {
				edges[l.Name] = append(edges[l.Name], name)
			}
		}
	}
	for _, cycle := range cycles(edges) {
		d.add(diag.Diagnostic{
			Summary: "Local values depend on one another",
			Detail:  fmt.Sprintf("None of these can be computed before the others: %s. Take one of them apart.", arrows("local.", cycle)),
			Subject: d.cfg.Locals[cycle[0]].Range.Ptr(), In: "locals",
		})
	}
}

// cycles finds the cycles of a graph, ten at most. Each begins and ends with
// the same name, the first in the alphabet.
//
// It keeps its own stack: a chain of local values may be as long as a file.
func cycles(edges map[string][]string) [][]string {
	const (
		fresh = iota
		open
		done
	)
	type visit struct {
		name string
		next int
	}
	state := map[string]int{}
	var out [][]string
	for _, root := range keys(edges) {
		var stack []visit
		if state[root] == fresh {
			stack, state[root] = []visit{{name: root}}, open
		}
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if top.next == len(edges[top.name]) {
				state[top.name] = done
				stack = stack[:len(stack)-1]
				continue
			}
			to := edges[top.name][top.next]
			top.next++
			switch state[to] {
			case fresh:
				state[to] = open
				stack = append(stack, visit{name: to})
			case open:
				var cycle []string
				for _, v := range stack[slices.IndexFunc(stack, func(v visit) bool { return v.name == to }):] {
					cycle = append(cycle, v.name)
				}
				if out = append(out, rotate(cycle)); len(out) == 10 {
					return out
				}
			}
		}
	}
	return out
}

// rotate lets a cycle begin with its first name and repeats that at its end.
func rotate(cycle []string) []string {
	first := 0
	for i := range cycle {
		if cycle[i] < cycle[first] {
			first = i
		}
	}
	out := append(append([]string(nil), cycle[first:]...), cycle[:first]...)
	return append(out, out[0])
}

func arrows(prefix string, names []string) string {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteString(" → ")
		}
		if i == 10 && len(names) > 20 {
			fmt.Fprintf(&b, "%d more → %s%s", len(names)-i-1, prefix, names[len(names)-1])
			break
		}
		b.WriteString(prefix + n)
	}
	return b.String()
}
