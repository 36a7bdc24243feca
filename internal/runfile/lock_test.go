package runfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// A second apply is told at once who has the run.
func TestHeld(t *testing.T) {
	t.Parallel()
	path := planned(t, 1)
	j := acquire(t, path)
	host, _ := os.Hostname()
	var held *HeldError
	if _, err := Acquire(path); !errors.As(err, &held) || held.PID != os.Getpid() || held.Host != host || held.Orphan {
		t.Errorf("Acquire: %v", err)
	}
	if !Held(path) {
		t.Error("an apply holds it, and Held says no")
	}
	must(t, j.Release())
	must(t, j.Release()) // twice is no harm
	if Held(path) {
		t.Error("nobody holds it any more, and Held says yes")
	}
	j = acquire(t, path)
	must(t, j.Release())
}

// Of many that come at once one gets the lock at a time, though each removes
// the lock file when it leaves.
func TestLockRace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.run")
	var wg sync.WaitGroup
	var inside sync.Mutex
	for range 4 {
		wg.Go(func() {
			for got := 0; got < 30; {
				l, err := takeLock(path)
				if err != nil {
					var held *HeldError
					if !errors.As(err, &held) {
						t.Error(err)
						return
					}
					runtime.Gosched()
					continue
				}
				if !inside.TryLock() {
					t.Error("two hold the lock")
				} else {
					for range 20 {
						runtime.Gosched() // so that others try meanwhile
					}
					inside.Unlock()
				}
				got++
				must(t, l.release())
			}
		})
	}
	wg.Wait()
}

// E4: nobody but the owner may read any of it, whatever the umask is and
// whoever made the file readable. (The umask belongs to the process, so it is
// not set here; 0600 is asked for, and a umask can only take away.)
func TestModes(t *testing.T) {
	t.Parallel()
	path := planned(t, 3)
	exact := func(names ...string) {
		t.Helper()
		for _, name := range names {
			fi, err := os.Stat(name)
			must(t, err)
			if fi.Mode() != 0o600 {
				t.Errorf("%s has mode %v", filepath.Base(name), fi.Mode())
			}
		}
	}
	exact(path)
	must(t, os.Chmod(path, 0o644))
	must(t, os.WriteFile(path+".lock", nil, 0o644))
	must(t, os.Chmod(path+".lock", 0o666))
	j := acquire(t, path)
	_, err := j.Begin(noon)
	must(t, err)
	exact(path, path+"-wal", path+"-shm", path+".lock")
	must(t, j.Release())
	exact(path)
}

func TestAcquireRefusesLinks(t *testing.T) {
	t.Parallel()
	path := planned(t, 1)
	link := filepath.Join(t.TempDir(), "link.run")
	must(t, os.Symlink(path, link))
	if _, err := Acquire(link); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("Acquire of a link: %v", err)
	}
	victim := filepath.Join(t.TempDir(), "victim")
	must(t, os.WriteFile(victim, []byte("precious"), 0o644))
	must(t, os.Symlink(victim, path+".lock"))
	if _, err := Acquire(path); err == nil {
		t.Error("a lock file that is a link is followed")
	}
	if b, _ := os.ReadFile(victim); string(b) != "precious" {
		t.Errorf("the victim holds %q", b)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, os.WriteFile(at("list.csv"), []byte("a,b\n1,2\n"), 0o600))
	must(t, os.WriteFile(at("empty"), nil, 0o600))
	c, err := connect(at("other.db"), 2|4)
	must(t, err)
	must(t, c.exec("CREATE TABLE t (x)"))
	must(t, c.Close())
	plannedAt(t, at("newer.run"), 1)
	c, err = connect(at("newer.run"), 2)
	must(t, err)
	_, err = c.pragma("user_version = 7")
	must(t, err)
	must(t, c.exec("UPDATE run SET runner_version = '3.2.1'"))
	must(t, c.Close())
	plannedAt(t, at("trigger.run"), 1)
	c, err = connect(at("trigger.run"), 2)
	must(t, err)
	must(t, c.exec("CREATE TRIGGER t AFTER UPDATE ON progress BEGIN DELETE FROM transitions; END"))
	must(t, c.Close())
	plannedAt(t, at("table.run"), 1)
	c, err = connect(at("table.run"), 2)
	must(t, err)
	must(t, c.exec("ALTER TABLE operations DROP COLUMN begun"))
	must(t, c.Close())
	plannedAt(t, at("index.run"), 1)
	c, err = connect(at("index.run"), 2)
	must(t, err)
	must(t, c.exec("CREATE INDEX mine ON plan (key)"))
	must(t, c.Close())
	plannedAt(t, at("count.run"), 5)
	c, err = connect(at("count.run"), 2)
	must(t, err)
	must(t, c.exec("DELETE FROM plan WHERE id = 5"))
	must(t, c.Close())
	plannedAt(t, at("begun.run"), 5)
	j := acquire(t, at("begun.run"))
	_, err = j.Begin(noon)
	must(t, err)
	carryOut(t, j, 3, 4)
	must(t, j.Release())
	c, err = connect(at("begun.run"), 2)
	must(t, err)
	must(t, c.exec("DELETE FROM progress"))
	must(t, c.Close())

	for name, test := range map[string]struct {
		open, acquire error  // nil is success
		says          string // by either
	}{
		"missing.run": {fs.ErrNotExist, fs.ErrNotExist, "there is no run file"},
		".":           {ErrNotRunFile, ErrNotRunFile, "not a regular file"},
		"list.csv":    {ErrNotRunFile, ErrNotRunFile, "no SQLite database"},
		"empty":       {ErrNotRunFile, ErrNotRunFile, "runner plan --out"},
		"other.db":    {ErrNotRunFile, ErrNotRunFile, "not a run file"},
		"newer.run":   {ErrNewer, ErrNewer, "runner 3.2.1"},
		"trigger.run": {nil, ErrCorrupt, "trigger"},
		"table.run":   {ErrCorrupt, ErrCorrupt, "its tables are not those of format 1"},
		"index.run":   {nil, nil, ""},
		"count.run":   {nil, ErrCorrupt, "it should hold items 1 to 5, and of plan it holds 4 from 1 to 4"},
		"begun.run":   {nil, ErrCorrupt, "of the 1 items that applies have changed it holds 0"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Open(at(name))
			if err == nil {
				must(t, f.Close())
			}
			j, err2 := Acquire(at(name))
			if err2 == nil {
				must(t, j.Release())
			}
			for _, got := range []struct{ err, want error }{{err, test.open}, {err2, test.acquire}} {
				if !errors.Is(got.err, got.want) {
					t.Errorf("%v, want %v", got.err, got.want)
				}
				if got.err != nil && !strings.Contains(got.err.Error(), test.says) {
					t.Errorf("%q doesn't say %q", got.err, test.says)
				}
			}
		})
	}
}
