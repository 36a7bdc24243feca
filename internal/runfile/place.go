package runfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// replaceable tells whether a plan may be put at path: there is nothing, or a
// plan that was never applied.
func replaceable(path string) error {
	fi, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("create run file: %w", err)
	case fi.Mode()&os.ModeSymlink != 0:
		return fmt.Errorf("%w: %s is a symbolic link: name the file itself", ErrExists, path)
	case fi.IsDir():
		return fmt.Errorf("%w: %s is a folder: name a file in it", ErrExists, path)
	}
	f, err := Open(path)
	if errors.Is(err, ErrNotRunFile) {
		return fmt.Errorf("%w: %s exists and is not a run file: choose another name, or move it away", ErrExists, path)
	}
	if err != nil {
		return fmt.Errorf("%w: %s exists and can't be read, so it may hold a run that has begun: choose another name, or move it away: %w", ErrExists, path, err)
	}
	defer f.Close()
	r, err := f.Run()
	if err != nil {
		return fmt.Errorf("%w: %s exists and can't be read, so it may hold a run that has begun: choose another name, or move it away: %w", ErrExists, path, err)
	}
	if r.Epoch > 0 || (r.State != StatePlanned && r.State != StateUnusable) {
		return fmt.Errorf("%w: %s holds a run that has begun (%s): choose another name for the plan", ErrExists, path, r.State)
	}
	return nil
}

// place renames a finished draft to its target. A target that is there is held
// meanwhile as an apply would hold it, so that no run begins in a file that is
// about to vanish.
func place(temp, target string) error {
	if _, err := os.Lstat(target); err == nil {
		l, err := takeLock(target)
		if err != nil {
			return err
		}
		defer l.release()
		if err := replaceable(target); err != nil {
			return err
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("write run file: %w", err)
	}
	// What a former file of that name left beside it would be taken by SQLite
	// for ours, and played into it.
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if err := os.Remove(target + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("write run file: %w", err)
		}
	}
	if err := os.Rename(temp, target); err != nil {
		return fmt.Errorf("write run file: %w", err)
	}
	if err := syncFolder(filepath.Dir(target)); err != nil {
		return fmt.Errorf("write run file %s: %w", target, err)
	}
	return nil
}

// createExclusive makes an empty file that only its owner may read, before
// SQLite sees it: SQLite gives its own mode to everything that it puts beside.
func createExclusive(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}
