package runfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/internal/plan"
)

// What a draft is told can be read back, all of it.
func TestDraftRoundTrip(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "stale.run")
	d, err := Create(path)
	must(t, err)
	defer d.Discard()
	run := aRun("r1")
	run.Digest, run.Lists = "", nil
	must(t, d.SetRun(run))
	first, second := anOperation("stale"), anOperation("other")
	first.Rows, first.Matching = 0, 0
	must(t, d.AddOperation(&first))
	must(t, d.AddOperation(&second))

	items := []plan.Item{
		anItem(first.ID, 1, plan.Planned), anItem(second.ID, 2, plan.Unchanged),
		anItem(first.ID, 3, plan.Skipped), anItem(first.ID, 4, plan.Invalid),
	}
	items[2].Reason = `guard: state is "APROBADA"`
	items[3] = plan.Item{Operation: first.ID, Key: "", Source: "stale-orders.csv", Row: 7, State: plan.Invalid, Reason: "the key is empty", UpdatedAt: noon}
	must(t, d.Add(items[:3]))
	must(t, d.Add(items[3:]))
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("a draft is seen before it is committed:", err)
	}
	event := plan.Event{At: noon, Kind: "planned", Detail: "4 items"}
	must(t, d.AddEvents(event))
	first.Rows, first.Matching = 12480, 1240
	first.Counts = plan.Counts{plan.Planned: 99} // is none of the planner's business
	must(t, d.SetOperation(first))
	run = aRun("r1")
	run.DigestLocal = true
	must(t, d.SetRun(run))
	must(t, d.Commit())
	if err := d.Commit(); err == nil {
		t.Error("a draft can be committed twice")
	}

	f := open(t, path)
	got, err := f.Run()
	must(t, err)
	if diff := cmp.Diff(run, got); diff != "" {
		t.Errorf("run (-told +read):\n%s", diff)
	}
	first.Counts = plan.Counts{plan.Planned: 1, plan.Skipped: 1, plan.Invalid: 1}
	second.Counts = plan.Counts{plan.Unchanged: 1}
	ops, err := f.Operations()
	must(t, err)
	if diff := cmp.Diff([]plan.Operation{first, second}, ops); diff != "" {
		t.Errorf("operations (-told +read):\n%s", diff)
	}
	for i, it := range items {
		if it.ID != int64(i)+1 {
			t.Errorf("item %d was given ID %d", i, it.ID)
		}
	}
	if diff := cmp.Diff(items, collect(t, f, Filter{})); diff != "" {
		t.Errorf("items (-told +read):\n%s", diff)
	}
	edges, err := f.Transitions(3)
	must(t, err)
	if diff := cmp.Diff([]Transition{{At: noon, To: plan.Skipped, Reason: items[2].Reason}}, edges); diff != "" {
		t.Errorf("transitions (-want +read):\n%s", diff)
	}
	events, err := f.Events()
	must(t, err)
	if diff := cmp.Diff([]plan.Event{event}, events); diff != "" {
		t.Errorf("events (-told +read):\n%s", diff)
	}
}

func TestDraftRefuses(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(d *Draft, op *plan.Operation) error{
		"state": func(d *Draft, op *plan.Operation) error {
			return d.Add([]plan.Item{anItem(op.ID, 1, plan.Started)})
		},
		"attempted": func(d *Draft, op *plan.Operation) error {
			it := anItem(op.ID, 1, plan.Planned)
			it.Attempts = 1
			return d.Add([]plan.Item{it})
		},
		"operation": func(d *Draft, _ *plan.Operation) error { return d.Add([]plan.Item{anItem(9, 1, plan.Planned)}) },
		"set operation": func(d *Draft, _ *plan.Operation) error {
			return d.SetOperation(plan.Operation{ID: 9})
		},
		"running": func(d *Draft, _ *plan.Operation) error { return d.SetRun(Run{ID: "x", State: StateRunning}) },
		"no run":  func(d *Draft, _ *plan.Operation) error { return d.Commit() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x.run")
			d, err := Create(path)
			must(t, err)
			op := anOperation("stale")
			must(t, d.AddOperation(&op))
			if err := do(d, &op); err == nil {
				t.Error("accepted")
			}
			d.Discard()
			if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
				t.Errorf("a discarded draft leaves %v", left)
			}
		})
	}
}

