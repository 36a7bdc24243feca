package rows

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/bulkrunner/runner/internal/card"
)

// A JSON is a list of objects in a file: the elements of an array, or JSON
// Lines, one on each line. Which of the two it is the file shows.
//
// Columns are the members of the first row and those declared. A column that
// isn't declared has the type of its value in the first row: text is String, a
// number Decimal, so that no binary fraction touches it.
type JSON struct {
	File
	Columns map[string]Type
	At      []string // the members that lead to the array; none: the file is the array

	columns []Column // where they are known already
}

// like is the list with the columns of another of its kind.
func (l JSON) like(columns []Column) List {
	l.columns = columns
	return l
}

type jsonReader struct {
	source  string
	content *content
	bytes   *verifier
	in      *bufio.Reader
	reading []string
	columns []Column
	index   map[string]int
	guessed []bool // columns whose types were taken from the first row
	met     []bool // columns that a row has had
	text    []string
	null    []bool
	values  []cty.Value
	left    []string

	lines  bool
	levels []*members // the objects about the array, from the outermost
	inside bool       // an element has been read
	line   int64      // of the next byte
	passed int64      // bytes read
	number int64
	buffer []byte
	first  *element
	done   error
}

// members are the names of an object's members while it is read.
type members struct{ names map[string]bool }

// An element is a row as it stands in the file.
type element struct {
	line int64
	raw  string
}

func (l JSON) Open(ctx context.Context) (Reader, error) {
	content, err := l.File.open(ctx)
	if err != nil {
		return nil, err
	}
	r := &jsonReader{source: l.Source, content: content, line: 1}
	if err := r.open(l); err != nil {
		content.Close()
		return nil, err
	}
	return r, nil
}

func (r *jsonReader) open(l JSON) error {
	in, reading, err := decode(r.content, "")
	if err != nil {
		return err
	}
	r.bytes = newVerifier(l.Source, in)
	r.bytes.endless = true // a value has an end of its own
	r.in = bufio.NewReaderSize(r.bytes, 1<<16)
	if err := r.begin(l.At); err != nil {
		return r.fault(err)
	}
	for _, s := range []string{r.content.packed, reading} {
		if s != "" {
			r.reading = append(r.reading, s)
		}
	}
	if r.lines {
		r.reading = append(r.reading, "JSON Lines")
	}
	if r.first, err = r.element(); err == io.EOF {
		r.done = err
	} else if err != nil {
		return r.fault(err)
	}
	if r.columns = l.columns; r.columns == nil && r.first != nil {
		if err := r.shape(l.Columns); err != nil {
			return err
		}
	}
	r.index = make(map[string]int, len(r.columns))
	for i, c := range r.columns {
		r.index[c.Name] = i
	}
	r.text, r.null, r.values = make([]string, len(r.columns)), make([]bool, len(r.columns)), make([]cty.Value, len(r.columns))
	r.met = make([]bool, len(r.columns))
	r.guessed = make([]bool, len(r.columns))
	for i, c := range r.columns {
		_, declared := l.Columns[c.Name]
		r.guessed[i] = !declared
		r.met[i] = !declared
	}
	return nil
}

// shape takes the columns from the first row. Where that is no object its
// problem is told when it is read as a row.
func (r *jsonReader) shape(declared map[string]Type) error {
	p := &parser{s: r.first.raw}
	err := p.members(func(name string) error {
		if len(r.columns) == maxColumns {
			return errors.New("it has more than 1,000 members")
		}
		if card.First(name) != "" {
			return nameIsCard("A member", name)
		}
		c := Column{Name: name, Type: Any}
		if t, ok := declared[name]; ok {
			c.Type = t
		} else {
			switch p.peek() {
			case '"':
				c.Type = String
			case 't', 'f':
				c.Type = Bool
			case '{', '[', 'n':
			default:
				c.Type = Decimal
			}
		}
		r.columns = append(r.columns, c)
		return p.skip(1)
	})
	if err == nil {
		err = p.end()
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		p.Source, p.Line = r.source, r.first.line
		return p
	}
	if err != nil {
		return r.refuse(r.first.line, "Invalid JSON", r.invalid(err))
	}
	for _, name := range sortedNames(declared) {
		if !slices.ContainsFunc(r.columns, func(c Column) bool { return c.Name == name }) {
			r.columns = append(r.columns, Column{name, declared[name]})
		}
	}
	return nil
}

