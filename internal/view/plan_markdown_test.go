package view

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// aComment is a comment with something of everything.
func aComment() *Comment {
	op := OperationDocument{Address: "operation.fake_cancel.all", Provider: "provider.fake", List: "list.csv.things", Rows: 5, Matching: 4,
		RequestsPerSec: 10, RequestsPerItem: 2, EstimateSeconds: 20,
		Counts:  map[string]int64{"planned": 12, "skipped": 1, "invalid": 1},
		Totals:  map[string]map[string]string{"planned": {"COP": "12345678901.25", "": "1"}, "skipped": {"COP": "7"}},
		Reasons: []ReasonDocument{{State: "skipped", Reason: "guard", Items: 1, Keys: []string{"b"}}, {State: "invalid", Reason: "no amount", Items: 1, Keys: []string{""}}},
		Settings: plan.Settings{
			Guards: []plan.Guard{{Condition: "live.state ==\n\"open\"", Otherwise: "skip"}}, Default: &plan.Default{Attribute: "state", Allowed: []string{"open"}},
			Limits: plan.Limits{MaxItems: 10, Said: true, MaxShare: 0.5, MaxTotal: map[string]string{"COP": "99"}}, Canary: []int64{10, 100}, WriteOnly: []string{"cvv"}, ByHand: true},
		Largest: []LargeDocument{{Key: "a", Source: "things.csv", Row: 2, State: "planned", Amount: "12345678900", Currency: "COP"}}, Odd: []string{"1 item has no amount"}}
	return &Comment{
		Document: &Document{Run: RunDocument{ID: "r1", State: runfile.StatePlanned, CreatedAt: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), Runner: "0.1.0", Digest: "sha256:6f1c", DigestLocal: true,
			Providers: []runfile.Provider{{Address: "provider.fake", Name: "fake", Version: "0.1.0", Account: "M-1", Environment: "other", Rate: 10}},
			Lists:     []runfile.List{{Address: "list.csv.things", Source: "things.csv", Rows: 5, Reading: "a semicolon"}}, Counts: op.Counts}, Operations: []OperationDocument{op}},
		Examples: [][]ExampleItem{{{"a", "12345678900", "COP", "things.csv:2"}}},
		Messages: diag.List{{Summary: "Too many items", Detail: "1 is too many.", In: `operation "x" "y"`, Subject: &hcl.Range{Filename: "x.ops.hcl", Start: hcl.Pos{Line: 1, Column: 1}, End: hcl.Pos{Line: 1, Column: 4, Byte: 3}},
			Row: &diag.Row{Source: "things.csv", Line: 2, Column: "amount", Value: "1,2"}, Similar: 2, Others: []diag.Row{{Source: "things.csv", Line: 3, Column: "amount", Value: "1,3"}}, Command: "runner show x.run"},
			{Severity: diag.Warning, Summary: "Odd", Detail: "Look at it."}},
		Sources: map[string][]byte{"x.ops.hcl": []byte("``` ```` @everyone <b>\n")},
		Command: "runner apply x.run --expect-digest sha256:6f1c",
		Kept:    "x.run",
	}
}

// hostileComment has hostile text in every field that comes from a file, a list
// or an API.
func hostileComment() *Comment {
	c := aComment()
	op := &c.Operations[0]
	totals, amounts, limits := op.Totals, c.Examples[0][0].Amount, op.Settings.Limits // exact decimals, or the file is refused
	op.Totals, op.Settings.Limits.MaxTotal = nil, nil
	range_ := *c.Messages[0].Subject
	spoil(reflect.ValueOf(c), hostile)
	*c.Messages[0].Subject = range_
	c.Messages[0].Detail = hostile + "\n" + hostile
	op.Totals, op.Settings.Limits = map[string]map[string]string{"planned": {hostile: totals["planned"]["COP"]}}, limits
	c.Examples[0][0].Amount, op.Largest[0].Amount = amounts, amounts
	op.Largest[0].State, op.Reasons[0].State, op.Reasons[1].State = "planned", "skipped", "invalid"
	return c
}

func commentText(t *testing.T, c *Comment) string {
	t.Helper()
	var b strings.Builder
	if err := c.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestCommentIsText: Markdown takes nothing of what a list or an API says for
// its own, in a plan and in the refusal of one.
func TestCommentIsText(t *testing.T) {
	t.Parallel()
	refused := hostileComment()
	refused.Document = nil
	for name, c := range map[string]*Comment{"plain": aComment(), "hostile": hostileComment(), "refused": refused} {
		text := commentText(t, c)
		onlyOurs(t, name, text)
		if name != "plain" && !strings.Contains(text, "pwned") {
			t.Errorf("%s: it shows nothing of it", name)
		}
	}
}

// TestCommentIsBounded: a comment has room where it is posted, keeps what is
// decided on, and says that it is cut.
func TestCommentIsBounded(t *testing.T) {
	t.Parallel()
	for name, grow := range map[string]func(*Comment){
		"operations": func(c *Comment) {
			for i := range 500 {
				op := c.Operations[0]
				op.Address = fmt.Sprintf("operation.fake_cancel.n%d", i)
				c.Operations, c.Examples = append(c.Operations, op), append(c.Examples, c.Examples[0])
			}
		},
		"messages": func(c *Comment) {
			for range 3 {
				c.Messages = append(c.Messages, c.Messages...)
			}
			for i := range c.Messages {
				c.Messages[i].Detail = strings.Repeat("€uro @everyone ```` ", 5000)
			}
			for range 400 {
				c.Operations, c.Examples = append(c.Operations, c.Operations[0]), append(c.Examples, c.Examples[0])
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, kept := range []string{"x.run", ""} {
				c := aComment()
				grow(c)
				c.Kept = kept
				text := commentText(t, c)
				onlyOurs(t, name, text)
				if len(text) > mostComment || len(text) < mostComment*9/10 {
					t.Errorf("it has %d bytes", len(text))
				}
				for _, want := range []string{"## Plan: 12 to execute", "--expect-digest sha256:6f1c\n", "more lines found no room in a comment.**", "Too many items"} {
					if !strings.Contains(text, want) {
						t.Errorf("it doesn't say %q", want)
					}
				}
			}
		})
	}
}
