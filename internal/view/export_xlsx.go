package view

import (
	"archive/zip"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/bulkrunner/runner/internal/plan"
)

// What a workbook can hold. What is beyond is refused: Excel would cut it off
// or call the file damaged.
const (
	sheetRows  = 1 << 20
	sheetBytes = 2 << 30 // of cells, so that the sheet stays below the 4 GiB of a plain ZIP
	cellText   = 32767   // in units of UTF-16
	exactTo    = 15      // digits of a number
)

// A TooLargeError says that a workbook can't hold an export.
type TooLargeError struct{ What string }

func (e *TooLargeError) Error() string { return "a workbook can't hold it: " + e.What }

// workbook writes a table as one sheet. Rows go to a temporary file and from
// there to w, so that memory doesn't grow with them.
type workbook struct {
	w      io.Writer
	file   *excelize.File
	sheet  *excelize.StreamWriter
	layout layout
	values [][]byte
	row    []any
	rows   int
	bytes  int64
	styles map[int]int // of numbers, by their decimals
	err    error       // of a cell
}

func newWorkbook(w io.Writer, l layout) (*workbook, error) {
	x := &workbook{w: w, file: excelize.NewFile(), layout: l, styles: map[int]int{}}
	// Its own writer makes the whole file in memory first.
	x.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(x.w) })
	err := x.file.SetSheetName("Sheet1", "items")
	if err == nil {
		x.sheet, err = x.file.NewStreamWriter("items")
	}
	if err == nil {
		err = x.sheet.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
	}
	if err == nil {
		for _, name := range l.names {
			x.text(name)
		}
		err = x.end()
	}
	if err != nil {
		x.abandon()
	}
	return x, err
}

func (x *workbook) item(op *plan.Operation, it *plan.Item) error {
	x.layout.row(x, op, it, &x.values)
	if x.err != nil {
		return fmt.Errorf("item %q: %w", it.Key, x.err)
	}
	return x.end()
}

func (x *workbook) end() error {
	if x.rows++; x.rows > sheetRows {
		return &TooLargeError{fmt.Sprintf("it has more than %s rows", Count(sheetRows-1))}
	}
	if x.bytes > sheetBytes {
		return &TooLargeError{"its cells have more than 2 GiB"}
	}
	err := x.sheet.SetRow("A"+strconv.Itoa(x.rows), x.row)
	x.row = x.row[:0]
	return err
}

func (x *workbook) text(s string) { x.plain(Neutral(s)) }

func (x *workbook) plain(s string) {
	if s == "" {
		x.row = append(x.row, nil)
		return
	}
	if len(s) > cellText && units(s) > cellText {
		x.err = &TooLargeError{fmt.Sprintf("a cell has more than %s characters", Count(cellText))}
	}
	x.bytes += int64(len(s)) + 64
	x.row = append(x.row, s)
}

// units are the units of a text in UTF-16.
func units(s string) (n int) {
	for _, r := range s {
		if n++; r > 0xffff {
			n++
		}
	}
	return n
}

// number writes a number where a workbook holds it as it is, shown with all its
// decimals; any other is text.
func (x *workbook) number(s string) {
	whole, decimals, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	f, err := strconv.ParseFloat(s, 64)
	if !isDecimal(s) || err != nil || len(strings.TrimLeft(whole+decimals, "0")) > exactTo || len(decimals) > exactTo || len(whole) > 1 && whole[0] == '0' {
		x.text(s)
		return
	}
	style, ok := x.styles[len(decimals)]
	if !ok {
		format := "0"
		if len(decimals) > 0 {
			format += "." + strings.Repeat("0", len(decimals))
		}
		if style, err = x.file.NewStyle(&excelize.Style{CustomNumFmt: &format}); err != nil {
			x.err = err
			return
		}
		x.styles[len(decimals)] = style
	}
	x.bytes += 64
	x.row = append(x.row, excelize.Cell{StyleID: style, Value: f})
}

func (x *workbook) value(value []byte) {
	switch {
	case len(value) == 0 || string(value) == "null":
		x.plain("")
	case value[0] == '"':
		// Text as it is, also where it looks like a number: an id is one.
		s := unquote(value)
		if isDecimal(s) {
			x.plain(s)
			return
		}
		x.text(s)
	case value[0] == '-' || '0' <= value[0] && value[0] <= '9':
		x.number(string(value))
	default:
		x.plain(string(value))
	}
}

func (x *workbook) close() error {
	if err := x.sheet.Flush(); err != nil {
		return err
	}
	_, err := x.file.WriteTo(x.w)
	return err
}

func (x *workbook) abandon() { x.file.Close() }
