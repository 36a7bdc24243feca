package eval

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/rows"
	"github.com/bulkrunner/runner/sdk"
)

// cancel is an operation with an attribute of each kind.
var cancel = &sdk.OperationSchema{
	Name: "cancel_order",
	Kind: sdk.KindMutation,
	Arguments: []sdk.Attribute{
		{Name: "order", Type: json.RawMessage(`"string"`), Required: true, MaxLength: 12, Pattern: `[A-Z0-9-]+`, Doc: "The order's id."},
		{Name: "amount", Type: json.RawMessage(`"string"`), Decimal: true, Role: "amount"},
		{Name: "currency", Type: json.RawMessage(`"string"`), Role: "currency"},
		{Name: "days", Type: json.RawMessage(`"number"`), Integer: true, Default: json.RawMessage(`30`)},
		{Name: "reason", Type: json.RawMessage(`"string"`), OneOf: []string{"stale", "duplicate"}},
		{Name: "notify", Type: json.RawMessage(`"bool"`)},
		{Name: "tags", Type: json.RawMessage(`["map","string"]`)},
		{Name: "card", Type: json.RawMessage(`"string"`), WriteOnly: true},
	},
	Live: []sdk.Attribute{
		{Name: "state", Type: json.RawMessage(`"string"`), Role: "status"},
		{Name: "total", Type: json.RawMessage(`"string"`), Decimal: true, Role: "amount"},
		{Name: "currency", Type: json.RawMessage(`"string"`), Role: "currency"},
		{Name: "parts", Type: json.RawMessage(`["list","string"]`)},
		{Name: "token", Type: json.RawMessage(`"string"`), Sensitive: true},
	},
	Reads:        true,
	DefaultGuard: &sdk.DefaultGuard{Attribute: "state", Allowed: []string{"PENDIENTE", "REGISTRADO"}},
}

var columns = []rows.Column{
	{Name: "order_id"}, {Name: "status"}, {Name: "created_at"}, {Name: "note"},
	{Name: "amount", Type: rows.Decimal}, {Name: "count", Type: rows.Number}, {Name: "open", Type: rows.Bool},
}

// row is a row of the columns above.
func row(text ...string) rows.Row { return rows.Row{Number: 7, Line: 8, Text: text} }

var stale = row("A-001", "PENDIENTE", "2026-10-01T00:00:00Z", "", "12.50", "3", "true")

const head = `
runner {
  required_providers {
    pay = { source = "pay" }
  }
}
provider "pay" {}
variable "secret" {
  type      = string
  sensitive = true
  default   = ""
}
variable "as_of" { default = "2026-11-01" }
locals { cutoff = "${var.as_of}T00:00:00Z" }
list "csv" "stale" {
  path = "stale.csv"
  key  = "order_id"
}
`

func operationOf(t testing.TB, body string) (*Scope, *config.Operation) {
	t.Helper()
	s := scopeOf(t, head+"operation \"pay_cancel_order\" \"stale\" {\n  for_each = list.csv.stale\n"+body+"\n}\n", nil)
	return s, s.cfg.Operations["operation.pay_cancel_order.stale"]
}

func compile(t testing.TB, body string) *Program {
	t.Helper()
	s, op := operationOf(t, body)
	p, diags := s.Compile(op, columns, cancel)
	if diags.HasErrors() {
		t.Fatal(words(diags))
	}
	return p
}

func TestItem(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body string
		row  rows.Row
		want Item
		bad  []string // one for each problem: part of its text, and its column
	}{
		"schema's order and types": {
			body: `
  notify   = each.value.open
  order    = each.value.order_id
  amount   = each.value.amount
  currency = "604"
  days     = each.value.count
  reason   = "stale"
  tags     = { row = each.row, k = each.key }`,
			want: Item{
				Key: "A-001", Amount: "12.50", Currency: "PEN",
				Arguments: json.RawMessage(`{"order":"A-001","amount":"12.50","currency":"604","days":3,"reason":"stale","notify":true,"tags":{"k":"A-001","row":"7"}}`),
			},
		},
		"defaults and left out": {
			body: `  order = each.value.order_id`,
			want: Item{Key: "A-001", Arguments: json.RawMessage(`{"order":"A-001","days":30}`)},
		},
		"money block, key, state": {
			body: `
  order = "${each.key}-X"
  key   = "${each.value.order_id}/${each.row}"
  money {
    amount   = each.value.amount * 2
    currency = "COP"
  }
  rehearse { state = each.value.status }`,
			bad: []string{"must match the pattern@"},
			want: Item{
				Key: "A-001/7", Amount: "25.00", Currency: "COP", State: "PENDIENTE",
				Arguments: json.RawMessage(`{"days":30}`),
			},
		},
		"text that is an amount": {
			body: "  order = each.value.order_id\n money {\n amount = each.value.note\n currency = \"COP\"\n}",
			row:  row("A-1", "", "", "1250.00", "", "", ""),
			want: Item{Key: "A-1", Amount: "1250.00", Currency: "COP", Arguments: json.RawMessage(`{"order":"A-1","days":30}`)},
		},
		"all problems": {
			body: `
  order    = each.value.note
  amount   = each.value.status
  days     = each.value.status
  reason   = each.value.status
  money {
    amount   = each.value.status
    currency = each.value.status
  }`,
			row:  row("", "1.250,00", "", "", "", "", ""),
			bad:  []string{"has no key@order_id", "required and has no value@note", "write it as 1250.00@status", "digits only@status", "must be one of stale, duplicate@status", "write it as 1250.00@status", "ISO 4217@status"},
			want: Item{Arguments: json.RawMessage(`{}`)},
		},
		"blank amount": {
			body: "  order = each.value.order_id\n money {\n amount = each.value.amount\n currency = \"COP\"\n}",
			row:  row("A-1", "", "", "", "", "", ""),
			bad:  []string{"blank@amount"},
			want: Item{Key: "A-1", Currency: "COP", Arguments: json.RawMessage(`{"order":"A-1","days":30}`)},
		},
		"negative amount": {
			body: "  order = each.value.order_id\n money {\n amount = each.value.amount\n currency = \"COP\"\n}",
			row:  row("A-1", "", "", "", "-1.00", "", ""),
			bad:  []string{"never below zero@amount"},
			want: Item{Key: "A-1", Currency: "COP", Arguments: json.RawMessage(`{"order":"A-1","days":30}`)},
		},
		"null is left out": {
			body: "  order = each.value.order_id\n  reason = each.value.note == \"\" ? null : each.value.note",
			want: Item{Key: "A-001", Arguments: json.RawMessage(`{"order":"A-001","days":30}`)},
		},
		"too long, in characters": {
			body: "  order = each.value.note",
			row:  row("A-1", "", "", "ABCDEFGHIJKLM", "", "", ""),
			bad:  []string{"13 characters; it may have at most 12@note"},
			want: Item{Key: "A-1", Arguments: json.RawMessage(`{"days":30}`)},
		},
		"an expression that fails": {
			body: "  order = parseint(each.value.note, 10)",
			row:  row("A-1", "", "", "x", "", "", ""),
			bad:  []string{"@note"},
			want: Item{Key: "A-1", Arguments: json.RawMessage(`{"days":30}`)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := compile(t, test.body)
			if test.row.Text == nil {
				test.row = stale
			}
			for range 2 { // the second time in used memory
				item, problems := p.Item(test.row)
				if diff := cmp.Diff(test.want, item); diff != "" {
					t.Error(diff)
				}
				var got []string
				for _, q := range problems {
					column := ""
					if q.Row != nil {
						column = q.Row.Column
					}
					got = append(got, q.Detail+"@"+column)
				}
				if len(got) != len(test.bad) {
					t.Fatalf("got %q, want %q", got, test.bad)
				}
				for i, want := range test.bad {
					text, column, _ := strings.Cut(want, "@")
					if !strings.Contains(got[i], text) || !strings.HasSuffix(got[i], "@"+column) {
						t.Errorf("got %q, want %q", got[i], want)
					}
				}
				if !json.Valid(item.Arguments) {
					t.Errorf("not JSON: %s", item.Arguments)
				}
			}
		})
	}
}

