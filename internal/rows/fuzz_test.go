package rows

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What is written as CSV is read as it was, whatever the values, the delimiter
// and the line ends, and however it is encoded.
func FuzzCSVValues(f *testing.F) {
	f.Add("A-1", "1250.00", "Señor \"x\"\nsecond", uint8(0))
	f.Add(" a", ";,\t", "#", uint8(5))
	f.Add("", "", "", uint8(3))
	f.Add("ñ", "á", "“x”", uint8(9))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, a, b, c string, how uint8) {
		values := []string{a, b, c}
		for _, v := range values {
			if strings.ContainsAny(v, "\r\x00") || strings.ToValidUTF8(v, "") != v || len(v) > 10_000 {
				t.Skip()
			}
		}
		var content bytes.Buffer
		w := csv.NewWriter(&content)
		w.Comma = []rune{',', ';', '\t', '|'}[how%4]
		w.UseCRLF = how&4 != 0
		l := CSV{File: File{"x.csv", filepath.Join(dir, "x.csv")}}
		if w.Comma == '|' {
			l.Delimiter = '|'
		}
		for _, record := range [][]string{{"id", "amount", "note"}, values, {"last", "1", ""}} {
			if err := w.Write(record); err != nil {
				t.Fatal(err)
			}
		}
		w.Flush()
		data := content.Bytes()
		if how&8 != 0 { // as Excel's "Unicode text"
			var wide bytes.Buffer
			wide.Write([]byte{0xFF, 0xFE})
			for _, r := range string(data) {
				if r > 0xFFFF {
					t.Skip()
				}
				wide.Write([]byte{byte(r), byte(r >> 8)})
			}
			data = wide.Bytes()
		}
		if err := os.WriteFile(l.Path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := l.Open(t.Context())
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		defer r.Close()
		row, err := r.Next()
		if slices.Equal(values, []string{"id", "amount", "note"}) {
			return
		}
		if err != nil || !slices.Equal(row.Text, values) || row.Line != 2 {
			t.Fatalf("%q: read %q at %d, %v", data, row.Text, row.Line, err)
		}
		if row, err = r.Next(); err != nil || row.Text[0] != "last" || row.Line != int64(3+strings.Count(strings.Join(values, ""), "\n")) {
			t.Fatalf("%q: then %q at %d, %v", data, row.Text, row.Line, err)
		}
		if _, err = r.Next(); err != io.EOF {
			t.Fatal(err)
		}
	})
}

// Whatever the file and however it is said to be written, it ends with rows or
// a problem, and every row has a field for each column and a line of the file.
func FuzzCSVFile(f *testing.F) {
	for _, s := range []string{"id,amount\n1,2\n", "sep=;\nid;amount\n1;2\n", "# x\nid\n#y\n\n1\n", "\xff\xfei\x00d\x00\n\x00", "id\n\xe9\n", "\x1f\x8b\x08", "\x28\xb5\x2f\xfd\x00"} {
		for how := range uint8(8) {
			f.Add([]byte(s), how)
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte, how uint8) {
		l := CSV{File: File{"x.csv", filepath.Join(dir, "x.csv")}, Columns: map[string]Type{}, Endless: how&16 != 0}
		if how&1 != 0 {
			l.Comment = '#'
		}
		if how&2 != 0 {
			l.HeaderRow = 2
		}
		l.Encoding = []string{"", "windows-1252", "utf-16le", "ibm850"}[how>>2&3]
		if err := os.WriteFile(l.Path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := l.Open(t.Context())
		if err != nil {
			var p *Problem
			if !errors.As(err, &p) || !p.Fatal {
				t.Fatalf("%q: %v", content, err)
			}
			return
		}
		defer r.Close()
		for n := 0; ; n++ {
			row, err := r.Next()
			var p *Problem
			switch {
			case err == io.EOF:
				if r.Digest() == "" {
					t.Fatalf("%q: no digest", content)
				}
				return
			case errors.As(err, &p):
				if p.Fatal {
					return
				}
			case err != nil:
				t.Fatalf("%q: %v", content, err)
			case len(row.Text) != len(r.Columns()) || row.Line < 2 && l.HeaderRow == 0:
				t.Fatalf("%q: %+v", content, row)
			}
			if n > 1<<20 {
				t.Fatalf("%q: more rows than can be", content)
			}
		}
	})
}
