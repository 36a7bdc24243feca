package runfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
)

// ballastSize is what the outcomes of all requests in flight may need when the
// disk is full.
const ballastSize = 4 << 20

// layBallast takes up space on the disk, to be given up when there is no other:
// when a disk fills up while requests are in flight, their outcomes are what
// must not be lost. It is of random bytes, which no file system compresses.
func (j *Journal) layBallast() error {
	f, err := openNoFollow(j.path+".ballast", os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return fmt.Errorf("lay ballast beside run file %s: %w", j.path, err)
	}
	b := make([]byte, ballastSize)
	rand.Read(b)
	_, err = f.Write(b)
	if e := f.Sync(); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("lay ballast beside run file %s: %w; an apply needs some room on the disk, so make some first", j.path, err)
	}
	j.ballast = f.Name()
	return nil
}

// dropBallast gives up the ballast if err says that the disk is full. It
// reports whether there is room again, for the last words.
func (j *Journal) dropBallast(err error) bool {
	if j.ballast == "" || !errors.Is(err, ErrFull) {
		return false
	}
	os.Remove(j.ballast)
	j.ballast = ""
	j.low.Store(&err)
	return true
}

// Low says why nothing more may be begun although outcomes can still be
// recorded: the disk is full, and the ballast was given up. It waits for
// nobody.
func (j *Journal) Low() error {
	if err := j.low.Load(); err != nil {
		return *err
	}
	return nil
}
