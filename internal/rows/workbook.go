package rows

import (
	"archive/zip"
	"encoding/xml"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// findSheet finds the part of a sheet by its name, or of the only sheet.
func findSheet(f File, parts map[string]*zip.File, wanted string, l *looks) (name string, part *zip.File, err error) {
	var book struct {
		Properties struct {
			From1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Name  string     `xml:"name,attr"`
			State string     `xml:"state,attr"`
			Attrs []xml.Attr `xml:",any,attr"`
		} `xml:"sheets>sheet"`
	}
	at, err := bookIn(f, parts)
	if err != nil {
		return "", nil, err
	}
	var all relations
	for name, into := range map[string]any{at: &book, path.Dir(at) + "/_rels/" + path.Base(at) + ".rels": &all} {
		if err := readPart(f, parts, name, into); err != nil {
			return "", nil, err
		}
	}
	l.from1904 = book.Properties.From1904 == "1" || book.Properties.From1904 == "true"
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
	case wanted == "" && chosen < 0:
		return "", nil, f.refuse("No such sheet", f.Source+" has no sheet that is shown. Say which one is the list: sheet = \"NAME\".")
	case chosen < 0:
		return "", nil, f.refuse("No such sheet", fmt.Sprintf("%s has no sheet %q. It has: %s.", f.Source, wanted, strings.Join(names[:min(len(names), 10)], ", ")))
	}
	for _, a := range book.Sheets[chosen].Attrs {
		for _, rel := range all.All {
			if a.Name.Local == "id" && rel.ID == a.Value {
				target := rel.Target
				if !strings.HasPrefix(target, "/") {
					target = path.Join(path.Dir(at), target)
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

// relations is which part is which.
type relations struct {
	All []struct {
		ID     string `xml:"Id,attr"`
		Type   string `xml:"Type,attr"`
		Target string `xml:"Target,attr"`
	} `xml:"Relationship"`
}

// bookIn is the name of the part that names the sheets. Most programs call it
// xl/workbook.xml.
func bookIn(f File, parts map[string]*zip.File) (string, error) {
	var all relations
	if parts["_rels/.rels"] != nil {
		if err := readPart(f, parts, "_rels/.rels", &all); err != nil {
			return "", err
		}
	}
	for _, rel := range all.All {
		if name := strings.TrimPrefix(path.Clean("/"+rel.Target), "/"); strings.HasSuffix(rel.Type, "/officeDocument") && parts[name] != nil {
			return name, nil
		}
	}
	return "xl/workbook.xml", nil
}

func readPart(f File, parts map[string]*zip.File, name string, into any) error {
	if parts[name] == nil {
		return f.damaged("it has no " + cut(name))
	}
	in, err := parts[name].Open()
	if err == nil {
		err = xml.NewDecoder(in).Decode(into)
		in.Close()
	}
	if err != nil {
		return f.damaged(err.Error())
	}
	return nil
}
