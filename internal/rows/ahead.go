package rows

import (
	"context"
	"errors"

	"github.com/zclconf/go-cty/cty"
)

// Ahead opens a list whose rows are read in a goroutine of their own, some
// before they are asked for. What they are, and in which order, is the list's.
func Ahead(ctx context.Context, l List) (Reader, error) {
	ctx, cancel := context.WithCancel(ctx)
	r, err := l.Open(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	a := &ahead{Reader: r, ctx: ctx, cancel: cancel, full: make(chan *stretch, 1), used: make(chan *stretch, aheadStretches), ended: make(chan struct{})}
	for range aheadStretches {
		a.used <- &stretch{}
	}
	go a.read()
	return a, nil
}

const (
	aheadStretches = 4
	stretchRows    = 128
	stretchBytes   = 64 << 10 // of text, after which a stretch has its last row
)

type ahead struct {
	Reader
	ctx    context.Context
	cancel context.CancelFunc
	full   chan *stretch
	used   chan *stretch
	ended  chan struct{} // closed when nobody reads any more
	now    *stretch      // being given out
	at     int
}

// A stretch is some rows after one another, with what they point to.
type stretch struct {
	rows   []readRow
	text   []string
	null   []bool
	values []cty.Value
}

type readRow struct {
	Row
	err error
}

// read fills stretches until the list ends, or can't be read on.
func (a *ahead) read() {
	defer close(a.ended)
	defer close(a.full)
	for {
		var s *stretch
		select {
		case s = <-a.used:
		case <-a.ctx.Done():
			return
		}
		last := s.fill(a.Reader)
		select {
		case a.full <- s:
		case <-a.ctx.Done():
			return
		}
		if last {
			return
		}
	}
}

// fill reads rows, and reports whether there are no more.
func (s *stretch) fill(r Reader) (last bool) {
	*s = stretch{rows: s.rows[:0], text: s.text[:0], null: s.null[:0], values: s.values[:0]}
	for bytes := 0; !last && len(s.rows) < stretchRows && bytes < stretchBytes; {
		row, err := r.Next()
		for _, text := range row.Text {
			bytes += len(text)
		}
		s.text, row.Text = keep(s.text, row.Text)
		s.null, row.Null = keep(s.null, row.Null)
		s.values, row.Values = keep(s.values, row.Values)
		s.rows = append(s.rows, readRow{row, err})
		last = ends(err)
	}
	return last
}

// keep copies what a row has into what is kept of a stretch. What was copied
// before stays where it is, also when that has to grow.
func keep[T any](kept, of []T) (all, copied []T) {
	if of == nil {
		return kept, nil
	}
	all = append(kept, of...)
	return all, all[len(kept):len(all):len(all)]
}

func (a *ahead) Next() (Row, error) {
	for a.now == nil || a.at == len(a.now.rows) {
		if a.now != nil {
			if err := a.now.rows[a.at-1].err; ends(err) {
				return Row{}, err
			}
			a.used <- a.now
		}
		var more bool
		if a.now, more = <-a.full; !more {
			return Row{}, context.Cause(a.ctx)
		}
		a.at = 0
	}
	row := a.now.rows[a.at]
	a.at++
	return row.Row, row.err
}

// ends tells whether nothing is read after this.
func ends(err error) bool {
	var bad *Problem
	return err != nil && (!errors.As(err, &bad) || bad.Fatal)
}

// Close also ends what waits for the list.
func (a *ahead) Close() error {
	a.cancel()
	<-a.ended
	return a.Reader.Close()
}
