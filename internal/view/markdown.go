package view

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// markdownReasons is how many reasons of one kind Markdown names: a comment on
// a pull request or a ticket has its limits.
const markdownReasons = 20

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// short is an address without its first word.
func short(address string) string {
	_, name, _ := strings.Cut(address, ".")
	return name
}

// quoted writes text from lists, APIs and providers so that Markdown takes
// nothing in it for its own: no link, no image, no mention of a person, no
// cell's end. What is long is cut.
func quoted(s string) string {
	const most = 300
	s = Inert(s)
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	s = strings.ReplaceAll(s, "|", "¦") // no way of writing it holds in and out of tables
	if s == "" {
		return "–"
	}
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 || strings.HasPrefix(s, " ") && strings.HasSuffix(s, " ") {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}

// fenced writes text of several lines as a block that Markdown takes as it is.
// The text is inert already.
func fenced(language, text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + language + "\n" + strings.TrimRight(text, "\n") + "\n" + fence
}

// spoken writes words of ours that may have a name from a file in them: plain
// where Markdown can take nothing of it for its own, else as [quoted].
func spoken(s string) string {
	plain := !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(" ,.:;'()-_%", r))
	})
	if plain && !strings.Contains(strings.ToLower(s), "www.") {
		return s
	}
	return quoted(s)
}

// cutLines keeps the first lines of a text that have room, and says that it
// was cut.
func cutLines(s string, most int) string {
	if len(s) <= most {
		return s
	}
	s = s[:most]
	if i := strings.LastIndexByte(s, '\n'); i > 0 {
		return s[:i] + "\n…"
	}
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "…"
}

// A sheet is Markdown of bounded size. What finds no room in it is left out
// with everything below, so that nothing stands where it doesn't belong.
type sheet struct {
	text strings.Builder
	room int // bytes
	left int // lines that found no room
}

// forEnd is what a sheet keeps free to say that it was cut.
const forEnd = 500

// line writes a line, or several that are nothing without each other.
func (s *sheet) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...) + "\n"
	if s.left > 0 || s.text.Len()+len(text) > s.room-forEnd {
		s.left += strings.Count(strings.Trim(text, "\n"), "\n") + 1
		return
	}
	s.text.WriteString(text)
}

// blank ends what a table or a list is.
func (s *sheet) blank() {
	if s.left == 0 {
		s.text.WriteByte('\n')
	}
}

// end writes the sheet; all says where to find what was left out.
func (s *sheet) end(w io.Writer, all string) error {
	if s.left > 0 {
		fmt.Fprintf(&s.text, "\n**%s more lines found no room in a comment.** %s\n", Count(int64(s.left)), all)
	}
	_, err := io.WriteString(w, s.text.String())
	return err
}
