package rows

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

func openJSON(t testing.TB, content string, l JSON) (Reader, error) {
	t.Helper()
	l.File = File{"list.json", filepath.Join(t.TempDir(), "list.json")}
	if err := os.WriteFile(l.Path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := l.Open(t.Context())
	if err == nil {
		t.Cleanup(func() { r.Close() })
	}
	return r, err
}

// values reads to the end or to the first fatal error. Rows are LINE:NAME=value.
func values(r Reader) (got []string, bad []*Problem, err error) {
	for {
		row, err := r.Next()
		var p *Problem
		switch {
		case err == io.EOF:
			return got, bad, nil
		case errors.As(err, &p) && !p.Fatal:
			bad = append(bad, p)
			continue
		case err != nil:
			return got, bad, err
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%d:", row.Line)
		for i, c := range r.Columns() {
			var v any
			switch {
			case row.Null[i]:
			case c.Type == Any:
				v = ctyjson.SimpleJSONValue{Value: row.Values[i]}
			case c.Type == Number, c.Type == Bool:
				v = json.RawMessage(row.Text[i])
			default:
				v = row.Text[i]
			}
			var text bytes.Buffer
			encoder := json.NewEncoder(&text)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(v); err != nil {
				return nil, nil, err
			}
			fmt.Fprintf(&b, " %s=%s", c.Name, strings.TrimSuffix(text.String(), "\n"))
		}
		got = append(got, b.String())
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		content string
		list    JSON
		columns []Column
		want    []string
		reading string
	}{
		"array": {
			content: "[\n{\"id\":\"007\",\"amount\":1250.00},\n{\"amount\":1,\"id\":\"8\"}]",
			columns: []Column{{"id", String}, {"amount", Decimal}},
			want:    []string{`2: id="007" amount="1250.00"`, `3: id="8" amount="1"`},
		},
		"lines": {
			content: "{\"id\":\"a\"}\n{\"id\":\"b\"}\r\n\n", columns: []Column{{"id", String}},
			want: []string{`1: id="a"`, `2: id="b"`}, reading: "JSON Lines",
		},
		"lines without the last end": {content: `{"id":"a"}`, columns: []Column{{"id", String}}, want: []string{`1: id="a"`}, reading: "JSON Lines"},
		"byte order mark":            {content: "\uFEFF[{\"id\":\"ñ\"}]", columns: []Column{{"id", String}}, want: []string{`1: id="ñ"`}, reading: "byte order mark"},
		"no rows":                    {content: "[ ]\n"},
		"within": {
			content: `{"a":[1,{"data":{"orders":[]}}],"data":{"n":1e400,"orders":[{"id":"x"}],"z":null},"b":"}"}`,
			list:    JSON{At: []string{"data", "orders"}}, columns: []Column{{"id", String}}, want: []string{`1: id="x"`},
		},
		"exact": {
			content: `[{"a":12345678901234567890.123456789,"n":{"m":12345678901234567890.10,"e":1e2}}]`,
			columns: []Column{{"a", Decimal}, {"n", Any}},
			want:    []string{`1: a="12345678901234567890.123456789" n={"e":100,"m":12345678901234567890.1}`},
		},
		"exponents": {
			content: `[{"a":1.5e3},{"a":-2.5E-7},{"a":1e0},{"a":1e14}]`, columns: []Column{{"a", Decimal}},
			want: []string{`1: a="1500"`, `1: a="-0.00000025"`, `1: a="1"`, `1: a="100000000000000"`},
		},
		"an id that is a number": {
			content: `[{"id":12345678901234567890},{"id":"x"},{"id":1.50}]`, list: JSON{Columns: map[string]Type{"id": String}},
			columns: []Column{{"id", String}}, want: []string{`1: id="12345678901234567890"`, `1: id="x"`, `1: id="1.50"`},
		},
		"declared": {
			content: `[{"m":12,"o":true,"d":"1.50"},{"m":null,"o":null,"d":null},{}]`,
			list:    JSON{Columns: map[string]Type{"m": Number, "d": Decimal}},
			columns: []Column{{"m", Number}, {"o", Bool}, {"d", Decimal}},
			want:    []string{`1: m=12 o=true d="1.50"`, `1: m=null o=null d=null`, `1: m=null o=null d=null`},
		},
		"not in the first row": {
			content: `[{"id":"a"},{"id":"b","note":"x","when":"y"}]`, list: JSON{Columns: map[string]Type{"note": String}},
			columns: []Column{{"id", String}, {"note", String}}, want: []string{`1: id="a" note=null`, `1: id="b" note="x"`},
			reading: "left out, since the first row doesn't have them: when",
		},
		"escapes":     {content: `[{"id":"\u00f1\ud83d\ude00\"\\\/\b\f\n\r\t"}]`, columns: []Column{{"id", String}}, want: []string{`1: id="ñ😀\"\\/\b\f\n\r\t"`}},
		"nested":      {content: `[{"o":{"c":{"id":"x","tags":["a",null,true]}}}]`, columns: []Column{{"o", Any}}, want: []string{`1: o={"c":{"id":"x","tags":["a",null,true]}}`}},
		"first null":  {content: `[{"x":null},{"x":1.10},{"x":"a"}]`, columns: []Column{{"x", Any}}, want: []string{`1: x=null`, `1: x=1.1`, `1: x="a"`}},
		"empty names": {content: `[{"":"a"}]`, columns: []Column{{"", String}}, want: []string{`1: ="a"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := openJSON(t, test.content, test.list)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.columns, r.Columns()); d != "" {
				t.Error(d)
			}
			got, bad, err := values(r)
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

func TestJSONRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 70) + strings.Repeat("]", 70)
	for name, test := range map[string]struct {
		content string
		list    JSON
		line    int64
		want    string
		fatal   bool
	}{
		"empty":              {content: " \n", line: 2, want: "nothing at all", fatal: true},
		"text":               {content: "id,amount\n", line: 1, want: "begins with 'i'", fatal: true},
		"cut row":            {content: "[{\"id\":\"a\"},\n{\"id\":", line: 2, want: "cut short", fatal: true},
		"cut after a row":    {content: "[{\"id\":\"a\"}\n", line: 2, want: "cut short", fatal: true},
		"cut after a comma":  {content: "[{\"id\":\"a\"},\n", line: 2, want: "cut short", fatal: true},
		"cut behind rows":    {content: "{\"d\":[{\"id\":\"a\"}]", list: JSON{At: []string{"d"}}, line: 1, want: "cut short", fatal: true},
		"cut line":           {content: "{\"id\":\"a\"}\n{\"id\":\"b", line: 2, want: "ends within it"},
		"two members":        {content: `[{"amount":1,"amount":2}]`, line: 1, want: `two members "amount"`, fatal: true},
		"two members, later": {content: "[{\"a\":1},\n{\"a\":1,\"\\u0061\":2}]", line: 2, want: `two members "a"`},
		"two members within": {content: "[{\"a\":null},{\"a\":{\"b\":1,\"b\":2}}]", line: 1, want: `two members "b"`},
		"two of the path":    {content: `{"d":[{"id":"a"}],"d":[]}`, list: JSON{At: []string{"d"}}, line: 1, want: `two members "d"`, fatal: true},
		"no such place":      {content: `{"dato":[]}`, list: JSON{At: []string{"data"}}, line: 1, want: `Did you mean "dato"?`, fatal: true},
		"place is no array":  {content: `{"data":{}}`, list: JSON{At: []string{"data"}}, line: 1, want: "is no array", fatal: true},
		"an array with at":   {content: `[]`, list: JSON{At: []string{"data"}}, line: 1, want: "Take at out", fatal: true},
		"a document":         {content: "{\n\"data\":[]}", line: 1, want: `at = "data.orders"`, fatal: true},
		"two documents":      {content: "[{\"id\":\"a\"}]\n[]", line: 2, want: "Behind the document", fatal: true},
		"comma at the end":   {content: `[{"id":"a"},]`, line: 1, want: "one too many", fatal: true},
		"comma missing":      {content: `[{"id":"a"}{"id":"b"}]`, line: 1, want: "A comma may be missing", fatal: true},
		"comma first":        {content: `[,{"id":"a"}]`, line: 1, want: "one too many", fatal: true},
		"comma within":       {content: `[{"id":"a"},{"id":"b",}]`, line: 1, want: `'}' stands where`},
		"no object":          {content: `[{"id":"a"},7]`, line: 1, want: "it is no object"},
		"leading zero":       {content: `[{"id":"a","n":7},{"id":"b","n":007}]`, line: 1, want: "an id that does is text"},
		"another type":       {content: `[{"n":7},{"n":"x"}]`, line: 1, want: "columns = { n = string }"},
		"exponent":           {content: `[{"n":7},{"n":1.2345e+19}]`, line: 1, want: `"1.2345e+19" is not a decimal number`},
		"comma decimal":      {content: `[{"n":7},{"n":"1.250,00"}]`, line: 1, want: "write it as 1250.00"},
		"empty decimal":      {content: `[{"n":7},{"n":""}]`, line: 1, want: "not a decimal"},
		"bool":               {content: `[{"o":true},{"o":"true"}]`, line: 1, want: "true is not a bool"},
		"number":             {content: `[{"n":1},{"n":"2"}]`, list: JSON{Columns: map[string]Type{"n": Number}}, line: 1, want: "2 is not a number"},
		"object for text":    {content: `[{"s":"a"},{"s":{}}]`, line: 1, want: "an object or an array"},
		"long number":        {content: `[{"x":null},{"x":1` + strings.Repeat("0", 64) + `}]`, line: 1, want: "more digits"},
		"exponent within":    {content: `[{"x":null},{"x":1e100000000}]`, line: 1, want: "more digits"},
		"deep":               {content: `[{"x":1},{"y":` + deep + `}]`, line: 1, want: "deeper than 64"},
		"deep before":        {content: `{"y":` + deep + `,"d":[]}`, list: JSON{At: []string{"d"}}, line: 1, want: "deeper than 64", fatal: true},
		"half a pair":        {content: `[{"s":"a"},{"s":"\ud83d"}]`, line: 1, want: "no character"},
		"NUL":                {content: `[{"s":"a"},{"s":"\u0000"}]`, line: 1, want: "no character"},
		"NUL byte":           {content: "[{\"s\":\"a\"},\n{\"s\":\"\x00\"}]", line: 2, want: "NUL", fatal: true},
		"Latin-1":            {content: "[{\"s\":\"a\"},\n{\"s\":\"Jos\xe9\"}]", line: 2, want: "0xE9", fatal: true},
		"empty line":         {content: "{\"s\":\"a\"}\n\n{\"s\":\"b\"}\n", line: 2, want: "Empty line", fatal: true},
		"huge cell":          {content: `[{"s":"` + strings.Repeat("x", maxRecord) + `"}]`, line: 1, want: "longer than", fatal: true},
		"huge line":          {content: `{"s":"` + strings.Repeat("x", maxRecord) + `"}`, line: 1, want: "longer than", fatal: true},
		"declared, never":    {content: `[{"id":"a"}]`, list: JSON{Columns: map[string]Type{"ids": String}}, line: 0, want: `Did you mean "id"?`, fatal: true},
		"word":               {content: `[{"s":"a"},{"s":None}]`, line: 1, want: "JSON has something else"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := openJSON(t, test.content, test.list)
			var bad []*Problem
			if err == nil {
				_, bad, err = values(r)
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
			if !strings.Contains(p.Summary+" "+p.Detail, test.want) || p.Line != test.line || p.Fatal != test.fatal || p.Source != "list.json" || len(p.Value) > 300 {
				t.Errorf("got %+v, want line %d, %q, fatal %v", p, test.line, test.want, test.fatal)
			}
		})
	}
}

// A document that was cut is never taken; of JSON Lines whole lines are all
// that can be told.
func TestJSONCutAtEveryOffset(t *testing.T) {
	t.Parallel()
	var rows []string
	for i := range 50 {
		rows = append(rows, fmt.Sprintf(`{"id":"A-%03d","amount":%d.50,"note":{"of":"Señor \"%d\""}}`, i, i*1000, i))
	}
	for name, test := range map[string]struct {
		whole string
		list  JSON
		ends  int
	}{
		"array":    {"[\n" + strings.Join(rows, ",\n") + "\n]\n", JSON{}, 2},
		"document": {`{"n":1,"data":[` + strings.Join(rows, ",\n") + "],\"next\":null}\n", JSON{At: []string{"data"}}, 2},
		"lines":    {strings.Join(rows, "\n") + "\n", JSON{}, 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := test.list
			l.File = File{"cut.json", filepath.Join(t.TempDir(), "cut.json")}
			accepted := 0
			for n := range len(test.whole) + 1 {
				if err := os.WriteFile(l.Path, []byte(test.whole[:n]), 0o600); err != nil {
					t.Fatal(err)
				}
				r, err := l.Open(context.Background())
				if err != nil {
					continue
				}
				_, bad, err := values(r)
				r.Close()
				if err == nil && len(bad) == 0 {
					accepted++
					if last := strings.TrimSpace(test.whole[:n]); !strings.HasSuffix(last, "}") && !strings.HasSuffix(last, "]") {
						t.Fatalf("cut at %d: accepted", n)
					}
				}
			}
			if accepted != test.ends {
				t.Errorf("accepted %d cuts, want %d", accepted, test.ends)
			}
		})
	}
}

// What the parser takes encoding/json takes too, and it gives the same value;
// what it writes it reads again.
func FuzzJSONValue(f *testing.F) {
	for _, s := range []string{`{"a":[1,"x",null,true]}`, `"\ud83d\ude00"`, `-0.5e+3`, `{"a":1,"a":2}`, `[[`, `{"é":1,"é":2}`, `1e5`, "\"\x80\"", `{"a":"\u0000"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		p := &parser{s: string(content)}
		v, err := p.value(0)
		if err == nil {
			err = p.end()
		}
		skipper := &parser{s: string(content)}
		skipped := skipper.skip(0)
		if skipped == nil {
			skipped = skipper.end()
		}
		if skipped != nil {
			if err == nil {
				t.Fatalf("%q: read, and not skipped: %v", content, skipped)
			}
			return
		}
		if !json.Valid(content) {
			t.Fatalf("%q is no JSON", content)
		}
		if err != nil {
			return // JSON, and more than is taken
		}
		written, err := ctyjson.Marshal(v, v.Type())
		if err != nil {
			t.Fatal(err)
		}
		again, err := (&parser{s: string(written)}).value(0)
		if err != nil || !again.RawEquals(v) {
			t.Fatalf("%q: written as %q, read as %#v: %v", content, written, again, err)
		}
		implied, err := ctyjson.ImpliedType(content)
		if err != nil {
			t.Fatalf("%q: %v", content, err)
		}
		if other, err := ctyjson.Unmarshal(content, implied); err != nil || !other.RawEquals(v) {
			t.Fatalf("%q: read as %#v, by others as %#v: %v", content, v, other, err)
		}
	})
}

// Whatever the file, it ends with rows or a problem.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`[{"a":1},{"a":2}]`, "{\"a\":1}\n{\"a\":2}\n", `{"d":[{"a":"x"}]}`, `[`, `[{"a":[[[`, "\xff\xfe[\x00]\x00"} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte, at bool) {
		l := JSON{File: File{"x.json", filepath.Join(dir, "x.json")}}
		if at {
			l.At = []string{"d"}
		}
		if err := os.WriteFile(l.Path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := l.Open(context.Background())
		if err != nil {
			return
		}
		defer r.Close()
		for n := 0; ; n++ {
			row, err := r.Next()
			var p *Problem
			if err != nil && (!errors.As(err, &p) || p.Fatal) {
				break
			}
			if err == nil && (len(row.Text) != len(r.Columns()) || row.Line > int64(bytes.Count(content, []byte{'\n'}))+1) {
				t.Fatalf("%q: %+v", content, row)
			}
			if n > len(content) {
				t.Fatalf("%q: more rows than bytes", content)
			}
		}
	})
}

func BenchmarkJSON(b *testing.B) {
	var s strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&s, `{"order_id":"A-%07d","status":"PENDIENTE","created_at":"2026-10-01T00:00:00Z","amount":%d.50,"currency":"COP","customer":"customer-%d","country":"CO","channel":"web"}`+"\n", i, i, i%977)
	}
	l := JSON{File: File{"list.json", filepath.Join(b.TempDir(), "list.json")}}
	if err := os.WriteFile(l.Path, []byte(s.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r, err := l.Open(b.Context())
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