// What is at the place of a new plan is replaced only when it is a plan that
// was never applied.
func TestCreateReplaces(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		put     func(t *testing.T, path string)
		refused bool
	}{
		"nothing":      {func(*testing.T, string) {}, false},
		"plan":         {func(t *testing.T, path string) { plannedAt(t, path, 3) }, false},
		"stale wal":    {func(t *testing.T, path string) { must(t, os.WriteFile(path+"-wal", []byte("old"), 0o600)) }, false},
		"empty file":   {func(t *testing.T, path string) { must(t, os.WriteFile(path, nil, 0o644)) }, true},
		"stranger":     {func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte("a,b\n1,2\n"), 0o644)) }, true},
		"folder":       {func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o755)) }, true},
		"link":         {func(t *testing.T, path string) { plannedAt(t, path+"x", 1); must(t, os.Symlink(path+"x", path)) }, true},
		"dead link":    {func(t *testing.T, path string) { must(t, os.Symlink(path+"x", path)) }, true},
		"begun":        {func(t *testing.T, path string) { plannedAt(t, path, 1); begin(t, path, StateRunning) }, true},
		"finished":     {func(t *testing.T, path string) { plannedAt(t, path, 1); begin(t, path, StateFinished) }, true},
		"cut short":    {func(t *testing.T, path string) { plannedAt(t, path, 100); must(t, os.Truncate(path, 9000)) }, true},
		"begun, again": {func(t *testing.T, path string) { plannedAt(t, path, 1); begin(t, path, StatePlanned) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "stale.run")
			test.put(t, path)
			before, _ := os.ReadFile(path)
			d, err := Create(path)
			if test.refused {
				if !errors.Is(err, ErrExists) {
					t.Fatalf("Create: %v", err)
				}
				if after, _ := os.ReadFile(path); string(after) != string(before) {
					t.Error("the file was changed")
				}
				return
			}
			must(t, err)
			d.Discard()
			plannedAt(t, path, 7)
			if got := integrity(t, path); got != "ok" {
				t.Error(got)
			}
			if n := len(collect(t, open(t, path), Filter{})); n != 7 {
				t.Errorf("%d items, want 7", n)
			}
			left, _ := filepath.Glob(path + "*")
			if diff := cmp.Diff([]string{path}, left); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func begin(t *testing.T, path, state string) {
	t.Helper()
	j, err := Acquire(path)
	must(t, err)
	_, err = j.Begin(noon)
	must(t, err)
	must(t, j.SetState(state))
	must(t, j.Release())
}

// A run that begins between Create and Commit is not replaced under its feet.
func TestCommitLooksAgain(t *testing.T) {
	t.Parallel()
	path := planned(t, 3)
	d, err := Create(path)
	must(t, err)
	defer d.Discard()
	must(t, d.SetRun(aRun("r2")))
	j, err := Acquire(path)
	must(t, err)
	_, err = j.Begin(noon)
	must(t, err)
	var held *HeldError
	if err := d.Commit(); !errors.As(err, &held) {
		t.Fatalf("Commit beside an apply: %v", err)
	}
	must(t, j.Release())

	d, err = Create(planned(t, 3))
	must(t, err)
	defer d.Discard()
	must(t, d.SetRun(aRun("r2")))
	begin(t, d.target, StateFinished)
	if err := d.Commit(); !errors.Is(err, ErrExists) {
		t.Fatalf("Commit over a finished run: %v", err)
	}
}

// Deadlines are never rounded to an earlier moment.
func TestStampIsTheLayout(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{
		noon, noon.Add(999 * time.Millisecond), noon.Add(7 * time.Nanosecond),
		time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), time.Date(2027, 1, 2, 3, 4, 5, 60e6, time.FixedZone("", -5*3600)),
	} {
		if got, want := stamp(at), at.UTC().Format(stampLayout); got != want {
			t.Errorf("stamp = %q, want %q", got, want)
		}
		up, err := parseStamp(stampUp(at))
		must(t, err)
		if d := up.Sub(at); d < 0 || d >= time.Millisecond {
			t.Errorf("stampUp(%v) is %v later", at, d)
		}
	}
	if stamp(time.Time{}) != "" || stampUp(time.Time{}) != "" {
		t.Error("the zero time isn't empty")
	}
}
