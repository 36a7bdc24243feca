package runfile

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bulkrunner/runner/internal/plan"
)

// One item's whole life, as it can be read afterwards.
func TestJournalLife(t *testing.T) {
	t.Parallel()
	path := planned(t, 3)
	j := acquire(t, path)
	epoch, err := j.Begin(noon)
	must(t, err)
	if epoch != 1 {
		t.Fatalf("epoch %d", epoch)
	}
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }

	start := plan.Change{Item: 2, From: plan.Planned, To: plan.Started, At: at(1), Deadline: at(31), Attempts: -1}
	back := plan.Change{Item: 2, From: plan.Started, To: plan.Planned, At: at(2), Reason: "not now: 409", Attempts: 1, NotBefore: at(5)}
	must(t, j.Commit(Batch{Changes: []plan.Change{start}}))
	must(t, j.Commit(Batch{Changes: []plan.Change{back}, Requests: []plan.Request{{Item: 2, Verb: "execute", SentAt: at(1), Deadline: at(31), SettledAt: at(2), Outcome: "not_now", Code: "409"}}}))

	items, err := j.Planned(1, 0, 10)
	must(t, err)
	if len(items) != 3 || items[1].Attempts != 1 || !items[1].NotBefore.Equal(at(5)) || !items[1].Deadline.IsZero() {
		t.Errorf("planned again: %+v", items)
	}

	start.At, start.Deadline = at(6), at(36)
	done := plan.Change{Item: 2, From: plan.Started, To: plan.InDoubt, At: at(7), Reason: "connection lost", Attempts: -1}
	read := plan.Request{Item: 2, Verb: "read", SentAt: at(8), Deadline: at(38), SettledAt: at(9), Outcome: "done", Code: "200"}
	settled := plan.Change{Item: 2, From: plan.InDoubt, To: plan.Succeeded, At: at(9), Reason: "read: CANCELADA", Live: json.RawMessage(`{"state":"CANCELADA"}`), Result: json.RawMessage(`{"ref":"88"}`)}
	must(t, j.Commit(Batch{Changes: []plan.Change{start}}))
	must(t, j.Commit(Batch{Changes: []plan.Change{done}, Requests: []plan.Request{
		{Verb: "auth", SentAt: at(6), SettledAt: at(6), Outcome: "done"},
		{Item: 2, Verb: "execute", SentAt: at(6), Deadline: at(36), SettledAt: at(7), Outcome: "unknown", Message: "connection lost"},
	}}))
	doubt, err := j.InDoubt(1, 0, 10)
	must(t, err)
	if len(doubt) != 1 || !doubt[0].Deadline.Equal(at(36)) || !doubt[0].NotBefore.IsZero() {
		t.Errorf("in doubt: %+v", doubt)
	}
	must(t, j.Commit(Batch{Changes: []plan.Change{settled}, Requests: []plan.Request{read}}))
	must(t, j.SetState(StateFinished, plan.Event{At: at(10), Kind: "finished", Detail: "1 of 3"}))
	must(t, j.Release())

	f := open(t, path)
	r, err := f.Run()
	must(t, err)
	if r.State != StateFinished || r.Epoch != 1 {
		t.Errorf("run is %s in epoch %d", r.State, r.Epoch)
	}
	want := anItem(1, 1, plan.Succeeded)
	want.ID, want.Reason, want.Attempts, want.Live, want.Result, want.UpdatedAt = 2, settled.Reason, 1, settled.Live, settled.Result, at(9)
	if diff := cmp.Diff(want, collect(t, f, Filter{States: []plan.State{plan.Succeeded}})[0]); diff != "" {
		t.Errorf("item (-want +read):\n%s", diff)
	}
	p, s, d := plan.Planned, plan.Started, plan.InDoubt
	edges, err := f.Transitions(2)
	must(t, err)
	if diff := cmp.Diff([]Transition{
		{At: noon, To: p},
		{At: at(1), From: &p, To: s, Epoch: 1},
		{At: at(2), From: &s, To: p, Reason: "not now: 409", Epoch: 1},
		{At: at(6), From: &p, To: s, Epoch: 1},
		{At: at(7), From: &s, To: d, Reason: "connection lost", Epoch: 1},
		{At: at(9), From: &d, To: plan.Succeeded, Reason: "read: CANCELADA", Epoch: 1},
	}, edges); diff != "" {
		t.Errorf("transitions (-want +read):\n%s", diff)
	}
	requests, err := f.Requests(2)
	must(t, err)
	if len(requests) != 3 || requests[0].Outcome != "not_now" || requests[1].Outcome != "unknown" {
		t.Errorf("requests: %+v", requests)
	}
	if diff := cmp.Diff(read, requests[2]); diff != "" {
		t.Errorf("request (-told +read):\n%s", diff)
	}
	var all []int64
	for q, err := range f.RequestLog() {
		must(t, err)
		all = append(all, q.Item)
	}
	if diff := cmp.Diff([]int64{0, 2, 2, 2}, all); diff != "" {
		t.Errorf("request log (-want +read):\n%s", diff)
	}
	ops, err := f.Operations()
	must(t, err)
	if diff := cmp.Diff(plan.Counts{plan.Planned: 2, plan.Succeeded: 1}, ops[0].Counts); diff != "" {
		t.Errorf("counts (-want +read):\n%s", diff)
	}
}

