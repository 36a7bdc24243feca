package diag

// shownRows is how many rows with the same problem a diagnostic names.
const shownRows = 20

// Rows gathers problems of rows, so that four hundred bad amounts are one
// message with a count. Problems are alike when they have the same summary,
// the same place in the operation file and the same column; the first of them
// becomes the message. What it keeps grows with the kinds of problems, not
// with the rows.
//
// The zero value is ready. It is not for concurrent use.
type Rows struct {
	// Command lists all the rows. It stands below every message that speaks
	// for more rows than it names.
	Command string

	first map[rowKind]int
	list  List
	total int64
}

type rowKind struct {
	severity     Severity
	summary, in  string
	file         string
	byte         int
	list, column string
}

// Add takes a problem whose Row says which row it is.
func (r *Rows) Add(d Diagnostic) {
	r.total++
	kind := rowKind{severity: d.Severity, summary: d.Summary, in: d.In}
	if d.Subject != nil {
		kind.file, kind.byte = d.Subject.Filename, d.Subject.Start.Byte
	}
	if d.Row != nil {
		kind.list, kind.column = d.Row.Source, d.Row.Column
	}
	i, known := r.first[kind]
	if !known {
		if r.first == nil {
			r.first = map[rowKind]int{}
		}
		r.first[kind] = len(r.list)
		r.list = append(r.list, d)
		return
	}
	m := &r.list[i]
	m.Similar++
	if d.Row != nil && len(m.Others) < shownRows-1 {
		m.Others = append(m.Others, *d.Row)
	}
}

// Count is how many problems there were, alike or not.
func (r *Rows) Count() int64 { return r.total }

// List is one message for each kind of problem, in the order in which the
// kinds were met.
func (r *Rows) List() List {
	out := append(List(nil), r.list...)
	for i := range out {
		if out[i].Similar > int64(len(out[i].Others)) && out[i].Command == "" {
			out[i].Command = r.Command
		}
	}
	return out
}
