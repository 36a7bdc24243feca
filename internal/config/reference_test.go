package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/internal/config"
)

// What an item is may depend on a variable by way of locals; what its guards
// look at, and what nothing of it names, doesn't count.
func TestItemVariables(t *testing.T) {
	t.Parallel()
	cfg, diags := config.Parse([]config.Source{{Name: "a.ops.hcl", Bytes: []byte(`
variable "direct" { type = string }
variable "deep" { type = string }
variable "amount" { type = string }
variable "guarded" { type = string }
variable "other" { type = string }
locals {
  a = local.b
  b = "${var.deep}${local.c}"
  c = "x"
  d = var.other
}
provider "fake" { token = var.other }
list "inline" "things" {
  key  = "id"
  rows = [{ id = "1" }]
}
operation "fake_cancel" "all" {
  for_each = list.inline.things
  where    = local.a != var.direct
  id       = "R-${each.value.id}"
  guard { condition = live.state == var.guarded }
  money {
    amount   = todecimal(var.amount)
    currency = "COP"
  }
}
`)}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	got := cfg.ItemVariables(cfg.Operations["operation.fake_cancel.all"])
	if d := cmp.Diff([]string{"amount", "deep", "direct"}, got); d != "" {
		t.Error(d)
	}
}