// A refused change leaves no trace of its batch and doesn't end the journal.
func TestCommitRefuses(t *testing.T) {
	t.Parallel()
	good := change(1, plan.Planned, plan.Started)
	for name, bad := range map[string]Batch{
		"no edge":      {Changes: []plan.Change{good, change(2, plan.Planned, plan.Succeeded)}},
		"final":        {Changes: []plan.Change{good, change(2, plan.Succeeded, plan.Planned)}},
		"other state":  {Changes: []plan.Change{good, change(2, plan.Started, plan.Failed)}},
		"no item":      {Changes: []plan.Change{good, change(77, plan.Planned, plan.Started)}},
		"twice":        {Changes: []plan.Change{good, good}},
		"request":      {Changes: []plan.Change{good}, Requests: []plan.Request{{Item: 77, Verb: "read"}}},
		"item below 0": {Changes: []plan.Change{good}, Requests: []plan.Request{{Item: -1, Verb: "read"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := planned(t, 3)
			j := acquire(t, path)
			if err := j.Commit(Batch{Changes: []plan.Change{good}}); !errors.Is(err, ErrRefused) {
				t.Fatalf("Commit before an apply has begun: %v", err)
			}
			_, err := j.Begin(noon)
			must(t, err)
			bad.Events = []plan.Event{{At: noon, Kind: "x"}}
			if err := j.Commit(bad); !errors.Is(err, ErrRefused) {
				t.Fatalf("Commit: %v", err)
			}
			items, err := j.Planned(1, 0, 10)
			must(t, err)
			if len(items) != 3 {
				t.Errorf("%d items are planned, want 3", len(items))
			}
			events, err := open(t, path).Events()
			must(t, err)
			if len(events) != 2 { // of the plan and of the beginning
				t.Errorf("events: %v", events)
			}
			must(t, j.Commit(Batch{Changes: []plan.Change{good}}))
			ops, err := j.Operations()
			must(t, err)
			if diff := cmp.Diff(plan.Counts{plan.Planned: 2, plan.Started: 1}, ops[0].Counts); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBeginRefusesUnusable(t *testing.T) {
	t.Parallel()
	d, err := Create(t.TempDir() + "/x.run")
	must(t, err)
	defer d.Discard()
	r := aRun("r1")
	r.State = StateUnusable
	must(t, d.SetRun(r))
	must(t, d.Commit())
	j := acquire(t, d.target)
	if _, err := j.Begin(noon); !errors.Is(err, ErrUnusable) {
		t.Errorf("Begin: %v", err)
	}
}

// A stale apply that wakes up after another took the run over can't write.
func TestFence(t *testing.T) {
	t.Parallel()
	j := acquire(t, planned(t, 3))
	_, err := j.Begin(noon)
	must(t, err)
	must(t, j.conn.exec(`UPDATE run SET epoch = epoch + 1`))
	for range 2 { // and it stays that way
		if err := j.Commit(Batch{Changes: []plan.Change{change(1, plan.Planned, plan.Started)}}); !errors.Is(err, ErrFenced) {
			t.Errorf("Commit: %v", err)
		}
	}
	if _, err := j.Planned(1, 0, 1); !errors.Is(err, ErrFenced) {
		t.Errorf("Planned after the last error: %v", err)
	}
}

func TestTally(t *testing.T) {
	t.Parallel()
	path := planned(t, 20)
	j := acquire(t, path)
	_, err := j.Begin(noon)
	must(t, err)
	run := func(item int64, to ...plan.State) {
		t.Helper()
		var b Batch
		from := plan.Planned
		for _, s := range to {
			b.Changes = append(b.Changes, change(item, from, s))
			from = s
		}
		must(t, j.Commit(b))
	}
	want := func(w Tally) {
		t.Helper()
		got, err := j.Tally(1)
		must(t, err)
		if diff := cmp.Diff(w, got); diff != "" {
			t.Errorf("tally (-want +got):\n%s", diff)
		}
	}
	run(1, plan.Started, plan.Succeeded)
	run(2, plan.Started, plan.Failed)
	run(3, plan.Skipped)
	run(4, plan.Failed)
	want(Tally{3, 2, 2})
	run(5, plan.Started, plan.InDoubt, plan.Succeeded)
	want(Tally{4, 3, 3})
	run(6, plan.Started, plan.Planned)
	run(7, plan.Started)
	want(Tally{4, 3, 3})
	must(t, j.Release())

	j = acquire(t, path)
	_, err = j.Begin(noon)
	must(t, err)
	want(Tally{4, 3, 3})
	must(t, j.Commit(Batch{Changes: []plan.Change{change(7, plan.Started, plan.InDoubt)}})) // by the crash
	run(6, plan.Started, plan.Succeeded)
	want(Tally{5, 3, 0})
	must(t, j.Commit(Batch{Events: []plan.Event{{At: noon, Kind: EventContinued, Detail: "operation.payvalida_cancel_order.stale: ana, checked by hand"}}}))
	want(Tally{})
	run(8, plan.Started, plan.Incident)
	must(t, j.SetState(StateStopped, plan.Event{At: noon, Kind: EventContinued, Detail: "operation.payvalida_cancel_order.other"}))
	want(Tally{1, 1, 1})
}

func TestFeed(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/x.run"
	d, err := Create(path)
	must(t, err)
	defer d.Discard()
	must(t, d.SetRun(aRun("r1")))
	a, b := anOperation("a"), anOperation("b")
	must(t, d.AddOperation(&a))
	must(t, d.AddOperation(&b))
	for i := range 30 { // two operations that were planned side by side
		must(t, d.Add(someItems(a.ID, 1+i%3)))
		must(t, d.Add(someItems(b.ID, 2)))
	}
	must(t, d.Commit())
	j := acquire(t, path)
	seen := map[int64]bool{}
	for _, op := range []plan.Operation{a, b} {
		n := 0
		for after := int64(0); ; {
			items, err := j.Planned(op.ID, after, 7)
			must(t, err)
			for _, it := range items {
				if it.Operation != op.ID || it.ID <= after || seen[it.ID] {
					t.Fatalf("item %d of operation %d after %d", it.ID, it.Operation, after)
				}
				seen[it.ID], after = true, it.ID
			}
			n += len(items)
			if len(items) < 7 {
				break
			}
		}
		if n != 60 {
			t.Errorf("%s has %d items, want 60", op.Address, n)
		}
	}
	items, err := j.Started(a.ID, 0, 7)
	must(t, err)
	if len(items) > 0 {
		t.Errorf("started: %v", items)
	}
}

// The settings on which durability hangs, as the connection itself has them.
func TestSettings(t *testing.T) {
	t.Parallel()
	j := acquire(t, planned(t, 1))
	for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "locking_mode": "normal", "wal_autocheckpoint": "0"} {
		if got, err := j.conn.pragma(name); err != nil || got != want {
			t.Errorf("%s is %q, want %q (%v)", name, got, want, err)
		}
	}
	must(t, checkVersion())
	for version, fine := range map[string]bool{"3.51.2": false, "3.51.3": true, "3.9.9": false, "3.53.0": true, "4.0.0": true, "x": false} {
		if err := newEnough(version); (err == nil) != fine {
			t.Errorf("SQLite %s: %v", version, err)
		}
	}
}

// A reader that looks through everything again and again never gets into an
// apply's way, and the log stays bounded.
func TestReaderBesideApply(t *testing.T) {
	t.Parallel()
	const n = 10_000
	path := planned(t, n)
	j := acquire(t, path)
	_, err := j.Begin(noon)
	must(t, err)
	f := open(t, path)
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			count := 0
			for _, err := range f.Items(Filter{}) {
				if err != nil {
					done <- err
					return
				}
				count++
			}
			if count != n {
				done <- errors.New("items are missing")
				return
			}
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
		}
	}()
	settle := func(from, to int64) (log int64) {
		t.Helper()
		for id := from; id <= to; id += 25 {
			var b Batch
			for i := range int64(25) {
				b.Changes = append(b.Changes, change(id+i, plan.Planned, plan.Started), change(id+i, plan.Started, plan.Succeeded))
			}
			must(t, j.Commit(b))
			fi, err := os.Stat(path + "-wal")
			must(t, err)
			log = max(log, fi.Size())
		}
		return log
	}
	if log := settle(1, n); log > 16<<20 {
		t.Errorf("the log took %d bytes", log)
	}
	close(stop)
	must(t, <-done)
	must(t, f.Close())
	must(t, j.Release())
	if got := integrity(t, path); got != "ok" {
		t.Error(got)
	}
}

// A page read when it is left while it is being looped over can be read again.
func TestItemsFilter(t *testing.T) {
	t.Parallel()
	const n = 20_000 // more than two windows
	path := planned(t, n)
	j := acquire(t, path)
	_, err := j.Begin(noon)
	must(t, err)
	must(t, j.Commit(Batch{Changes: []plan.Change{change(9, plan.Planned, plan.Failed), change(n, plan.Planned, plan.Started)}}))
	f := open(t, path)
	for name, test := range map[string]struct {
		filter Filter
		want   []int64
	}{
		"states": {Filter{States: []plan.State{plan.Started, plan.Failed}}, []int64{9, n}},
		"key":    {Filter{Key: "A-1042000003", Limit: 2}, []int64{4, 1004}},
		"after":  {Filter{After: n - 2}, []int64{n - 1, n}},
		"limit":  {Filter{After: 300, Limit: 2}, []int64{301, 302}},
		"none":   {Filter{Operation: 2}, nil},
		"end":    {Filter{After: n}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []int64
			for _, it := range collect(t, f, test.filter) {
				got = append(got, it.ID)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
		})
	}
	if all := collect(t, f, Filter{}); len(all) != n || all[n-1].ID != n {
		t.Errorf("%d items, want %d", len(all), n)
	}
}
