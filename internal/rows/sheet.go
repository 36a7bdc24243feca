package rows

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// What a workbook may hold. Its file is held in memory, and its sheets are
// read as streams.
const (
	maxWorkbook = 128 << 20 // bytes of the file
	maxSheets   = 1 << 30   // bytes of its sheets and texts, unpacked
	maxParts    = 64 << 20  // bytes of all else in it, unpacked
	maxEntries  = 5000
	maxSheetRow = 1 << 20 // Excel's own
)

// A sheet is the XML of one sheet, read as a stream of rows.
type sheet struct {
	file   File
	part   io.ReadCloser
	xml    *xml.Decoder
	row    int
	merges []string
	ended  bool // behind the rows
	looks  looks
}

// A sheetRow is one row that the XML speaks of.
type sheetRow struct {
	number int
	hidden bool
	cells  []sheetCell
}

// A sheetCell is what the XML says of a cell.
type sheetCell struct {
	column  int
	kind    string // "s", "str", "inlineStr", "b", "e", "d"; "n" or "" for numbers
	raw     string
	style   string // its number; "" is 0
	formula bool
	valued  bool
}

func (c *sheetCell) empty() bool { return !c.valued && !c.formula }

func (r *sheetRow) empty() bool {
	for i := range r.cells {
		if !r.cells[i].empty() {
			return false
		}
	}
	return true
}

func (f File) damaged(why string) *Problem {
	return f.refuse("Damaged workbook", fmt.Sprintf("%s can't be read as an Excel workbook: %s. Open it in Excel and save it again as .xlsx, or export the sheet as CSV.", f.Source, cut(why)))
}

// load reads the file, whose parts can't be found without its end.
func (l XLSX) load() ([]byte, error) {
	file, err := openRegular(l.File)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxWorkbook+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", l.Source, errors.Unwrap(err))
	}
	switch {
	case len(data) > maxWorkbook:
		return nil, l.refuse("Workbook too large", fmt.Sprintf("%s has more than %d MiB. Export the sheet as CSV.", l.Source, maxWorkbook>>20))
	case bytes.HasPrefix(data, []byte{0xD0, 0xCF, 0x11, 0xE0}):
		return nil, l.refuse("Workbook of another kind", l.Source+" is a workbook of Excel before 2007, or one that a password protects. Save it as .xlsx without a password.")
	case !bytes.HasPrefix(data, []byte("PK")):
		return nil, l.refuse("Not a workbook", l.Source+" is no Excel workbook. If it is text, it is a list of another type: csv or json.")
	}
	return data, nil
}

