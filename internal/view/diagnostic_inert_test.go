package view_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/view"
	"github.com/hashicorp/hcl/v2"
)

func TestInert(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, want string }{
		"plain":            {"Señor José, 3 €", "Señor José, 3 €"},
		"other scripts":    {"日本 العربية 🙂", "日本 العربية 🙂"},
		"escape":           {"a\x1b[31mb", "a␛[31mb"},
		"C1":               {"a\u009b31mb", `a\u009b31mb`},
		"C1 as a byte":     {"a\x9b31mb", `a\x9b31mb`},
		"line ends":        {"a\r\nb\u2028c", `a␍␊b\u2028c`},
		"delete":           {"a\x7f", "a␡"},
		"bidi":             {"\u202eab\u2066", `\u202eab\u2066`},
		"zero width":       {"A\u200b1\ufeff", `A\u200b1\ufeff`},
		"no-break space":   {"1\u00a0250", `1\u00a0250`},
		"blank letters":    {"\u3164\u115f\u2800", `\u3164\u115f\u2800`},
		"tags":             {"\U000e0041", `\U000e0041`},
		"replacement":      {"\ufffd", "\ufffd"},
		"cut character":    {"a\xe2\x82", `a\xe2\x82`},
		"empty":            {"", ""},
		"a tab and a null": {"\t\x00", "␉␀"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := view.Inert(test.in); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// FuzzInert holds that nothing of what a terminal obeys or hides gets through,
// alone or in any part of a message.
func FuzzInert(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b]52;c;\x07", "\u202e\u2066\u200b", "\x9b\xff\xc0\x80", "a\r\nb", "\U000e0001\ufff9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		inert(t, view.Inert(s), false)
		if view.Inert(view.Inert(s)) != view.Inert(s) {
			t.Errorf("%q is not inert at once", s)
		}
		var b bytes.Buffer
		half := len(s) / 2
		r := hcl.Range{Filename: s, Start: hcl.Pos{Line: 1, Byte: half}, End: hcl.Pos{Line: 1, Byte: len(s)}}
		l := diag.List{{Summary: s, Detail: s, In: s, Subject: &r, Row: &diag.Row{Source: s, Column: s, Value: s}, Similar: 1, Others: []diag.Row{{Source: s, Value: s}}, Command: s}}
		if err := view.Diagnostics(&b, l, map[string][]byte{s: []byte(s)}, view.DiagnosticOptions{Width: 20}); err != nil {
			t.Fatal(err)
		}
		inert(t, b.String(), true)
	})
}

func inert(t *testing.T, s string, lines bool) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Errorf("%q is not UTF-8", s)
	}
	for _, r := range s {
		if r == '\n' && lines {
			continue
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune("\u2028\u2029", r) {
			t.Errorf("%q has %U", s, r)
		}
	}
}
