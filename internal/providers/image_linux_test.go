package providers

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/sys/unix"
)

// While somebody holds on to its pages, here a pipe that they were spliced
// into, memory can't be sealed; it is when they are let go.
func TestSealWaits(t *testing.T) {
	t.Parallel()
	f, err := memory("x")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	if _, err := f.Write(make([]byte, 1<<16)); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	from := int64(0)
	if _, err := unix.Splice(int(f.Fd()), &from, int(w.Fd()), nil, 1<<15, 0); err != nil {
		t.Skip("splice:", err)
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); !errors.Is(err, unix.EBUSY) {
		t.Skipf("this kernel seals all the same: %v", err)
	}
	const held = 300 * time.Millisecond
	time.AfterFunc(held, func() { io.ReadFull(r, make([]byte, 1<<15)) })
	began := time.Now()
	if err := seal(f); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < held {
		t.Errorf("it was sealed after %s, while a pipe held its pages", took)
	}
	if _, err := f.Write([]byte{1}); !errors.Is(err, unix.EPERM) {
		t.Errorf("it can be written: %v", err)
	}
}

// Both writers get all of it and in order, in whatever pieces it is read, and an
// error of any of the three ends it.
func TestBoth(t *testing.T) {
	t.Parallel()
	content := make([]byte, 3<<20+17)
	for i := range content {
		content[i] = byte(i * i >> 8)
	}
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		from io.Reader
		a, b io.Writer // nil for one that works
		want error
	}{
		"whole":       {from: bytes.NewReader(content)},
		"in halves":   {from: iotest.HalfReader(bytes.NewReader(content))},
		"end with it": {from: iotest.DataErrReader(bytes.NewReader(content))},
		"no reader":   {from: iotest.ErrReader(broken), want: broken},
		"no first":    {from: bytes.NewReader(content), a: failing{broken}, want: broken},
		"no second":   {from: bytes.NewReader(content), b: failing{broken}, want: broken},
	} {
		var a, b bytes.Buffer
		err := both(cmp.Or[io.Writer](test.a, &a), cmp.Or[io.Writer](test.b, &b), test.from)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if test.want == nil && (!bytes.Equal(a.Bytes(), content) || !bytes.Equal(b.Bytes(), content)) {
			t.Errorf("%s: %d and %d bytes, of %d, or others", name, a.Len(), b.Len(), len(content))
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
