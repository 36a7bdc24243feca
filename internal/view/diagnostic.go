package view

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/bulkrunner/runner/internal/diag"
)

// DiagnosticOptions say what the terminal can do.
type DiagnosticOptions struct {
	Color bool
	Width int // columns; 0 is without wrapping
}

// Diagnostics writes messages for people, with the source line of each.
// sources are the bytes of operation files by the names that ranges give them;
// a message about any other file goes without its line. Line ends within a
// Detail are kept, so whoever writes one quotes the values in it.
//
// It is not HCL's own writer, which prints the values of symbols, secret ones
// too, and breaks commands over lines.
func Diagnostics(w io.Writer, l diag.List, sources map[string][]byte, opts DiagnosticOptions) error {
	p := diagnosticPrinter{DiagnosticOptions: opts, sources: sources}
	for i, d := range l {
		if i > 0 {
			p.out.WriteByte('\n')
		}
		p.print(d)
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}

type diagnosticPrinter struct {
	DiagnosticOptions
	sources map[string][]byte
	out     strings.Builder
}

const (
	bold   = "\x1b[1m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	reset  = "\x1b[0m"
)

func (p *diagnosticPrinter) paint(colour, s string) string {
	if !p.Color {
		return s
	}
	return colour + s + reset
}

func (p *diagnosticPrinter) print(d diag.Diagnostic) {
	word, colour := "Error", red
	if d.Severity == diag.Warning {
		word, colour = "Warning", yellow
	}
	fmt.Fprintf(&p.out, "%s %s\n", p.paint(bold+colour, word+":"), p.paint(bold, Inert(d.Summary)))
	p.place(d, colour)
	if d.Row != nil {
		fmt.Fprintf(&p.out, "\n  at %s\n", row(*d.Row))
	}
	if d.Detail != "" {
		p.out.WriteByte('\n')
		p.paragraphs(d.Detail)
	}
	p.similar(d)
	if d.Command != "" {
		fmt.Fprintf(&p.out, "\n    %s\n", Inert(d.Command))
	}
}

// place says which block of which file is meant, and shows its line.
func (p *diagnosticPrinter) place(d diag.Diagnostic, colour string) {
	in := ""
	if d.In != "" {
		in = "in " + Inert(d.In)
	}
	if d.Subject == nil {
		if in != "" {
			fmt.Fprintf(&p.out, "\n  %s\n", in)
		}
		return
	}
	if in != "" {
		in = ", " + in
	}
	where := fmt.Sprintf("on %s line %d%s", Inert(d.Subject.Filename), d.Subject.Start.Line, in)
	s, ok := snippetOf(p.sources[d.Subject.Filename], *d.Subject)
	if !ok || d.Secret {
		fmt.Fprintf(&p.out, "\n  %s\n", where)
		return
	}
	number := fmt.Sprintf("%4d: ", d.Subject.Start.Line)
	fmt.Fprintf(&p.out, "\n  %s:\n%s%s\n", where, number, s.text)
	indent := strings.Repeat(" ", len(number)+s.start)
	fmt.Fprintf(&p.out, "%s%s\n", indent, p.paint(colour, strings.Repeat("^", s.length)))
}

// similar speaks for the other rows with the same problem.
func (p *diagnosticPrinter) similar(d diag.Diagnostic) {
	if d.Similar == 0 {
		return
	}
	rows := "rows"
	if d.Similar == 1 {
		rows = "row"
	}
	fmt.Fprintf(&p.out, "\nThe same problem affects %s other %s", Count(d.Similar), rows)
	if len(d.Others) == 0 {
		p.out.WriteByte('.')
	} else {
		p.out.WriteByte(':')
		for _, o := range d.Others {
			fmt.Fprintf(&p.out, "\n    %s", row(o))
		}
		if left := d.Similar - int64(len(d.Others)); left > 0 {
			fmt.Fprintf(&p.out, "\n    and %s more.", Count(left))
		}
	}
	if d.Command != "" {
		if len(d.Others) > 0 {
			p.out.WriteString("\n\nTo list them all, run:")
		} else {
			p.out.WriteString(" To list them all, run:")
		}
	}
	p.out.WriteByte('\n')
}

func row(r diag.Row) string {
	out := Inert(r.Source)
	switch {
	case r.Line > 0 && out == "": // of an inline list
		out = fmt.Sprintf("row %d", r.Line)
	case r.Line > 0:
		out = fmt.Sprintf("%s:%d", out, r.Line)
	}
	if r.Column != "" {
		out += ", column " + Inert(r.Column)
	}
	if r.Value != "" {
		out += `: "` + cut(Inert(r.Value), 60) + `"`
	}
	return out
}

// cut shortens text to at most n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// cutFront shortens text to n characters from its front.
func cutFront(s string, n int) string {
	if over := utf8.RuneCountInString(s) - n; over > 0 {
		return "…" + string([]rune(s)[over+1:])
	}
	return s
}

// paragraphs wraps text at the width. Lines that begin with a space are shown
// as they are, and neither a word nor an assignment is ever divided, so that
// what is to be pasted survives.
func (p *diagnosticPrinter) paragraphs(text string) {
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		line = Inert(strings.TrimSuffix(line, "\r"))
		if strings.HasPrefix(line, " ") {
			p.out.WriteString(line + "\n")
			continue
		}
		column := 0
		for _, word := range phrases(line) {
			n := utf8.RuneCountInString(word)
			if p.Width > 0 && column > 0 && column+1+n > p.Width {
				p.out.WriteByte('\n')
				column = 0
			}
			if column > 0 {
				p.out.WriteByte(' ')
				column++
			}
			p.out.WriteString(word)
			column += n
		}
		p.out.WriteByte('\n')
	}
}

// phrases divides a line where it may be broken: at spaces, but for those of
// code such as key = "order_id", { … } or ">= 0.1".
func phrases(line string) []string {
	var out []string
	glued := false
	for _, word := range strings.Fields(line) {
		left, right := false, false
		switch strings.Trim(word, `"'.,:;`) {
		case "=", "=>", "==", "{":
			left, right = true, true
		case "}":
			left = true
		case ">=", "<=", "<", "~>":
			right = true
		}
		if (left || glued) && len(out) > 0 {
			out[len(out)-1] += " " + word
		} else {
			out = append(out, word)
		}
		glued = right
	}
	return out
}
