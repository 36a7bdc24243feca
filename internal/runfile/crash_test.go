//go:build linux

package runfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

// What was acknowledged is there after the process was killed in the middle,
// again and again.
func TestKill(t *testing.T) {
	t.Parallel()
	path := planned(t, 400)
	acked := map[string]bool{}
	for round := range 5 {
		c := as("apply", path)
		n := 0
		for line := range lines(t, c) {
			acked[line] = true
			if n++; n == 20+7*round {
				must(t, c.Process.Kill())
			}
		}
		if err := c.Wait(); err == nil {
			t.Fatal("the apply ended by itself")
		}
		f := open(t, path)
		there := map[string]bool{}
		for id := int64(1); id <= 400; id++ {
			edges, err := f.Transitions(id)
			must(t, err)
			for _, e := range edges {
				there[fmt.Sprint(id, " ", e.To)] = true
			}
		}
		must(t, f.Close())
		for line := range acked {
			if !there[line] {
				t.Errorf("round %d: %q was acknowledged and is gone", round, line)
			}
		}
		if got := integrity(t, path); got != "ok" {
			t.Error(got)
		}
		j, err := Acquire(path) // as a resuming apply would
		must(t, err)
		items, err := j.Started(1, 0, 10)
		must(t, err)
		if len(items) > 1 {
			t.Errorf("%d items are started, and it did one at a time", len(items))
		}
		for _, it := range items {
			must(t, j.Commit(Batch{Changes: []plan.Change{change(it.ID, plan.Started, plan.InDoubt)}}))
		}
		must(t, j.Release())
	}
	if len(acked) < 100 {
		t.Errorf("only %d lines were acknowledged", len(acked))
	}
}

// A provider that outlives its apply keeps the run, and the error says so.
func TestOrphanKeepsLock(t *testing.T) {
	t.Parallel()
	path := planned(t, 1)
	in, out, err := os.Pipe()
	must(t, err)
	c := as("hold", path)
	c.Stdin = in
	said := lines(t, c)
	if line := <-said; line != "held" {
		t.Fatalf("it says %q", line)
	}
	must(t, in.Close())

	var held *HeldError
	if _, err := Acquire(path); !errors.As(err, &held) || held.Orphan || held.PID != c.Process.Pid || held.Since.IsZero() {
		t.Errorf("beside an apply: %v", err)
	}
	must(t, c.Process.Kill())
	_ = c.Wait()
	if _, err := Acquire(path); !errors.As(err, &held) || !held.Orphan {
		t.Errorf("beside an orphan: %v", err)
	}
	must(t, out.Close()) // which ends the orphan
	for range said {
	}
	// The pipe to us is closed by the orphan's exit a moment after its lock or
	// a moment before, so ask the kernel for the lock until it has it.
	f, err := openNoFollow(path+".lock", os.O_RDWR)
	must(t, err)
	must(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	must(t, f.Close())
	j, err := Acquire(path)
	must(t, err)
	must(t, j.Release())
	if _, err := os.Stat(path + ".lock"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lock file stays: %v", err)
	}
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

// A full disk is told while there is room for last words still, then stops the
// journal, keeps what was acknowledged, and is no harm when there is space
// again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := mount(t, "size=8m,mode=0700")
	path := filepath.Join(dir, "stale.run")
	const n = 3000
	plannedAt(t, path, n)
	j := acquire(t, path)
	_, err := j.Begin(noon)
	must(t, err)
	acked, low := int64(0), int64(0)
	reason := strings.Repeat("r", 1000)
	var failed error
	for id := int64(1); id <= n; id++ {
		c := change(id, plan.Planned, plan.Started)
		c.Reason = reason
		if failed = j.Commit(Batch{Changes: []plan.Change{c}}); failed != nil {
			break
		}
		acked = id
		if low == 0 && j.Low() != nil {
			low = id
		}
	}
	if low == 0 || acked-low < 64 {
		t.Errorf("the disk was low after %d commits and full after %d: no room for the outcomes of 64 requests", low, acked)
	}
	var disk *DiskError
	if !errors.As(failed, &disk) || !errors.Is(failed, ErrFull) || disk.Path != path {
		t.Fatalf("after %d commits: %v", acked, failed)
	}
	if acked == 0 {
		t.Fatal("nothing was acknowledged")
	}
	if err := j.Commit(Batch{Events: []plan.Event{{At: noon, Kind: "x"}}}); !errors.Is(err, ErrFull) {
		t.Errorf("a commit after the first error: %v", err)
	}
	if err := j.Release(); err != nil {
		t.Logf("release: %v", err)
	}

	must(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=16m"))
	if got := integrity(t, path); got != "ok" {
		t.Error(got)
	}
	j = acquire(t, path)
	items, err := j.Started(1, 0, n)
	must(t, err)
	if int64(len(items)) != acked {
		t.Errorf("%d items are started, and %d were acknowledged", len(items), acked)
	}
	_, err = j.Begin(noon)
	must(t, err)
	must(t, j.Commit(Batch{Changes: []plan.Change{change(n, plan.Planned, plan.Started)}}))
	must(t, j.Release())
}

// A plan for which there is no space leaves nothing behind.
func TestDraftDiskFull(t *testing.T) {
	t.Parallel()
	dir := mount(t, "size=256k,mode=0700")
	d, err := Create(filepath.Join(dir, "stale.run"))
	must(t, err)
	op := anOperation("stale")
	must(t, d.SetRun(aRun("r1")))
	must(t, d.AddOperation(&op))
	for err == nil {
		if err = d.Add(someItems(op.ID, 5000)); err == nil {
			err = d.Commit()
		}
	}
	if !errors.Is(err, ErrFull) {
		t.Errorf("Add: %v", err)
	}
	d.Discard()
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// readOnly lets nothing more be written to what is mounted. A program that
// another test is just starting holds on to our files for a moment.
func readOnly(dir string) (err error) {
	for range 100 {
		if err = syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); !errors.Is(err, syscall.EBUSY) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

// A run file can be read where nothing can be written.
func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(t *testing.T, path string)
		want    string // within the error; "" is none
	}{
		"at rest": {func(t *testing.T, path string) { begin(t, path, StateFinished) }, ""},
		"in WAL mode": {func(t *testing.T, path string) {
			c, err := connect(path, 2)
			must(t, err)
			_, err = c.pragma("journal_mode = WAL")
			must(t, err)
			must(t, c.Close())
		}, ""},
		"with a log": {func(t *testing.T, path string) {
			c := as("apply", path)
			said := lines(t, c)
			<-said
			must(t, c.Process.Kill())
			for range said {
			}
			_ = c.Wait()
			must(t, os.Remove(path+"-shm"))
		}, "-wal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := mount(t, "size=16m,mode=0700")
			path := filepath.Join(dir, "stale.run")
			plannedAt(t, path, 500)
			test.prepare(t, path)
			must(t, readOnly(dir))
			f, err := Open(path)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("Open: %v", err)
				}
				return
			}
			must(t, err)
			defer f.Close()
			if n := len(collect(t, f, Filter{})); n != 500 {
				t.Errorf("%d items, want 500", n)
			}
			if _, err := Acquire(path); err == nil {
				t.Error("it can be acquired")
			}
		})
	}
}

