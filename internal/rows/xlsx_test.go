package rows

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

// book makes a workbook of a sheet's rows.
func book(t testing.TB, rows [][]any, edit func(*excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for i, row := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	if edit != nil {
		edit(f)
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rewritten is a workbook whose parts go through edit.
func rewritten(t testing.TB, data []byte, edit func(name, content string) string) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, part := range in.File {
		r, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		var content bytes.Buffer
		content.ReadFrom(r)
		w, err := out.Create(part.Name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, edit(part.Name, content.String()))
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// inSheet replaces a text in the sheet's XML.
func inSheet(t testing.TB, data []byte, old, new string) []byte {
	t.Helper()
	found := false
	data = rewritten(t, data, func(name, content string) string {
		if name == "xl/worksheets/sheet1.xml" {
			found = strings.Contains(content, old)
			return strings.Replace(content, old, new, 1)
		}
		return content
	})
	if !found {
		t.Fatalf("the sheet has no %s", old)
	}
	return data
}

func openXLSX(t testing.TB, data []byte, l XLSX) (Reader, error) {
	t.Helper()
	l.File = File{"list.xlsx", filepath.Join(t.TempDir(), "list.xlsx")}
	if err := os.WriteFile(l.Path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := l.Open(t.Context())
	if err == nil {
		t.Cleanup(func() { r.Close() })
	}
	return r, err
}

// format gives a cell a number format.
func format(t testing.TB, f *excelize.File, cell, code string) {
	t.Helper()
	style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &code})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetCellStyle("Sheet1", cell, cell, style); err != nil {
		t.Fatal(err)
	}
}

func builtIn(t testing.TB, f *excelize.File, cell string, id int) {
	t.Helper()
	style, err := f.NewStyle(&excelize.Style{NumFmt: id})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetCellStyle("Sheet1", cell, cell, style); err != nil {
		t.Fatal(err)
	}
}

func TestXLSX(t *testing.T) {
	t.Parallel()
	header := []any{"id", "amount"}
	amount := map[string]Type{"amount": Decimal}
	for name, test := range map[string]struct {
		data    []byte
		list    XLSX
		want    []string
		reading string
	}{
		"plain": {
			data: book(t, [][]any{header, {"007", 1250.5}, {"A-2", nil}, {12345, "10.00"}}, nil), list: XLSX{Columns: amount},
			want: []string{"2:007|1250.5", "3:A-2|", "4:12345|10.00"}, reading: `sheet "Sheet1"`,
		},
		"binary fractions are decimals": {
			data: book(t, [][]any{header, {"a", 0.1 + 0.2}, {"b", 1e14 + 0.3}, {"c", 1e-7}}, nil), list: XLSX{Columns: amount},
			want: []string{"2:a|0.3", "3:b|100000000000000", "4:c|0.0000001"}, reading: `sheet "Sheet1"`,
		},
		"as they are shown": {
			data: book(t, [][]any{{"id", "amount", "day", "n"}, {123, 1250.5, 46000, 1250.5}, {4, -3, 46000.5, 0.12}}, func(f *excelize.File) {
				format(t, f, "A2", "00000")
				format(t, f, "B2", `"$" #,##0.00`)
				format(t, f, "B3", "#,##0.00;(#,##0.00)")
				builtIn(t, f, "C2", 14)
				format(t, f, "C3", "yyyy-mm-dd hh:mm")
				format(t, f, "D2", "#,##0.00")
				format(t, f, "D3", "0%")
			}),
			list: XLSX{Columns: amount},
			want: []string{"2:00123|1250.5|2025-12-09|1,250.50", "3:4|-3|2025-12-09 12:00|12%"}, reading: `sheet "Sheet1"`,
		},
		"a number that Excel shows short": {
			data: inSheet(t, book(t, [][]any{header, {7, 1}}, nil), "<v>7</v>", "<v>1.23456789012E+14</v>"),
			want: []string{"2:123456789012000|1"}, reading: `sheet "Sheet1"`,
		},
		"truth": {
			data: book(t, [][]any{{"id", "open"}, {"a", true}, {"b", false}}, nil), list: XLSX{Columns: map[string]Type{"open": Bool}},
			want: []string{"2:a|true", "3:b|false"}, reading: `sheet "Sheet1"`,
		},
		"a formula's result": {
			data: inSheet(t, book(t, [][]any{header, {"a", 7}}, nil), "<v>7</v>", "<f>3+4</f><v>7</v>"), list: XLSX{Columns: amount},
			want: []string{"2:a|7"}, reading: `sheet "Sheet1"`,
		},
		"another sheet": {
			data: book(t, [][]any{{"x"}}, func(f *excelize.File) {
				f.NewSheet("Órdenes")
				f.SetSheetRow("Órdenes", "A3", &header)
				f.SetSheetRow("Órdenes", "A4", &[]any{"a", 1})
			}),
			list: XLSX{Sheet: "Órdenes", HeaderRow: 3}, want: []string{"4:a|1"}, reading: "2 rows above the header left out",
		},
		"hidden": {
			data: book(t, [][]any{header, {"a", 1}, {"b", 2}}, func(f *excelize.File) { f.SetRowVisible("Sheet1", 3, false) }),
			want: []string{"2:a|1", "3:b|2"}, reading: `sheet "Sheet1", 1 hidden row among them`,
		},
		"styled cells beside and below": {
			data: book(t, [][]any{header, {"a", 1}}, func(f *excelize.File) {
				format(t, f, "D2", "0.00")
				format(t, f, "A9", "0.00")
			}),
			want: []string{"2:a|1"}, reading: `sheet "Sheet1"`,
		},
		"merged above": {
			data: book(t, [][]any{{"Report"}, header, {"a", 1}}, func(f *excelize.File) { f.MergeCell("Sheet1", "A1", "B1") }),
			list: XLSX{HeaderRow: 2}, want: []string{"3:a|1"}, reading: `sheet "Sheet1", 1 row above the header left out`,
		},
		"no rows": {data: book(t, [][]any{header}, nil), reading: `sheet "Sheet1"`},
		"days of 1904": {
			data: rewritten(t, book(t, [][]any{header, {"a", 45200}}, func(f *excelize.File) { builtIn(t, f, "B2", 14) }), func(name, content string) string {
				if name == "xl/workbook.xml" {
					return strings.Replace(content, "<workbookPr", `<workbookPr date1904="1"`, 1)
				}
				return content
			}),
			want: []string{"2:a|2027-10-02"}, reading: `sheet "Sheet1"`,
		},
		"days written out": {
			data: inSheet(t, book(t, [][]any{header, {"a", 7}}, nil), `><v>7</v>`, ` t="d"><v>2026-10-01T00:00:00Z</v>`),
			want: []string{"2:a|2026-10-01"}, reading: `sheet "Sheet1"`,
		},
		"a moment written out": {
			data: inSheet(t, book(t, [][]any{header, {"a", 7}}, nil), `><v>7</v>`, ` t="d"><v>2026-10-01T12:30:00</v>`),
			want: []string{"2:a|2026-10-01T12:30:00"}, reading: `sheet "Sheet1"`,
		},
		"rich text and its reading": {
			data: inSheet(t, book(t, [][]any{header, {"a", 7}}, nil), `><v>7</v>`, ` t="inlineStr"><is><r><t>東</t></r><r><rPr><b/></rPr><t>京</t></r><rPh sb="0" eb="2"><t>トウキョウ</t></rPh></is>`),
			want: []string{"2:a|東京"}, reading: `sheet "Sheet1"`,
		},
		"strict": {
			data: rewritten(t, book(t, [][]any{header, {"a", 7}}, nil), func(name, content string) string {
				content = strings.ReplaceAll(content, "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://purl.oclc.org/ooxml/spreadsheetml/main")
				return strings.ReplaceAll(content, "http://schemas.openxmlformats.org/officeDocument/2006/relationships", "http://purl.oclc.org/ooxml/officeDocument/relationships")
			}),
			want: []string{"2:a|7"}, reading: `sheet "Sheet1"`,
		},
		"absolute paths": {
			data: rewritten(t, book(t, [][]any{header, {"a", 7}}, nil), func(name, content string) string {
				if name == "xl/_rels/workbook.xml.rels" {
					return strings.ReplaceAll(content, `Target="worksheets`, `Target="/xl/worksheets`)
				}
				return content
			}),
			want: []string{"2:a|7"}, reading: `sheet "Sheet1"`,
		},
		"a break inside": {data: book(t, [][]any{header, {"a", "x\ny < & ñ"}}, nil), want: []string{"2:a|x\ny < & ñ"}, reading: `sheet "Sheet1"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := openXLSX(t, test.data, test.list)
			if err != nil {
				t.Fatal(err)
			}
			got, bad, err := read(r)
			if err != nil || len(bad) > 0 {
				t.Fatalf("%v %v", bad, err)
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Error(d)
			}
			if r.Reading() != test.reading {
				t.Errorf("read as %q", r.Reading())
			}
			if r.Digest() == "" {
				t.Error("no digest at the end")
			}
		})
	}
}

func TestXLSXRefuses(t *testing.T) {
	t.Parallel()
	header := []any{"id", "amount"}
	plain := book(t, [][]any{header, {"a", 7}}, nil)
	amount := XLSX{Columns: map[string]Type{"amount": Decimal}}
	inBook := func(old, new string) []byte {
		return rewritten(t, plain, func(name, content string) string {
			if name == "xl/workbook.xml" {
				return strings.Replace(content, old, new, 1)
			}
			return content
		})
	}
	for name, test := range map[string]struct {
		data  []byte
		list  XLSX
		line  int64
		want  string
		fatal bool
	}{
		"text":               {data: []byte("id,amount\n"), want: "no Excel workbook", fatal: true},
		"old or locked":      {data: []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), want: "before 2007, or one that a password", fatal: true},
		"cut":                {data: plain[:len(plain)/2], want: "cut short", fatal: true},
		"no sheet so named":  {data: plain, list: XLSX{Sheet: "Hoja1"}, want: `It has: "Sheet1"`, fatal: true},
		"several sheets":     {data: book(t, [][]any{header}, func(f *excelize.File) { f.NewSheet("B") }), want: `sheet = "Sheet1"`, fatal: true},
		"sheet is nowhere":   {data: inBook(`r:id="`, `r:id="x`), want: "not where it says", fatal: true},
		"no header":          {data: book(t, nil, nil), want: "header_row = 3", fatal: true},
		"header below":       {data: plain, list: XLSX{HeaderRow: 9}, want: "Row 9 of the sheet", fatal: true},
		"repeated column":    {data: book(t, [][]any{{"id", "id"}}, nil), line: 1, want: "Columns 1 and 2", fatal: true},
		"hole in the header": {data: book(t, [][]any{{"id", nil, "x"}}, nil), line: 1, want: "Column 2 of the header is empty", fatal: true},
		"undeclared":         {data: plain, list: XLSX{Columns: map[string]Type{"amuont": Decimal}}, line: 1, want: `Did you mean "amount"`, fatal: true},
		"empty row":          {data: book(t, [][]any{header, {"a", 1}, {}, {"b", 2}}, nil), line: 3, want: "Empty row"},
		"beside":             {data: book(t, [][]any{header, {"a", 1, nil, "x"}}, nil), line: 2, want: "The cell D2 has a value"},
		"formula error":      {data: inSheet(t, plain, `><v>7</v>`, ` t="e"><f>A1/0</f><v>#DIV/0!</v>`), line: 2, want: "gives #DIV/0!"},
		"no result":          {data: inSheet(t, plain, `<v>7</v>`, `<f>A1*2</f>`), line: 2, want: "nothing has calculated"},
		"sixteen digits":     {data: inSheet(t, plain, `<v>7</v>`, `<v>1.23456789012345E+15</v>`), line: 2, want: "15 digits that Excel keeps"},
		"sixteen, plain":     {data: inSheet(t, plain, `<v>7</v>`, `<v>1234567890123450</v>`), line: 2, want: "15 digits that Excel keeps"},
		"endless number":     {data: inSheet(t, plain, `<v>7</v>`, `<v>1E+300</v>`), line: 2, want: "15 digits that Excel keeps"},
		"rounded text":       {data: book(t, [][]any{header, {"a", "1.23E+15"}}, nil), list: amount, line: 2, want: "Excel rounded"},
		"comma decimal":      {data: book(t, [][]any{header, {"a", "1.250,00"}}, nil), list: amount, line: 2, want: "write it as 1250.00"},
		"shown rounded":      {data: book(t, [][]any{header, {"a", 9.996}}, func(f *excelize.File) { format(t, f, "B2", "0.00") }), list: amount, line: 2, want: `shows "10.00" and holds 9.996`},
		"a date for amount":  {data: book(t, [][]any{header, {"a", 46000}}, func(f *excelize.File) { builtIn(t, f, "B2", 14) }), list: amount, line: 2, want: `shows "2025-12-09" and holds 46000`},
		"percent":            {data: book(t, [][]any{header, {"a", 0.12}}, func(f *excelize.File) { format(t, f, "B2", "0%") }), list: amount, line: 2, want: `shows "12%" and holds 0.12`},
		"merged":             {data: book(t, [][]any{header, {"a", 1}, {"b", 2}}, func(f *excelize.File) { f.MergeCell("Sheet1", "B2", "B3") }), line: 2, want: "B2:B3", fatal: true},
		"no such text":       {data: inSheet(t, plain, `><v>7</v>`, ` t="s"><v>99</v>`), line: 2, want: "hold text 99"},
		"text of no number":  {data: inSheet(t, plain, `><v>7</v>`, ` t="s"><v>x</v>`), line: 2, want: "hold text x"},
		"neither":            {data: inSheet(t, plain, `><v>7</v>`, ` t="b"><v>2</v>`), line: 2, want: `true or false, and holds "2"`},
		"no such style":      {data: inSheet(t, plain, `><v>7</v>`, ` s="99"><v>7</v>`), line: 2, want: "look as style 99"},
		"before all days":    {data: book(t, [][]any{header, {"a", -5}}, func(f *excelize.File) { builtIn(t, f, "B2", 14) }), line: 2, want: "holds -5, which is none"},
		"behind all days":    {data: book(t, [][]any{header, {"a", 2958466}}, func(f *excelize.File) { format(t, f, "B2", "yyyy-mm-dd") }), line: 2, want: "holds 2958466, which is none"},
		"long format": {data: rewritten(t, plain, func(name, content string) string {
			if name == "xl/styles.xml" {
				return strings.Replace(content, "<fonts", `<numFmts count="1"><numFmt numFmtId="164" formatCode="`+strings.Repeat("0", 2000)+`"/></numFmts><fonts`, 1)
			}
			return content
		}), want: "more than 1000 characters", fatal: true},
		"only hidden sheets": {data: inBook(`<sheet name`, `<sheet state="hidden" name`), want: "no sheet that is shown", fatal: true},
		"rows without end":   {data: inSheet(t, plain, `</sheetData>`, strings.Repeat("<row/>", 4<<20)+`</sheetData>`), want: "more than 200 times of its own size", fatal: true},
		"rows out of order":  {data: inSheet(t, plain, `<row r="2"`, `<row r="1"`), want: "row 1 follows row 1", fatal: true},
		"row far away":       {data: inSheet(t, plain, `<row r="2"`, `<row r="1048577000"`), want: "follows row 1", fatal: true},
		"cell elsewhere":     {data: inSheet(t, plain, `r="B2"`, `r="B7"`), want: "stands in row 2", fatal: true},
		"cell far away":      {data: inSheet(t, plain, `r="B2"`, `r="ZZZZZZZ2"`), want: "stands in row 2", fatal: true},
		"column far away":    {data: inSheet(t, plain, `r="B2"`, `r="XFD2"`), want: "1000 columns", fatal: true},
		"cut sheet":          {data: inSheet(t, plain, `</row></sheetData>`, ``), want: "Damaged workbook", fatal: true},
		"entities":           {data: inSheet(t, plain, `<worksheet`, `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet`), want: "document type", fatal: true},
		"unknown entity":     {data: inSheet(t, plain, `<v>7</v>`, `<v>&b;</v>`), want: "Damaged workbook", fatal: true},
		"huge cell":          {data: inSheet(t, plain, `<v>7</v>`, `<v>`+strings.Repeat("7", 2<<20)+`</v>`), want: "too long", fatal: true},
		"deep":               {data: inSheet(t, plain, `<v>7</v>`, strings.Repeat("<a>", 200_000)), want: "too deep", fatal: true},
		"deep, in disguise":  {data: inSheet(t, plain, `<v>7</v>`, strings.Repeat(`<a b="/>">`, 200_000)), want: "too deep", fatal: true},
		"huge shared text": {data: rewritten(t, plain, func(name, content string) string {
			if name == "xl/sharedStrings.xml" {
				return strings.Replace(content, ">a<", ">"+strings.Repeat("a", 2<<20)+"<", 1)
			}
			return content
		}), want: "too long", fatal: true},
		"two sheets of a name": {data: inBook(`</sheets>`, `<sheet name="sheet1" sheetId="2" r:id="rId9"/></sheets>`), want: "same name", fatal: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := openXLSX(t, test.data, test.list)
			var bad []*Problem
			if err == nil {
				_, bad, err = read(r)
			}
			var p *Problem
			if err != nil {
				if !errors.As(err, &p) {
					t.Fatal(err)
				}
				bad = append(bad, p)
			}
			if len(bad) != 1 {
				t.Fatalf("got %v, want one problem", bad)
			}
			p = bad[0]
			if !strings.Contains(p.Summary+" "+p.Detail, test.want) || p.Line != test.line || p.Fatal != test.fatal || p.Source != "list.xlsx" || len(p.Detail) > 600 {
				t.Errorf("got %+v, want line %d, %q, fatal %v", p, test.line, test.want, test.fatal)
			}
		})
	}
}

// An archive whose parts are a thousand times what it takes.
func TestXLSXBomb(t *testing.T) {
	t.Parallel()
	bomb := rewritten(t, book(t, [][]any{{"id"}, {"a"}}, nil), func(name, content string) string {
		if name == "docProps/core.xml" {
			return content + strings.Repeat(" ", maxParts)
		}
		return content
	})
	if len(bomb) > 1<<20 {
		t.Fatalf("%d bytes are no bomb", len(bomb))
	}
	_, err := openXLSX(t, bomb, XLSX{})
	if err == nil || !strings.Contains(err.Error(), "unpacks to more") {
		t.Errorf("got %v", err)
	}
}

// A large sheet is unpacked on disk, and nothing of it stays there, whether it
// is read to its end or is damaged.
func TestXLSXLeavesNothing(t *testing.T) { // alone, since it names the folder for all
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	var comments strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&comments, "<!-- %s -->", strings.Repeat(fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i), byte(i >> 8)})), 16))
	}
	large := comments.String()
	plain := book(t, [][]any{{"id"}, {"a"}}, nil)
	for name, data := range map[string][]byte{
		"whole":   inSheet(t, plain, "<sheetData>", large+"<sheetData>"),
		"damaged": inSheet(t, plain, "</sheetData>", large),
		"no styles": rewritten(t, inSheet(t, plain, "<sheetData>", large+"<sheetData>"), func(name, content string) string {
			if name == "[Content_Types].xml" {
				return "<x"
			}
			return content
		}),
	} {
		t.Run(name, func(t *testing.T) {
			r, err := openXLSX(t, data, XLSX{})
			if err == nil {
				left, _ := filepath.Glob(folder + "/runner-sheets-*/*")
				if len(left) == 0 {
					t.Error("nothing was unpacked, so nothing is held against this")
				}
				_, _, err = read(r)
				r.Close()
			}
			if (err == nil) != (name == "whole") {
				t.Error(err)
			}
			if left, _ := filepath.Glob(folder + "/[re][ux]*"); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// A workbook that was cut is never taken.
func TestXLSXCutAtEveryOffset(t *testing.T) {
	t.Parallel()
	data := book(t, [][]any{{"id", "amount"}, {"a", 1000}, {"b", 2000}}, nil)
	l := XLSX{File: File{"cut.xlsx", filepath.Join(t.TempDir(), "cut.xlsx")}}
	for n := 0; n < len(data); n++ {
		if err := os.WriteFile(l.Path, data[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := l.Open(context.Background()); err == nil {
			r.Close()
			t.Fatalf("cut at %d of %d: accepted", n, len(data))
		}
	}
}

// What a sheet's number says is what was written, for all amounts that Excel
// can hold.
func FuzzSheetNumber(f *testing.F) {
	f.Add(int64(125050), uint8(2))
	f.Add(int64(-999999999999999), uint8(0))
	f.Add(int64(1), uint8(14))
	f.Fuzz(func(t *testing.T, units int64, exponent uint8) {
		units %= 1e15
		exponent %= 15
		text := fmt.Sprintf("%0*d", int(exponent)+1, max(units, -units))
		text = text[:len(text)-int(exponent)] + "." + text[len(text)-int(exponent):]
		if text = strings.TrimRight(strings.TrimRight(text, "0"), "."); text == "" {
			text = "0"
		}
		if units < 0 {
			text = "-" + text
		}
		var value float64
		fmt.Sscan(text, &value)
		for _, verb := range []string{"%.17g", "%.17E", "%v"} {
			raw := fmt.Sprintf(verb, value)
			if got, ok := sheetNumber(raw); !ok || got != text {
				t.Fatalf("%s is written as %s and read as %s (%v)", text, raw, got, ok)
			}
		}
	})
}

func TestShows(t *testing.T) {
	t.Parallel()
	for shown, number := range map[string]string{
		"1,250.50": "1250.5", "S/ 1,250.50": "1250.5", "S/.1,250.50": "1250.5", "-S/ 3.25": "-3.25", "$ (3.25)": "-3.25", " (3.25)": "-3.25", "3.25-": "-3.25",
		"COP 0.00": "0", "1,250.50 €": "1250.5", ".50": "0.5", "-.50": "-0.5", "1250": "1250.0",
	} {
		if !shows(shown, number) {
			t.Errorf("%q shows %s", shown, number)
		}
	}
	for shown, number := range map[string]string{
		"10.00": "9.996", "12%": "12", "2026-10-01": "46296", "1/10/2026": "1", "12:00": "12", "1-oct-26": "1", "1 250.50": "1250.5", "": "0", "-": "0", "1.250,50": "1250.5", "(3.25)": "3.25",
	} {
		if shows(shown, number) {
			t.Errorf("%q doesn't show %s", shown, number)
		}
	}
}

// Whatever a sheet's XML is, it ends with rows or a problem.
func FuzzXLSX(f *testing.F) {
	plain := book(f, [][]any{{"id", "amount"}, {"a", 7}}, nil)
	rewritten(f, plain, func(name, content string) string {
		if name == "xl/worksheets/sheet1.xml" {
			f.Add(content)
			f.Add(strings.Replace(content, "<v>7</v>", "<f>1+1</f>", 1))
			f.Add(strings.Replace(content, "</sheetData>", `</sheetData><mergeCells count="1"><mergeCell ref="A1:B2"/></mergeCells>`, 1))
		}
		return content
	})
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, sheet string) {
		data := rewritten(t, plain, func(name, content string) string {
			if name == "xl/worksheets/sheet1.xml" {
				return sheet
			}
			return content
		})
		l := XLSX{File: File{"x.xlsx", filepath.Join(dir, "x.xlsx")}, Columns: map[string]Type{"amount": Decimal}}
		if err := os.WriteFile(l.Path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := l.Open(context.Background())
		if err != nil {
			return
		}
		defer r.Close()
		for {
			row, err := r.Next()
			var p *Problem
			if err != nil && (!errors.As(err, &p) || p.Fatal) {
				return
			}
			if err == nil && (len(row.Text) != len(r.Columns()) || !plainDecimal(row.Text[1]) && row.Text[1] != "") {
				t.Fatalf("%+v", row)
			}
		}
	})
}
