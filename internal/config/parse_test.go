package config_test

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	cfg, diags := config.Parse([]config.Source{{Name: "x.ops.hcl", Bytes: []byte(text)}})
	for _, d := range diags {
		t.Errorf("refused: %s: %s", d.Summary, d.Detail)
	}
	return cfg
}

// describe puts a configuration in lines: each declaration with its place and
// the text of its expressions.
func describe(cfg *config.Config) []string {
	var out []string
	text := map[string][]byte{}
	for _, s := range cfg.Sources {
		text[s.Name] = s.Bytes
	}
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	expr := func(name string, e hcl.Expression) {
		if e != nil {
			say("  %s = %s", name, e.Range().SliceBytes(text[e.Range().Filename]))
		}
	}
	attrs := func(as hcl.Attributes) {
		var names []string
		for n := range as {
			names = append(names, n)
		}
		sort.Strings(names)
		for _, n := range names {
			expr(n, as[n].Expr)
		}
	}
	for _, c := range cfg.Runner.RequiredVersion {
		say("runner %s line %d", c.Text, c.Range.Start.Line)
	}
	each(cfg.Runner.RequiredProviders, func(r *config.Requirement) {
		say("requires %s from %s, %q, line %d", r.Name, r.Source, r.Version, r.Range.Start.Line)
	})
	each(cfg.Variables, func(v *config.Variable) {
		say("variable %s %s decimal=%v default=%s sensitive=%v nullable=%v line %d", v.Name, v.Type.FriendlyName(), v.Decimal, value(v.Default), v.Sensitive, v.Nullable, v.Range.Start.Line)
		for _, val := range v.Validations {
			expr("condition", val.Condition)
			expr("error_message", val.ErrorMessage)
		}
	})
	each(cfg.Locals, func(l *config.Local) { say("local %s line %d", l.Name, l.Range.Start.Line); expr(l.Name, l.Expr) })
	each(cfg.Providers, func(p *config.Provider) {
		say("%s line %d", p.Address(), p.Range.Start.Line)
		attrs(p.Config)
		if p.RateLimit != nil {
			expr("requests_per_second", p.RateLimit.RequestsPerSecond)
			expr("burst", p.RateLimit.Burst)
		}
		expr("max_in_flight", p.MaxInFlight)
		expr("timeout", p.Timeout)
	})
	each(cfg.Lists, func(l *config.List) {
		say("%s line %d", l.Address(), l.Range.Start.Line)
		attrs(l.Attributes)
		expr("key", l.Key)
		for _, c := range sortedColumns(l.Columns) {
			say("  column %s", c)
		}
	})
	each(cfg.Operations, func(o *config.Operation) {
		say("%s by %s over %s after %v, default guard %v, line %d", o.Address(), o.Provider, o.ForEach, o.DependsOn, !o.NoDefaultGuard, o.Range.Start.Line)
		expr("key", o.Key)
		expr("where", o.Where)
		attrs(o.Arguments)
		for _, g := range o.Guards {
			expr("guard, else "+g.Otherwise, g.Condition)
		}
		if o.Money != nil {
			expr("amount", o.Money.Amount)
			expr("currency", o.Money.Currency)
		}
		if o.Limits != nil {
			expr("max_items", o.Limits.MaxItems)
			expr("max_share", o.Limits.MaxShare)
			expr("max_total", o.Limits.MaxTotal)
		}
		if o.Canary != nil {
			expr("stages", o.Canary.Stages)
		}
		if o.Retry != nil {
			expr("max_attempts", o.Retry.MaxAttempts)
			expr("min_backoff", o.Retry.MinBackoff)
			expr("max_backoff", o.Retry.MaxBackoff)
		}
		if o.Abort != nil {
			expr("max_failures", o.Abort.MaxFailures)
			expr("max_consecutive_failures", o.Abort.MaxConsecutiveFailures)
			expr("max_failure_ratio", o.Abort.MaxFailureRatio)
			expr("min_items", o.Abort.MinItems)
		}
		if o.RateLimit != nil {
			expr("requests_per_second", o.RateLimit.RequestsPerSecond)
			expr("burst", o.RateLimit.Burst)
		}
		expr("max_in_flight", o.MaxInFlight)
		expr("rehearse", o.RehearseState)
	})
	return out
}

func each[V any](m map[string]V, f func(V)) {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		f(m[n])
	}
}

func sortedColumns(m map[string]config.Column) []string {
	var out []string
	for n, c := range m {
		out = append(out, n+" "+c.Type)
	}
	sort.Strings(out)
	return out
}

func value(v cty.Value) string {
	if v == cty.NilVal {
		return "none"
	}
	return v.GoString()
}

