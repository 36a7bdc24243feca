package view

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 123e6, time.UTC)

// exported is a run file with these items, of an operation each whose columns
// are told.
func exported(t testing.TB, columns *plan.Columns, items ...plan.Item) *runfile.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.run")
	d, err := runfile.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Discard()
	op := plan.Operation{
		Address: "operation.fake_cancel.all", Provider: "provider.fake", Type: "cancel", List: "list.csv.things",
		Settings: plan.Settings{Kind: "mutation", Retry: plan.DefaultRetry, Columns: columns},
	}
	err = errors.Join(d.SetRun(runfile.Run{ID: "r1", CreatedAt: noon, RunnerVersion: "0.1.0", Digest: "sha256:6f1c", State: runfile.StatePlanned}), d.AddOperation(&op))
	items = slices.Clone(items) // tests share them
	for i := range items {
		items[i].Operation, items[i].UpdatedAt = op.ID, noon
	}
	if err = errors.Join(err, d.Add(items), d.Commit()); err != nil {
		t.Fatal(err)
	}
	f, err := runfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func export(t testing.TB, f *runfile.File, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := Export(context.Background(), &b, f, ExportOptions{Format: format}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var sample = []plan.Item{
	{
		Key: "A-1", Source: "things.csv", Row: 2, State: plan.Unchanged, Reason: "it says: \"no\", twice", Amount: "-10.00", Currency: "COP", IdempotencyKey: "6f1c",
		Arguments: json.RawMessage(`{"id":"A-1","amount":"-10.00","days":30,"tags":{"a":"b"},"note":"=1+1"}`), Live: json.RawMessage(`{"state":"open"}`),
	},
	{Key: "=cmd|' /C calc'!A0", Row: 3, State: plan.Invalid, Reason: "amount is missing"},
	{Key: "'+5", Row: 4, State: plan.Skipped, Reason: "line\r\nend", Amount: "12345678901234567.89", Arguments: json.RawMessage(`{"id":"0042","note":null}`)},
}

var sampleColumns = &plan.Columns{Arguments: []string{"id", "amount", "days", "tags", "note"}, Result: []string{"state"}}

func TestExportCSV(t *testing.T) {
	t.Parallel()
	const want = `operation,key,source,row,state,reason,amount,currency,attempts,updated_at,arguments_id,arguments_amount,arguments_days,arguments_tags,arguments_note,result_state
operation.fake_cancel.all,A-1,things.csv,2,unchanged,"it says: ""no"", twice",-10.00,COP,0,2026-11-20T12:00:00.123Z,A-1,-10.00,30,"{""a"":""b""}",'=1+1,
operation.fake_cancel.all,'=cmd|' /C calc'!A0,,3,invalid,amount is missing,,,0,2026-11-20T12:00:00.123Z,,,,,,
`
	got := string(export(t, exported(t, sampleColumns, sample[:2]...), "csv"))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// An operation of which nobody said the columns has its objects whole.
func TestExportWithoutColumns(t *testing.T) {
	t.Parallel()
	got := string(export(t, exported(t, nil, sample[2]), "csv"))
	if !strings.Contains(got, `updated_at,arguments,result`) || !strings.Contains(got, `"{""id"":""0042"",""note"":null}",`) {
		t.Error(got)
	}
}

// Each line of jsonl is what show --items --json says of the item.
func TestExportJSONLines(t *testing.T) {
	t.Parallel()
	f := exported(t, sampleColumns, sample...)
	var shown struct{ Items []map[string]any }
	var b bytes.Buffer
	if _, _, err := Items(&b, f, runfile.Filter{}, true); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b.Bytes(), &shown); err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	for _, line := range strings.Split(strings.TrimSuffix(string(export(t, f, "jsonl")), "\n"), "\n") {
		var item map[string]any
		if err := json.Unmarshal([]byte(line), &item); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		got = append(got, item)
	}
	if diff := cmp.Diff(shown.Items, got); diff != "" {
		t.Error(diff)
	}
}

func TestExportXLSX(t *testing.T) {
	t.Parallel()
	x, err := excelize.OpenReader(bytes.NewReader(export(t, exported(t, sampleColumns, sample...), "xlsx")))
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	got, err := x.GetRows("items")
	if err != nil {
		t.Fatal(err)
	}
	const op, at = "operation.fake_cancel.all", "2026-11-20T12:00:00.123Z"
	want := [][]string{
		{"operation", "key", "source", "row", "state", "reason", "amount", "currency", "attempts", "updated_at",
			"arguments_id", "arguments_amount", "arguments_days", "arguments_tags", "arguments_note", "result_state"},
		{op, "A-1", "things.csv", "2", "unchanged", `it says: "no", twice`, "-10.00", "COP", "0", at, "A-1", "-10.00", "30", `{"a":"b"}`, "'=1+1"},
		{op, "'=cmd|' /C calc'!A0", "", "3", "invalid", "amount is missing", "", "", "0", at},
		{op, "''+5", "", "4", "skipped", "line\r\nend", "12345678901234567.89", "", "0", at, "0042"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for cell, number := range map[string]bool{"B2": false, "D2": true, "G2": true, "I2": true, "K2": false, "L2": false, "M2": true, "G4": false, "K4": false} {
		kind, err := x.GetCellType("items", cell)
		if err != nil || (kind == excelize.CellTypeNumber || kind == excelize.CellTypeUnset) != number {
			t.Errorf("%s is of type %v, %v", cell, kind, err)
		}
	}
}

// What doesn't fit into a cell is refused, not cut.
func TestExportXLSXLongCell(t *testing.T) {
	t.Parallel()
	var large *TooLargeError
	_, err := Export(context.Background(), new(bytes.Buffer), exported(t, sampleColumns, plan.Item{Key: "a", State: plan.Invalid, Reason: strings.Repeat("😀", cellText/2+1)}), ExportOptions{Format: "xlsx"})
	if !errors.As(err, &large) || !strings.Contains(err.Error(), `item "a"`) {
		t.Error(err)
	}
}

// Wherever writing ends, it is an error of writing and nothing else.
func TestExportWriteErrors(t *testing.T) {
	t.Parallel()
	many := make([]plan.Item, 3000)
	for i := range many {
		many[i] = sample[0]
		many[i].Key = fmt.Sprint(i)
	}
	f := exported(t, sampleColumns, many...)
	for _, format := range Formats {
		whole := len(export(t, f, format))
		for n := 0; n < whole; n += whole/7 + 1 {
			w := &shortDisk{left: n}
			var write *WriteError
			if _, err := Export(context.Background(), w, f, ExportOptions{Format: format}); !errors.As(err, &write) || !errors.Is(err, errFull) {
				t.Errorf("%s after %d bytes: %v", format, n, err)
			}
		}
	}
}

var errFull = errors.New("no space left on device")

type shortDisk struct{ left int }

func (s *shortDisk) Write(b []byte) (int, error) {
	if s.left -= len(b); s.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestExportStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Export(ctx, new(bytes.Buffer), exported(t, sampleColumns, sample...), ExportOptions{Format: "csv"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// On a terminal nothing moves the cursor.
func TestExportOnTerminal(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if _, err := Export(context.Background(), &b, exported(t, sampleColumns, plan.Item{Key: "a\x1b[2J\u202e", State: plan.Invalid, Reason: "b\nc"}), ExportOptions{Format: "csv", Terminal: true}); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); !strings.Contains(got, `,a␛[2J\u202e,`) || !strings.Contains(got, "b␊c") {
		t.Errorf("%q", got)
	}
}

// FuzzExport holds a table to be harmless and whole: no cell of text begins a
// formula, and what was written can be had back.
func FuzzExport(f *testing.F) {
	for _, s := range []string{"=cmd", "+1", "-10.00", "@x", "\tx", "\rx", "\x00x", "'=x", "''-1", "a,b\"c\r\nd", " ", "'", "1e5", "-", "--1", "-.5", "-5.", "\\u003d1", "\u2028\x7f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "?")
		if got := Original(Neutral(s)); got != s {
			t.Fatalf("%q comes back as %q", s, got)
		}
		object, err := json.Marshal(map[string]string{"note": s})
		if err != nil {
			t.Fatal(err)
		}
		l := layoutOf([]plan.Operation{{ID: 1, Settings: plan.Settings{Columns: &plan.Columns{Arguments: []string{"note"}}}}}, 0)
		var b bytes.Buffer
		table := newCSV(&b, l, false)
		op := plan.Operation{Settings: plan.Settings{Columns: &plan.Columns{Arguments: []string{"note"}}}}
		it := plan.Item{Key: s, Source: s, Reason: s, Amount: "-10.00", Currency: s, Arguments: object}
		if err := errors.Join(table.item(&op, &it), table.close()); err != nil {
			t.Fatal(err)
		}
		rows := parseCSV(t, b.String())
		if len(rows) != 2 || len(rows[1]) != len(l.names) {
			t.Fatalf("%q", rows)
		}
		for i, want := range map[int]string{1: s, 2: s, 5: s, 6: "-10.00", 7: s, 10: s} {
			cell := rows[1][i]
			if Original(cell) != want {
				t.Errorf("%s: %q comes back as %q", l.names[i], want, Original(cell))
			}
			if cell != "" && strings.ContainsRune("=+-@\t\r\x00", rune(cell[0])) && !((i == 6 || i == 10) && isDecimal(cell)) {
				t.Errorf("%s: %q begins a formula", l.names[i], cell)
			}
		}
		// Go's own reader finds the same, but for line ends, which it makes its own.
		again, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil || len(again) != 2 || again[1][1] != strings.ReplaceAll(rows[1][1], "\r\n", "\n") {
			t.Errorf("%q, %v", again, err)
		}
		line := quote(nil, s)
		var back string
		if err := json.Unmarshal(line, &back); err != nil || back != s {
			t.Errorf("%s is %q, not %q: %v", line, back, s, err)
		}
		if Inert(string(line)) != string(line) {
			t.Errorf("%q is not inert", line)
		}
	})
}

// parseCSV reads a table as RFC 4180 has it, byte for byte.
func parseCSV(t *testing.T, s string) (rows [][]string) {
	var row []string
	for s != "" {
		cell := ""
		if s[0] == '"' {
			for s = s[1:]; ; {
				i := strings.IndexByte(s, '"')
				if i < 0 {
					t.Fatal("a quote is never closed")
				}
				cell, s = cell+s[:i], s[i+1:]
				if s == "" || s[0] != '"' {
					break
				}
				cell, s = cell+`"`, s[1:]
			}
		} else {
			i := strings.IndexAny(s, ",\n")
			cell, s = s[:i], s[i:]
		}
		row = append(row, cell)
		if s[0] == '\n' {
			rows, row = append(rows, row), nil
		}
		s = s[1:]
	}
	return rows
}

// FuzzObjectMembers holds the quick reader of objects against the standard's.
func FuzzObjectMembers(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1}`, `{"a":"x\"}","b":[1,{"c":"]"}],"d":null}`, ` { "a" : -1.5e3 , "b\u0041":true } `, `[1]`, `{"a"`, `{"a":{"b":[`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := map[string]json.RawMessage{}
		names := 0
		for name, value := range objectMembers([]byte(s)) {
			got[name] = value
			names++
		}
		var want map[string]json.RawMessage
		if !utf8.ValidString(s) || !json.Valid([]byte(s)) || json.Unmarshal([]byte(s), &want) != nil || len(want) != names {
			return // damaged, or a name that stands twice
		}
		for name, value := range want {
			if string(got[name]) != string(value) {
				t.Errorf("%s: %q is %q, not %q", s, name, got[name], value)
			}
		}
	})
}
