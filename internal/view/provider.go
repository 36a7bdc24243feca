package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/bulkrunner/runner/sdk"
)

// Provider writes the reference page of a provider, in Markdown, from what its
// schema says. The same schema gives the same page.
func Provider(w io.Writer, s *sdk.Schema) error {
	p := &providerPage{name: s.Name}
	p.line("# Provider %s", s.Name)
	p.line("")
	p.line("%s", cell(s.Doc))
	p.line("")
	p.line("This page is generated from the schema of version %s: `runner provider docs %s`.", s.Version, s.Name)
	p.line("")
	p.line("```hcl\nrunner {\n  required_providers {\n    %s = { source = %q, version = \"~> %s\" }\n  }\n}\n```", s.Name, s.Name, minor(s.Version))
	p.line("")
	p.line("## The provider block")
	p.line("")
	p.attributes(s.Config)
	p.line("Where the block doesn't say otherwise: %s requests a second, %d in flight%s.", number(s.RateLimit.RequestsPerSecond), s.RateLimit.MaxInFlight, source(s.RateLimit))
	if s.Authenticates {
		p.line("")
		p.line("It gets an access token before the first request and renews it. Each time takes one request of the rate.")
	}
	for i := range s.Operations {
		p.operation(&s.Operations[i])
	}
	for _, l := range s.Lists {
		p.list(l)
	}
	p.simulator(s)
	_, err := w.Write(p.out.Bytes())
	return err
}

type providerPage struct {
	name string
	out  bytes.Buffer
}

func (p *providerPage) line(format string, args ...any) { fmt.Fprintf(&p.out, format+"\n", args...) }

func (p *providerPage) operation(o *sdk.OperationSchema) {
	p.line("")
	p.line("## %s_%s", p.name, o.Name)
	p.line("")
	p.line("%s", cell(o.Doc))
	p.line("")
	for _, trait := range traits(o) {
		p.line("- %s", trait)
	}
	p.line("")
	p.line("### Arguments")
	p.line("")
	p.attributes(o.Arguments)
	if len(o.Live) > 0 {
		p.line("### Live state")
		p.line("")
		p.attributes(o.Live)
	}
	if len(o.Result) > 0 {
		p.line("### Result")
		p.line("")
		p.attributes(o.Result)
	}
}

// traits says what the runner does with an operation, a sentence each.
func traits(o *sdk.OperationSchema) (out []string) {
	if o.Kind == sdk.KindQuery {
		return []string{"A query: it changes nothing and may be asked again. Its results are the point."}
	}
	out = append(out, "A mutation: it changes something, once for each item.")
	switch {
	case !o.Reads:
		out = append(out, "It can't be read: an item whose outcome is unknown stays in doubt until a person settles it.")
	case o.GuardedByAPI:
		out = append(out, "The API itself refuses an item in the wrong state; where nothing else asks for one, no read comes before the execution.")
	default:
		out = append(out, "Every item is read just before it is executed.")
	}
	if g := o.DefaultGuard; g != nil {
		out = append(out, fmt.Sprintf("Default guard: `%s` is %s. It holds beside the file's guards, unless the operation says `default_guard = false`.", g.Attribute, alternatives(g.Allowed)))
	}
	if o.Reads && !o.Settles {
		out = append(out, "A read doesn't tell whether it has had its effect: doubt is for a person.")
	}
	if o.Settles {
		s := "A read tells whether it has had its effect."
		if o.SettleAfter > 0 {
			s += fmt.Sprintf(" A no is believed %s after the request.", o.SettleAfter)
		}
		out = append(out, s)
	}
	if k := o.Keyed; k != nil {
		s := fmt.Sprintf("The API knows a request again by the item's key for %s.", k.Lives)
		if k.RepeatsErrors {
			s += " It repeats its errors too: an answer that proves nothing is asked for once more, and not again."
		}
		out = append(out, s)
	}
	switch {
	case o.Repeatable && o.Keyed != nil && o.Settles:
	case o.Repeatable && o.Keyed != nil:
		out = append(out, "An item in doubt is sent again while its key is known; later a person settles it.")
	case o.Repeatable:
		out = append(out, "Executing it twice does no harm.")
	case o.Resend == sdk.ResendAuto:
		out = append(out, "After a read that says no, the runner itself sends it again.")
	case o.Settles:
		out = append(out, "After a read that says no, a person decides whether it is sent again.")
	}
	return out
}

func (p *providerPage) list(l sdk.ListSchema) {
	p.line("")
	p.line("## list %q", p.name+"_"+l.Name)
	p.line("")
	p.line("%s", cell(l.Doc))
	p.line("")
	p.line("Rows are named by `%s`.", l.Key)
	p.line("")
	if len(l.Filter) > 0 {
		p.line("### Filter")
		p.line("")
		p.attributes(l.Filter)
	}
	p.line("### Columns")
	p.line("")
	p.attributes(l.Row)
}