func TestDeclarations(t *testing.T) {
	t.Parallel()
	cfg := parse(t, `
runner {
  required_version = ">= 0.1"
  required_providers {
    pay    = { source = "./bin/pay", version = "~> 0.1" }
    pay_me = {}
  }
}
variable "plain" {}
variable "cutoff" {
  type     = decimal
  default  = -10.50
  nullable = false
  validation {
    condition     = var.cutoff != var.plain
    error_message = "Two of a kind."
  }
}
variable "many" {
  type      = map(number)
  default   = { COP = "1", PEN = 2 }
  sensitive = true
}
variable "none" {
  type    = list(string)
  default = null
}
locals {
  a = local.b
  b = [for x in var.many : x]
}
provider "pay" {
  endpoint = var.plain
  timeout  = "10s"
}
provider "pay_me" {
  alias         = "peru"
  max_in_flight = 4
  rate_limit {
    requests_per_second = 5
  }
}
provider "other" {}
list "inline" "few" {
  rows = [{ id = "1", "first name" = "x" }]
  columns = {
    "first name" = string
    amount       = decimal
  }
}
operation "pay_refund" "r" {
  for_each = list.inline.few
  key      = each.value.id
  where    = each.row > 1 && each.key != ""
  amount   = each.value["amount"]
  guard {
    condition = live.state == each.value.state
  }
  rehearse {
    state = each.value.state
  }
}
operation "pay_me_cancel" "c" {
  for_each      = list.inline.few
  key           = each.value.id
  provider      = pay_me.peru
  depends_on    = [operation.pay_refund.r, operation.pay_refund.r]
  default_guard = false
  guard {
    condition = live.amount > 0
    otherwise = "stop"
  }
  canary {
    stages = [1, 2]
  }
  rate_limit {
    requests_per_second = 1
    burst               = 2
  }
}
`)
	want := strings.Split(strings.TrimSpace(`
runner >= 0.1 line 3
requires other from other, "", line 43
requires pay from ./bin/pay, "~> 0.1", line 5
requires pay_me from pay_me, "", line 6
variable cutoff string decimal=true default=cty.StringVal("-10.50") sensitive=false nullable=false line 10
  condition = var.cutoff != var.plain
  error_message = "Two of a kind."
variable many map of number decimal=false default=cty.MapVal(map[string]cty.Value{"COP":cty.NumberIntVal(1), "PEN":cty.NumberIntVal(2)}) sensitive=true nullable=true line 19
variable none list of string decimal=false default=cty.NullVal(cty.List(cty.String)) sensitive=false nullable=true line 24
variable plain dynamic decimal=false default=none sensitive=false nullable=true line 9
local a line 29
  a = local.b
local b line 30
  b = [for x in var.many : x]
provider.other line 43
provider.pay line 32
  endpoint = var.plain
  timeout = "10s"
provider.pay_me.peru line 36
  requests_per_second = 5
  max_in_flight = 4
list.inline.few line 44
  rows = [{ id = "1", "first name" = "x" }]
  column amount decimal
  column first name string
operation.pay_me_cancel.c by provider.pay_me.peru over list.inline.few after [operation.pay_refund.r], default guard false, line 63
  key = each.value.id
  guard, else stop = live.amount > 0
  stages = [1, 2]
  requests_per_second = 1
  burst = 2
operation.pay_refund.r by provider.pay over list.inline.few after [], default guard true, line 51
  key = each.value.id
  where = each.row > 1 && each.key != ""
  amount = each.value["amount"]
  guard, else skip = live.state == each.value.state
  rehearse = each.value.state
`), "\n")
	if d := cmp.Diff(want, describe(cfg)); d != "" {
		t.Errorf("declared otherwise (-want +got):\n%s", d)
	}
}

// A file that can't be parsed leaves its declarations in doubt: what refers to
// them isn't blamed, while what is wrong in other files is said at once.
func TestBrokenFileBlamesNobodyElse(t *testing.T) {
	t.Parallel()
	_, diags := config.Parse([]config.Source{
		{Name: "a.ops.hcl", Bytes: []byte("variable \"a\" {\n")},
		{Name: "b.ops.hcl", Bytes: []byte("locals {\n  b = var.a\n}\nvariable \"c\" {\n  typo = 1\n}\n")},
	})
	if d := cmp.Diff([]string{"Unclosed configuration block", "Unknown argument"}, summaries(diags)); d != "" {
		t.Errorf("refused otherwise (-want +got):\n%s", d)
	}
}

func TestCheckVersion(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		constraint, own string
		want            []string
	}{
		"fits":                {"~> 0.1", "0.1.7", nil},
		"too old":             {">= 0.2", "0.1.7", []string{"Another version of runner is required"}},
		"too new":             {"~> 0.1", "1.0.0", []string{"Another version of runner is required"}},
		"several":             {">= 0.1, < 0.2", "0.1.0", nil},
		"pre-release":         {"~> 0.1", "0.1.0-rc.1", nil},
		"development version": {"~> 0.1", "(devel)", []string{"Version of runner is not checked"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := parse(t, fmt.Sprintf("runner {\n  required_version = %q\n}\n", test.constraint))
			if d := cmp.Diff(test.want, summaries(config.CheckVersion(cfg, test.own))); d != "" {
				t.Errorf("checked otherwise (-want +got):\n%s", d)
			}
		})
	}
}
