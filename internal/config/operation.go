package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

var operationShape = shape{
	required:   []string{"for_each"},
	attributes: []string{"key", "where", "provider", "depends_on", "max_in_flight", "default_guard"},
	open:       true,
	blocks: []nested{
		{name: "guard"},
		{name: "money", once: true},
		{name: "limits", once: true},
		{name: "canary", once: true},
		{name: "retry", once: true},
		{name: "abort", once: true},
		{name: "rate_limit", once: true},
		{name: "rehearse", once: true},
	},
}

// A pending operation has references that wait for all files to be read.
type pending struct {
	op        *Operation
	in        string
	forEach   *hcl.Attribute
	provider  *hcl.Attribute
	dependsOn *hcl.Attribute
}

func (d *decoder) operation(b *hclsyntax.Block) {
	in := title(b)
	op := &Operation{Type: b.Labels[0], Name: b.Labels[1], Range: b.DefRange(), TypeRange: b.LabelRanges[0]}
	if first := d.cfg.Operations[op.Address()]; first != nil {
		d.declared(in, first.Range, op.Range)
		return
	}
	d.cfg.Operations[op.Address()] = op

	c := d.content(b.Body, in, operationShape)
	op.Arguments = c.rest
	op.Key, op.Where, op.MaxInFlight = c.expr("key"), c.expr("where"), c.expr("max_in_flight")
	op.NoDefaultGuard = !d.flag(c.known["default_guard"], true, in)
	d.operations = append(d.operations, &pending{
		op: op, in: in,
		forEach: c.known["for_each"], provider: c.known["provider"], dependsOn: c.known["depends_on"],
	})
	for _, nb := range c.blocks {
		d.operationBlock(op, nb, in)
	}
	if op.Key != nil {
		d.uses = append(d.uses, use{expr: op.Key, sees: seesItem, in: in, noKey: true})
	}
	d.use(op.Where, seesItem, in)
	d.use(op.MaxInFlight, seesValues, in)
	for _, a := range sortedHCL(op.Arguments) {
		d.use(a.Expr, seesItem, in)
	}
}

func (d *decoder) checkOperations() {
	d.checkLists()
	edges := map[string][]string{}
	for _, p := range d.operations {
		if d.full() {
			return
		}
		d.resolveList(p)
		d.resolveInstance(served{typ: p.op.Type, typeRange: p.op.TypeRange, what: "operations", in: p.in, provider: p.provider, to: &p.op.Provider})
		d.resolveDependencies(p)
		if from := p.op.FedBy(); from != "" && !slices.Contains(p.op.DependsOn, from) {
			p.op.DependsOn = append(p.op.DependsOn, from)
		}
		edges[p.op.Address()] = p.op.DependsOn
	}
	for _, cycle := range cycles(edges) {
		d.add(diag.Diagnostic{
			Summary: "Operations wait for one another",
			Detail:  fmt.Sprintf("None of these could ever begin: %s. Delete one depends_on, or take the items of one from a list.", arrows("", cycle)),
			Subject: d.cfg.Operations[cycle[0]].Range.Ptr(),
		})
	}
}

func (d *decoder) resolveList(p *pending) {
	if p.forEach == nil {
		return // said already
	}
	p.op.ForEachRange = p.forEach.Expr.Range()
	m := diag.Diagnostic{Subject: p.op.ForEachRange.Ptr(), In: p.in}
	names := staticName(p.forEach.Expr)
	switch {
	case len(names) == 3 && names[0] == "list":
		l := d.cfg.Lists[strings.Join(names, ".")]
		if l != nil {
			p.op.ForEach = l.Address()
			d.checkKey(p, l)
			return
		}
		m.Summary = "Unknown list"
		m.Detail = d.unknownList(names)
	case len(names) > 0 && names[0] == "operation":
		address := strings.Join(names, ".")
		if len(names) == 3 && d.cfg.Operations[address] != nil {
			p.op.ForEach = address
			d.checkFed(p)
			return
		}
		m.Summary = "Unknown operation"
		m.Detail = fmt.Sprintf("No operation %q is declared.%s", strings.TrimPrefix(address, "operation."), nearestOr(address, keys(d.cfg.Operations), " Declare it or correct the name."))
	default:
		m.Summary = "Invalid list reference"
		m.Detail = fmt.Sprintf("for_each names a list %s, as in for_each = list.csv.NAME, or an operation, as in for_each = operation.TYPE.NAME, and nothing is computed here. Choose among the rows with where.", withoutQuotes(p.forEach.Expr))
	}
	d.add(m)
}

