package runfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
)

func claimed(run, path string) error {
	_, err := Claim(run, path, false)
	return err
}

// A run that was planned here is known, and any copy of its file may begin.
func TestNote(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	dir := t.TempDir()
	at := func(name string) string {
		path := dir + "/" + name
		must(t, os.WriteFile(path, nil, 0o600))
		return path
	}
	first, second := at("a"), at("b")
	must(t, Note("r1", first))
	if known, err := Claim("r1", second, false); err != nil || !known {
		t.Errorf("a copy of a plan that was noted: known %v, %v", known, err)
	}
	if err := claimed("r1", first); !errors.Is(err, ErrClaimed) {
		t.Errorf("the plan itself after its copy began: %v", err)
	}
	if known, err := Claim("r2", first, false); err != nil || known {
		t.Errorf("a run that nobody noted: known %v, %v", known, err)
	}
	if known, err := Claim("r2", first, true); err != nil || known {
		t.Errorf("the same again, begun here: known %v, %v", known, err)
	}
	if known, err := Claim("r3", first, true); err != nil || !known {
		t.Errorf("a run of another machine that carries its progress: known %v, %v", known, err)
	}
}

// A plan is untouched until somebody writes to it, copies it, or takes it.
func TestUntouched(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	look := func(path string) bool {
		t.Helper()
		j, err := Acquire(path)
		must(t, err)
		defer j.Release()
		return j.Untouched("r1")
	}
	path := planned(t, 3)
	if look(path) {
		t.Error("nobody has noted it")
	}
	for name, touch := range map[string]func(path string) string{
		"nothing": func(path string) string { return path },
		"a look": func(path string) string {
			collect(t, open(t, path), Filter{})
			return path
		},
		"a byte": func(path string) string {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			must(t, err)
			fi, err := f.Stat()
			must(t, err)
			b := make([]byte, 1)
			_, err = f.ReadAt(b, 4096)
			must(t, err)
			_, err = f.WriteAt(b, 4096) // even the same one
			must(t, err)
			must(t, f.Close())
			must(t, os.Chtimes(path, fi.ModTime(), fi.ModTime()))
			return path
		},
		"a statement": func(path string) string {
			c, err := connect(path, sqlite.OpenReadWrite)
			must(t, err)
			must(t, c.exec("INSERT INTO requests (id, item, n, verb, outcome) VALUES (1, 0, 1, 'auth', 'done')"))
			must(t, c.Close())
			return path
		},
		"a log put beside it": func(path string) string {
			must(t, os.WriteFile(path+"-wal", nil, 0o600))
			return path
		},
		"a copy": func(path string) string {
			b, err := os.ReadFile(path)
			must(t, err)
			must(t, os.Rename(path, path+".old"))
			must(t, os.WriteFile(path, b, 0o600))
			return path
		},
		"an apply": func(path string) string {
			j := acquire(t, path)
			must(t, j.Release())
			return path
		},
	} {
		t.Setenv("XDG_STATE_HOME", t.TempDir())
		path := planned(t, 3)
		must(t, Note("r1", path))
		time.Sleep(20 * time.Millisecond) // the clock of some file systems is slow
		if got, want := look(touch(path)), name == "nothing" || name == "a look"; got != want {
			t.Errorf("after %s: untouched %v", name, got)
		}
	}
}

func TestClaim(t *testing.T) {
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	write := func(path string) {
		t.Helper()
		must(t, os.WriteFile(path, nil, 0o600))
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(at("a"))
	write(at("b"))

	must(t, claimed("r1", at("a")))
	must(t, claimed("r1", at("a")))
	must(t, claimed("r2", at("b")))
	if err := claimed("r1", at("b")); !errors.Is(err, ErrClaimed) {
		t.Errorf("a copy: %v", err)
	}
	must(t, os.Link(at("a"), at("hard")))
	if err := claimed("r1", at("hard")); !errors.Is(err, ErrClaimed) {
		t.Errorf("a second name: %v", err)
	}
	must(t, os.Remove(at("hard")))
	must(t, os.Rename(at("a"), at("moved")))
	must(t, claimed("r1", at("moved")))
	write(at("a"))
	if err := claimed("r1", at("a")); !errors.Is(err, ErrClaimed) {
		t.Errorf("a copy at the first path after it was moved: %v", err)
	}
	must(t, os.Rename(at("a"), at("moved")))
	if err := claimed("r1", at("moved")); !errors.Is(err, ErrClaimed) {
		t.Errorf("a copy put over it: %v", err)
	}

	runs := filepath.Join(state, "runner", "runs")
	for path, want := range map[string]os.FileMode{runs: 0o700 | os.ModeDir, filepath.Join(runs, "r1"): 0o600} {
		if fi, err := os.Stat(path); err != nil || fi.Mode() != want {
			t.Errorf("%s has mode %v, want %v (%v)", path, fi.Mode(), want, err)
		}
	}
	if left, _ := os.ReadDir(runs); len(left) != 2 {
		t.Errorf("notes: %v", left)
	}

	for _, id := range []string{"", "../r1", "a/b", ".r1"} {
		if err := claimed(id, at("b")); err == nil {
			t.Errorf("the ID %q is accepted", id)
		}
	}
	must(t, os.Symlink(at("b"), filepath.Join(runs, "r3")))
	if err := claimed("r3", at("b")); err == nil {
		t.Error("a note that is a link is followed")
	}
	write(filepath.Join(runs, "r4"))
	if err := claimed("r4", at("b")); err == nil || errors.Is(err, ErrClaimed) {
		t.Errorf("a note that can't be read: %v", err)
	}
	if err := claimed("r5", at("nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
