package rows

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func open(t testing.TB, content string, c CSV) (Reader, error) {
	t.Helper()
	c.Path = filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(c.Path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Source = "list.csv"
	r, err := c.Open(t.Context())
	if err == nil {
		t.Cleanup(func() { r.Close() })
	}
	return r, err
}

// read reads to the end or to the first fatal error. Rows are LINE:a|b.
func read(r Reader) (got []string, bad []*Problem, err error) {
	for {
		row, err := r.Next()
		var p *Problem
		switch {
		case err == io.EOF:
			return got, bad, nil
		case errors.As(err, &p) && !p.Fatal:
			bad = append(bad, p)
		case err != nil:
			return got, bad, err
		default:
			got = append(got, fmt.Sprintf("%d:%s", row.Line, strings.Join(row.Text, "|")))
		}
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		content string
		csv     CSV
		want    []string
		reading string
	}{
		"plain":               {content: "id,amount\n1,2\n007,\n", want: []string{"2:1|2", "3:007|"}},
		"byte order mark":     {content: "\uFEFFid,amount\n1,2\n", csv: CSV{Columns: map[string]Type{"id": String}}, want: []string{"2:1|2"}, reading: "byte order mark"},
		"line ends CR LF":     {content: "id,amount\r\n1,2\r\n", want: []string{"2:1|2"}},
		"line break in value": {content: "id,note\n1,\"a\nb\"\n2,c\n", want: []string{"2:1|a\nb", "4:2|c"}},
		"break in the middle": {content: "id,note,x\n1,\"a\nb\",y\n2,c,\"\n\"\n3,,\n", want: []string{"2:1|a\nb|y", "4:2|c|\n", "6:3||"}},
		"quotes":              {content: "id,note\n1,\"say \"\"hi\"\"\"\n", want: []string{"2:1|say \"hi\""}},
		"semicolon":           {content: "id;amount\n1;2,5\n", csv: CSV{Delimiter: ';'}, want: []string{"2:1|2,5"}},
		"semicolon found":     {content: "id;amount\n1;2,5\n", want: []string{"2:1|2,5"}, reading: "delimiter ';' as in the header"},
		"tab found":           {content: "id\tamount\n1\t2,5\n", want: []string{"2:1|2,5"}, reading: "delimiter '\\t' as in the header"},
		"comma found":         {content: "\"id;x\",amount\n1,2;5\n", want: []string{"2:1|2;5"}},
		"Excel's line":        {content: "\uFEFFsep=;\r\nid;amount\r\n1;2\r\n", want: []string{"3:1|2"}, reading: "byte order mark, delimiter ';' by Excel's line"},
		"above the header":    {content: "Report \"of\nOctober\n\nid;amount\n1;2\n", csv: CSV{HeaderRow: 4}, want: []string{"5:1|2"}, reading: "3 lines above the header left out, delimiter ';' as in the header"},
		"comments":            {content: "# a \"b\nid,amount\n# c\n#d\n1,2\n2,\"x\n#y\n\"\n# e\n\n", csv: CSV{Comment: '#'}, want: []string{"5:1|2", "6:2|x\n#y\n"}, reading: "4 comment lines left out"},
		"no comments":         {content: "id,amount\n#1,2\n", want: []string{"2:#1|2"}},
		"without its end":     {content: "id,amount\n1,2", csv: CSV{Endless: true}, want: []string{"2:1|2"}},
		"UTF-16 LE":           {content: "\xFF\xFEi\x00d\x00;\x00n\x00\n\x001\x00;\x00\xF1\x00\n\x00", want: []string{"2:1|ñ"}, reading: "UTF-16LE, delimiter ';' as in the header"},
		"UTF-16 BE":           {content: "\xFE\xFF\x00i\x00d\x00\n\xD8\x3D\xDE\x00\x00\n", want: []string{"2:😀"}, reading: "UTF-16BE"},
		"UTF-16 declared":     {content: "i\x00d\x00\n\x001\x00\n\x00", csv: CSV{Encoding: "utf-16le"}, want: []string{"2:1"}},
		"Latin-1":             {content: "id,name\n1,Jos\xe9\n", csv: CSV{Encoding: "iso-8859-1"}, want: []string{"2:1|José"}},
		"of Windows":          {content: "id,name\n1,\x93Pe\xF1a\x94 \x80\n", csv: CSV{Encoding: "windows-1252"}, want: []string{"2:1|“Peña” €"}},
		"nearly UTF-8":        {content: "id,name\n1,\xC3\xB1\n2,Pe\xF1a\n", csv: CSV{Encoding: "windows-1252"}, want: []string{"2:1|Ã±", "3:2|Peña"}},
		"of DOS":              {content: "id,name\n1,Pe\xA4a\n", csv: CSV{Encoding: "ibm850"}, want: []string{"2:1|Peña"}},
		"no rows":             {content: "id,amount\n", want: nil},
		"decimals":            {content: "id,amount\n1,1250.00\n2,-0.5\n3,\n", csv: CSV{Columns: map[string]Type{"amount": Decimal}}, want: []string{"2:1|1250.00", "3:2|-0.5", "4:3|"}},
		"empty lines at end":  {content: "id,amount\n1,2\n\n\n", want: []string{"2:1|2"}},
		"not only ASCII":      {content: "id,name\n1,José Ñandú 日本\n", want: []string{"2:1|José Ñandú 日本"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := open(t, test.content, test.csv)
			if err != nil {
				t.Fatal(err)
			}
			if r.Digest() != "" {
				t.Error("a digest before the end")
			}
			got, bad, err := read(r)
			if err != nil || len(bad) > 0 {
				t.Fatalf("%v %v", bad, err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if r.Reading() != test.reading {
				t.Errorf("read as %q, want %q", r.Reading(), test.reading)
			}
			sum := sha256.Sum256([]byte(test.content))
			if want := "sha256:" + hex.EncodeToString(sum[:]); r.Digest() != want {
				t.Errorf("digest %s, want %s", r.Digest(), want)
			}
			if _, err := r.Next(); err != io.EOF {
				t.Errorf("after the end: %v", err)
			}
		})
	}
}

func TestCSVRefuses(t *testing.T) {
	t.Parallel()
	decimals := CSV{Columns: map[string]Type{"amount": Decimal}}
	long := strings.Repeat("x", maxRecord)
	for name, test := range map[string]struct {
		content string
		csv     CSV
		line    int64
		want    string // in summary and detail
		fatal   bool
	}{
		"empty file":                    {content: "", line: 1, want: "no line at all", fatal: true},
		"only a mark":                   {content: "\uFEFF", line: 1, want: "no line at all", fatal: true},
		"cut":                           {content: "id,amount\n1,200\n2,10", line: 3, want: "cut short", fatal: true},
		"cut between CR LF":             {content: "id,amount\r\n1,200\r", line: 2, want: "cut short", fatal: true},
		"cut header":                    {content: "id,amo", line: 1, want: "cut short", fatal: true},
		"NUL":                           {content: "id,amount\n1,2\n2,\x00\n", line: 3, want: "damaged", fatal: true},
		"Latin-1":                       {content: "id,name\n1,a\n2,Jos\xe9\n", line: 3, want: "0xE9", fatal: true},
		"cut character":                 {content: "id,name\n1,a\n2,Jos\xc3", line: 3, want: "in the middle of a character", fatal: true},
		"CR only":                       {content: "id,amount\r1,2\r", line: 1, want: "carriage return alone", fatal: true},
		"bare quote":                    {content: "id,note\n1,a\"b\n", line: 2, want: "double quote stands inside", fatal: true},
		"unterminated quote":            {content: "id,note\n1,a\n2,\"b\n3,c\n4,d\n", line: 3, want: "as far as line", fatal: true},
		"text after quote":              {content: "id,note\n1,\"a\nb\"c\n", line: 2, want: "not closed properly", fatal: true},
		"few fields":                    {content: "id,note\n1\n", line: 2, want: "1 field and the header names 2"},
		"many fields":                   {content: "id,amount\n1,1,250\n", line: 2, want: "3 fields and the header names 2"},
		"repeated column":               {content: "id,amount,id\n", line: 1, want: "Columns 1 and 3", fatal: true},
		"empty column name":             {content: "id,,amount\n", line: 1, want: "Column 2 of the header is empty", fatal: true},
		"space in name":                 {content: "id, amount\n", line: 1, want: "Remove them", fatal: true},
		"invisible in name":             {content: "id,amo\u200bunt\n", line: 1, want: "invisible", fatal: true},
		"undeclared column":             {content: "id,amuont\n", csv: decimals, line: 1, want: `Did you mean "amuont"`, fatal: true},
		"Excel's line and another":      {content: "sep=;\nid;amount\n", csv: CSV{Delimiter: ','}, line: 1, want: "another delimiter than the list", fatal: true},
		"Excel's line and no more":      {content: "sep=;\n", line: 1, want: "no line at all", fatal: true},
		"other delimiter":               {content: "id;amount\n1;2\n", csv: CSV{Delimiter: ','}, line: 1, want: `delimiter = ";"`, fatal: true},
		"bar delimiter":                 {content: "id|amount\n1|2\n", line: 1, want: `delimiter = "|"`, fatal: true},
		"two delimiters":                {content: "id;amount,currency\n1;2\n", line: 1, want: "by ';' or by ','", fatal: true},
		"delimiter of the header alone": {content: "id;amount\n1;2\n2,3\n", line: 3, want: "1 field and the header names 2"},
		"header again":                  {content: "id,amount\n1,2\nid,amount\n", line: 3, want: "one behind the other"},
		"above the header":              {content: "a\n", csv: CSV{HeaderRow: 3}, line: 2, want: "ends above its header", fatal: true},
		"below the header":              {content: "a\nid\n1,2\n", csv: CSV{HeaderRow: 2}, line: 3, want: "2 fields"},
		"quote below":                   {content: "a\nid\n1\n\"x\n", csv: CSV{HeaderRow: 2}, line: 4, want: "got as far as line 4", fatal: true},
		"empty among comments":          {content: "id\n1\n# a\n\n# b\n2\n", csv: CSV{Comment: '#'}, line: 4, want: "empty"},
		"declared narrow":               {content: "id,name\n1,a\n2,\x93x\x94\n", csv: CSV{Encoding: "iso-8859-1"}, line: 3, want: `In Windows-1252 it is '“'`, fatal: true},
		"declared, and UTF-8":           {content: "id,name\n1,a\n2,Peña\n3,x\n", csv: CSV{Encoding: "windows-1252"}, line: 3, want: "Take encoding out of the list", fatal: true},
		"declared, hole":                {content: "id,name\n1,\x81\n", csv: CSV{Encoding: "windows-1252"}, line: 2, want: "0x81, which no character of windows-1252", fatal: true},
		"declared, marked":              {content: "\xFF\xFEi\x00d\x00\n\x00", csv: CSV{Encoding: "windows-1252"}, line: 0, want: "mark of utf-16le", fatal: true},
		"UTF-16 without mark":           {content: "i\x00d\x00\n\x001\x00\n\x00", line: 1, want: `encoding = "utf-16le"`, fatal: true},
		"UTF-16 BE, no mark":            {content: "\x00i\x00d\x00\n\x001\x00\n", line: 1, want: `encoding = "utf-16be"`, fatal: true},
		"UTF-16 of neither kind":        {content: "id\n", csv: CSV{Encoding: "utf-16"}, line: 0, want: "which Windows writes", fatal: true},
		"UTF-16 cut":                    {content: "\xFF\xFEi\x00d\x00\n\x001\x00\n", line: 2, want: "half of a character", fatal: true},
		"UTF-16 half pair":              {content: "\xFF\xFEi\x00\n\x00\x00\xD8\n\x00", line: 2, want: "made of two", fatal: true},
		"UTF-16 last line":              {content: "\xFF\xFEi\x00d\x00\n\x001\x00", line: 2, want: "cut short", fatal: true},
		"of Windows":                    {content: "id,name\n1,Pe\xF1a\n", line: 2, want: `probably windows-1252, in which that word is "Peña"`, fatal: true},
		"of DOS":                        {content: "id,name\n1,Pe\xA4a Jos\x82\n", line: 2, want: `probably ibm850, in which that word is "Peña"`, fatal: true},
		"of an old Mac":                 {content: "id,name\n1,Pe\x96a Jos\x8E\n", line: 2, want: `probably macintosh, in which that word is "Peña"`, fatal: true},
		"empty line":                    {content: "id\n1\n\n2\n", line: 3, want: "empty"},
		"long field":                    {content: "id,note\n1," + long + "\n2,x\n", line: 2, want: "longer than", fatal: true},
		"comments alone":                {content: "id\n" + strings.Repeat("# a comment\n", 200_000) + "1\n", csv: CSV{Comment: '#'}, want: "with the comments above it", line: -1, fatal: true},
		"endless quote":                 {content: "id,note\n1,\"" + strings.Repeat("a line\n", 400_000), want: "longer than", line: -1, fatal: true},
		"comma decimal":                 {content: "id;amount\n1;1.250,00\n", csv: CSV{Delimiter: ';', Columns: decimals.Columns}, line: 2, want: "write it as 1250.00"},
		"thousands":                     {content: "id;amount\n1;1,250.00\n", csv: CSV{Delimiter: ';', Columns: decimals.Columns}, line: 2, want: "write it as 1250.00"},
		"ambiguous":                     {content: "id;amount\n1;1,250\n", csv: CSV{Delimiter: ';', Columns: decimals.Columns}, line: 2, want: "may be a decimal mark or a thousands separator"},
		"Excel rounded":                 {content: "id,amount\n1,1.23E+15\n", csv: decimals, line: 2, want: "Excel rounded"},
		"spaces":                        {content: "id,amount\n1, 5\n", csv: decimals, line: 2, want: "remove the spaces"},
		"currency sign":                 {content: "id,amount\n1,$5\n", csv: decimals, line: 2, want: "without currency sign"},
		"not a bool":                    {content: "id,open\n1,yes\n", csv: CSV{Columns: map[string]Type{"open": Bool}}, line: 2, want: "neither true nor false"},
		"not a number":                  {content: "id,n\n1,1e9\n", csv: CSV{Columns: map[string]Type{"n": Number}}, line: 2, want: "Invalid number"},
		"too many columns":              {content: strings.Repeat("a,", maxColumns) + "b\n", line: 1, want: "at most 1000", fatal: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := open(t, test.content, test.csv)
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
			if !strings.Contains(p.Summary+" "+p.Detail, test.want) || test.line >= 0 && p.Line != test.line || p.Fatal != test.fatal || p.Source != "list.csv" {
				t.Errorf("got %+v, want line %d, %q, fatal %v", p, test.line, test.want, test.fatal)
			}
		})
	}
}

// A cut file is a smaller amount, or fewer rows: it is taken only where it ends
// as a whole file would.
func TestCSVCutAtEveryOffset(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("\uFEFFid,amount,note\r\n")
	const records = 120 // more than a buffer holds
	for i := range records {
		fmt.Fprintf(&b, "A-%03d,%d.50,\"Señor \"\"%d\"\"\nsecond line\"\r\n", i, i*1000, i)
	}
	whole := b.String()
	dir := t.TempDir()
	accepted := 0
	for n := range len(whole) + 1 {
		path := filepath.Join(dir, "cut.csv")
		if err := os.WriteFile(path, []byte(whole[:n]), 0o600); err != nil {
			t.Fatal(err)
		}
		ok := acceptable(path)
		if want := strings.HasSuffix(whole[:n], "\r\n"); ok != want {
			t.Fatalf("cut at %d, after %q: accepted %v", n, whole[max(0, n-10):n], ok)
		}
		if ok {
			accepted++
		}
	}
	if accepted != records+1 {
		t.Errorf("accepted %d cuts, want one after each of %d records", accepted, records+1)
	}
}

func acceptable(path string) bool {
	r, err := CSV{File: File{"cut.csv", path}, Columns: map[string]Type{"amount": Decimal}}.Open(context.Background())
	if err != nil {
		return false
	}
	defer r.Close()
	_, bad, err := read(r)
	return err == nil && len(bad) == 0
}

// Whatever the bytes, what is accepted is UTF-8 that ends its last line, and
// every row has a field for each column.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"id,amount\n1,2\n", "\uFEFFid\n\"a\nb\"\n", "id\r\n1\r\n", "a,b\n\"x", "id\n\n1\n", "\xff\xfe", "a\rb\n"} {
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, content []byte, chunk uint8) {
		v := newVerifier("x", &chunks{content, int(chunk%7) + 1})
		passed, err := io.ReadAll(io.LimitReader(v, 1<<22))
		plain := content
		if !bytes.HasPrefix(plain, passed) {
			t.Fatalf("passed %q of %q", passed, content)
		}
		good := len(content) == 0 || len(plain) == 0 || plain[len(plain)-1] == '\n'
		lone := false
		for i, c := range plain {
			lone = lone || c == 0 || c == '\r' && (i+1 == len(plain) || plain[i+1] != '\n')
		}
		good = good && !lone && strings.ToValidUTF8(string(plain), "") == string(plain)
		if good != (err == nil) {
			t.Fatalf("%q: %v", content, err)
		}
		if good && !bytes.Equal(passed, plain) {
			t.Fatalf("passed %q of %q", passed, plain)
		}
	})
}

// chunks reads so many bytes at once.
type chunks struct {
	rest []byte
	size int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.size)], c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func TestOpenOnlyFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, test := range map[string]struct{ path, want string }{
		"missing": {filepath.Join(dir, "none.csv"), "There is no file"},
		"folder":  {dir, "is a folder"},
		"device":  {os.DevNull, "device"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := CSV{File: File{"x.csv", test.path}}.Open(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), dir) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func BenchmarkCSV(b *testing.B) {
	var s strings.Builder
	s.WriteString("order_id,status,created_at,amount,currency,customer,country,channel\n")
	for i := range 100_000 {
		fmt.Fprintf(&s, "A-%07d,PENDIENTE,2026-10-01T00:00:00Z,%d.50,COP,customer-%d,CO,web\n", i, i, i%977)
	}
	path := filepath.Join(b.TempDir(), "list.csv")
	if err := os.WriteFile(path, []byte(s.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r, err := CSV{File: File{"list.csv", path}, Columns: map[string]Type{"amount": Decimal}}.Open(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := r.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
		r.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/row")
}
