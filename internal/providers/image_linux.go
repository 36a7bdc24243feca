package providers

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bulkrunner/runner/internal/aside"
)

// hold copies a program into memory that nobody can change any more, and the
// same bytes into h. Where the system has no such memory, or would not run a
// program from it, it holds the file itself: whoever renames another over it
// changes nothing then, but who writes into it might.
func hold(f *os.File, h io.Writer) (*os.File, error) {
	sealed, err := memory(filepath.Base(f.Name()))
	if err != nil {
		if _, err := io.Copy(h, f); err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	}
	defer f.Close()
	// To copy a program takes about as long as to hash it, and both together a
	// quarter of what a plan of a few rows takes.
	hashing := aside.NewWriter(h)
	_, err = io.Copy(io.MultiWriter(sealed, hashing), f)
	if err = errors.Join(err, hashing.Close()); err == nil {
		err = seal(sealed)
	}
	if err != nil {
		sealed.Close()
		return nil, err
	}
	return sealed, nil
}

func memory(name string) (*os.File, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // a kernel before 6.3, where all such memory may be run
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// seal makes memory such as nobody can change. On a busy machine the kernel may
// hold on to pages that were just written, and refuses meanwhile.
func seal(f *os.File) error {
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		_, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
		if !errors.Is(err, unix.EBUSY) || time.Since(began) > 10*time.Second {
			return err
		}
	}
}

// run makes cmd run the image. The descriptor is one that the program inherits,
// so that its number in the child is known, and a script's interpreter finds it.
func (i *image) run(cmd *exec.Cmd) {
	if _, err := os.Stat("/proc/self/fd"); err != nil || i.file == nil {
		return
	}
	cmd.Path = fmt.Sprintf("/proc/self/fd/%d", 3+len(cmd.ExtraFiles))
	cmd.ExtraFiles = append(cmd.ExtraFiles[:len(cmd.ExtraFiles):len(cmd.ExtraFiles)], i.file)
}
