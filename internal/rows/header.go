package rows

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agext/levenshtein"

	"github.com/bulkrunner/runner/internal/card"
)

// readHeader takes the columns from the first line. A header that can't be
// taken literally is refused: a column that a row is judged by must not be
// another one than its author meant.
func (r *csvReader) readHeader(c CSV) error {
	names, err := r.csv.Read()
	r.bytes.consumed = r.skipped + r.csv.InputOffset()
	if err == io.EOF {
		return r.header(1, "", "Empty list", "The file holds no line at all. Its first line must name the columns.")
	}
	if err != nil {
		return r.fatal(err)
	}
	line := r.line(0)
	if err := r.delimiter(line, names); err != nil {
		return err
	}
	if r.columns, r.checks, err = header(r.source, line, names, c.Columns); err != nil {
		return err
	}
	r.nextRow = r.line(len(names)-1) + 1
	return nil
}

// header makes columns of the names in a header.
func header(source string, line int64, names []string, declared map[string]Type) (columns []Column, checks []check, err error) {
	refuse := func(name, summary, detail string) error {
		return &Problem{Source: source, Line: line, Column: name, Summary: summary, Detail: detail, Fatal: true}
	}
	if len(names) > maxColumns {
		return nil, nil, refuse("", "Too many columns", fmt.Sprintf("The header names %d columns; at most %d can be read. Leave out those that the operation doesn't use.", len(names), maxColumns))
	}
	seen := make(map[string]int, len(names))
	for i, name := range names {
		at := fmt.Sprintf("Column %d of the header", i+1)
		switch {
		case name == "":
			return nil, nil, refuse("", "Column without a name", at+" is empty. Give it a name.")
		case strings.TrimSpace(name) != name || Invisible(name) >= 0:
			return nil, nil, refuse(name, "Invalid column name", fmt.Sprintf("%s, %q, has spaces at its ends or invisible characters. Remove them.", at, cut(name)))
		case card.First(name) != "":
			p := nameIsCard(at, name)
			p.Source, p.Line = source, line
			return nil, nil, p
		case seen[name] > 0:
			return nil, nil, refuse(name, "Repeated column", fmt.Sprintf("Columns %d and %d of the header are both named %q. Rename or remove one of them.", seen[name], i+1, cut(name)))
		}
		seen[name] = i + 1
		columns = append(columns, Column{Name: name, Type: declared[name]})
	}
	for _, name := range sortedNames(declared) {
		if seen[name] == 0 {
			return nil, nil, refuse(name, "Unknown column", fmt.Sprintf("The list declares the column %q, which the header of %s doesn't name.%s", name, source, hint(name, columns)))
		}
	}
	for i, col := range columns {
		if accept := acceptor(col.Type); accept != nil {
			checks = append(checks, check{i, accept})
		}
	}
	return columns, checks, nil
}

// nameIsCard refuses a column's name: names are kept in the run file and shown.
func nameIsCard(what, name string) *Problem {
	name = card.Mask(name)
	return &Problem{Column: name, Summary: "Name looks like a card number", Detail: fmt.Sprintf("%s is named %q. Names of columns are kept and shown. The line that names the columns is probably missing, so that the first row stands in its place: add it.", what, cut(name)), Fatal: true}
}

// preamble reads what may stand above the header, and the header's delimiter
// where the list doesn't say it.
func (r *csvReader) preamble(c CSV, in *bufio.Reader) (rune, error) {
	delimiter := c.Delimiter
	if line := peekLine(in); len(line) > 4 && strings.EqualFold(string(line[:4]), "sep=") {
		said, n := utf8.DecodeRune(line[4:])
		if n != len(line)-4 || delimiter != 0 && said != delimiter {
			return 0, r.header(1, "", "Excel's delimiter line", fmt.Sprintf("The first line, %q, is Excel's own and says another delimiter than the list does. Remove one of the two.", cut(string(line))))
		}
		delimiter = said
		if err := r.pass(in); err != nil {
			return 0, err
		}
		r.reading = append(r.reading, fmt.Sprintf("delimiter %q by Excel's line", said))
	}
	if n := int64(c.HeaderRow) - 1; n > r.above {
		lines := n - r.above
		for r.above < n {
			if err := r.pass(in); err != nil {
				return 0, err
			}
		}
		r.reading = append(r.reading, count(int(lines), "line")+" above the header left out")
	}
	for c.Comment != 0 {
		first, _ := utf8.DecodeRune(peekLine(in))
		if first != c.Comment {
			break
		}
		if err := r.pass(in); err != nil {
			return 0, err
		}
		r.comments++
	}
	if delimiter != 0 {
		return delimiter, nil
	}
	found := delimiters(peekLine(in))
	switch {
	case len(found) == 0:
		return ',', nil
	case len(found) > 1:
		return 0, r.header(r.above+1, "", "Several delimiters", fmt.Sprintf("The header, %q, may be divided by %q or by %q. Say which it is in the list: delimiter = %q.", cut(string(peekLine(in))), found[0], found[1], string(found[0])))
	case found[0] != ',':
		r.reading = append(r.reading, fmt.Sprintf("delimiter %q as in the header", found[0]))
	}
	return found[0], nil
}

// delimiters are those that stand in a header outside of quotes.
func delimiters(line []byte) (found []rune) {
	quoted := false
	for _, c := range string(line) {
		switch {
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == ';' || c == '\t') && !slices.Contains(found, c):
			found = append(found, c)
		}
	}
	return found
}

// pass passes over a line.
func (r *csvReader) pass(in *bufio.Reader) error {
	for {
		part, err := in.ReadSlice('\n')
		r.skipped += int64(len(part))
		r.bytes.consumed = r.skipped
		switch {
		case err == nil:
			r.above++
			return nil
		case err == io.EOF:
			return r.header(r.above+1, "", "Empty list", "The file ends above its header.")
		case err != bufio.ErrBufferFull:
			return r.fatal(err)
		}
	}
}

// peekLine is the next line without its end, as far as it fits the buffer.
func peekLine(in *bufio.Reader) []byte {
	for n := 256; ; n *= 2 {
		b, err := in.Peek(min(n, in.Size()))
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			return bytes.TrimSuffix(b[:i], []byte{'\r'})
		}
		if err != nil || n >= in.Size() {
			return b
		}
	}
}

// delimiter refuses a header that was evidently written with another one.
func (r *csvReader) delimiter(line int64, names []string) error {
	if len(names) > 1 {
		return nil
	}
	for _, other := range []rune{';', ',', '\t', '|'} {
		if other != r.csv.Comma && strings.ContainsRune(names[0], other) {
			return r.header(line, "", "Another delimiter", fmt.Sprintf("The header is one single column, %q, with the delimiter %q; it seems to be written with %q. Say so in the list: delimiter = %q.", cut(names[0]), r.csv.Comma, other, string(other)))
		}
	}
	return nil
}

func (r *csvReader) header(line int64, column, summary, detail string) *Problem {
	p := r.problem(line, column, "", summary, detail)
	p.Fatal = true
	return p
}

// hint names the column that was probably meant, and else all there are.
func hint(name string, columns []Column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
		if strings.EqualFold(c.Name, name) || levenshtein.Distance(name, c.Name, nil) <= max(1, len(name)/3) {
			return fmt.Sprintf(" Did you mean %q?", c.Name)
		}
	}
	if len(names) > 20 {
		names = append(names[:20], "…")
	}
	return " It names: " + strings.Join(names, ", ") + "."
}