// B2: every commit syncs the log before it is acknowledged, and the folder is
// synced when the log is made.
func TestSyncs(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("there is no strace here, so nothing was tested")
	}
	path := planned(t, 20)
	log := filepath.Join(t.TempDir(), "log")
	c := as("apply", path)
	c.Args = append([]string{strace, "-f", "-y", "-o", log, "-e", "trace=fsync,fdatasync,write"}, c.Args...)
	c.Path = strace
	var out bytes.Buffer
	c.Stdout = &out
	if err := c.Run(); err != nil {
		t.Skipf("strace can't trace here, so nothing was tested: %v", err)
	}
	if n := strings.Count(out.String(), "\n"); n != 40 {
		t.Fatalf("%d changes were acknowledged, want 40", n)
	}
	trace, err := os.Open(log)
	must(t, err)
	defer trace.Close()
	sync := regexp.MustCompile(`f(data)?sync\(\d+<([^>]*)>`)
	ack := regexp.MustCompile(`write\(1<[^>]*>, "\d+ (started|succeeded)\\n"`)
	logs, folders, acks := 0, 0, 0
	for s := bufio.NewScanner(trace); s.Scan(); {
		if m := sync.FindStringSubmatch(s.Text()); m != nil {
			switch m[2] {
			case path + "-wal":
				logs++
			case filepath.Dir(path):
				folders++
			}
		}
		if ack.MatchString(s.Text()) {
			if acks++; logs < acks {
				t.Fatalf("acknowledgement %d comes after %d syncs of the log", acks, logs)
			}
		}
	}
	if acks != 40 || folders < 1 {
		t.Errorf("%d acknowledgements, %d syncs of the folder", acks, folders)
	}
}

// B5: a sync that fails once is the end, though the next one would work.
func TestSyncFails(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("there is no strace here, so nothing was tested")
	}
	for _, when := range []int{12, 17, 30} {
		t.Run(fmt.Sprint(when), func(t *testing.T) {
			t.Parallel()
			path := planned(t, 20)
			c := as("apply", path)
			c.Args = append([]string{strace, "-f", "-o", "/dev/null", "-e", fmt.Sprintf("inject=fsync,fdatasync:error=EIO:when=%d", when)}, c.Args...)
			c.Path = strace
			var out, said bytes.Buffer
			c.Stdout, c.Stderr = &out, &said
			err := c.Run()
			acked := strings.Count(out.String(), "\n")
			if err == nil {
				t.Fatalf("the apply went on to the end, with %d acknowledgements", acked)
			}
			if !strings.Contains(said.String(), "disk I/O error") {
				t.Skipf("strace can't inject here, so nothing was tested: %s", &said)
			}
			if acked == 0 || acked >= when {
				t.Errorf("%d acknowledgements, and sync %d failed", acked, when)
			}
			if got := integrity(t, path); got != "ok" {
				t.Error(got)
			}
			done := 0
			for _, it := range collect(t, open(t, path), Filter{}) {
				switch it.State {
				case plan.Started:
					done++
				case plan.Succeeded:
					done += 2
				}
			}
			if done < acked {
				t.Errorf("%d changes are there, and %d were acknowledged", done, acked)
			}
		})
	}
}
