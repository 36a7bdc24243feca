package rows

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Joined is several lists one after another as one, such as the files of a
// pattern in the order of their names. All have the columns of the first.
type Joined struct {
	Source string // of all of them: the pattern
	Parts  []List
}

func (j Joined) Open(ctx context.Context) (Reader, error) {
	first, err := j.Parts[0].Open(ctx)
	if err != nil {
		return nil, err
	}
	return &joinedReader{ctx: ctx, Joined: j, part: first, columns: first.Columns()}, nil
}

type joinedReader struct {
	Joined
	ctx     context.Context
	part    Reader // being read
	columns []Column

	number   int64
	digests  strings.Builder
	readings []string
	done     error
}

func (r *joinedReader) Columns() []Column { return r.columns }
func (r *joinedReader) Source() string    { return r.Joined.Source }

func (r *joinedReader) Next() (Row, error) {
	for r.done == nil {
		row, err := r.part.Next()
		var bad *Problem
		if err != nil && (!errors.As(err, &bad) || bad.Fatal) {
			if err != io.EOF {
				return Row{}, err
			}
			r.done = r.next()
			continue
		}
		r.number++
		row.Number = r.number
		return row, err
	}
	return Row{}, r.done
}

// next goes on to the next part; io.EOF says that there is none.
func (r *joinedReader) next() error {
	fmt.Fprintf(&r.digests, "%s  %s\n", r.part.Digest(), r.part.Source())
	if s := r.part.Reading(); s != "" && !slices.Contains(r.readings, s) {
		r.readings = append(r.readings, s)
	}
	last := r.part.Source()
	if r.Parts = r.Parts[1:]; len(r.Parts) == 0 {
		return io.EOF
	}
	part := r.Parts[0]
	if shaped, ok := part.(interface{ like([]Column) List }); ok {
		part = shaped.like(r.columns)
	}
	next, err := part.Open(r.ctx)
	if err != nil {
		return err
	}
	r.part.Close()
	r.part = next
	if is := r.part.Columns(); !slices.Equal(is, r.columns) {
		return &Problem{Source: r.part.Source(), Line: 1, Fatal: true, Summary: "Files with different headers",
			Detail: fmt.Sprintf("%s has the columns %s, and %s has %s. The files of one list must have the same, in the same order.", r.part.Source(), columnNames(is), last, columnNames(r.columns))}
	}
	return nil
}

func columnNames(columns []Column) string {
	names := make([]string, 0, len(columns))
	for _, c := range columns {
		names = append(names, c.Name)
	}
	if len(names) > 20 {
		names = append(names[:20], "…")
	}
	return strings.Join(names, ", ")
}

func (r *joinedReader) Close() error { return r.part.Close() }

// Digest is over what sha256sum would print of the files.
func (r *joinedReader) Digest() string {
	if r.done != io.EOF {
		return ""
	}
	sum := sha256.Sum256([]byte(r.digests.String()))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (r *joinedReader) Reading() string {
	return strings.Join(slices.Insert(slices.Clone(r.readings), 0, count(strings.Count(r.digests.String(), "\n"), "file")), ", ")
}
