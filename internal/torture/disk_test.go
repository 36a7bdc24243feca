//go:build linux

package torture

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// TestB4: a full disk stops the sending at once and loses no outcome, and the
// run goes on when there is room.
func TestB4DiskFull(t *testing.T) {
	t.Parallel()
	j := newJob(t, 4000)
	j.dir = mount(t, "size=24m,mode=0700")
	j.rate, j.inFlight = 2000, 8
	j.plan(t)
	a := j.start(t)
	eventually(t, patience, "it is under load", func() bool { return len(j.api.came()) > 100 })
	fill(t, j.path("filler"))
	if code := a.end(t, patience); code != 5 || !strings.Contains(a.said.String(), "runner apply job.run") {
		t.Fatalf("exit %d:\n%s", code, a.said)
	}
	v, _ := j.judge(t)
	if open := v.counts[plan.Started] + v.counts[plan.InDoubt]; open > int64(j.inFlight) || v.counts[plan.Planned] == 0 {
		t.Errorf("on a full disk items are %v", v.counts)
	} else {
		t.Logf("on a full disk: %v", v.counts)
	}
	must(t, os.Remove(j.path("filler")))
	j.rate = 2000
	j.complete(t)
	v, _ = j.judge(t)
	v.all(t, plan.Succeeded, j.n)
}

// mount is a small file system of its own.
func mount(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("no file system can be mounted here, so nothing was tested: %v", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}

// fill takes what room there is.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	block := make([]byte, 1<<20)
	for size := len(block); size > 0; {
		if _, err := f.Write(block[:size]); err != nil {
			size /= 2
		}
	}
}

// TestE4: whatever the umask, what is made beside a run is for its owner alone.
func TestE4Modes(t *testing.T) {
	t.Parallel()
	j := newJob(t, 40)
	j.rate = 40
	j.write(t)
	umask := func(args string) *apply {
		c := j.command()
		c.Path, c.Args = "/bin/sh", []string{"sh", "-c", "umask 000; exec " + j.runner + " " + args}
		return j.launch(t, c)
	}
	if a := umask("plan --refresh=false --out job.run job.ops.hcl"); a.end(t, patience) != 0 {
		t.Fatal(a.said)
	}
	a := umask("apply --auto-approve job.run")
	eventually(t, patience, "it sends", func() bool { return len(j.api.came()) > 5 })
	seen := 0
	look := func() {
		must(t, filepath.WalkDir(j.dir, func(path string, d os.DirEntry, err error) error {
			name := strings.TrimPrefix(path, j.dir+"/")
			if err != nil || !strings.HasPrefix(name, "job.run") && !strings.HasPrefix(name, "state/runner/") {
				return nil
			}
			info, err := d.Info()
			if err != nil {
				return nil
			}
			seen++
			if mode := info.Mode().Perm(); mode != 0o600 && !d.IsDir() || mode != 0o700 && d.IsDir() {
				t.Errorf("%s has mode %o", name, mode)
			}
			return nil
		}))
	}
	look()
	if code := a.end(t, patience); code != 0 {
		t.Fatalf("exit %d:\n%s", code, a.said)
	}
	look()
	if seen < 6 {
		t.Errorf("only %d files were looked at", seen)
	}
	must(t, os.Symlink(j.path("job.run"), j.path("link.run")))
	before := len(j.api.came())
	for _, args := range []string{"apply --auto-approve link.run", "plan --refresh=false --out link.run job.ops.hcl"} {
		if out, code := j.run(t, strings.Fields(args)...); code != 1 || !strings.Contains(out, "symbolic link") {
			t.Errorf("%s: exit %d\n%s", args, code, out)
		}
	}
	if len(j.api.came()) != before {
		t.Error("something was sent")
	}
}

// TestB6: a damaged run file is noticed or does no harm.
func TestB6DamagedFile(t *testing.T) {
	t.Parallel()
	j := newJob(t, 30)
	j.plan(t)
	whole, err := os.ReadFile(j.path("job.run"))
	must(t, err)
	refused := 0
	const places = 16
	for i := range places {
		name := fmt.Sprintf("job%02d.run", i)
		b := append([]byte(nil), whole...)
		// The last page is that of the events, of which there are none yet.
		if at := i * (len(b) - 4096) / places; i%2 == 0 {
			b[at+11] ^= 1 << (i % 8)
		} else {
			b = b[:at]
		}
		must(t, os.WriteFile(j.path(name), b, 0o600))
		// Each is a run of its own as far as this machine knows.
		j.env = append(j.env, "XDG_STATE_HOME="+j.path(fmt.Sprint("state", i)))
		out, code := j.run(t, "apply", "--auto-approve", name)
		if strings.Contains(out, "goroutine ") {
			t.Fatalf("%s: %s", name, out)
		}
		if code == 1 {
			refused++
		} else if code != 0 {
			t.Logf("%s: exit %d\n%s", name, code, out)
		}
		if i%2 == 1 && code != 1 {
			t.Errorf("a file cut at byte %d of %d was applied: %d", i*(len(whole)-4096)/places, len(whole), code)
		}
	}
	for thing, n := range j.api.simulation.Ledger().Effects {
		if n > 1 {
			t.Errorf("%s had its effect %d times", thing, n)
		}
	}
	t.Logf("%d of %d refused", refused, places)
}

