package view_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/view"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
)

func printed(t *testing.T, l diag.List, src string, opts view.DiagnosticOptions) string {
	t.Helper()
	var b bytes.Buffer
	sources := map[string][]byte{"refunds.ops.hcl": []byte(src), "x.ops.hcl.json": []byte(src)}
	if err := view.Diagnostics(&b, l, sources, opts); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// subject is the range of the first occurrence of what, in src.
func subject(src, what string) *hcl.Range {
	i := strings.Index(src, what)
	pos := func(i int) hcl.Pos {
		return hcl.Pos{Byte: i, Line: strings.Count(src[:i], "\n") + 1, Column: i - strings.LastIndex(src[:i], "\n")}
	}
	return &hcl.Range{Filename: "refunds.ops.hcl", Start: pos(i), End: pos(i + len(what))}
}

func named(name, src, what string) *hcl.Range {
	r := subject(src, what)
	if strings.HasPrefix(what, "{") {
		r.End.Byte = r.Start.Byte + 1
	}
	r.Filename = name
	return r
}

const file = `operation "payme_cancel_charge" "march" {
	amount = each.value.total
  api_key = "sk_live_1"
}
`

func TestDiagnostics(t *testing.T) {
	t.Parallel()
	long := "amount = \"" + strings.Repeat("x", 300) + "\" + target + \"" + strings.Repeat("y", 300) + "\"\n"
	compact := `{
"fake": {"token": "sk_live_1", "b": "${\"x,\" == var.b}", "c": "sk_live_2"}, "d": {"token": "sk_live_3"}}
`
	tests := map[string]struct {
		src  string
		l    diag.List
		opts view.DiagnosticOptions
		want string
	}{
		"rows": {file, diag.List{{
			Summary: "Invalid amount",
			Detail:  `"1.250,00" is not a decimal number: write it as 1250.00, with a full stop as the decimal mark and no thousands separator.`,
			Subject: subject(file, "each.value.total"),
			In:      `operation "payme_cancel_charge" "march"`,
			Row:     &diag.Row{Source: "refunds.csv", Line: 37, Column: "total", Value: "1.250,00"},
			Similar: 1234,
			Others:  []diag.Row{{Source: "refunds.csv", Line: 38, Column: "total", Value: "7,5"}},
			Command: "runner show a-folder-with-a-name-that-is-long/refunds.run --items --state invalid",
		}}, view.DiagnosticOptions{Width: 60}, `Error: Invalid amount

  on refunds.ops.hcl line 2, in operation "payme_cancel_charge" "march":
   2:   amount = each.value.total
                 ^^^^^^^^^^^^^^^^

  at refunds.csv:37, column total: "1.250,00"

"1.250,00" is not a decimal number: write it as 1250.00,
with a full stop as the decimal mark and no thousands
separator.

The same problem affects 1,234 other rows:
    refunds.csv:38, column total: "7,5"
    and 1,233 more.

To list them all, run:

    runner show a-folder-with-a-name-that-is-long/refunds.run --items --state invalid
`},
		"without wrapping": {file, diag.List{{
			Summary: "Invalid amount",
			Detail:  `"1.250,00" is not a decimal number: write it as 1250.00, with a full stop as the decimal mark and no thousands separator.`,
			Row:     &diag.Row{Source: "refunds.csv", Line: 37, Column: "total", Value: "1.250,00"},
		}}, view.DiagnosticOptions{}, `Error: Invalid amount

  at refunds.csv:37, column total: "1.250,00"

"1.250,00" is not a decimal number: write it as 1250.00, with a full stop as the decimal mark and no thousands separator.
`},
		"count alone": {file, diag.List{{Summary: "Invalid amount", Detail: "No.", Similar: 11, Command: "runner show"}}, view.DiagnosticOptions{Width: 80}, `Error: Invalid amount

No.

The same problem affects 11 other rows. To list them all, run:

    runner show
`},
		"secret line": {file, diag.List{{Summary: "Credential in a file", Detail: "Use a variable.", Subject: subject(file, `"sk_live_1"`), Secret: true}}, view.DiagnosticOptions{Width: 80}, `Error: Credential in a file

  on refunds.ops.hcl line 3

Use a variable.
`},
		"no source": {"", diag.List{{Severity: diag.Warning, Summary: "S", Subject: subject(file, "amount")}, {Summary: "T", In: "runner"}}, view.DiagnosticOptions{Width: 80}, `Warning: S

  on refunds.ops.hcl line 2

Error: T

  in runner
`},
		"range beyond its file": {"short\n", diag.List{{Summary: "S", Subject: subject(file, "api_key")}}, view.DiagnosticOptions{Width: 80}, `Error: S

  on refunds.ops.hcl line 3
`},
		"end of file": {"a {", diag.List{{Summary: "S", Subject: &hcl.Range{Filename: "refunds.ops.hcl", Start: hcl.Pos{Line: 1, Byte: 3}, End: hcl.Pos{Line: 1, Byte: 3}}}}, view.DiagnosticOptions{Width: 80}, `Error: S

  on refunds.ops.hcl line 1:
   1: a {
         ^
`},
		"several lines": {file, diag.List{{Summary: "S", Subject: subject(file, file[10:])}}, view.DiagnosticOptions{Width: 80}, `Error: S

  on refunds.ops.hcl line 1:
   1: operation "payme_cancel_charge" "march" {
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`},
		"JSON": {compact, diag.List{
			{Summary: "S", Subject: named("x.ops.hcl.json", compact, "var.b")},
			{Summary: "T", Subject: named("x.ops.hcl.json", compact, `"fake"`)},
			{Summary: "U", Subject: named("x.ops.hcl.json", compact, `{"token"`)},
		}, view.DiagnosticOptions{}, `Error: S

  on x.ops.hcl.json line 2:
   2: …"b": "${\"x,\" == var.b}"…
                         ^^^^^

Error: T

  on x.ops.hcl.json line 2:
   2: "fake":…
      ^^^^^^

Error: U

  on x.ops.hcl.json line 2:
   2: "fake": {…
              ^
`},
		"long line": {long, diag.List{{Summary: "S", Subject: subject(long, "target")}}, view.DiagnosticOptions{Width: 80}, `Error: S

  on refunds.ops.hcl line 1:
   1: …` + strings.Repeat("x", 35) + `" + target + "` + strings.Repeat("y", 109) + `…
      ` + strings.Repeat(" ", 40) + `^^^^^^
`},
		"line of a megabyte": {strings.Repeat("é", 1<<19), diag.List{{Summary: "S", Subject: &hcl.Range{Filename: "refunds.ops.hcl", Start: hcl.Pos{Line: 1, Byte: 1 << 19}, End: hcl.Pos{Line: 1, Byte: 1<<19 + 4}}}}, view.DiagnosticOptions{Width: 80}, `Error: S

  on refunds.ops.hcl line 1:
   1: …` + strings.Repeat("é", 39+2+117) + `…
      ` + strings.Repeat(" ", 40) + `^^
`},
		"colour": {file, diag.List{{Summary: "S", Subject: subject(file, "amount")}}, view.DiagnosticOptions{Color: true}, "\x1b[1m\x1b[31mError:\x1b[0m \x1b[1mS\x1b[0m\n\n  on refunds.ops.hcl line 2:\n   2:   amount = each.value.total\n        \x1b[31m^^^^^^\x1b[0m\n"},
		"hostile text": {"a = \"\x1b]52;c;\x07\u202e\" + b\n", diag.List{{
			Summary: "S\x1b[2J",
			Detail:  "First\rline.\n    kept   as\tit is \x9b\nLast \u200bline.",
			In:      "x\ny",
			Subject: subject("a = \"\x1b]52;c;\x07\u202e\" + b\n", "b\n"),
			Row:     &diag.Row{Source: "\x7f", Line: 1, Column: "\u00a0", Value: "\r\nError: paid"},
			Command: "rm\n-rf",
		}}, view.DiagnosticOptions{Width: 80}, `Error: S␛[2J

  on refunds.ops.hcl line 1, in x␊y:
   1: a = "␛]52;c;␇\u202e" + b
                             ^

  at ␡:1, column \u00a0: "␍␊Error: paid"

First␍line.
    kept   as␉it is \x9b
Last \u200bline.

    rm␊-rf
`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(test.want, printed(t, test.l, test.src, test.opts)); d != "" {
				t.Errorf("printed otherwise (-want +got):\n%s", d)
			}
		})
	}
}

// Code in a message can be pasted: no line ends within it.
func TestAssignmentsStayWhole(t *testing.T) {
	t.Parallel()
	got := printed(t, diag.List{{Summary: "S", Detail: `Give the list the column that names a row, such as key = "order_id", or { key = "a", path = "b" } at once.`}}, "", view.DiagnosticOptions{Width: 40})
	for _, want := range []string{`key = "order_id",`, `{ key = "a",`, `path = "b" }`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is divided in\n%s", want, got)
		}
	}
}