// openSheet looks into the workbook, and finds the sheet.
func openSheet(f File, data []byte, wanted string) (*sheet, string, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, "", f.damaged("it was cut short, or is no archive")
	}
	parts := make(map[string]*zip.File, len(archive.File))
	var sheets, others uint64
	for _, part := range archive.File {
		name := strings.ReplaceAll(part.Name, `\`, "/")
		if parts[name] != nil {
			return nil, "", f.damaged("it has two parts of the same name")
		}
		parts[name] = part
		if isSheet(name) {
			sheets += part.UncompressedSize64
		} else {
			others += part.UncompressedSize64
		}
		// All else is bounded by maxParts.
		if isSheet(name) && part.UncompressedSize64 > judgeRatio && part.UncompressedSize64/maxRatio > part.CompressedSize64 {
			return nil, "", f.refuse("Unpacks without end", fmt.Sprintf("A part of %s holds more than %d times of its own size, as no sheet does that Excel writes. Open it in Excel and save it again as .xlsx, or export the sheet as CSV.", f.Source, maxRatio))
		}
		if len(name) > 200 || sheets > maxSheets || others > maxParts || len(parts) > maxEntries {
			return nil, "", f.refuse("Workbook too large", fmt.Sprintf("%s unpacks to more than can be read: %d MiB of sheets, %d MiB of all else. Export the sheet as CSV.", f.Source, maxSheets>>20, maxParts>>20))
		}
	}
	var l looks
	for name, part := range parts {
		if ext := strings.ToLower(path.Ext(name)); ext != ".xml" && ext != ".rels" {
			continue
		}
		texts, err := scan(f, part)
		if err != nil {
			return nil, "", err
		}
		if strings.EqualFold(name, "xl/sharedStrings.xml") {
			l.texts = texts
		}
	}
	name, target, err := findSheet(f, parts, wanted, &l)
	if err != nil {
		return nil, "", err
	}
	if l.days, err = readLooks(f, parts["xl/styles.xml"]); err != nil {
		return nil, "", err
	}
	part, err := target.Open()
	if err != nil {
		return nil, "", f.damaged(err.Error())
	}
	return &sheet{file: f, part: part, looks: l, xml: xml.NewDecoder(bufio.NewReaderSize(part, 1<<16))}, name, nil
}

// isSheet tells the parts that grow with the rows.
func isSheet(name string) bool {
	return strings.HasPrefix(name, "xl/worksheets/") || strings.EqualFold(name, "xl/sharedStrings.xml")
}

// scan reads an XML part to its end for what a guard refuses, and counts the
// texts in it.
func scan(f File, part *zip.File) (texts int, err error) {
	var g guard
	in, err := part.Open()
	if err == nil {
		defer in.Close()
		_, err = io.Copy(&g, in)
	}
	if err != nil {
		return 0, f.damaged(err.Error())
	}
	return g.texts, nil
}

func (s *sheet) close() {
	if s != nil {
		s.part.Close()
	}
}

// next reads the next row; io.EOF says that the sheet was read to its end.
func (s *sheet) next() (*sheetRow, error) {
	for {
		token, err := s.xml.Token()
		if err == io.EOF && s.ended {
			return nil, io.EOF
		}
		if err != nil {
			return nil, s.broken(err)
		}
		switch t := token.(type) {
		case xml.EndElement:
			s.ended = s.ended || t.Name.Local == "sheetData"
		case xml.StartElement:
			switch t.Name.Local {
			case "mergeCell":
				if ref := attribute(t, "ref"); len(s.merges) < maxRecord {
					s.merges = append(s.merges, ref)
				}
			case "row":
				if !s.ended {
					return s.readRow(t)
				}
			}
		}
	}
}

func (s *sheet) readRow(start xml.StartElement) (*sheetRow, error) {
	row := &sheetRow{number: s.row + 1}
	if row.number > maxSheetRow {
		return nil, s.file.damaged("its sheet has more rows than Excel's")
	}
	hidden := attribute(start, "hidden")
	row.hidden = hidden == "1" || hidden == "true"
	if r := attribute(start, "r"); r != "" {
		n, err := strconv.Atoi(r)
		if err != nil || n <= s.row || n > maxSheetRow {
			return nil, s.file.damaged(fmt.Sprintf("row %s follows row %d", r, s.row))
		}
		row.number = n
	}
	s.row = row.number
	column, size := 0, 0
	for {
		token, err := s.xml.Token()
		if err != nil {
			return nil, s.broken(err)
		}
		switch t := token.(type) {
		case xml.EndElement:
			return row, nil
		case xml.StartElement:
			if t.Name.Local != "c" {
				if err := s.xml.Skip(); err != nil {
					return nil, s.broken(err)
				}
				continue
			}
			cell := sheetCell{column: column + 1, kind: attribute(t, "t"), style: attribute(t, "s")}
			if ref := attribute(t, "r"); ref != "" {
				at, n, err := excelize.CellNameToCoordinates(ref)
				if err != nil || at <= column || n != row.number {
					return nil, s.file.damaged(fmt.Sprintf("cell %s stands in row %d", cut(ref), row.number))
				}
				cell.column = at
			}
			column = cell.column
			if err := s.readCell(&cell); err != nil {
				return nil, err
			}
			if size += len(cell.raw); size > maxRecord || column > maxColumns && !cell.empty() {
				return nil, s.file.refuse("Row too long", fmt.Sprintf("Row %d of %s is longer than %d bytes, or has more than %d columns.", row.number, s.file.Source, maxRecord, maxColumns))
			}
			if column <= maxColumns {
				row.cells = append(row.cells, cell)
			}
		}
	}
}

func (s *sheet) readCell(cell *sheetCell) error {
	depth, value := 1, false
	for depth > 0 {
		token, err := s.xml.Token()
		if err != nil {
			return s.broken(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			switch t.Name.Local {
			case "f":
				cell.formula = true
			case "v":
				cell.valued, value = true, true
			case "is":
				cell.valued = true
			}
		case xml.EndElement:
			depth--
			value = false
		case xml.CharData:
			if value {
				cell.raw += string(t)
			}
		}
	}
	if cell.kind != "inlineStr" && cell.kind != "str" && cell.raw == "" {
		cell.valued = false
	}
	return nil
}

func (s *sheet) broken(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return s.file.damaged(err.Error())
}

func attribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// guard passes over XML and refuses what would take memory or time without
// end: a text of more than a list's row, nesting, entities. Libraries that read
// the part after it need not be asked whether they know.
type guard struct {
	since, depth int // bytes since the last tag began; elements that are open
	tag          bool
	quote        byte
	passage      byte // '-' in a comment, ']' in a CDATA section
	last, before byte
	name         []byte // of the element that begins, as far as it tells a text
	naming       bool
	texts        int // elements si: texts of the workbook, if it is their part
}

func (g *guard) Write(p []byte) (int, error) {
	for _, b := range p {
		switch {
		case g.passage != 0:
			if b == '>' && g.last == g.passage && g.before == g.passage {
				g.passage, g.tag = 0, false
			}
		case g.quote != 0:
			if b == g.quote {
				g.quote = 0
			}
		case b == '<':
			g.tag, g.since = true, 0
		case !g.tag:
		case g.last == '<':
			if b == '/' {
				g.depth--
			} else if b != '!' && b != '?' {
				g.depth++
				g.name, g.naming = g.name[:0], true
			}
		case g.last == '!' && g.before == '<':
			switch b {
			case '-':
				g.passage = '-'
			case '[':
				g.passage = ']'
			default:
				return 0, errors.New("its XML defines a document type")
			}
		case b == '"', b == '\'':
			g.quote = b
		case b == '>':
			g.tag = false
			if g.last == '/' {
				g.depth--
			}
		}
		if g.naming {
			g.spell(b)
		}
		g.before, g.last = g.last, b
		if g.since++; g.since > maxRecord || g.depth > maxDepth {
			return 0, errors.New("a text in it is too long, or it is nested too deep")
		}
	}
	return len(p), nil
}

// spell goes on with an element's name, which may have a prefix.
func (g *guard) spell(b byte) {
	switch {
	case b == ':':
		g.name = g.name[:0]
	case b == '>' || b == '/' || b <= ' ':
		g.naming = false
		if string(g.name) == "si" {
			g.texts++
		}
	case len(g.name) < 3:
		g.name = append(g.name, b)
	}
}
