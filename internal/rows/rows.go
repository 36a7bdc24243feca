// Package rows reads lists: whatever they come from, they are one stream of
// rows, each of which knows its file and line.
package rows

import (
	"context"
	"fmt"

	"github.com/zclconf/go-cty/cty"
)

// A Column is one named value of every row.
type Column struct {
	Name string
	Type Type
}

// A Type is what a column holds.
type Type uint8

const (
	String  Type = iota // as it stands, leading zeros and all
	Decimal             // an exact number; its text is kept
	Number
	Bool
	Any // whatever a row of an inline list says
)

// A Row is one row. It is valid until the next call of [Reader.Next].
type Row struct {
	Source string      // the file that it stands in, as the user gave it; "" for an inline list
	Number int64       // from 1: the row's number in its list
	Line   int64       // in its file, from 1; 0 when the list has no lines
	Text   []string    // by column, already checked against the column's type; nil in a list of values
	Null   []bool      // by column, beside Text: what is null, and no empty text. nil: nothing is
	Values []cty.Value // by column: what columns of type Any hold; in a list of values, all
}

// A List is something that rows are read from. Every kind of list is one: a
// struct that says where its rows are and how they are written.
//
// Open reads as far as it takes to know the columns. What is wrong up to there
// is a *Problem, as with [Reader.Next].
type List interface {
	Open(ctx context.Context) (Reader, error)
}

// A Reader gives a list's rows one after another.
//
// Next returns io.EOF at the end, a *Problem for a row that is bad and may be
// passed over so that all bad rows can be collected, and any other error when
// the list can't be read on: a *Problem with Fatal set where a line is to blame.
// A row whose fields are all there and not all good comes beside its *Problem,
// with Text that is not checked.
type Reader interface {
	Columns() []Column
	Next() (Row, error)
	Close() error
	// Digest is "sha256:…" over the list's bytes as read, known after io.EOF.
	Digest() string
	// Source is what the list is read from as the user gave it, "" for an inline list.
	Source() string
	// Reading is what was found out about the file, or left out of it, beyond
	// what the list says; "" where there was nothing. Known after io.EOF.
	Reading() string
}

// A Problem is what is wrong with one row.
type Problem struct {
	Source  string
	Line    int64  // 0 when no line is to blame
	Column  string // "" when the row as a whole is meant
	Value   string // as read, cut to a readable length
	Summary string // fixed, without names: "Invalid decimal"
	Detail  string // what, why and the next move
	Fatal   bool   // nothing after it can be read
}

func (p *Problem) Error() string {
	if p.Line == 0 {
		return p.Detail
	}
	return fmt.Sprintf("%s:%d: %s", p.Source, p.Line, p.Detail)
}
