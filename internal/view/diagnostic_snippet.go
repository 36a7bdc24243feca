package view

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/bulkrunner/runner/internal/card"
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

// snippetOf is the line on which a range begins, but for one that holds a card
// number. Ranges come from parsers and are believed only as far as the file
// goes.
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
	if line := src[begin:end]; card.Possible(line) && card.First(string(line)) != "" {
		return snippet{}, false
	}
	lead, trail := "", ""
	if strings.HasSuffix(r.Filename, ".json") {
		begin, end, lead, trail = member(src, begin, from, to, end)
		if len(bytes.Trim(src[begin:max(end, to)], ",{}[]"+spaces)) == 0 {
			return snippet{}, false // a bracket alone says nothing
		}
	}

	// A line may be as long as its file: look no further than can be shown.
	begin = runeStart(src, max(begin, from-snippetBytes))
	to = runeStart(src, min(to, from+snippetBytes))
	end = runeStart(src, min(end, to+snippetBytes))
	before := lead + lineText(src[begin:from], "\ufeff")
	marked := lineText(src[from:to], "")
	after := strings.TrimRight(lineText(bytes.TrimSuffix(src[to:end], []byte("\r")), ""), " ") + trail

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

const spaces = " \t\r\n"

// member narrows a line of JSON to the member or element that is meant, and
// tells with … what was left out. A program writes a file as one line, and
// what stands beside the trouble on it may be a credential.
func member(src []byte, begin, from, to, end int) (first, last int, lead, trail string) {
	first, last = begin, end
	text := false
	for i := begin; i < end && last == end; i++ {
		switch c := src[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text || bytes.IndexByte([]byte(",{}[]"), c) < 0:
		case i < from:
			first = i + 1
		case i >= to:
			last = i
		}
	}
	if src[max(to-1, 0)] == '{' || src[max(to-1, 0)] == '[' {
		last = to
	}
	if first > begin {
		first = from - len(bytes.TrimLeft(src[first:from], spaces))
		lead = "…"
	}
	if len(bytes.Trim(src[last:end], ",{}[]"+spaces)) > 0 {
		trail = "…"
	}
	return first, last, lead, trail
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
