package diag_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
)

func badRow(line int64, column string) diag.Diagnostic {
	return diag.Diagnostic{
		Summary: "Invalid amount",
		Detail:  fmt.Sprintf("Row of line %d.", line),
		In:      `operation "pay_refund" "march"`,
		Subject: &hcl.Range{Filename: "x.ops.hcl", Start: hcl.Pos{Line: 9, Column: 3, Byte: 100}, End: hcl.Pos{Line: 9, Column: 5, Byte: 102}},
		Row:     &diag.Row{Source: "refunds.csv", Line: line, Column: column, Value: "1.250,00"},
	}
}

func TestRowsOfOneKindAreOneMessage(t *testing.T) {
	t.Parallel()
	rows := diag.Rows{Command: "runner show refunds.run --items --state invalid"}
	for line := range int64(400) {
		rows.Add(badRow(line+2, "total"))
	}
	l := rows.List()
	if len(l) != 1 || rows.Count() != 400 {
		t.Fatalf("%d messages for %d rows", len(l), rows.Count())
	}
	d := l[0]
	if d.Detail != "Row of line 2." || d.Similar != 399 || d.Command != rows.Command {
		t.Errorf("message is %+v", d)
	}
	if len(d.Others) != 19 || d.Others[0].Line != 3 || d.Others[18].Line != 21 {
		t.Errorf("others are %v", d.Others)
	}
}

func TestRowsOfOtherKinds(t *testing.T) {
	t.Parallel()
	base := badRow(2, "total")
	tests := map[string]func(*diag.Diagnostic){
		"summary":  func(d *diag.Diagnostic) { d.Summary = "Missing amount" },
		"block":    func(d *diag.Diagnostic) { d.In = `operation "pay_refund" "april"` },
		"place":    func(d *diag.Diagnostic) { d.Subject = &hcl.Range{Filename: "x.ops.hcl", Start: hcl.Pos{Byte: 7}} },
		"no place": func(d *diag.Diagnostic) { d.Subject = nil },
		"column":   func(d *diag.Diagnostic) { d.Row.Column = "fee" },
		"list":     func(d *diag.Diagnostic) { d.Row.Source = "april.csv" },
		"no row":   func(d *diag.Diagnostic) { d.Row = nil },
		"severity": func(d *diag.Diagnostic) { d.Severity = diag.Warning },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var rows diag.Rows
			other := badRow(3, "total")
			change(&other)
			rows.Add(base)
			rows.Add(other)
			l := rows.List()
			if len(l) != 2 || l[0].Similar != 0 || l[1].Similar != 0 {
				t.Errorf("messages are %+v", l)
			}
		})
	}
}

// A message that names all its rows needs no command to list them.
func TestFewRowsNeedNoCommand(t *testing.T) {
	t.Parallel()
	rows := diag.Rows{Command: "runner show"}
	rows.Add(badRow(2, "total"))
	rows.Add(badRow(3, "total"))
	if d := rows.List()[0]; d.Command != "" || d.Similar != 1 || len(d.Others) != 1 {
		t.Errorf("message is %+v", d)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	d := badRow(37, "total")
	d.Similar, d.Command = 11, "runner show refunds.run --items"
	got, err := json.MarshalIndent(diag.List{d, {Severity: diag.Warning, Summary: "S"}}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want := `[
  {
    "severity": "error",
    "summary": "Invalid amount",
    "detail": "Row of line 37.",
    "in": "operation \"pay_refund\" \"march\"",
    "range": {
      "file": "x.ops.hcl",
      "start": {
        "line": 9,
        "column": 3,
        "byte": 100
      },
      "end": {
        "line": 9,
        "column": 5,
        "byte": 102
      }
    },
    "row": {
      "file": "refunds.csv",
      "line": 37,
      "column": "total",
      "value": "1.250,00"
    },
    "similar": 11,
    "command": "runner show refunds.run --items"
  },
  {
    "severity": "warning",
    "summary": "S"
  }
]`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("written otherwise (-want +got):\n%s", d)
	}
}

// HCL's diagnostics carry an expression and the values of its symbols, which
// may be secret; what we take over has no place for them.
func TestFromHCL(t *testing.T) {
	t.Parallel()
	r := hcl.Range{Filename: "x.ops.hcl", Start: hcl.InitialPos, End: hcl.InitialPos}
	got := diag.FromHCL(hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "S", Detail: "D.", Subject: &r, EvalContext: &hcl.EvalContext{}}})
	want := diag.List{{Severity: diag.Warning, Summary: "S", Detail: "D.", Subject: &r}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("taken over otherwise (-want +got):\n%s", d)
	}
	if got.HasErrors() {
		t.Error("a warning is an error")
	}
}
