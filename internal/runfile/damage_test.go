package runfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/bulkrunner/runner/internal/plan"
)

// use does with a file what show and apply would, and returns the first error.
func use(path string) error {
	f, err := Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Operations(); err != nil {
		return err
	}
	for _, err := range f.Items(Filter{}) {
		if err != nil {
			return err
		}
	}
	for _, err := range f.RequestLog() {
		if err != nil {
			return err
		}
	}
	if _, err := f.Transitions(3); err != nil {
		return err
	}
	if _, err := f.Events(); err != nil {
		return err
	}
	if _, err := f.Groups("reason"); err != nil {
		return err
	}
	j, err := Acquire(path)
	if err != nil {
		return err
	}
	defer j.Release()
	if _, err := j.Begin(noon); err != nil {
		return err
	}
	items, err := j.Planned(1, 0, 1000)
	if err != nil {
		return err
	}
	for _, it := range items {
		if err := j.Commit(Batch{Changes: []plan.Change{change(it.ID, plan.Planned, plan.Started)}}); err != nil {
			return err
		}
		if it.ID > 5 {
			break
		}
	}
	return j.Release()
}

// A damaged file may be an error anywhere, and never a crash.
func TestDamage(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(planned(t, 120))
	must(t, err)
	dir := t.TempDir()
	try := func(name string, b []byte) error {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, b, 0o600))
		defer os.Remove(path)
		return use(path)
	}
	if err := try("whole", whole); err != nil {
		t.Fatal(err)
	}
	const places = 200
	for i := range places {
		at := i * len(whole) / places
		if err := try("short", whole[:at]); err == nil {
			t.Errorf("cut at byte %d of %d, and nobody notices", at, len(whole))
		}
		b := bytes.Clone(whole)
		b[at+7] ^= 1 << (i % 8)
		_ = try("flipped", b) // may be in free space
	}
}

// A flipped bit in what is to be sent is found, by readers and by an apply.
func TestDamagedItem(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(planned(t, 50))
	must(t, err)
	it := anItem(1, 30, plan.Planned)
	dir := t.TempDir()
	for i, part := range []string{it.IdempotencyKey, `{"order":"A-1042000030"}`, it.Key + "stale-orders.csv"} {
		at := bytes.Index(whole, []byte(part))
		if at < 0 {
			t.Fatalf("%s isn't in the file", part)
		}
		for bit := range 8 * len(part) {
			if bit%11 != i {
				continue
			}
			path := filepath.Join(dir, fmt.Sprint(i, "-", bit))
			b := bytes.Clone(whole)
			b[at+bit/8] ^= 1 << (bit % 8)
			must(t, os.WriteFile(path, b, 0o600))
			var readError error
			for _, err := range open(t, path).Items(Filter{}) {
				readError = err
			}
			if !errors.Is(readError, ErrCorrupt) {
				t.Errorf("Items with a flip in %s: %v", part, readError)
			}
			j := acquire(t, path)
			if _, err := j.Planned(1, 0, 100); !errors.Is(err, ErrCorrupt) {
				t.Errorf("Planned with a flip in %s: %v", part, err)
			}
			if err := j.Commit(Batch{Changes: []plan.Change{change(1, plan.Planned, plan.Started)}}); !errors.Is(err, ErrCorrupt) {
				t.Errorf("Commit after it: %v", err)
			}
			must(t, j.Release())
		}
	}
}
