package rows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"time"
)

// A SQL is a list that a query gives.
//
// The query is one statement, carried out in a transaction that may only read.
// What it gives goes to disk before the first row is looked at: to plan a row may
// take the API's time, and a transaction that stays open for an hour is a burden
// to others. Errors never have the DSN in them, nor any part of it.
type SQL struct {
	Source     string // as shown: the list's address
	Driver     string // one of [Drivers]
	DSN        string // of postgres, mysql
	Database   File   // of sqlite
	Query      string
	Parameters []any         // nil, string, bool or int64, for the query's placeholders
	Timeout    time.Duration // for all of it
	Columns    map[string]Type

	secrets []string // the parts of the DSN
}

// Drivers are the kinds of databases.
func Drivers() []string { return sortedNames(drivers) }

var drivers = map[string]func(SQL, context.Context, *spool) error{"postgres": SQL.postgres, "mysql": SQL.mysql, "sqlite": SQL.sqlite}

// An Answer is what a query has given, held on disk until it is closed. Any
// number of readers may read it.
type Answer struct {
	source  string
	spool   *spool
	columns []Column
	accept  []func(string) (summary, detail string)
	reading string
}

type sqlReader struct {
	*Answer
	rows   *spoolReader
	cells  [][]byte
	text   []string
	null   []bool
	number int64
	done   error
	close  func() error
}

var ordered = regexp.MustCompile(`(?is)\border\s+by\b`)

// Open asks for one reader alone.
func (l SQL) Open(ctx context.Context) (Reader, error) {
	a, err := l.Ask(ctx)
	if err != nil {
		return nil, err
	}
	r, err := a.read()
	if err != nil {
		a.Close()
		return nil, err
	}
	r.close = a.Close
	return r, nil
}

// Ask carries out the query.
func (l SQL) Ask(ctx context.Context) (*Answer, error) {
	limited, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	s, err := newSpool()
	if err != nil {
		return nil, err
	}
	a := &Answer{source: l.Source, spool: s}
	if err = drivers[l.Driver](l, limited, s); err == nil {
		err = s.done()
	}
	if err == nil {
		err = a.shape(l)
	}
	if err == nil {
		return a, nil
	}
	s.close()
	var p *Problem
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.As(err, &p) && limited.Err() == nil:
		p.Source = l.Source
		return nil, p
	case limited.Err() != nil, errors.Is(err, context.DeadlineExceeded):
		return nil, l.refuse("Query takes too long", fmt.Sprintf("The database had not given all rows after %s. Narrow the query, or give it more time in the list: timeout = \"30m\".", l.Timeout))
	}
	return nil, err
}

// shape makes columns of the names that the query gives.
func (a *Answer) shape(l SQL) error {
	names := make([]string, len(a.spool.columns))
	for i, c := range a.spool.columns {
		names[i] = c.name
	}
	columns, _, err := header(l.Source, 0, names, l.Columns)
	if err != nil {
		return err
	}
	for i, c := range columns {
		t, declared := l.Columns[c.Name]
		if !declared {
			t = a.spool.columns[i].is
		}
		a.columns = append(a.columns, Column{c.Name, t})
		a.accept = append(a.accept, acceptor(t))
	}
	if !ordered.MatchString(l.Query) {
		a.reading = "no ORDER BY, so the database chooses the order of the rows"
	}
	return nil
}

// Open begins at the first row.
func (a *Answer) Open(context.Context) (Reader, error) { return a.read() }

func (a *Answer) read() (*sqlReader, error) {
	n := len(a.columns)
	r := &sqlReader{Answer: a, cells: make([][]byte, n), text: make([]string, n), null: make([]bool, n), close: func() error { return nil }}
	var err error
	r.rows, err = a.spool.open()
	return r, err
}

// Close gives the room on disk back.
func (a *Answer) Close() error { return a.spool.close() }

func (l SQL) refuse(summary, detail string) *Problem {
	return &Problem{Source: l.Source, Summary: summary, Detail: detail, Fatal: true}
}

// unreachable says why there is no connection, without the words of a driver,
// which name host and user.
func (l SQL) unreachable(err error) *Problem {
	var (
		dns     *net.DNSError
		network *net.OpError
		why     = "the connection is refused, or its kind of encryption or authentication isn't accepted"
	)
	switch {
	case errors.As(err, &dns):
		why = "no such host is known"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		why = "it doesn't answer"
	case errors.As(err, &network):
		why = plainNetwork(network)
	}
	return l.refuse("Database can't be reached", fmt.Sprintf("The database of the DSN can't be reached: %s. Check the DSN, which is not shown, and whether the database is running.", why))
}

// plainNetwork is the last word of a network's error, which has no address.
func plainNetwork(err error) string {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err.Error()
}

// said is an error of the database about the query. It may quote the query,
// which the operation file shows anyway.
func (l SQL) said(code, message string) *Problem {
	for _, secret := range append(l.secrets, l.DSN) {
		if len(secret) > 2 {
			message = strings.ReplaceAll(message, secret, "…")
		}
	}
	return l.refuse("Query fails", fmt.Sprintf("The database answers with error %s: %s. A list's query is one SELECT, in a transaction that may only read.", code, strings.TrimSuffix(cut(message), ".")))
}

// inexact refuses a column of binary fractions or bytes.
func (l SQL) inexact(column, kind, cast string) *Problem {
	return l.refuse("Column without exact values", fmt.Sprintf("The query's column %q is of type %s, which is no text and no exact number. Leave it out, or turn it into one in the query: %s.", cut(column), kind, cast))
}

func (r *sqlReader) Columns() []Column { return r.columns }
func (r *sqlReader) Source() string    { return r.source }
func (r *sqlReader) Reading() string   { return r.reading }
func (r *sqlReader) Close() error      { return r.close() }

// Digest is over the columns and rows as they came.
func (r *sqlReader) Digest() string {
	if r.done != io.EOF {
		return ""
	}
	return r.spool.digest()
}

func (r *sqlReader) Next() (Row, error) {
	if r.done != nil {
		return Row{}, r.done
	}
	if r.done = r.rows.read(r.cells); r.done != nil {
		return Row{}, r.done
	}
	r.number++
	row := Row{Source: r.source, Number: r.number, Line: r.number, Text: r.text, Null: r.null}
	for i, cell := range r.cells {
		r.text[i], r.null[i] = string(cell), cell == nil
	}
	for i, accept := range r.accept {
		if accept == nil || r.null[i] {
			continue
		}
		if summary, detail := accept(r.text[i]); summary != "" {
			return row, &Problem{Source: r.source, Line: r.number, Column: r.columns[i].Name, Value: cut(r.text[i]), Summary: summary, Detail: detail}
		}
	}
	return row, nil
}
