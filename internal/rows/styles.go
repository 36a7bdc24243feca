package rows

import (
	"archive/zip"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// maxFormat bounds the format of a cell, of which Excel takes 255 characters.
const maxFormat = 1000

// looks is what a workbook says of the looks of cells, as far as it decides on
// what may be believed of them.
type looks struct {
	days     []bool // by style: its numbers are shown as days or times
	from1904 bool   // days are counted from 1904
	texts    int    // shared texts
}

// readLooks reads the styles; a workbook may have none.
func readLooks(f File, part *zip.File) ([]bool, error) {
	if part == nil {
		return nil, nil
	}
	in, err := part.Open()
	if err != nil {
		return nil, f.damaged(err.Error())
	}
	defer in.Close()
	var days []bool
	formats := make(map[string]string)
	inside := false
	for d := xml.NewDecoder(in); ; {
		token, err := d.Token()
		if err == io.EOF {
			return days, nil
		}
		if err != nil {
			return nil, f.damaged(err.Error())
		}
		switch t := token.(type) {
		case xml.EndElement:
			inside = inside && t.Name.Local != "cellXfs"
		case xml.StartElement:
			switch t.Name.Local {
			case "numFmt":
				code := attribute(t, "formatCode")
				if len(code) > maxFormat {
					return nil, f.damaged(fmt.Sprintf("a format in it has more than %d characters", maxFormat))
				}
				formats[attribute(t, "numFmtId")] = code
			case "cellXfs":
				inside = true
			case "xf":
				if inside {
					days = append(days, isDay(attribute(t, "numFmtId"), formats))
				}
			}
		}
	}
}

// What a format has beside the signs that make it one of days: texts, colours,
// conditions, and signs that stand for themselves.
var decoration = regexp.MustCompile(`"[^"]*"|\[[^\]]*\]|\\.|_.|\*.`)

func isDay(id string, formats map[string]string) bool {
	if code, ok := formats[id]; ok {
		return strings.ContainsAny(strings.ToLower(decoration.ReplaceAllString(code, "")), "ymdhs")
	}
	n, err := strconv.Atoi(id)
	return err == nil && (14 <= n && n <= 22 || 27 <= n && n <= 36 || 45 <= n && n <= 47 || 50 <= n && n <= 58)
}

// Excel knows days from 1900, or 1904, to the end of 9999.
const lastDay = 2958466

// judge tells what of a cell can't be believed whatever it shows.
func (l *looks) judge(c *sheetCell) (summary, detail string) {
	switch c.kind {
	case "s":
		if n, err := strconv.Atoi(strings.TrimSpace(c.raw)); err != nil || n < 0 || n >= l.texts {
			return "Damaged cell", fmt.Sprintf("The cell is said to hold text %s of the workbook, which has %d. Open it in Excel and save it again as .xlsx.", cut(c.raw), l.texts)
		}
		return "", ""
	case "b":
		if c.raw != "" && c.raw != "0" && c.raw != "1" {
			return "Damaged cell", fmt.Sprintf("The cell is said to be true or false, and holds %q. Open it in Excel and save it again as .xlsx.", cut(c.raw))
		}
		return "", ""
	case "", "n":
	default:
		return "", ""
	}
	style, err := 0, error(nil)
	if c.style != "" {
		style, err = strconv.Atoi(c.style)
	}
	if err != nil || style < 0 || style >= max(1, len(l.days)) {
		return "Damaged cell", fmt.Sprintf("The cell is said to look as style %s, and the workbook has %d. Open it in Excel and save it again as .xlsx.", cut(c.style), len(l.days))
	}
	if style >= len(l.days) || !l.days[style] || c.raw == "" {
		return "", ""
	}
	least := 0.0
	if l.from1904 {
		least = 1
	}
	// A float is good enough for telling a day from none.
	if n, err := strconv.ParseFloat(strings.TrimSpace(c.raw), 64); err != nil || n < least || n >= lastDay {
		return "Number that is no day", fmt.Sprintf("The cell has the format of a day and holds %s, which is none: Excel shows ##### there. Correct it, or give the cell another format.", cut(c.raw))
	}
	return "", ""
}

var midnight = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2})T00:00(:00(\.0+)?)?Z?$`)

// isoDay is a moment that the file writes out, without the time where it is
// midnight.
func isoDay(raw string) string {
	if m := midnight.FindStringSubmatch(raw); m != nil {
		return m[1]
	}
	return raw
}
