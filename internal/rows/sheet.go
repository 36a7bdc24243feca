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
		if strings.HasPrefix(name, "xl/worksheets/") || strings.EqualFold(name, "xl/sharedStrings.xml") {
			sheets += part.UncompressedSize64
		} else {
			others += part.UncompressedSize64
		}
		if len(name) > 200 || sheets > maxSheets || others > maxParts || len(parts) > maxEntries {
			return nil, "", f.refuse("Workbook too large", fmt.Sprintf("%s unpacks to more than can be read: %d MiB of sheets, %d MiB of all else. Export the sheet as CSV.", f.Source, maxSheets>>20, maxParts>>20))
		}
	}
	for name, part := range parts {
		if ext := strings.ToLower(path.Ext(name)); ext != ".xml" && ext != ".rels" {
			continue
		}
		if err := scan(f, part); err != nil {
			return nil, "", err
		}
	}
	name, target, err := findSheet(f, parts, wanted)
	if err != nil {
		return nil, "", err
	}
	part, err := target.Open()
	if err != nil {
		return nil, "", f.damaged(err.Error())
	}
	return &sheet{file: f, part: part, xml: xml.NewDecoder(bufio.NewReaderSize(part, 1<<16))}, name, nil
}

// scan reads an XML part to its end for what a guard refuses.
func scan(f File, part *zip.File) error {
	in, err := part.Open()
	if err == nil {
		defer in.Close()
		_, err = io.Copy(&guard{}, in)
	}
	if err != nil {
		return f.damaged(err.Error())
	}
	return nil
}

// findSheet finds the part of a sheet by its name, or of the only sheet.
func findSheet(f File, parts map[string]*zip.File, wanted string) (name string, part *zip.File, err error) {
	var book struct {
		Sheets []struct {
			Name  string     `xml:"name,attr"`
			State string     `xml:"state,attr"`
			Attrs []xml.Attr `xml:",any,attr"`
		} `xml:"sheets>sheet"`
	}
	var relations struct {
		All []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	for name, into := range map[string]any{"xl/workbook.xml": &book, "xl/_rels/workbook.xml.rels": &relations} {
		if parts[name] == nil {
			return "", nil, f.damaged("it has no " + name)
		}
		in, err := parts[name].Open()
		if err == nil {
			err = xml.NewDecoder(in).Decode(into)
			in.Close()
		}
		if err != nil {
			return "", nil, f.damaged(err.Error())
		}
	}
	chosen := -1
	var names []string
	for i, s := range book.Sheets {
		for _, before := range book.Sheets[:i] {
			if strings.EqualFold(s.Name, before.Name) {
				return "", nil, f.damaged("it has two sheets of the same name")
			}
		}
		if s.State == "" || s.State == "visible" {
			names = append(names, strconv.Quote(cut(s.Name)))
		}
		if s.Name == wanted || wanted == "" && (s.State == "" || s.State == "visible") {
			chosen = i
		}
	}
	switch {
	case wanted == "" && len(names) > 1:
		return "", nil, f.refuse("Several sheets", fmt.Sprintf("%s has %d sheets: %s. Say which one is the list: sheet = %s.", f.Source, len(names), strings.Join(names[:min(len(names), 10)], ", "), names[0]))
	case chosen < 0:
		return "", nil, f.refuse("No such sheet", fmt.Sprintf("%s has no sheet %q. It has: %s.", f.Source, wanted, strings.Join(names[:min(len(names), 10)], ", ")))
	}
	for _, a := range book.Sheets[chosen].Attrs {
		for _, rel := range relations.All {
			if a.Name.Local == "id" && rel.ID == a.Value {
				target := rel.Target
				if !strings.HasPrefix(target, "/") {
					target = path.Join("xl", target)
				}
				part = parts[strings.TrimPrefix(target, "/")]
			}
		}
	}
	if part == nil {
		return "", nil, f.damaged("its sheet is not where it says")
	}
	return book.Sheets[chosen].Name, part, nil
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
			cell := sheetCell{column: column + 1, kind: attribute(t, "t")}
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
		g.before, g.last = g.last, b
		if g.since++; g.since > maxRecord || g.depth > maxDepth {
			return 0, errors.New("a text in it is too long, or it is nested too deep")
		}
	}
	return len(p), nil
}