func TestWhere(t *testing.T) {
	t.Parallel()
	for where, want := range map[string]string{
		`each.value.status == "PENDIENTE" && timecmp(each.value.created_at, local.cutoff) < 0`: "true",
		`each.value.status == "PAGADA"`:                       "false",
		`each.value.amount > 12.49 && each.value.amount < 13`: "true",
		`each.value.amount == 12.5`:                           "true",
		`each.value.count >= 3 && each.value.open`:            "true",
		`startswith(each.key, "A-") && each.row == 7`:         "true",
		`contains(["X", "PENDIENTE"], each.value.status)`:     "true",
		`each.value.note == ""`:                               "true",
		`true`:                                                "true",
		`timecmp(each.value.note, local.cutoff) < 0`:          "error",
		`each.value.status == var.secret`:                     "false",
		`tonumber(each.value.count) == 3`:                     "true",
		`[for k, v in each.value : v][0] != null`:             "true",
		`each.value["status"] == "PENDIENTE"`:                 "true",
	} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			p := compile(t, "  order = each.value.order_id\n  where = "+where)
			yes, problem := p.Where(stale)
			got := fmt.Sprint(yes)
			if problem != nil {
				got = "error"
			}
			if got != want {
				t.Errorf("got %s %v, want %s", got, problem, want)
			}
		})
	}
}

