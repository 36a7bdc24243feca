package eval

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/diag"
)

// local is a named expression that has been evaluated.
type local struct {
	value   cty.Value
	diags   diag.List // told to everyone who asks
	running bool      // it is being evaluated, so whoever asks is what it needs
}

// local evaluates a local when it is first asked for. Path is the locals that
// wait for it. The caller holds s.mu.
func (s *Scope) local(name string, path []string) (cty.Value, diag.List) {
	decl := s.cfg.Locals[name]
	if l, ok := s.locals[name]; ok && !l.running {
		return l.value, l.diags
	} else if ok {
		circle := append(slices.Clone(path[slices.Index(path, name):]), name)
		return cty.DynamicVal, diag.List{{
			Summary: "Locals in a circle",
			Detail:  fmt.Sprintf("local.%s needs itself: %s. Take one of them out of the circle.", name, strings.Join(circle, " → ")),
			Subject: decl.Range.Ptr(),
			In:      "locals",
		}}
	}
	l := &local{value: cty.DynamicVal, running: true}
	s.locals[name] = l
	defer func() { l.running = false }()
	expr := s.syntaxLocked(decl.Expr)
	diags := s.check(expr, sight{in: "locals"})
	if !diags.HasErrors() {
		ctx, sensitive, d := s.contextLocked(expr, append(path, name))
		if diags = append(diags, d...); !diags.HasErrors() {
			v, hd := protect(stepOf(expr), ctx, newMeter(maxSteps, &s.allowance))
			diags = append(diags, tell(hd, sensitive || v.ContainsMarked(), "locals")...)
			if !diags.HasErrors() {
				l.value = v
			}
		}
	}
	l.diags = diags
	return l.value, diags
}
