package view

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// A snippet is one line of a file, safe to print, and the part of it that is
// meant, in characters.
type snippet struct {
	text          string
	start, length int
}

// A line longer than this is shown from shortly before what is meant.
const (
	snippetWidth  = 160
	snippetBefore = 40
	snippetBytes  = 8 * snippetWidth // more than snippetWidth characters
)

// snippetOf is the line on which a range begins. Ranges come from parsers and
// are believed only as far as the file goes.
func snippetOf(src []byte, r hcl.Range) (snippet, bool) {
	from, to := r.Start.Byte, r.End.Byte
	if from < 0 || from > len(src) || to < from || len(src) == 0 {
		return snippet{}, false
	}
	begin := bytes.LastIndexByte(src[:from], '\n') + 1
	end := len(src)
	if i := bytes.IndexByte(src[from:], '\n'); i >= 0 {
		end = from + i
	}
	to = min(to, end)

	// A line may be as long as its file: look no further than can be shown.
	begin = runeStart(src, max(begin, from-snippetBytes))
	to = runeStart(src, min(to, from+snippetBytes))
	end = runeStart(src, min(end, to+snippetBytes))
	before := lineText(src[begin:from], "\ufeff")
	marked := lineText(src[from:to], "")
	after := strings.TrimRight(lineText(bytes.TrimSuffix(src[to:end], []byte("\r")), ""), " ")

	start, length := utf8.RuneCountInString(before), utf8.RuneCountInString(marked)
	if start+length+utf8.RuneCountInString(after) > snippetWidth {
		if start > snippetBefore {
			runes := []rune(before)
			before = "…" + string(runes[len(runes)-snippetBefore+1:])
			start = snippetBefore
		}
		marked = cut(marked, snippetWidth-snippetBefore)
		length = utf8.RuneCountInString(marked)
		after = cut(after, max(snippetWidth-start-length, 2))
	}
	return snippet{text: before + marked + after, start: start, length: max(length, 1)}, true
}

// lineText makes part of a line safe, with tabs as two spaces.
func lineText(b []byte, trim string) string {
	return Inert(strings.ReplaceAll(strings.TrimPrefix(string(b), trim), "\t", "  "))
}

// runeStart moves a place in the middle of a character to its beginning.
func runeStart(src []byte, i int) int {
	for n := 0; n < utf8.UTFMax && i > 0 && i < len(src) && !utf8.RuneStart(src[i]); n++ {
		i--
	}
	return i
}
