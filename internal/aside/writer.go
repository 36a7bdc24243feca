// Package aside has work done on another core that only needs what passes by.
package aside

import (
	"io"
	"os"
)

// pieceSize is what is handed over at once. To wake another core for less costs
// as much as to hash it.
const pieceSize = 512 << 10

// A Writer writes what it is given to another writer, from a goroutine of its
// own and a piece or two behind.
type Writer struct {
	piece       []byte // not handed over yet
	empty, full chan []byte
	done        chan error
	err         error
	closed      bool
}

// NewWriter returns a Writer to w, which nobody else may use until it is closed.
func NewWriter(w io.Writer) *Writer {
	a := &Writer{empty: make(chan []byte, 2), full: make(chan []byte), done: make(chan error, 1)}
	a.empty <- nil // one is filled while another is written; each is made when needed
	go func() {
		var err error
		for p := range a.full {
			if err == nil {
				_, err = w.Write(p)
			}
			a.empty <- p
		}
		a.done <- err
	}()
	return a
}

// Write copies p. What goes wrong with it, Close tells, and nothing is written
// after that.
func (a *Writer) Write(p []byte) (int, error) {
	if a.closed {
		return 0, os.ErrClosed
	}
	for rest := p; len(rest) > 0; {
		n := min(len(rest), pieceSize-len(a.piece))
		a.piece = append(a.piece, rest[:n]...)
		rest = rest[n:]
		if len(a.piece) == pieceSize {
			a.full <- a.piece
			a.piece = (<-a.empty)[:0]
		}
	}
	return len(p), nil
}

// Close waits until all is written, and returns the first error of it. It may
// be called again.
func (a *Writer) Close() error {
	if !a.closed {
		a.closed = true
		if len(a.piece) > 0 {
			a.full <- a.piece
		}
		close(a.full)
		a.err = <-a.done
	}
	return a.err
}
