package view_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/xuri/excelize/v2"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/planner"
	"github.com/bulkrunner/runner/internal/view"
)

// listRefusals are files that no list can be read from to its end: the type of
// the list, what stands in it beside path and key, and what is in the file.
var listRefusals = map[string]struct{ typ, file, arguments, content string }{
	"another_delimiter":       {"csv", "l.csv", `delimiter = ";"`, "id,amount\n"},
	"another_encoding":        {"csv", "l.csv", `encoding = "windows-1252"`, "id,name\n1,a\n2,José\n"},
	"another_encoding_marked": {"csv", "l.csv", `encoding = "windows-1252"`, "\xff\xfei\x00d\x00\n\x00"},
	"column_card":             {"csv", "l.csv", "", "A-1,4111111111111111\n"},
	"column_name_invalid":     {"csv", "l.csv", "", "id, amount\n"},
	"column_unnamed":          {"csv", "l.csv", "", "id,,x\n"},
	"column_repeated":         {"csv", "l.csv", "", "id,x,x\n"},
	"column_unknown":          {"csv", "l.csv", "columns = { amuont = decimal }", "id,amount\n"},
	"columns_too_many":        {"csv", "l.csv", "", strings.Repeat("a,", 1001) + "b\n"},
	"comments_too_many":       {"csv", "l.csv", `comment = "#"`, "id\n" + strings.Repeat("# a comment\n", 200_000) + "1\n"},
	"compression_damaged":     {"csv", "l.csv.gz", "", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03x"},
	"delimiters_several":      {"csv", "l.csv", "", "id;name,amount\n"},
	"empty":                   {"csv", "l.csv", "", ""},
	"encoding_unmarked":       {"csv", "l.csv", `encoding = "utf-16"`, "i\x00d\x00\n\x00"},
	"encoding_wrong":          {"csv", "l.csv", `encoding = "windows-1252"`, "id\n\x81\n"},
	"excel_delimiter":         {"csv", "l.csv", `delimiter = ","`, "sep=;\nid;x\n"},
	"last_line":               {"csv", "l.csv", "", "id\n1\n2"},
	"line_end":                {"csv", "l.csv", "", "id\r1\r"},
	"not_compressed":          {"csv", "l.csv.gz", "", "id\n1\n"},
	"not_utf8":                {"csv", "l.csv", "", "id,name\n1,Pe\xf1a\n"},
	"nul":                     {"csv", "l.csv", "", "id\n1\x002\n"},
	"pattern_invalid":         {"csv", "l[.csv", "", ""},
	"pattern_nothing":         {"csv", "l-*.csv", "", ""},
	"quote":                   {"csv", "l.csv", "", "id\n1\"2\n"},
	"row_too_long":            {"csv", "l.csv", "", "id\n\"" + strings.Repeat("a line\n", 200_000)},
	"json_cut":                {"json", "l.json", "", `[{"id": "1"},`},
	"json_none":               {"json", "l.json", "", "id\n1\n"},
	"json_place":              {"json", "l.json", `at = "data.orders"`, `{"data": {"order": []}}`},
	"json_place_array":        {"json", "l.json", `at = "data"`, `[]`},
	"json_repeated":           {"json", "l.json", `at = "data"`, `{"a": 1, "a": 2, "data": []}`},
	"json_place_number":       {"json", "l.json", `at = "data"`, `{"data": 1}`},
	"json_blank":              {"json", "l.json", "", "[" + strings.Repeat(" ", 2<<20) + "]"},
	"inline_attributes":       {"inline", "", `rows = [{ id = "1", n = 1 }, { id = "2", m = 1 }]`, ""},
	"inline_row":              {"inline", "", `rows = ["A-1"]`, ""},
	"folder":                  {"csv", ".", "", ""},
	"sql_parameters":          {"sql", "l.db", "driver = \"sqlite\"\n  query = \"select 1\"\n  parameters = 5", ""},
	"sql_timeout":             {"sql", "l.db", "driver = \"sqlite\"\n  query = \"select 1\"\n  timeout = \"soon\"", ""},
	"sql_dsn":                 {"sql", "", "driver = \"postgres\"\n  query = \"select 1\"\n  dsn = \"postgres://u:p@db/x\"", ""},
	"sql_path":                {"sql", "l.db", "driver = \"postgres\"\n  query = \"select 1\"", ""},
	"xlsx_old":                {"xlsx", "l.xlsx", "", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("x", 600)},
	"xlsx_none":               {"xlsx", "l.xlsx", "", "id,amount\n"},
	"xlsx_damaged":            {"xlsx", "l.xlsx", "", "PK\x03\x04xxxx"},
	"xlsx_sheets":             {"xlsx", "l.xlsx", "", workbook("Sheet1", "Other")},
	"xlsx_sheet_unknown":      {"xlsx", "l.xlsx", `sheet = "Shet1"`, workbook("Sheet1")},
	"xlsx_sheet_card":         {"xlsx", "l.xlsx", "", workbook("4111111111111111")},
}

func workbook(sheets ...string) string {
	book := excelize.NewFile()
	defer book.Close()
	err := book.SetSheetName("Sheet1", sheets[0])
	for _, s := range sheets {
		_, e := book.NewSheet(s)
		err = errors.Join(err, e, book.SetCellStr(s, "A1", "id"), book.SetCellStr(s, "A2", "1"))
	}
	var out bytes.Buffer
	if err = errors.Join(err, book.Write(&out)); err != nil {
		panic(err)
	}
	return out.String()
}

// The gallery of what is said of lists' files is one archive, since those
// files are no text that could stand in it.
func TestListGallery(t *testing.T) {
	const gallery = "testdata/lists.txtar"
	archive, err := txtar.ParseFile(gallery)
	if err != nil {
		t.Fatal(err)
	}
	want, shown := map[string]string{}, map[string]string{}
	for _, f := range archive.Files {
		want[f.Name] = string(f.Data)
	}
	home, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for name, c := range listRefusals {
		if err := os.MkdirAll(name, 0o700); err != nil {
			t.Fatal(err)
		}
		path := ""
		if c.file != "" {
			path = fmt.Sprintf("path = %q", c.file)
		}
		if c.content != "" || c.file == "l.csv" {
			if err := os.WriteFile(filepath.Join(name, c.file), []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		source := config.Source{Name: name + "/x.ops.hcl", Bytes: fmt.Appendf(nil, `list %q "orders" {
  key = "id"
  %s
  %s
}
provider "pay" {}
operation "pay_cancel" "all" { for_each = list.%s.orders }
`, c.typ, path, c.arguments, c.typ)}
		cfg, diags := config.Parse([]config.Source{source})
		scope, more := eval.NewScope(cfg, nil, time.Now())
		if diags = append(diags, more...); diags.HasErrors() {
			t.Fatalf("%s: %+v", name, diags)
		}
		if _, diags = planner.Lists(t.Context(), cfg, scope); !diags.HasErrors() {
			t.Errorf("%s: nothing is refused", name)
			continue
		}
		checkStyle(t, diags)
		var got bytes.Buffer
		if err := view.Diagnostics(&got, diags, map[string][]byte{source.Name: source.Bytes}, view.DiagnosticOptions{Width: 80}); err != nil {
			t.Fatal(err)
		}
		shown[name] = got.String()
	}
	if d := cmp.Diff(want, shown); d != "" && !*update {
		t.Errorf("printed otherwise (-want +got):\n%s", d)
	}
	if *update {
		archive.Files = nil
		for _, name := range slices.Sorted(maps.Keys(shown)) {
			archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(shown[name])})
		}
		if err := os.WriteFile(filepath.Join(home, gallery), txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