func (d *decoder) unknownList(names []string) string {
	address := strings.Join(names, ".")
	for _, l := range d.lists {
		if l.Name == names[2] {
			return fmt.Sprintf("No list %q is declared. Did you mean %q?", address, l.Address())
		}
	}
	if best := nearest(address, keys(d.cfg.Lists)); best != "" {
		return fmt.Sprintf("No list %q is declared. Did you mean %q?", address, best)
	}
	return fmt.Sprintf("No list %q is declared. Declare it with list %q %q { … }, or correct the name.", address, names[1], names[2])
}

// checkKey sees to it that items will have names.
func (d *decoder) checkKey(p *pending, l *List) {
	if _, known := listTypes[l.Type]; (known || l.Provider != "") && p.op.Key == nil && l.Key == nil {
		d.add(diag.Diagnostic{
			Summary: "Missing key",
			Detail:  fmt.Sprintf("Nothing says what names an item: %s has no key, and neither has this operation. Give the list the column that names a row, such as key = \"order_id\".", l.Address()),
			Subject: p.op.ForEachRange.Ptr(), In: p.in,
		})
	}
}

// checkFed refuses what an operation can't say that takes up the items of
// another one: they have their keys, and a rehearsal's things are those of the
// first.
func (d *decoder) checkFed(p *pending) {
	refuse := func(what string, at hcl.Expression) {
		d.add(diag.Diagnostic{
			Summary: "Argument out of place",
			Detail:  fmt.Sprintf("%s takes up the items of %s, which have %s already. Delete it.", p.op.Address(), p.op.ForEach, what),
			Subject: at.Range().Ptr(), In: p.in,
		})
	}
	if p.op.Key != nil {
		refuse("their keys", p.op.Key)
	}
	if p.op.RehearseState != nil {
		refuse("their states in a rehearsal", p.op.RehearseState)
	}
}

func (d *decoder) resolveDependencies(p *pending) {
	if p.dependsOn == nil {
		return
	}
	exprs, diags := hcl.ExprList(p.dependsOn.Expr)
	if diags.HasErrors() {
		d.add(diag.Diagnostic{
			Summary: "Invalid dependency",
			Detail:  fmt.Sprintf("depends_on is a list of operations %s: depends_on = [operation.TYPE.NAME].", withoutQuotes(p.dependsOn.Expr)),
			Subject: p.dependsOn.Expr.Range().Ptr(), In: p.in,
		})
		return
	}
	seen := map[string]bool{}
	for _, e := range exprs {
		names := staticName(e)
		address := strings.Join(names, ".")
		m := diag.Diagnostic{Subject: e.Range().Ptr(), In: p.in}
		switch {
		case len(names) != 3 || names[0] != "operation":
			m.Summary = "Invalid dependency"
			m.Detail = fmt.Sprintf("depends_on names operations %s, as in operation.TYPE.NAME.", withoutQuotes(e))
		case d.cfg.Operations[address] == nil:
			m.Summary = "Unknown operation"
			m.Detail = fmt.Sprintf("No operation %q is declared.%s", strings.TrimPrefix(address, "operation."), nearestOr(address, keys(d.cfg.Operations), " Declare it or correct the name."))
		default:
			if !seen[address] {
				seen[address] = true
				p.op.DependsOn = append(p.op.DependsOn, address)
			}
			continue
		}
		d.add(m)
	}
}

func nearestOr(given string, names []string, otherwise string) string {
	if best := nearest(given, names); best != "" {
		return fmt.Sprintf(" Did you mean %q?", best)
	}
	return otherwise
}