// TestB6: what an apply recorded and a disk changed is not believed: nothing is
// sent from such a file, whatever is changed, until the file is put right.
func TestB6DamagedProgress(t *testing.T) {
	t.Parallel()
	j := newJob(t, 40)
	j.rate, j.timeout = 20, 300*time.Millisecond
	j.api.set(t, "lose_answer", "0.2")
	j.api.set(t, "slow", "60ms")
	j.plan(t)
	a := j.start(t)
	eventually(t, patience, "half of it is done", func() bool { return len(j.api.came()) > 20 })
	// What comes from here on is never answered, so that something is on its way
	// when the kill comes, however late that is.
	j.api.set(t, "slow", "1m")
	half := len(j.api.came())
	eventually(t, patience, "more is on its way", func() bool { return len(j.api.came()) > half+4 })
	a.kill()
	j.api.set(t, "slow", "60ms")
	eventually(t, patience, "it can be read", func() bool { // what it left in its log is taken up
		f, err := runfile.Acquire(j.path("job.run"))
		return err == nil && f.Release() == nil
	})
	whole, err := os.ReadFile(j.path("job.run"))
	must(t, err)
	before := len(j.api.came())
	for name, edit := range map[string]string{
		"a success is planned": `UPDATE progress SET state = 'planned' WHERE id = (SELECT min(id) FROM progress WHERE state = 'succeeded')`,
		"a start is planned":   `UPDATE progress SET state = 'planned' WHERE state IN ('started', 'in_doubt')`,
		"no state":             `UPDATE progress SET state = 'qlanned' WHERE id = (SELECT max(id) FROM progress)`,
		"another type":         `UPDATE progress SET state = CAST(state AS BLOB) WHERE id = (SELECT max(id) FROM progress)`,
		"deadline":             `UPDATE progress SET deadline = replace(deadline, ':', ';') WHERE deadline IS NOT NULL`,
		"earlier deadline":     `UPDATE progress SET deadline = '1999' || substr(deadline, 5) WHERE deadline IS NOT NULL`,
		"attempts":             `UPDATE progress SET attempts = attempts + 64 WHERE id = (SELECT max(id) FROM progress)`,
		"result":               `UPDATE progress SET result = replace(result, '"', 'b') WHERE result IS NOT NULL`,
		"amount":               `UPDATE plan SET amount = '1' WHERE id = 40`,
		"a plan's state":       `UPDATE plan SET state = 'skipped' WHERE id = 40`,
		"a start less":         `DELETE FROM progress WHERE id = (SELECT max(id) FROM progress)`,
		"a success less":       `DELETE FROM progress WHERE id = (SELECT min(id) FROM progress WHERE state = 'succeeded')`,
		"another's success":    `UPDATE progress SET id = 40 WHERE id = (SELECT min(id) FROM progress WHERE state = 'succeeded')`,
		"no progress":          `DELETE FROM progress`,
		"an item less":         `DELETE FROM plan WHERE id = 17`,
		"counts":               `UPDATE operations SET counts = replace(counts, 'planned', 'skipped')`,
		"failures":             `UPDATE operations SET failures = failures + 32`,
		"the run's state":      `UPDATE run SET state = 'finished'`,
		"the run's provider":   `UPDATE run SET providers = replace(providers, '"burst":1', '"burst":9')`,
		"an event":             `UPDATE events SET kind = 'continued' WHERE id = 1`,
		"an event less":        `DELETE FROM events WHERE id = 1`,
	} {
		must(t, os.WriteFile(j.path("job.run"), whole, 0o600))
		c, err := sqlite.OpenConn(j.path("job.run"), sqlite.OpenReadWrite)
		must(t, err)
		must(t, sqlitex.ExecuteScript(c, edit, nil))
		if c.Changes() == 0 {
			t.Fatalf("%s: nothing was changed", name)
		}
		must(t, c.Close())
		for _, args := range []string{"apply --auto-approve job.run", "retry job.run --out again.run"} {
			out, code := j.run(t, strings.Fields(args)...)
			if code != 1 || !strings.Contains(out, "Run file is damaged") || !strings.Contains(out, "with cp") {
				t.Errorf("%s: %s ends with %d:\n%s", name, args, code, out)
			}
		}
		if out, code := j.run(t, "show", "job.run"); code != 1 && !strings.Contains(name, "event") {
			t.Errorf("%s: show ends with %d:\n%s", name, code, out)
		}
	}
	if n := len(j.api.came()); n != before {
		t.Errorf("%d requests were sent from damaged files", n-before)
	}
	must(t, os.WriteFile(j.path("job.run"), whole, 0o600))
	j.api.set(t, "lose_answer", "0")
	j.complete(t)
	v, _ := j.judge(t)
	v.all(t, plan.Succeeded, j.n)
}
