package rows

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/xuri/excelize/v2"
)

func csvOf(f File) List { return CSV{File: f, Columns: map[string]Type{"amount": Decimal}} }

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"a/x-2.csv": "id,amount\n3,3\n", "a/x-1.csv": "id,amount\n1,1\n2,2\n", "b/x-1.csv": "id,amount\n4,4\n", "b/y.csv": "amount,id\n5,5\n",
		"c/x[1].csv": "id,amount\n6,6\n", "c/x1.csv": "id,amount\n7,7\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"a/loop": "loop", "b/gone": "nowhere"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		from, source string
		want         []string
		refused      string
	}{
		"in the order of names": {from: "a", source: "x-*.csv", want: []string{"x-1.csv:2:1 1", "x-1.csv:3:2 2", "x-2.csv:2:3 3"}},
		"of several folders":    {source: "*/x-?.csv", want: []string{"a/x-1.csv:2:1 1", "a/x-1.csv:3:2 2", "a/x-2.csv:2:3 3", "b/x-1.csv:2:4 4"}},
		"beside":                {from: "a", source: "../b/x-*.csv", want: []string{"../b/x-1.csv:2:1 4"}},
		"really called so":      {from: "c", source: "x[1].csv", want: []string{"x[1].csv:2:1 6"}},
		"other headers":         {from: "b", source: "*.csv", want: []string{"x-1.csv:2:1 4"}, refused: "y.csv has the columns amount, id, and x-1.csv has id, amount"},
		"a folder in a loop":    {source: "*/*/x-1.csv", refused: "can't be read: too many levels of symbolic links"},
		"a folder that is gone": {from: "b", source: "*/x-1.csv", refused: "No file matches */x-1.csv"},
		"none":                  {from: "b", source: "z*.csv", refused: "No file matches z*.csv"},
		"open bracket":          {from: "b", source: "z[.csv", refused: "a bracket in it is not closed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			r, err := Files{Source: test.source, Path: filepath.Join(dir, test.from, filepath.FromSlash(test.source)), Of: csvOf}.Open(t.Context())
			for err == nil {
				var row Row
				if row, err = r.Next(); err == nil {
					got = append(got, fmt.Sprintf("%s:%d:%d %s", row.Source, row.Line, row.Number, row.Text[0]))
				}
			}
			if r != nil {
				defer r.Close()
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Error(d)
			}
			if test.refused == "" && err != io.EOF || test.refused != "" && !strings.Contains(err.Error(), test.refused) || strings.Contains(err.Error(), dir) {
				t.Errorf("got %v, want %q", err, test.refused)
			}
			if r != nil && (r.Digest() == "") != (err != io.EOF) {
				t.Errorf("digest %q after %v", r.Digest(), err)
			}
		})
	}
}

func packed(t testing.TB, kind, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if kind == "zstd" {
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is compressed is read as it was, and no part of it as the whole.
func TestCompressed(t *testing.T) {
	t.Parallel()
	var content strings.Builder
	content.WriteString("id,amount\n")
	for i := range 50 {
		fmt.Fprintf(&content, "A-%d,%d.50\n", i, i*i)
	}
	for kind, suffix := range map[string]string{"gzip": ".gz", "zstd": ".zst"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			data := packed(t, kind, content.String())
			f := File{"x.csv" + suffix, filepath.Join(t.TempDir(), "x.csv"+suffix)}
			for n := range len(data) + 1 {
				if err := os.WriteFile(f.Path, data[:n], 0o600); err != nil {
					t.Fatal(err)
				}
				var got []string
				r, err := csvOf(f).Open(context.Background())
				if err == nil {
					var bad []*Problem
					if got, bad, err = read(r); len(bad) > 0 {
						t.Fatal(bad)
					}
					r.Close()
				}
				if whole := n == len(data); whole != (err == nil) || whole && (len(got) != 50 || !strings.Contains(r.Reading(), kind)) {
					t.Fatalf("cut at %d of %d: %d rows, %v", n, len(data), len(got), err)
				}
			}
		})
	}
}

// What unpacks to gigabytes is refused where it stops to be a list.
func TestCompressionBombs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ content, want string }{
		"nothing but NUL":   {strings.Repeat("\x00", 8<<20), "damaged"},
		"one endless row":   {"id,amount\n" + strings.Repeat("x", 8<<20), "longer than"},
		"one endless quote": {"id,amount\n\"" + strings.Repeat("x\n", 4<<20), "longer than"},
		"an endless header": {strings.Repeat("x", 8<<20), "longer than"},
	} {
		for kind, suffix := range map[string]string{"gzip": ".gz", "zstd": ".zst"} {
			f := File{"x.csv" + suffix, filepath.Join(t.TempDir(), "x.csv"+suffix)}
			if err := os.WriteFile(f.Path, packed(t, kind, test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := csvOf(f).Open(t.Context())
			if err == nil {
				_, _, err = read(r)
				r.Close()
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s in %s: got %v, want %q", name, kind, err, test.want)
			}
		}
	}
	// A frame that asks for a window of 2 GiB.
	f := File{"x.csv.zst", filepath.Join(t.TempDir(), "x.csv.zst")}
	if err := os.WriteFile(f.Path, []byte("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := csvOf(f).Open(t.Context()); err == nil || !strings.Contains(err.Error(), "window") {
		t.Errorf("a window of 2 GiB: %v", err)
	}
}

// Names that a run file would keep hold no card number: of files, of columns
// and of sheets.
func TestE3Names(t *testing.T) {
	t.Parallel()
	const number = "4111111111111111"
	dir := t.TempDir()
	write := func(name, content string) File {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return File{Source: name, Path: path}
	}
	sheet := func(name, title, cell string) File {
		book := excelize.NewFile()
		defer book.Close()
		if err := errors.Join(book.SetSheetName("Sheet1", title), book.SetCellStr(title, "A1", cell)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := book.SaveAs(path); err != nil {
			t.Fatal(err)
		}
		return File{Source: name, Path: path}
	}
	write("a-"+number+".csv", "id\n1\n")
	for name, list := range map[string]List{
		"file":    CSV{File: File{"a-" + number + ".csv", filepath.Join(dir, "a-"+number+".csv")}},
		"pattern": Files{Source: "a-*.csv", Path: filepath.Join(dir, "a-*.csv"), Of: csvOf},
		"header":  CSV{File: write("header.csv", "id,"+number+"\n1,2\n")},
		"JSON":    JSON{File: write("header.json", `[{"`+number+`": 1}]`)},
		"xlsx":    XLSX{File: sheet("header.xlsx", "x", number)},
		"sheet":   XLSX{File: sheet("sheet.xlsx", number, "x")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := list.Open(t.Context())
			problem, ok := errors.AsType[*Problem](err)
			if !ok || !problem.Fatal || problem.Summary != "Name looks like a card number" || strings.Contains(problem.Detail+problem.Column, number) {
				t.Errorf("%+v", err)
			}
		})
	}
	t.Run("left out", func(t *testing.T) {
		t.Parallel()
		r, err := JSON{File: write("left.json", `[{"id": "a"}, {"id": "b", "`+number+`": 1}]`)}.Open(t.Context())
		for err == nil {
			_, err = r.Next()
		}
		if reading := r.Reading(); err != io.EOF || !strings.Contains(reading, "411111••••••1111") || strings.Contains(reading, number) {
			t.Errorf("%v, %s", err, reading)
		}
	})
}
