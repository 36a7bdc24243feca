package eval

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/sdk"
)

// Filter evaluates what a list of the API asks for, by its provider's schema.
// Nothing in it may be a secret, since the rows that it brings are stored and
// would tell of it.
func (s *Scope) Filter(l *config.List, schema *sdk.ListSchema) (json.RawMessage, diag.List) {
	in := fmt.Sprintf("list %q %q", l.Type, l.Name)
	var diags diag.List
	report := func(d diag.Diagnostic) {
		d.In = in
		diags = append(diags, d)
	}
	b := []byte{'{'}
	var names []string
	for _, attr := range schema.Filter {
		names = append(names, attr.Name)
		r, err := newRule(attr)
		if err != nil {
			report(diag.Diagnostic{Summary: "Invalid schema", Detail: fmt.Sprintf("This is a bug in the provider of %s: %s.", l.Type, err), Subject: l.TypeRange.Ptr()})
			continue
		}
		given, ok := l.Attributes[attr.Name]
		switch {
		case ok:
		case len(attr.Default) > 0 && string(attr.Default) != "null":
			b = append(append(appendComma(b), r.name...), attr.Default...)
			continue
		case attr.Required:
			report(diag.Diagnostic{Summary: "Missing argument", Detail: fmt.Sprintf("%s needs %q%s. Add: %s = …", l.Type, attr.Name, aside(attr.Doc), attr.Name), Subject: l.Range.Ptr()})
			continue
		default:
			continue
		}
		subject := given.Expr.Range().Ptr()
		v, more := s.value(given.Expr, in)
		diags = append(diags, more...)
		switch {
		case more.HasErrors():
			continue
		case v.ContainsMarked():
			report(diag.Diagnostic{Summary: "Sensitive value in a list", Detail: fmt.Sprintf("%q is a sensitive value, and the rows that a list brings are kept in the run file: choose by something else.", attr.Name), Subject: subject})
			continue
		case s.unvalued && !v.IsWhollyKnown():
			continue
		}
		if r.blank(v) {
			// An empty filter is left out of a request, and what is left out
			// asks for everything.
			report(diag.Diagnostic{Summary: "Empty filter", Detail: fmt.Sprintf("%q has no value here, and without it the API would list everything. Give it one, or leave it out if everything is meant.", attr.Name), Subject: subject})
			continue
		}
		start := len(b)
		b = append(appendComma(b), r.name...)
		var absent bool
		var f fault
		if b, absent, f = r.append(b, v); f != noFault {
			report(diag.Diagnostic{Summary: f.summary, Detail: f.detail, Subject: subject})
			absent = true
		}
		if absent {
			b = b[:start]
		}
	}
	for _, n := range sortedKeys(l.Attributes) {
		if !slices.Contains(names, n) {
			known := append(slices.Clone(names), "key", "provider")
			report(diag.Diagnostic{Summary: "Unknown filter", Detail: fmt.Sprintf("%s has no filter %q, and the API would list everything instead of telling.%s", l.Type, n, suggest(n, known, "filters")), Subject: l.Attributes[n].NameRange.Ptr()})
		}
	}
	if diags.HasErrors() {
		return nil, unique(diags)
	}
	return append(b, '}'), unique(diags)
}

// blank tells whether a value says nothing.
func (r *rule) blank(v cty.Value) bool {
	return v.IsNull() || v.IsKnown() && v.Type() == cty.String && v.AsString() == ""
}
