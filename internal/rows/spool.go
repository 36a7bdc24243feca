package rows

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"unicode/utf8"
)

// maxSpool bounds what a query may give, and maxRecord each of its rows.
const maxSpool = 16 << 30

// A spool holds the rows of a query on disk, in a file without a name, until
// they are planned.
type spool struct {
	columns []spoolColumn
	file    *os.File
	out     *bufio.Writer
	sum     hash.Hash
	size    int64
	row     []byte
}

// A spoolReader reads a spool's rows from the first.
type spoolReader struct {
	in  *bufio.Reader
	row []byte
}

type spoolColumn struct {
	name string
	is   Type // where the list doesn't declare it
}

func newSpool() (*spool, error) {
	f, err := os.CreateTemp("", "runner-rows-*")
	if err != nil {
		return nil, fmt.Errorf("keep the rows of a query: %w", errors.Unwrap(err))
	}
	os.Remove(f.Name()) // some systems can't, while it is open
	s := &spool{file: f, sum: sha256.New()}
	s.out = bufio.NewWriterSize(io.MultiWriter(f, s.sum), 1<<16)
	return s, nil
}

func (s *spool) close() error {
	err := s.file.Close()
	os.Remove(s.file.Name())
	return err
}

// head takes the columns, before any row.
func (s *spool) head(columns []spoolColumn) error {
	s.columns = columns
	names := make([][]byte, len(columns))
	for i, c := range columns {
		names[i] = []byte(c.name)
	}
	s.size = 0
	return s.write(names)
}

// write takes a row; a nil cell is null.
func (s *spool) write(cells [][]byte) error {
	b := s.row[:0]
	for i, cell := range cells {
		if cell == nil {
			b = append(b, 0)
			continue
		}
		if !utf8.Valid(cell) {
			return &Problem{Fatal: true, Column: s.columns[i].name, Summary: "Not UTF-8", Detail: fmt.Sprintf("The column %q has a value that is no text of UTF-8. Leave it out, or convert it in the query.", cut(s.columns[i].name))}
		}
		b = binary.AppendUvarint(b, uint64(len(cell))+1)
		b = append(b, cell...)
	}
	s.row = b
	if len(b) > maxRecord {
		return &Problem{Fatal: true, Summary: "Row too long", Detail: fmt.Sprintf("A row of the query is longer than %d bytes. Leave out the columns that the operation doesn't use.", maxRecord)}
	}
	if s.size += int64(len(b)); s.size > maxSpool {
		return &Problem{Fatal: true, Summary: "List too long", Detail: fmt.Sprintf("The query gives more than %d GiB. Narrow it.", maxSpool>>30)}
	}
	if _, err := s.out.Write(b); err != nil {
		return fmt.Errorf("keep the rows of a query: %w", errors.Unwrap(err))
	}
	return nil
}

// done ends the writing.
func (s *spool) done() error {
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("keep the rows of a query: %w", errors.Unwrap(err))
	}
	return nil
}

// open reads the rows. There may be several readers at once.
func (s *spool) open() (*spoolReader, error) {
	r := &spoolReader{in: bufio.NewReaderSize(io.NewSectionReader(s.file, 0, 1<<62), 1<<16)}
	return r, r.read(make([][]byte, len(s.columns))) // the names
}

// read gives the next row in cells, which hold until the next call.
func (r *spoolReader) read(cells [][]byte) error {
	r.row = r.row[:0]
	for i := range cells {
		n, err := binary.ReadUvarint(r.in)
		if err != nil {
			if err == io.EOF && i == 0 {
				return io.EOF
			}
			return fmt.Errorf("read the rows of a query: %w", err)
		}
		if cells[i] = nil; n == 0 {
			continue
		}
		from := len(r.row)
		r.row = append(r.row, make([]byte, n-1)...)
		if _, err := io.ReadFull(r.in, r.row[from:]); err != nil {
			return fmt.Errorf("read the rows of a query: %w", err)
		}
		cells[i] = r.row[from:]
	}
	return nil
}

func (s *spool) digest() string { return "sha256:" + hex.EncodeToString(s.sum.Sum(nil)) }
