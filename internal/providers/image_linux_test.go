package providers

import (
	"errors"
	"io"
	"os"
	"testing"
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
