package rows

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// What a CSV file may hold. A file past one of these is a mistake, most often
// a quote that opens and never closes.
const (
	maxRecord  = 1 << 20
	maxColumns = 1000
)

// A CSV is a list in a file of delimited text, with the names of its columns
// in a header.
type CSV struct {
	File
	Columns   map[string]Type // declared; every other column is a String
	Delimiter rune            // 0: as the header shows
	Comment   rune            // lines that begin with it are passed over; 0: there are none
	HeaderRow int             // the header's line, from 1; 0 is 1. What stands above it is passed over
	Encoding  string          // one of [Encodings]; "": UTF-8, or UTF-16 with its mark
	Endless   bool            // the last line need not have its end
}

// csvReader reads a CSV file as a stream.
//
// It refuses whatever encoding/csv would let pass as a smaller or another
// amount: a last line without its end, an empty line in the middle, a second
// encoding, a header that names a column twice.
type csvReader struct {
	source  string
	content *content
	bytes   *verifier
	csv     *csv.Reader
	columns []Column
	checks  []check // the columns that are not strings
	reading []string

	above    int64 // lines passed over before those that csv reads
	skipped  int64 // bytes of them
	comments int64
	number   int64
	nextRow  int64 // the line on which the next row should start
	pending  *row  // a row read behind a problem that had to be told first
	done     error
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

// Open opens the file and reads its header.
func (c CSV) Open(ctx context.Context) (Reader, error) {
	content, err := c.File.open(ctx)
	if err != nil {
		return nil, err
	}
	r := &csvReader{source: c.Source, content: content}
	if err := r.open(c); err != nil {
		content.Close()
		return nil, err
	}
	return r, nil
}

func (r *csvReader) open(c CSV) error {
	in, reading, err := decode(r.content, c.Encoding)
	if err != nil {
		return err
	}
	for _, s := range []string{r.content.packed, reading} {
		if s != "" {
			r.reading = append(r.reading, s)
		}
	}
	r.bytes = newVerifier(c.Source, in)
	r.bytes.endless, r.bytes.noting = c.Endless, c.Comment != 0
	buffered := bufio.NewReaderSize(r.bytes, 1<<16)
	delimiter, err := r.preamble(c, buffered)
	if err != nil {
		return err
	}
	r.csv = csv.NewReader(buffered)
	r.csv.Comma = delimiter
	r.csv.Comment = c.Comment
	r.csv.ReuseRecord = true
	return r.readHeader(c)
}

func (r *csvReader) Columns() []Column { return r.columns }
func (r *csvReader) Source() string    { return r.source }
func (r *csvReader) Close() error      { return r.content.Close() }

func (r *csvReader) Digest() string {
	if r.done != io.EOF {
		return ""
	}
	return r.content.digest()
}

func (r *csvReader) Reading() string {
	reading := r.reading
	if r.comments > 0 {
		reading = append(slices.Clip(reading), count(int(r.comments), "comment line")+" left out")
	}
	return strings.Join(reading, ", ")
}

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
	r.bytes.consumed = r.skipped + r.csv.InputOffset()
	if err == nil && r.bytes.consumed-begin > maxRecord {
		r.done = r.header(r.line(0), "", "Row too long", r.bytes.tooLong("The row")+" A double quote in it probably opens a value and is closed only much later.")
		return Row{}, r.done
	}
	if err != nil && !errors.Is(err, csv.ErrFieldCount) {
		r.done = r.fatal(err)
		return Row{}, r.done
	}
	line, gap := r.line(0), r.gap(r.line(0))
	r.nextRow = r.line(len(text)-1) + 1
	if final := text[len(text)-1]; len(final) > 0 && strings.IndexByte(final, '\n') >= 0 {
		r.nextRow += int64(strings.Count(final, "\n"))
	}
	if err != nil {
		r.number++
		return Row{}, r.problem(line, "", "", "Wrong number of fields", fmt.Sprintf(
			"The row has %s and the header names %s. A value that holds the delimiter or a line break must stand in double quotes.", count(len(text), "field"), count(len(r.columns), "column")))
	}
	if text[0] == r.columns[0].Name && r.isHeader(text) {
		r.number++
		return Row{}, r.problem(line, "", "", "Header in the middle", "The line repeats the header, as when files are put one behind the other, and is no row. Remove it; several files are one list by a pattern, such as path = \"orders-*.csv\".")
	}
	if gap > 0 {
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
			return Row{Source: r.source, Number: r.number, Line: line, Text: text}, r.problem(line, r.columns[c.column].Name, text[c.column], summary, detail)
		}
	}
	return Row{Source: r.source, Number: r.number, Line: line, Text: text}, nil
}

// line is the line of the file on which a field of the record begins.
func (r *csvReader) line(field int) int64 {
	line, _ := r.csv.FieldPos(field)
	return r.above + int64(line)
}

// gap is the first line between the rows that is empty, 0 if there is none. The
// other lines that the parser passed over were comments.
func (r *csvReader) gap(line int64) int64 {
	if line == r.nextRow {
		return 0
	}
	if !r.bytes.noting {
		return r.nextRow
	}
	first, passed := int64(0), line-r.nextRow
	empty := r.bytes.empty
	for len(empty) > 0 && empty[0] < line {
		if empty[0] >= r.nextRow {
			passed--
			if first == 0 {
				first = empty[0]
			}
		}
		empty = empty[1:]
	}
	r.bytes.empty = empty
	r.comments += passed
	return first
}

func (r *csvReader) isHeader(text []string) bool {
	for i, c := range r.columns {
		if text[i] != c.Name {
			return false
		}
	}
	return len(text) > 1
}

// fatal says why the file can't be read on. The verifier's word counts unless
// the parser stumbled before the place that the verifier objects to, which it
// may have seen ahead.
func (r *csvReader) fatal(err error) error {
	fault, parse := r.bytes.fault, (*csv.ParseError)(nil)
	if errors.As(err, &parse) && (fault == nil || r.above+int64(parse.Line) < fault.Line) {
		return r.quote(parse)
	}
	if fault != nil {
		return fault
	}
	if err == io.EOF {
		r.gap(r.bytes.line)
	}
	return err
}

func (r *csvReader) quote(e *csv.ParseError) *Problem {
	detail := fmt.Sprintf("A double quote stands inside a value that is not in double quotes (line %d, column %d). Put the whole value in double quotes, and write each quote within it twice.", r.above+int64(e.Line), e.Column)
	line := r.above + int64(e.Line)
	if errors.Is(e.Err, csv.ErrQuote) {
		line = r.above + int64(e.StartLine)
		detail = fmt.Sprintf("The row that begins on this line opens a double quote that is not closed properly; the reader got as far as line %d. Close the quote, and write each quote within a value twice.", r.above+int64(e.Line))
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