// Secret arguments are apart from those that are stored, and what is wrong with
// one says nothing of its value.
func TestSecretArguments(t *testing.T) {
	t.Parallel()
	s := scopeOf(t, head+"variable \"token\" {\n type = string\n sensitive = true\n }\noperation \"pay_cancel_order\" \"stale\" {\n  for_each = list.csv.stale\n"+`
  order  = each.value.order_id
  card   = each.value.note
  tags   = { token = each.value.open ? var.token : "none" }
  reason = var.token == "" ? "x" : "stale"
`+"\n}\n", map[string]Given{"token": {Value: cty.StringVal("t0k3n")}})
	schema := *cancel
	schema.Arguments = append([]sdk.Attribute{}, cancel.Arguments...)
	schema.Arguments[7].MaxLength = 4
	p, diags := s.Compile(s.cfg.Operations["operation.pay_cancel_order.stale"], columns, &schema)
	if diags.HasErrors() {
		t.Fatal(words(diags))
	}
	if got := fmt.Sprint(p.WriteOnly(), p.Sensitive()); got != "[card] [reason tags]" {
		t.Errorf("write-only and sensitive are %s", got)
	}
	secret := row("A-001", "PENDIENTE", "", "4111", "12.50", "3", "true")
	item, problems := p.Item(secret)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if got := string(item.Arguments); got != `{"order":"A-001","days":30}` {
		t.Errorf("stored are %s", got)
	}
	if got := string(item.Sensitive); got != `{"reason":"stale","tags":{"token":"t0k3n"}}` {
		t.Errorf("sensitive are %s", got)
	}
	if got := string(item.WriteOnly); got != `{"card":"4111"}` {
		t.Errorf("write-only are %s", got)
	}
	secret.Text[6] = "false" // the token isn't there, but a condition's marks are those of both arms
	item, _ = p.Item(secret)
	if strings.Contains(string(item.Arguments), "t0k3n") {
		t.Errorf("stored are %s", item.Arguments)
	}
	secret.Text[3] = "41111"
	_, problems = p.Item(secret)
	if len(problems) != 1 || problems[0].Row == nil || problems[0].Row.Column != "note" {
		t.Fatalf("problems are %v", problems)
	}
	if text := fmt.Sprintf("%+v %+v", problems[0].Diagnostic, *problems[0].Row); strings.Contains(text, "4111") {
		t.Errorf("it is said: %s", text)
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	const order = "  order = each.value.order_id\n"
	for name, test := range map[string]struct{ body, want string }{
		"unknown column":       {`  order = each.value.ordr_id`, `Did you mean "order_id"?`},
		"unknown argument":     {order + `  ordr = "x"`, `Did you mean "order"?`},
		"argument list":        {order + `  zzzzzzzz = "x"`, "The arguments are: order, amount"},
		"missing argument":     {`  days = 3`, `needs the argument "order" (The order's id)`},
		"constant too long":    {`  order = "ABCDEFGHIJKLMNOP"`, "at most 12"},
		"constant pattern":     {`  order = "abc"`, "pattern"},
		"constant one of":      {order + `  reason = "stal"`, `Did you mean "stale"?`},
		"constant whole":       {order + `  days = 2.5`, "digits only"},
		"type":                 {order + `  days = each.value.open`, "must be a whole number, and this gives bool"},
		"where not a bool":     {order + `  where = each.value.status`, "must be true or false"},
		"strict equality":      {order + `  where = each.value.status == 5`, "string can never equal number"},
		"write-only literal":   {order + `  card = "4111"`, "It is written in the file"},
		"write-only as key":    {order + `  card = each.value.order_id`, "the list's key is stored"},
		"write-only in key":    {order + `  card = each.value.note` + "\n  key = \"${each.value.order_id}${each.value.note}\"", "the key is stored"},
		"write-only elsewhere": {`  order = "${each.value.note}"` + "\n  card = each.value.note", `the argument "order" is stored`},
		"write-only in guard":  {order + `  card = each.value.note` + "\n  guard {\n condition = live.state == each.value.note\n }", "what a guard looks at is stored"},
		"sensitive default":    {`  order = var.secret`, "Remove the default"},
		"sensitive key":        {order + `  key = "${each.key}"`, "each.key is what this expression makes"},
		"secret in key":        {order + `  key = "${each.value.order_id}${var.secret}"`, "can't be a sensitive value"},
		"constant key":         {order + `  key = "x"`, "same for every row"},
		"live outside a guard": {order + `  where = live.state == "x"`, "only the conditions of guards"},
		"unknown live":         {order + "  guard {\n condition = live.stat == \"x\"\n }", `Did you mean "state"?`},
		"live type":            {order + "  guard {\n condition = live.state == 5\n }", "can never equal"},
		"guard not a bool":     {order + "  guard {\n condition = live.state\n }", "must be true or false"},
		"bad currency":         {order + "  money {\n amount = each.value.amount\n currency = \"cop\"\n }", `Did you mean "COP"?`},
		"amount not a number":  {order + "  money {\n amount = each.value.open\n currency = \"COP\"\n }", "An amount is a decimal"},
		"secret amount":        {order + "  money {\n amount = var.secret\n currency = \"COP\"\n }", "can't be a sensitive value"},
		"bare word":            {`  order = stale`, "Write text in double quotes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, diags := config.Parse([]config.Source{{Name: "test.ops.hcl", Bytes: []byte(head + "operation \"pay_cancel_order\" \"stale\" {\n  for_each = list.csv.stale\n" + test.body + "\n}\n")}})
			op := cfg.Operations["operation.pay_cancel_order.stale"]
			if op == nil {
				t.Fatalf("not parsed: %s", words(diags))
			}
			s, _ := NewScope(cfg, nil, now)
			_, diags = s.Compile(op, columns, cancel)
			if !diags.HasErrors() || !strings.Contains(words(diags), test.want) {
				t.Fatalf("got %q, want %q", words(diags), test.want)
			}
			for _, d := range diags {
				if d.Subject == nil || d.In == "" {
					t.Errorf("no place: %+v", d)
				}
			}
		})
	}
}

func TestInlineRows(t *testing.T) {
	t.Parallel()
	values := []cty.Value{cty.ObjectVal(map[string]cty.Value{
		"order_id": cty.StringVal("A-1"), "amount": cty.MustParseNumberVal("12.50"), "n": cty.NumberIntVal(5),
	})}
	r, err := rows.Inline{Source: "list.inline.x", Columns: map[string]rows.Type{"amount": rows.Decimal}, Rows: values}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s, op := operationOf(t, "  order = each.value.order_id\n  amount = each.value.amount + 1\n  days = each.value.n\n  where = each.value.n == 5")
	p, diags := s.Compile(op, r.Columns(), cancel)
	if diags.HasErrors() {
		t.Fatal(words(diags))
	}
	row, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if yes, problem := p.Where(row); !yes || problem != nil {
		t.Errorf("where: %v %v", yes, problem)
	}
	item, problems := p.Item(row)
	if len(problems) > 0 || string(item.Arguments) != `{"order":"A-1","amount":"13.5","days":5}` || item.Amount != "13.5" {
		t.Errorf("got %+v %v", item, problems)
	}
}
