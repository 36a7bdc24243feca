package rows

import (
	"fmt"
	"io"
	"strings"

	"github.com/agext/levenshtein"
)

// readHeader takes the columns from the first line. A header that can't be
// taken literally is refused: a column that a row is judged by must not be
// another one than its author meant.
func (r *csvReader) readHeader(c CSV) error {
	names, err := r.csv.Read()
	r.bytes.consumed = r.csv.InputOffset()
	if err == io.EOF {
		return r.header(1, "", "Empty list", "The file holds no line at all. Its first line must name the columns.")
	}
	if err != nil {
		return r.fatal(err)
	}
	start, _ := r.csv.FieldPos(0)
	line := int64(start)
	if len(names) > maxColumns {
		return r.header(line, "", "Too many columns", fmt.Sprintf("The header names %d columns; at most %d can be read. Leave out those that the operation doesn't use.", len(names), maxColumns))
	}
	if err := r.delimiter(line, names, c.Delimiter); err != nil {
		return err
	}
	seen := make(map[string]int, len(names))
	for i, name := range names {
		at := fmt.Sprintf("Column %d of the header", i+1)
		switch {
		case name == "":
			return r.header(line, "", "Column without a name", at+" is empty. Give it a name.")
		case strings.TrimSpace(name) != name || Invisible(name) >= 0:
			return r.header(line, name, "Invalid column name", fmt.Sprintf("%s, %q, has spaces at its ends or invisible characters. Remove them.", at, cut(name)))
		case seen[name] > 0:
			return r.header(line, name, "Repeated column", fmt.Sprintf("Columns %d and %d of the header are both named %q. Rename or remove one of them.", seen[name], i+1, cut(name)))
		}
		seen[name] = i + 1
		r.columns = append(r.columns, Column{Name: name, Type: c.Columns[name]})
	}
	for _, name := range sortedNames(c.Columns) {
		if seen[name] == 0 {
			return r.header(line, name, "Unknown column", fmt.Sprintf("The list declares the column %q, which the header of %s doesn't name.%s", name, r.source, hint(name, r.columns)))
		}
	}
	for i, col := range r.columns {
		if accept := acceptor(col.Type); accept != nil {
			r.checks = append(r.checks, check{i, accept})
		}
	}
	last, _ := r.csv.FieldPos(len(names) - 1)
	r.nextRow = int64(last) + 1
	return nil
}

// delimiter refuses a header that was evidently written with another one.
func (r *csvReader) delimiter(line int64, names []string, now rune) error {
	if strings.HasPrefix(strings.ToLower(names[0]), "sep=") {
		return r.header(line, "", "Excel's delimiter line", fmt.Sprintf("The first line, %q, is Excel's own and names no columns. Remove it, and say the delimiter in the list: delimiter = \";\".", cut(strings.Join(names, string(now)))))
	}
	if len(names) > 1 {
		return nil
	}
	for _, other := range []rune{';', ',', '\t', '|'} {
		if other != now && strings.ContainsRune(names[0], other) {
			return r.header(line, "", "Another delimiter", fmt.Sprintf("The header is one single column, %q, with the delimiter %q; it seems to be written with %q. Say so in the list: delimiter = %q.", cut(names[0]), now, other, string(other)))
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
