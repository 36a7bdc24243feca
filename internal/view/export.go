package view

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// Formats are what items can be exported as.
var Formats = []string{"csv", "jsonl", "xlsx"}

// An exporter writes items in one format. close writes what is left to be
// written; abandon ends an export that is worth nothing, also after close.
type exporter interface {
	item(operation *plan.Operation, it *plan.Item) error
	close() error
	abandon()
}

// ExportOptions say what is exported, and how.
type ExportOptions struct {
	Filter   runfile.Filter
	Format   string // one of Formats
	Terminal bool   // somebody looks at it: what could move their cursor is shown, not sent
}

// Export writes the items that a filter chooses and returns how many there
// were. It reads and writes item by item, so that a run of any length takes the
// same memory. Until it has returned nil, what was written is worth nothing.
//
// csv and xlsx are tables for people: in them a text that a spreadsheet would
// take for a formula begins with an apostrophe, see [Neutral]. jsonl has
// everything as it is.
func Export(ctx context.Context, w io.Writer, f *runfile.File, o ExportOptions) (n int64, err error) {
	ops, err := f.Operations()
	if err != nil {
		return 0, err
	}
	var out exporter
	layout := layoutOf(ops, o.Filter.Operation)
	switch o.Format {
	case "csv":
		out = newCSV(w, layout, o.Terminal)
	case "jsonl":
		out = newJSONLines(w)
	case "xlsx":
		if out, err = newWorkbook(w, layout); err != nil {
			return 0, unwritten(err)
		}
	default:
		return 0, fmt.Errorf("%q is not a format of exports", o.Format)
	}
	defer out.abandon()
	ctx, cancel := context.WithCancel(ctx)
	batches := readAhead(ctx, f, o.Filter)
	defer func() {
		cancel()
		for range batches { // until it has ended: the file is the caller's
		}
	}()
	for b := range batches {
		if b.err != nil {
			return n, b.err
		}
		for i := range b.items {
			it := &b.items[i]
			if it.Operation < 1 || it.Operation > int64(len(ops)) {
				return n, fmt.Errorf("%w: item %d is of no operation", runfile.ErrCorrupt, it.ID)
			}
			if err := unwritten(out.item(&ops[it.Operation-1], it)); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, unwritten(out.close())
}

// A batch is items that follow each other, or why there are no more.
type batch struct {
	items []plan.Item
	err   error
}

// What is read ahead at most: a batch that waits, beside the one that is read
// and the one that is written.
const (
	batchItems = 512
	batchBytes = 1 << 20
)

// readAhead reads items while others are written, which is three quarters of
// the work. The channel is closed when there are no more, or after an error,
// also that of ctx; it must be read until then.
func readAhead(ctx context.Context, f *runfile.File, filter runfile.Filter) <-chan batch {
	to := make(chan batch, 1)
	go func() {
		defer close(to)
		var b batch
		bytes := 0
		send := func() bool {
			if err := ctx.Err(); err != nil {
				b.err = err
			}
			to <- b // whoever reads them reads until the channel is closed
			if b.err != nil {
				return false
			}
			b, bytes = batch{items: make([]plan.Item, 0, batchItems)}, 0
			return true
		}
		for it, err := range f.Items(filter) {
			if b.err = err; err == nil {
				b.items = append(b.items, it)
				bytes += len(it.Arguments) + len(it.Live) + len(it.Result) + len(it.Context) + len(it.Reason)
			}
			if err != nil || len(b.items) >= batchItems || bytes >= batchBytes {
				if !send() {
					return
				}
			}
		}
		send()
	}()
	return to
}

// A WriteError says that an export could not be written, as opposed to read.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return fmt.Sprintf("write export: %v", e.Err) }
func (e *WriteError) Unwrap() error { return e.Err }

func unwritten(err error) error {
	var large *TooLargeError
	if err == nil || errors.As(err, &large) {
		return err
	}
	return &WriteError{err}
}

// stamp is how exports write a time: in UTC, with its zone.
const stamp = "2006-01-02T15:04:05.000Z"

// A layout is the columns of a table of items.
type layout struct {
	names     []string // of all columns
	arguments members
	result    members
}

// fixed are the columns that every item has.
var fixed = []string{"operation", "key", "source", "row", "state", "reason", "amount", "currency", "attempts", "updated_at"}

// members are the columns of the members of an object.
type members struct {
	names []string // whose members are columns
	whole bool     // one more column has the object as it is, for operations of which nobody knows the members
}

// layoutOf is the layout of a table of an operation's items, or of all
// operations' for 0. It follows from the plan alone, so that two exports of a
// run have the same columns, whatever has become of the items.
func layoutOf(ops []plan.Operation, only int64) (l layout) {
	for _, op := range ops {
		if only != 0 && op.ID != only {
			continue
		}
		c := op.Settings.Columns
		if c == nil {
			l.arguments.whole, l.result.whole = true, true
			continue
		}
		l.arguments.names = union(l.arguments.names, c.Arguments)
		l.result.names = union(l.result.names, c.Result)
	}
	l.names = append(l.names, fixed...)
	for _, part := range []struct {
		name string
		of   members
	}{{"arguments", l.arguments}, {"result", l.result}} {
		for _, name := range part.of.names {
			l.names = append(l.names, part.name+"_"+name)
		}
		if part.of.whole {
			l.names = append(l.names, part.name)
		}
	}
	return l
}

func union(all, more []string) []string {
	for _, name := range more {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// cells are those of a row, written one by one in the order of the columns.
type cells interface {
	text(string)
	number(string) // a decimal number, or "" for none
	value([]byte)  // JSON; nil for none
}

// row writes an item's cells.
func (l *layout) row(c cells, op *plan.Operation, it *plan.Item, values *[][]byte) {
	c.text(op.Address)
	c.text(it.Key)
	c.text(it.Source)
	c.number(strconv.FormatInt(it.Row, 10))
	c.text(it.State.String())
	c.text(it.Reason)
	c.number(it.Amount)
	c.text(it.Currency)
	c.number(strconv.Itoa(it.Attempts))
	c.text(it.UpdatedAt.UTC().Format(stamp))
	known := op.Settings.Columns != nil
	l.arguments.cells(c, it.Arguments, known, values)
	l.result.cells(c, it.Result, known, values)
}

// cells writes the members of an object that are columns; known says that its
// operation told which it can have.
func (m members) cells(c cells, object []byte, known bool, values *[][]byte) {
	all := append((*values)[:0], make([][]byte, len(m.names))...)
	*values = all
	if known {
		at := 0
		for name, value := range objectMembers(object) {
			// Members mostly come in the order of the columns.
			for i := range m.names {
				if j := (at + i) % len(m.names); m.names[j] == name {
					all[j], at = value, j+1
					break
				}
			}
		}
	}
	for _, value := range all {
		c.value(value)
	}
	if m.whole {
		if known {
			object = nil
		}
		c.value(object)
	}
}

// Neutral is a text as it stands in a table that a spreadsheet will open: one
// that it would take for a formula or a command, since it begins with = + - @,
// a tab, a carriage return or a NUL, has an apostrophe before it. So has one
// that begins so behind apostrophes of its own, so that [Original] can tell.
func Neutral(s string) string {
	if isFormula(s) {
		return "'" + s
	}
	return s
}

// Original is the inverse of [Neutral].
func Original(s string) string {
	if s != "" && s[0] == '\'' && isFormula(s) {
		return s[1:]
	}
	return s
}

func isFormula(s string) bool {
	i := 0
	for i < len(s) && s[i] == '\'' {
		i++
	}
	if i == len(s) {
		return false
	}
	switch s[i] {
	case '=', '+', '-', '@', '\t', '\r', 0:
		return true
	}
	return false
}

// isDecimal tells whether a text is a decimal number as amounts are written.
func isDecimal(s string) bool {
	if s != "" && s[0] == '-' {
		s = s[1:]
	}
	digits, point := 0, -1
	for i := range len(s) {
		switch {
		case '0' <= s[i] && s[i] <= '9':
			digits++
		case s[i] == '.' && point < 0 && digits > 0:
			point = i
		default:
			return false
		}
	}
	return digits > 0 && point != len(s)-1
}
