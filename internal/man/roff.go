package man

import (
	"bytes"
	"fmt"
	"strings"
)

// A roff is a page that is being written.
type roff struct{ b bytes.Buffer }

func (r *roff) bytes() []byte { return r.b.Bytes() }

func (r *roff) title(name, date, source string) {
	fmt.Fprintf(&r.b, ".TH \"%s\" 1 \"%s\" \"%s\" \"User Commands\"\n.nh\n.ad l\n", escape(name), date, escape(source))
}

func (r *roff) section(heading string) { fmt.Fprintf(&r.b, ".SH %s\n", heading) }

// text writes lines that are filled.
func (r *roff) text(text string) {
	for line := range strings.Lines(text) {
		r.b.WriteString(guarded(escape(strings.TrimSpace(line))) + "\n")
	}
}

// synopsis writes a command line as it is, its first word in bold.
func (r *roff) synopsis(line string) {
	program, rest, _ := strings.Cut(line, " ")
	fmt.Fprintf(&r.b, "\\fB%s\\fR %s\n", escape(program), escape(rest))
}

// prose writes paragraphs with empty lines between them. What is indented is a
// command or the like, and keeps its lines; a line of # is a heading.
func (r *roff) prose(text string) {
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		switch {
		case strings.HasPrefix(paragraph, "\t") || strings.HasPrefix(paragraph, "    "):
			r.b.WriteString(".PP\n.RS 4\n.nf\n")
			r.text(paragraph)
			r.b.WriteString(".fi\n.RE\n")
		case strings.HasPrefix(paragraph, "#"):
			r.b.WriteString(".PP\n\\fB" + escape(strings.Trim(paragraph, "# ")) + "\\fR\n")
		default:
			r.b.WriteString(".PP\n")
			r.text(paragraph)
		}
	}
}

func (r *roff) entries(heading string, entries []Entry) {
	if len(entries) == 0 {
		return
	}
	r.section(heading)
	for _, e := range entries {
		r.entry(e.Term, e.Text)
	}
}

func (r *roff) entry(term, text string) {
	fmt.Fprintf(&r.b, ".TP\n\\fB%s\\fR\n", escape(term))
	r.text(text)
}

// flag writes an entry whose argument, if it has one, is set apart.
func (r *roff) flag(term, argument, text string) {
	fmt.Fprintf(&r.b, ".TP\n\\fB%s\\fR", escape(term))
	if argument != "" {
		fmt.Fprintf(&r.b, " \\fI%s\\fR", escape(argument))
	}
	r.b.WriteString("\n")
	r.text(text)
}

// guarded is a line that can't be taken for a request.
func guarded(line string) string {
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}

// escape is text in which nothing is taken for an escape, a hyphen that is to
// be typed stays one, and everything is ASCII, whatever the reader's locale.
func escape(text string) string {
	var b strings.Builder
	for _, c := range text {
		switch {
		case c == '\\':
			b.WriteString(`\e`)
		case c == '-':
			b.WriteString(`\-`)
		case c == '"':
			b.WriteString(`\(dq`)
		case c == '\'':
			b.WriteString(`\(aq`)
		case c == '`':
			b.WriteString(`\(ga`)
		case c == '^':
			b.WriteString(`\(ha`)
		case c == '~':
			b.WriteString(`\(ti`)
		case c > '~':
			fmt.Fprintf(&b, `\[u%04X]`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}
