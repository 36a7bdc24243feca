package view

import (
	"bufio"
	"io"
	"strings"

	"github.com/bulkrunner/runner/internal/plan"
)

// csvTable writes a table as RFC 4180 has it, but for line ends, which are
// single line feeds.
type csvTable struct {
	w      *bufio.Writer
	layout layout
	line   []byte
	values [][]byte
	inert  bool  // lines are made harmless to look at, which can't be turned back
	err    error // of the header
}

func newCSV(w io.Writer, l layout, inert bool) *csvTable {
	t := &csvTable{w: bufio.NewWriterSize(w, exportBuffer), layout: l, inert: inert}
	for _, name := range l.names {
		t.text(name)
	}
	t.err = t.end()
	return t
}

func (t *csvTable) item(op *plan.Operation, it *plan.Item) error {
	if t.err != nil {
		return t.err
	}
	t.layout.row(t, op, it, &t.values)
	return t.end()
}

func (t *csvTable) end() error {
	t.line[len(t.line)-1] = '\n' // instead of the last comma
	if t.inert {
		t.line = append([]byte(Inert(string(t.line[:len(t.line)-1]))), '\n')
	}
	_, err := t.w.Write(t.line)
	t.line = t.line[:0]
	return err
}

func (t *csvTable) text(s string) { t.plain(Neutral(s)) }

func (t *csvTable) number(s string) {
	if isDecimal(s) || s == "" {
		t.plain(s)
		return
	}
	t.text(s)
}

func (t *csvTable) value(value []byte) {
	switch {
	case len(value) == 0 || string(value) == "null":
		t.plain("")
	case value[0] == '"':
		t.number(unquote(value))
	default: // a number, a word, or what is nested: none begins a formula
		t.plain(string(value))
	}
}

func (t *csvTable) plain(s string) {
	if strings.ContainsAny(s, "\",\r\n") || s != "" && (s[0] == ' ' || s[len(s)-1] == ' ') {
		t.line = append(t.line, '"')
		t.line = append(t.line, strings.ReplaceAll(s, `"`, `""`)...)
		t.line = append(t.line, '"', ',')
		return
	}
	t.line = append(append(t.line, s...), ',')
}

func (t *csvTable) close() error { return t.w.Flush() }
func (t *csvTable) abandon()     {}
