package rows

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/xuri/excelize/v2"

	"github.com/bulkrunner/runner/internal/card"
)

// An XLSX is a list in a sheet of an Excel workbook, with the names of its
// columns in a header. Every column that isn't declared is a String: what the
// cell shows.
type XLSX struct {
	File
	Columns   map[string]Type
	Sheet     string // "": the only one that isn't hidden
	HeaderRow int    // from 1; 0 is 1
}

// xlsxReader reads a sheet twice at once. The sheet's own XML says what a cell
// holds: its number, whether it is a formula and has a result, whether it is
// merged. What the cell shows, by its format, is excelize's knowledge.
type xlsxReader struct {
	source  string
	digest  string
	sheet   *sheet
	book    *excelize.File
	folder  string // for the sheets that excelize unpacks, since it forgets them after an error
	shown   *excelize.Rows
	at      int // the row that shown stands at
	columns []Column
	checks  []check
	reading []string

	header  int
	number  int64
	nextRow int
	hidden  int
	text    []string
	pending *sheetRow
	done    error
}

func (l XLSX) Open(context.Context) (Reader, error) {
	data, err := l.load()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	r := &xlsxReader{source: l.Source, digest: "sha256:" + hex.EncodeToString(sum[:]), header: max(1, l.HeaderRow)}
	name := l.Sheet
	if r.sheet, name, err = openSheet(l.File, data, l.Sheet); err != nil {
		return nil, err
	}
	if card.First(name) != "" {
		return nil, l.refuse("Name looks like a card number", fmt.Sprintf("The name of the sheet is shown and kept, and %q has what looks like a card number in it. Give the sheet another name.", card.Mask(name)))
	}
	if l.Sheet == "" {
		r.reading = append(r.reading, fmt.Sprintf("sheet %q", name))
	}
	if r.folder, err = os.MkdirTemp("", "runner-sheets-*"); err != nil {
		r.Close()
		return nil, fmt.Errorf("unpack %s: %w", l.Source, errors.Unwrap(err))
	}
	err = l.protect(func() error {
		// Dates that follow the reader's country have one form here.
		r.book, err = excelize.OpenReader(bytes.NewReader(data), excelize.Options{UnzipSizeLimit: 2 * maxSheets, UnzipXMLSizeLimit: 16 << 20, TmpDir: r.folder, ShortDatePattern: "yyyy-mm-dd"})
		if err == nil {
			r.shown, err = r.book.Rows(name)
		}
		return err
	})
	if err == nil {
		err = r.readHeader(l)
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// protect turns an error of excelize, or a panic over a file that nobody's
// program wrote, into a problem.
func (f File) protect(do func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = f.damaged("it is not built as a workbook is")
		}
	}()
	if err = do(); err != nil {
		if p, ok := err.(*Problem); ok {
			return p
		}
		return f.damaged(err.Error())
	}
	return nil
}

func (r *xlsxReader) Columns() []Column { return r.columns }
func (r *xlsxReader) Source() string    { return r.source }

func (r *xlsxReader) Digest() string {
	if r.done != io.EOF {
		return ""
	}
	return r.digest
}

func (r *xlsxReader) Reading() string {
	reading := r.reading
	if r.hidden > 0 {
		reading = append(slices.Clip(reading), count(r.hidden, "hidden row")+" among them")
	}
	return strings.Join(reading, ", ")
}

func (r *xlsxReader) Close() error {
	r.sheet.close()
	if r.shown != nil {
		r.shown.Close()
	}
	var err error
	if r.book != nil {
		err = r.book.Close()
	}
	if r.folder != "" {
		err = errors.Join(err, os.RemoveAll(r.folder))
	}
	return err
}

func (r *xlsxReader) readHeader(l XLSX) error {
	for {
		row, err := r.sheet.next()
		if err == io.EOF || err == nil && row.number > r.header {
			return l.refuse("Empty list", fmt.Sprintf("Row %d of the sheet, which must name the columns, is empty. Where they are named elsewhere, say so: header_row = 3.", r.header))
		}
		if err != nil {
			return err
		}
		if row.number < r.header {
			continue
		}
		shown, err := r.show(row.number)
		if err != nil {
			return err
		}
		for len(shown) > 0 && shown[len(shown)-1] == "" {
			shown = shown[:len(shown)-1]
		}
		if r.header > 1 {
			r.reading = append(r.reading, count(r.header-1, "row")+" above the header left out")
		}
		r.nextRow = r.header + 1
		r.columns, r.checks, err = header(l.Source, int64(r.header), shown, l.Columns)
		r.text = make([]string, len(r.columns))
		return err
	}
}

// show goes on to a row and says what its cells show.
func (r *xlsxReader) show(number int) (shown []string, err error) {
	err = File{Source: r.source}.protect(func() error {
		for ; r.at < number; r.at++ {
			if !r.shown.Next() {
				return fmt.Errorf("row %d is not where it should be", number)
			}
			if shown, err = r.shown.Columns(); err != nil {
				return err
			}
		}
		return nil
	})
	return shown, err
}

func (r *xlsxReader) Next() (Row, error) {
	for r.done == nil {
		row := r.pending
		if r.pending = nil; row == nil {
			var err error
			if row, err = r.sheet.next(); err != nil {
				if err == io.EOF {
					err = r.merged()
				}
				r.done = err
				break
			}
			if row.empty() {
				continue
			}
			if row.number != r.nextRow {
				empty := int64(r.nextRow)
				r.pending, r.nextRow = row, row.number
				return Row{}, r.problem(empty, "", "", "Empty row", "A row between the rows is empty, so one may have been lost. Remove the row, or put its values back.")
			}
		}
		r.nextRow = row.number + 1
		r.number++
		if row.hidden {
			r.hidden++
		}
		shown, err := r.show(row.number)
		if err != nil {
			r.done = err
			break
		}
		return r.row(row, shown)
	}
	return Row{}, r.done
}

