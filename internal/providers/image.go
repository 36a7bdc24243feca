package providers

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
)

// An image is a program's bytes as they were hashed. Where the system can, it
// is what is run, so that nobody who may write to the program's path can put
// other bytes between the check and the start.
type image struct {
	path     string   // of the program
	file     *os.File // what is run; nil where only the path can be
	checksum string
}

// newImage reads a program and hashes what it read.
func newImage(path string) (*image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = &fs.PathError{Op: "start", Path: path, Err: fs.ErrInvalid}
	case runtime.GOOS != "windows" && info.Mode()&0o111 == 0:
		err = &fs.PathError{Op: "start", Path: path, Err: fs.ErrPermission}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	h := sha256.New()
	i := &image{path: path}
	i.file, err = hold(f, h)
	if err != nil {
		return nil, fmt.Errorf("read program %s: %w", path, err)
	}
	i.checksum = "sha256:" + hex.EncodeToString(h.Sum(nil))
	return i, nil
}

func (i *image) close() {
	if i.file != nil {
		i.file.Close()
	}
}

// Checksum is "sha256:…" of a program's bytes.
func Checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// A ChecksumError means that a program isn't the one that was agreed to. It
// was not started.
type ChecksumError struct {
	Path        string
	Want, Found string
}

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("the program %s has the checksum %s, not %s", e.Path, e.Found, e.Want)
}