func (p *providerPage) simulator(s *sdk.Schema) {
	p.line("")
	p.line("## The simulator")
	p.line("")
	if !s.Simulates {
		p.line("There is none: files that use this provider can't be rehearsed.")
		return
	}
	p.line("`runner rehearse` runs against it. Its faults are turned on with `--fault NAME=VALUE`:")
	p.line("")
	p.line("| fault | default | |")
	p.line("|---|---|---|")
	for _, f := range s.Faults {
		p.line("| `%s` | %s | %s |", f.Name, code(f.Default), cell(f.Doc))
	}
}

func (p *providerPage) attributes(list []sdk.Attribute) {
	if len(list) == 0 {
		p.line("None.")
		p.line("")
		return
	}
	p.line("| attribute | type | |")
	p.line("|---|---|---|")
	for _, a := range list {
		p.line("| `%s` | %s | %s |", a.Name, typeOf(a), strings.Join(details(a), " "))
	}
	p.line("")
}

// details are an attribute's documentation and what its type doesn't say.
func details(a sdk.Attribute) (out []string) {
	if a.Required {
		out = append(out, "**Required.**")
	}
	if a.Doc != "" {
		out = append(out, cell(a.Doc))
	}
	if a.Default != nil {
		out = append(out, "Default: "+code(string(a.Default))+".")
	}
	if len(a.OneOf) > 0 {
		out = append(out, "One of "+alternatives(a.OneOf)+".")
	}
	switch {
	case a.MinLength > 0 && a.MaxLength > 0:
		out = append(out, fmt.Sprintf("%d to %d characters.", a.MinLength, a.MaxLength))
	case a.MinLength > 0:
		out = append(out, fmt.Sprintf("At least %s.", characters(a.MinLength)))
	case a.MaxLength > 0:
		out = append(out, fmt.Sprintf("At most %s.", characters(a.MaxLength)))
	}
	if a.Pattern != "" {
		out = append(out, "Matches "+code(a.Pattern)+".")
	}
	switch {
	case a.WriteOnly:
		out = append(out, "Write-only: it is stored nowhere, and read again from the list at apply.")
	case a.Sensitive:
		out = append(out, "Sensitive.")
	}
	if a.Role != "" {
		out = append(out, fmt.Sprintf("The %s of the item.", a.Role))
	}
	if a.Exponent > 0 {
		out = append(out, fmt.Sprintf("In minor units, with %d decimals.", a.Exponent))
	}
	return out
}

func characters(n int) string {
	if n == 1 {
		return "1 character"
	}
	return fmt.Sprintf("%d characters", n)
}

func typeOf(a sdk.Attribute) string {
	switch {
	case a.Decimal && a.Integer:
		return "whole decimal"
	case a.Decimal:
		return "decimal"
	case a.Integer:
		return "whole number"
	}
	return typeName(a.Type)
}

// typeName reads cty's notation as operation files write types.
func typeName(raw json.RawMessage) string {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		if name == "dynamic" {
			return "any"
		}
		return name
	}
	var parts []json.RawMessage
	if json.Unmarshal(raw, &parts) != nil || len(parts) < 2 || json.Unmarshal(parts[0], &name) != nil {
		return "any"
	}
	if name != "object" {
		return name + "(" + typeName(parts[1]) + ")"
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(parts[1], &members) != nil {
		return "object"
	}
	var texts []string
	for n, t := range members {
		texts = append(texts, n+" = "+typeName(t))
	}
	slices.Sort(texts)
	return "object({ " + strings.Join(texts, ", ") + " })"
}

func alternatives(values []string) string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		out = append(out, code(v))
	}
	if n := len(out); n > 1 {
		return strings.Join(out[:n-1], ", ") + " or " + out[n-1]
	}
	return strings.Join(out, "")
}

// cell is a text that can't break out of its line or its cell, nor be taken
// for HTML.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "\n", " ", "\r", " ").Replace(Inert(strings.TrimSpace(s)))
}

func code(s string) string {
	if s == "" {
		return "empty"
	}
	return "`" + strings.NewReplacer("|", "\\|", "`", "'", "\n", " ", "\r", " ").Replace(Inert(s)) + "`"
}

// source is where the figures of a limit come from.
func source(l sdk.RateLimit) string {
	if l.Source == "" {
		return ""
	}
	return " – " + strings.TrimSuffix(cell(l.Source), ".")
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// minor is a version without its last part, as constraints are written.
func minor(version string) string {
	if parts := strings.SplitN(version, ".", 3); len(parts) == 3 {
		return parts[0] + "." + parts[1]
	}
	return version
}
