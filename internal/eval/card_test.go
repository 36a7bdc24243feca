package eval

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/rows"
)

// A row with a card number in what would be stored is refused, in words that
// don't hold it, but for columns that are said to hold ids.
func TestE3Rows(t *testing.T) {
	t.Parallel()
	const card = "4111111111111111"
	for name, c := range map[string]struct {
		body  string
		row   rows.Row
		stops bool
	}{
		"argument":      {"  order = each.value.order_id\n  tags = { n = each.value.note }", row("A-1", "", "", card, "1", "1", "true"), true},
		"key":           {"  order = \"A\"", row(card, "", "", "", "1", "1", "true"), true},
		"guard":         {"  order = each.value.order_id\n  guard {\n condition = each.value.note == live.state\n }", row("A-1", "", "", card, "1", "1", "true"), true},
		"write-only":    {"  order = each.value.order_id\n  card = each.value.note", row("A-1", "", "", card, "1", "1", "true"), false},
		"last digits":   {"  order = each.value.order_id\n  tags = { n = substr(each.value.note, -4, 4) }", row("A-1", "", "", card, "1", "1", "true"), false},
		"unused":        {"  order = each.value.order_id", row("A-1", "", "", card, "1", "1", "true"), false},
		"said to be id": {"  order = each.value.order_id\n  tags = { n = each.value.status }", row("A-1", card, "", "", "1", "1", "true"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scopeOf(t, strings.Replace(head, `key  = "order_id"`, "key  = \"order_id\"\n  columns = { status = id }", 1)+
				"operation \"pay_cancel_order\" \"stale\" {\n  for_each = list.csv.stale\n"+c.body+"\n}\n", nil)
			p, diags := s.Compile(s.cfg.Operations["operation.pay_cancel_order.stale"], columns, cancel)
			if diags.HasErrors() {
				t.Fatal(words(diags))
			}
			_, problems := p.Item(c.row)
			found := false
			for _, problem := range problems {
				found = found || problem.Summary == "Value looks like a card number"
				if text := fmt.Sprintf("%+v %+v", problem.Diagnostic, problem.Row); strings.Contains(text, "411111111") {
					t.Errorf("it says the number: %s", text)
				}
			}
			if found != c.stops {
				t.Errorf("stopped: %v; %v", found, problems)
			}
		})
	}
}

// A number that no row brings is found too, wherever it comes from.
func TestE3Constants(t *testing.T) {
	t.Parallel()
	const card = "4111111111111111"
	for name, c := range map[string]struct {
		body  string
		stops bool
	}{
		"literal":    {"order = \"A\"\n  tags = { n = \"" + card + "\" }", true},
		"grouped":    {"order = \"A\"\n  tags = { n = \"4111 1111 1111 1111\" }", true},
		"computed":   {"order = \"A\"\n  tags = { n = join(\"\", [\"41111111\", \"11111111\"]) }", true},
		"too long":   {`order = "` + card + `"`, false},
		"write-only": {"order = \"A\"\n  card = var.card", false},
		"other id":   {"order = \"A\"\n  tags = { n = \"4111111111111112\" }", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scopeOf(t, head+"variable \"card\" {\n  type = string\n  sensitive = true\n}\n"+
				"operation \"pay_cancel_order\" \"stale\" {\n  for_each = list.csv.stale\n  "+c.body+"\n}\n",
				map[string]Given{"card": {Text: card}, "secret": {Text: "s"}})
			_, diags := s.Compile(s.cfg.Operations["operation.pay_cancel_order.stale"], columns, cancel)
			if found := strings.Contains(words(diags), "looks like a card number"); found != c.stops {
				t.Errorf("stopped: %v; %s", found, words(diags))
			}
			if strings.Contains(words(diags), card) {
				t.Errorf("it says the number: %s", words(diags))
			}
			for _, d := range diags {
				if !d.Secret {
					t.Errorf("%s: the line would be shown", d.Summary)
				}
			}
		})
	}
}

// Values of variables are kept, used or not, but for those of sensitive ones.
func TestE3Variables(t *testing.T) {
	t.Parallel()
	const card = "4111111111111111"
	for name, c := range map[string]struct {
		decl  string
		given Given
		stops bool
	}{
		"text":      {`type = string`, Given{Text: card, Origin: "--var v"}, true},
		"number":    {`type = number`, Given{Text: card, Origin: "--var v"}, true},
		"grouped":   {`type = string`, Given{Text: "4111 1111 1111 1111", Origin: "RUNNER_VAR_v"}, true},
		"nested":    {`type = map(list(string))`, Given{Text: `{ a = ["` + card + `"] }`, Origin: "--var v"}, true},
		"of a file": {``, Given{Value: cty.StringVal(card), Origin: "x.opsvars.hcl", Range: &hcl.Range{Filename: "x.opsvars.hcl"}}, true},
		"sensitive": {"type = string\n  sensitive = true", Given{Text: card, Origin: "RUNNER_VAR_v"}, false},
		"planned":   {`type = string`, Given{Value: cty.StringVal(card), Origin: "the run file", Stored: true}, false},
		"other":     {`type = string`, Given{Text: "4111111111111112", Origin: "--var v"}, false},
		"refused":   {"type = string\n  validation {\n    condition = var.v == \"\"\n    error_message = \"No ${var.v}.\"\n  }", Given{Value: cty.StringVal(card), Origin: "the run file", Stored: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, diags := NewScope(parse(t, "variable \"v\" {\n  "+c.decl+"\n}\n"), map[string]Given{"v": c.given}, now)
			if found := strings.Contains(words(diags), "looks like a card number"); found != c.stops {
				t.Errorf("stopped: %v; %s", found, words(diags))
			}
			if strings.Contains(words(diags), "11111111") {
				t.Errorf("it says the number: %s", words(diags))
			}
			for _, d := range diags {
				if c.stops && (!d.Secret || d.Subject == nil) {
					t.Errorf("%+v", d)
				}
			}
		})
	}
}