func (r *jsonReader) Columns() []Column { return r.columns }
func (r *jsonReader) Source() string    { return r.source }
func (r *jsonReader) Close() error      { return r.content.Close() }

func (r *jsonReader) Digest() string {
	if r.done != io.EOF {
		return ""
	}
	return r.content.digest()
}

func (r *jsonReader) Reading() string {
	reading := r.reading
	if len(r.left) > 0 {
		reading = append(slices.Clip(reading), "left out, since the first row doesn't have them: "+strings.Join(r.left, ", "))
	}
	return strings.Join(reading, ", ")
}

func (r *jsonReader) Next() (Row, error) {
	if r.done != nil {
		return Row{}, r.done
	}
	e, err := r.first, error(nil)
	if r.first = nil; e == nil {
		if e, err = r.element(); err != nil {
			if err == io.EOF {
				err = r.unmet()
			}
			r.done = r.fault(err)
			return Row{}, r.done
		}
	}
	r.number++
	row := Row{Source: r.source, Number: r.number, Line: e.line, Text: r.text, Null: r.null, Values: r.values}
	for i := range r.columns {
		r.text[i], r.null[i], r.values[i] = "", true, cty.NullVal(cty.DynamicPseudoType)
	}
	var bad *Problem
	p := &parser{s: e.raw}
	err = p.members(func(name string) error {
		i, ok := r.index[name]
		if !ok {
			r.leave(name)
			return p.skip(1)
		}
		r.met[i] = true
		start := p.i
		v, summary, detail, err := p.cell(r.columns[i].Type)
		if err != nil {
			return err
		}
		if summary != "" && bad == nil {
			if r.guessed[i] {
				detail += fmt.Sprintf(" The column is taken for a %s, since the first row has one: if it isn't, declare it, as in columns = { %s = string }.", r.columns[i].Type, name)
			}
			bad = r.problem(e.line, name, strings.Trim(p.s[start:p.i], `"`), summary, detail)
		}
		r.text[i], r.null[i], r.values[i] = v.text, v.null, v.value
		return nil
	})
	if err == nil {
		err = p.end()
	}
	if err != nil {
		return Row{Number: r.number}, r.problem(e.line, "", "", "Invalid JSON", r.invalid(err))
	}
	if bad != nil {
		return row, bad
	}
	return row, nil
}

func (r *jsonReader) invalid(err error) string {
	if !r.lines {
		return fmt.Sprintf("The row that begins on this line is not an object that can be read: %s.", err)
	}
	detail := fmt.Sprintf("The line is not an object that can be read: %s.", err)
	if errors.Is(err, errCut) {
		detail += " In JSON Lines each row stands whole on a line of its own; where the rows are an array within a document, say where, as in at = \"data.orders\"."
	}
	return detail
}

// leave notes a member that is no column.
func (r *jsonReader) leave(name string) {
	const most = 10
	if name = cut(card.Mask(name)); len(r.left) < most && !slices.Contains(r.left, name) {
		r.left = append(r.left, name)
	} else if len(r.left) == most && !slices.Contains(r.left, name) {
		r.left = append(r.left, "…")
	}
}

// unmet is io.EOF, or what is wrong with a column that no row had.
func (r *jsonReader) unmet() error {
	for i, c := range r.columns {
		if !r.met[i] && r.number > 0 {
			return r.refuse(0, "Unknown column", fmt.Sprintf("The list declares the column %q, which no row of %s has.%s", c.Name, r.source, hint(c.Name, slices.Delete(slices.Clone(r.columns), i, i+1))))
		}
	}
	return io.EOF
}

func (r *jsonReader) problem(line int64, column, value, summary, detail string) *Problem {
	return &Problem{Source: r.source, Line: line, Column: column, Value: cut(value), Summary: summary, Detail: detail}
}

func (r *jsonReader) refuse(line int64, summary, detail string) *Problem {
	p := r.problem(line, "", "", summary, detail)
	p.Fatal = true
	return p
}

var errCut = errors.New("the file ends within it")

// fault makes an error of the file one that says its line.
func (r *jsonReader) fault(err error) error {
	var p *Problem
	switch {
	case err == io.EOF, errors.As(err, &p):
		return err
	case errors.Is(err, errCut):
		return r.refuse(r.line, "Cut list", r.source+" ends before its rows do: it was cut short. Get it again whole.")
	case r.bytes.fault != nil:
		return r.bytes.fault
	}
	return err
}
