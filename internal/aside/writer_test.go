package aside

import (
	"bytes"
	"errors"
	"os"
	"testing"
)

func TestWriter(t *testing.T) {
	t.Parallel()
	content := make([]byte, 3*pieceSize+17)
	for i := range content {
		content[i] = byte(i * i >> 8)
	}
	for _, size := range []int{1, 1000, pieceSize, 2*pieceSize + 1, len(content)} {
		var got bytes.Buffer
		w := NewWriter(&got)
		b := bytes.Clone(content)
		for from := 0; from < len(b); from += size {
			p := b[from:min(from+size, len(b))]
			if n, err := w.Write(p); n != len(p) || err != nil {
				t.Fatal(n, err)
			}
			clear(p) // it is the caller's again
		}
		if err := errors.Join(w.Close(), w.Close()); err != nil || !bytes.Equal(got.Bytes(), content) {
			t.Errorf("by %d: %d bytes of %d, or others: %v", size, got.Len(), len(content), err)
		}
		if n, err := w.Write([]byte{1}); n != 0 || !errors.Is(err, os.ErrClosed) {
			t.Errorf("it takes %d bytes after its end: %v", n, err)
		}
	}
}

func TestWriterFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	w := NewWriter(failing{broken})
	for range 10 {
		if _, err := w.Write(make([]byte, pieceSize)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); !errors.Is(err, broken) {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
