package rows

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// What a CSV file may hold. A file past one of these is a mistake, most often
// a quote that opens and never closes.
const (
	maxRecord  = 1 << 20
	maxColumns = 1000
)

// A CSV says which file to read and how.
type CSV struct {
	Source    string          // as shown to the user
	Path      string          // to open
	Columns   map[string]Type // declared; every other column is a String
	Delimiter rune            // 0 is a comma
}

// csvReader reads a CSV file as a stream.
//
// It refuses whatever encoding/csv would let pass as a smaller or another
// amount: a last line without its end, an empty line in the middle, a second
// encoding, a header that names a column twice.
type csvReader struct {
	source  string
	file    *os.File
	bytes   *verifier
	csv     *csv.Reader
	columns []Column
	checks  []check // the columns that are not strings

	number  int64
	nextRow int64 // the line on which the next row should start
	pending *row  // a row read behind a problem that had to be told first
	done    error
}

type row struct {
	line int64
	text []string
}

// A check holds one column's text against its type.
type check struct {
	column int
	accept func(string) (summary, detail string)
}

// OpenCSV opens the file and reads its header.
func OpenCSV(c CSV) (Reader, error) {
	if c.Delimiter == 0 {
		c.Delimiter = ','
	}
	file, err := openRegular(c.Source, c.Path)
	if err != nil {
		return nil, err
	}
	r := &csvReader{source: c.Source, file: file, bytes: newVerifier(c.Source, file)}
	r.csv = csv.NewReader(bufio.NewReaderSize(r.bytes, 1<<16))
	r.csv.Comma = c.Delimiter
	r.csv.ReuseRecord = true
	if err := r.readHeader(c); err != nil {
		file.Close()
		return nil, err
	}
	return r, nil
}

func (r *csvReader) Columns() []Column { return r.columns }
func (r *csvReader) Source() string    { return r.source }
func (r *csvReader) Close() error      { return r.file.Close() }
func (r *csvReader) Digest() string    { return r.bytes.digest() }

func (r *csvReader) Next() (Row, error) {
	if r.pending != nil {
		p := *r.pending
		r.pending = nil
		return r.accept(p.line, p.text)
	}
	if r.done != nil {
		return Row{}, r.done
	}
	text, err := r.csv.Read()
	begin := r.bytes.consumed
	r.bytes.consumed = r.csv.InputOffset()
	if err == nil && r.bytes.consumed-begin > maxRecord {
		start, _ := r.csv.FieldPos(0)
		r.done = r.header(int64(start), "", "Row too long", fmt.Sprintf("The row is longer than %d bytes. A double quote in it probably opens a value and is closed only much later.", maxRecord))
		return Row{}, r.done
	}
	if err != nil && !errors.Is(err, csv.ErrFieldCount) {
		r.done = r.fatal(err)
		return Row{}, r.done
	}
	start, _ := r.csv.FieldPos(0)
	line, gap := int64(start), r.nextRow
	last, _ := r.csv.FieldPos(len(text) - 1)
	r.nextRow = int64(last) + 1
	if final := text[len(text)-1]; len(final) > 0 && strings.IndexByte(final, '\n') >= 0 {
		r.nextRow += int64(strings.Count(final, "\n"))
	}
	if err != nil {
		r.number++
		return Row{}, r.problem(line, "", "", "Wrong number of fields", fmt.Sprintf(
			"The row has %s and the header names %s. A value that holds the delimiter or a line break must stand in double quotes.", count(len(text), "field"), count(len(r.columns), "column")))
	}
	if line != gap {
		r.pending = &row{line, text}
		return Row{}, r.problem(gap, "", "", "Empty line",
			"A line between the rows is empty, so a row may have been lost. Remove the line, or put the row back.")
	}
	return r.accept(line, text)
}

func (r *csvReader) accept(line int64, text []string) (Row, error) {
	r.number++
	for _, c := range r.checks {
		if summary, detail := c.accept(text[c.column]); summary != "" {
			return Row{Number: r.number, Line: line, Text: text}, r.problem(line, r.columns[c.column].Name, text[c.column], summary, detail)
		}
	}
	return Row{Number: r.number, Line: line, Text: text}, nil
}

// fatal says why the file can't be read on. The verifier's word counts unless
// the parser stumbled before the place that the verifier objects to, which it
// may have seen ahead.
func (r *csvReader) fatal(err error) error {
	fault, parse := r.bytes.fault, (*csv.ParseError)(nil)
	if errors.As(err, &parse) && (fault == nil || int64(parse.Line) < fault.Line) {
		return r.quote(parse)
	}
	if fault != nil {
		return fault
	}
	if err == io.EOF {
		return err
	}
	return fmt.Errorf("read %s: %w", r.source, err)
}

func (r *csvReader) quote(e *csv.ParseError) *Problem {
	detail := fmt.Sprintf("A double quote stands inside a value that is not in double quotes (line %d, column %d). Put the whole value in double quotes, and write each quote within it twice.", e.Line, e.Column)
	line := int64(e.Line)
	if errors.Is(e.Err, csv.ErrQuote) {
		line = int64(e.StartLine)
		detail = fmt.Sprintf("The row that begins on this line opens a double quote that is not closed properly; the reader got as far as line %d. Close the quote, and write each quote within a value twice.", e.Line)
	}
	p := r.problem(line, "", "", "Misplaced quote", detail)
	p.Fatal = true
	return p
}

func (r *csvReader) problem(line int64, column, value, summary, detail string) *Problem {
	return &Problem{Source: r.source, Line: line, Column: column, Value: cut(value), Summary: summary, Detail: detail}
}

// cut shortens a value to what can be read at a glance.
func cut(value string) string {
	const most = 80
	n := 0
	for i := range value {
		if n == most {
			return value[:i] + "…"
		}
		n++
	}
	return value
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