// merged is io.EOF, or what is wrong with cells that are one: a value that
// seems to belong to several rows belongs to the first.
func (r *xlsxReader) merged() error {
	for _, ref := range r.sheet.merges {
		from, to, _ := strings.Cut(ref, ":")
		column, first, err := excelize.CellNameToCoordinates(from)
		_, last, err2 := excelize.CellNameToCoordinates(to)
		if err != nil || err2 != nil || column > len(r.columns) || last < r.header {
			continue
		}
		p := r.problem(int64(first), r.columns[column-1].Name, "", "Merged cells", fmt.Sprintf("The cells %s are merged: what they show in several places stands in the first alone. Separate them and fill in each.", ref))
		p.Fatal = true
		return p
	}
	return io.EOF
}

func (r *xlsxReader) row(row *sheetRow, shown []string) (Row, error) {
	clear(r.text)
	out := Row{Source: r.source, Number: r.number, Line: int64(row.number), Text: r.text}
	var bad *Problem
	for _, c := range row.cells {
		if c.empty() {
			continue
		}
		if c.column > len(r.columns) {
			name, _ := excelize.ColumnNumberToName(c.column)
			return Row{Number: r.number}, r.problem(out.Line, "", "", "Wrong number of fields", fmt.Sprintf("The cell %s%d has a value, and the header names only %s. Remove it, or name its column.", name, row.number, count(len(r.columns), "column")))
		}
		shows := ""
		if c.column <= len(shown) {
			shows = shown[c.column-1]
		}
		col := r.columns[c.column-1]
		text, summary, detail := "", "", ""
		if summary, detail = r.sheet.looks.judge(&c); summary == "" {
			text, summary, detail = c.text(col.Type, shows)
		}
		if summary != "" && bad == nil {
			bad = r.problem(out.Line, col.Name, shows, summary, detail)
		}
		r.text[c.column-1] = text
	}
	for _, c := range r.checks {
		if bad != nil {
			break
		}
		if summary, detail := c.accept(r.text[c.column]); summary != "" {
			bad = r.problem(out.Line, r.columns[c.column].Name, r.text[c.column], summary, detail)
		}
	}
	if bad != nil {
		return out, bad
	}
	return out, nil
}

func (r *xlsxReader) problem(line int64, column, value, summary, detail string) *Problem {
	return &Problem{Source: r.source, Line: line, Column: column, Value: cut(value), Summary: summary, Detail: detail}
}

// text is what a cell says for a column of type t.
func (c *sheetCell) text(t Type, shown string) (text, summary, detail string) {
	switch {
	case c.kind == "e":
		return "", "Formula error", fmt.Sprintf("The formula of this cell gives %s. Correct it, or write the value.", cut(c.raw))
	case c.formula && !c.valued:
		return "", "Formula without a result", "The cell is a formula that nothing has calculated yet. Open the workbook in Excel and save it, or write the value."
	case c.kind == "b":
		return map[string]string{"0": "false", "1": "true"}[c.raw], "", ""
	case c.kind == "d":
		return isoDay(c.raw), "", ""
	case c.kind != "" && c.kind != "n":
		return shown, "", ""
	}
	number, ok := sheetNumber(c.raw)
	if !ok {
		return "", "Number rounded by Excel", fmt.Sprintf("%s has more than the 15 digits that Excel keeps", cut(c.raw)) + excelHint
	}
	if plain := shown == c.raw || rounded.MatchString(shown); plain || t == String {
		if plain {
			return number, "", ""
		}
		return shown, "", ""
	}
	if !shows(shown, number) {
		return "", "Shown otherwise than it is", fmt.Sprintf("The cell shows %q and holds %s: which of the two is meant would be a guess. Give the column a format that shows the number whole, or make the number what it shows.", cut(shown), number)
	}
	return number, "", ""
}

// fifteen is as exact as Excel is.
var fifteen = apd.BaseContext.WithPrecision(15)

// sheetNumber writes a number of a sheet's XML, which is a binary fraction's,
// as the decimal that Excel takes it for. It has no answer where digits are
// gone.
func sheetNumber(raw string) (text string, ok bool) {
	plain, ok := expand(strings.TrimSpace(raw))
	if !ok || len(plain) > 64 {
		return "", false
	}
	var d apd.Decimal
	if _, _, err := d.SetString(plain); err != nil || d.Form != apd.Finite {
		return "", false
	}
	whole, _, _ := strings.Cut(strings.TrimLeft(plain, "-0"), ".")
	if len(whole) > 15 {
		return "", false
	}
	if _, err := fifteen.Round(&d, &d); err != nil {
		return "", false
	}
	d.Reduce(&d)
	return d.Text('f'), true
}

// shows tells whether a text is a number with nothing but its decoration:
// thousands, a currency's sign or letters before or behind it, brackets for a
// minus.
func shows(shown, number string) bool {
	first := strings.IndexFunc(shown, isDigit)
	last := strings.LastIndexFunc(shown, isDigit)
	if first < 0 || strings.Contains(shown, "%") {
		return false
	}
	before, text, behind := shown[:first], shown[first:last+1], shown[last+1:]
	if before == "." || strings.HasSuffix(before, " .") || strings.HasSuffix(before, "-.") {
		text = "0." + text
	}
	if strings.Contains(before+behind, "-") || strings.Contains(before, "(") && strings.Contains(behind, ")") {
		text = "-" + text
	}
	var a, d apd.Decimal
	_, _, err := a.SetString(strings.ReplaceAll(text, ",", ""))
	_, _, err2 := d.SetString(number)
	return err == nil && err2 == nil && a.Cmp(&d) == 0
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }
