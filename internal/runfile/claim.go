package runfile

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// ErrClaimed says that a run was begun in another file on this machine.
var ErrClaimed = errors.New("the run was begun in another file")

// A claim notes from which file a run is carried out.
type claim struct {
	Path      string    `json:"path"`
	Device    uint64    `json:"device"`
	Inode     uint64    `json:"inode"`
	ClaimedAt time.Time `json:"claimed_at"`
	Planned   bool      `json:"planned,omitempty"` // not begun yet: any copy may begin
	As        *version  `json:"as,omitempty"`      // of a plan: the file that was written
	Foreign   bool      `json:"foreign,omitempty"` // of another machine, where it may have been carried out
}

var runID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// Note notes in the user's state folder that the run was planned on this
// machine, so that [Claim] knows it.
func Note(run, path string) error {
	mine, root, err := claiming(run, path)
	if err != nil {
		return err
	}
	defer root.Close()
	mine.Planned = true
	if v := versionOf(mine.Path); v != (version{}) {
		mine.As = &v
	}
	if err := writeClaim(root, run, mine, false); err != nil {
		return fmt.Errorf("note run %s: %w", run, err)
	}
	return nil
}

// A version is what a file system says of a file's content: the size, and when
// the file was last changed in any way, which nobody can set.
type version struct {
	Size    int64 `json:"size"`
	Changed int64 `json:"changed"` // in nanoseconds
}

// versionAlone is the version of a file beside which lies nothing that SQLite
// would play into it.
func versionAlone(path string) version {
	for _, name := range []string{path + "-wal", path + "-journal"} {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return version{}
		}
	}
	return versionOf(path)
}

// Untouched tells whether the file is still as its plan on this machine left
// it: [Note] has seen this very file, and nothing was written to it between
// that and its acquisition.
func (j *Journal) Untouched(run string) bool {
	mine, root, err := claiming(run, j.path)
	if err != nil {
		return false
	}
	defer root.Close()
	noted, err := readClaim(root, run)
	return err == nil && noted.Planned && noted.same(mine) && noted.As != nil && *noted.As == j.found
}

// Claim notes in the user's state folder that the run is carried out from the
// file at path, and refuses a second copy of it with [ErrClaimed]: what the
// first has done it wouldn't know, and do again. A file that was moved is
// noted anew when its first path leads nowhere any more.
//
// It reports whether it is known what was done of the run: because it was
// planned on this machine, or because its file has begun and so carries its
// progress. Of any other run another copy may have been carried out elsewhere.
func Claim(run, path string, begun bool) (known bool, err error) {
	mine, root, err := claiming(run, path)
	if err != nil {
		return false, err
	}
	defer root.Close()
	for range 10 {
		first, err := readClaim(root, run)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			mine.Foreign, known = !begun, begun
			err = writeClaim(root, run, mine, false)
			if errors.Is(err, fs.ErrExist) {
				continue // somebody else was faster
			}
		case err != nil:
		case first.Planned:
			known, err = true, writeClaim(root, run, mine, true)
		case first.same(mine):
			return !first.Foreign, nil
		default:
			if err := first.refuses(mine); err != nil {
				return false, err
			}
			mine.Foreign = first.Foreign
			known, err = !first.Foreign, writeClaim(root, run, mine, true)
		}
		if err != nil {
			return false, fmt.Errorf("claim run %s: %w", run, err)
		}
		return known, nil
	}
	return false, fmt.Errorf("claim run %s: its note changes all the time", run)
}

func claiming(run, path string) (mine claim, root *os.Root, err error) {
	if !runID.MatchString(run) {
		return mine, nil, fmt.Errorf("claim run: %q is not the ID of a run", run)
	}
	if mine, err = claimOf(path); err != nil {
		return mine, nil, fmt.Errorf("claim run %s: %w", run, err)
	}
	if root, err = claims(); err != nil {
		return mine, nil, fmt.Errorf("claim run %s: note that it is carried out from %s: %w", run, path, err)
	}
	return mine, root, nil
}

func claimOf(path string) (claim, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return claim{}, err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return claim{}, err
	}
	fi, err := os.Stat(abs)
	if err != nil {
		return claim{}, err
	}
	c := claim{Path: abs, ClaimedAt: time.Now().UTC().Truncate(time.Second)}
	c.Device, c.Inode = identity(fi)
	return c, nil
}

func (c claim) same(o claim) bool {
	return c.Path == o.Path && c.Inode == o.Inode && c.Device == o.Device
}

// refuses tells why the file mine can't take over from the first.
func (c claim) refuses(mine claim) error {
	if c.Path == mine.Path {
		// The number of a device may change when the machine starts again.
		if c.Inode == mine.Inode {
			return nil
		}
		return fmt.Errorf("%w: at %s there is now a copy of the file that was there on %s, and what that one did since isn't in it: put the file itself back",
			ErrClaimed, c.Path, stamp(c.ClaimedAt))
	}
	_, err := os.Lstat(c.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // moved
	}
	if err != nil {
		return fmt.Errorf("%w: it was begun in %s, which can't be looked at: %v", ErrClaimed, c.Path, err)
	}
	return fmt.Errorf("%w: %s (on %s): carry that one on, since %s doesn't know what it has done",
		ErrClaimed, c.Path, stamp(c.ClaimedAt), mine.Path)
}

// claims opens the folder of claims. Nothing in it can lead out of it.
func claims() (*os.Root, error) {
	state, err := stateFolder()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(state, "runner", "runs")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if fi, err := os.Lstat(dir); err != nil {
		return nil, err
	} else if !fi.IsDir() {
		return nil, fmt.Errorf("%s is a symbolic link: replace it with a folder", dir)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	return os.OpenRoot(dir)
}

func readClaim(root *os.Root, run string) (c claim, err error) {
	fi, err := root.Lstat(run)
	if err != nil {
		return c, err
	}
	if !fi.Mode().IsRegular() {
		return c, fmt.Errorf("%s is not a regular file: remove it", filepath.Join(root.Name(), run))
	}
	f, err := root.Open(run)
	if err != nil {
		return c, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 1<<16))
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("%s can't be read, so it isn't known in which file the run was begun: %w", filepath.Join(root.Name(), run), err)
	}
	return c, nil
}

// writeClaim writes a note whole or not at all, and replaces one only when it
// is told to.
func writeClaim(root *os.Root, run string, c claim, replace bool) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	temp := run + "." + rand.Text() + ".tmp"
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer root.Remove(temp)
	_, err = f.Write(append(b, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if replace {
		err = root.Rename(temp, run)
	} else {
		err = root.Link(temp, run)
	}
	if err != nil {
		return err
	}
	return syncFolder(root.Name())
}
