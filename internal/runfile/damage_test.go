package runfile

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

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
			if _, err := Acquire(path); !errors.Is(err, ErrCorrupt) {
				t.Errorf("Acquire with a flip in %s: %v", part, err)
			}
			must(t, os.Truncate(path, checkBelow)) // too large to be checked whole
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

// aLife is a run file with items in every state that progress can be in.
func aLife(t testing.TB) string {
	t.Helper()
	path := planned(t, 9)
	j := acquire(t, path)
	_, err := j.Begin(noon)
	must(t, err)
	for id := int64(1); id <= 8; id++ {
		c := change(id, plan.Planned, plan.Started)
		c.Deadline = noon.Add(time.Minute)
		must(t, j.Commit(Batch{Changes: []plan.Change{c}}))
	}
	settle := func(id int64, to plan.State, with func(*plan.Change)) {
		c := change(id, plan.Started, to)
		with(&c)
		must(t, j.Commit(Batch{Changes: []plan.Change{c}}))
	}
	settle(2, plan.Succeeded, func(c *plan.Change) { c.Result = json.RawMessage(`{"reference":"88213"}`) })
	settle(3, plan.Succeeded, func(c *plan.Change) {
		c.Live, c.Result = json.RawMessage(`{"state":"PENDIENTE"}`), json.RawMessage(`{"reference":"88214"}`)
	})
	settle(4, plan.Failed, func(c *plan.Change) { c.Reason, c.Attempts = "refused: 0409", 300 })
	settle(5, plan.InDoubt, func(c *plan.Change) { c.Reason = "connection lost" })
	settle(6, plan.Planned, func(c *plan.Change) { c.Attempts, c.NotBefore = 1, noon.Add(time.Second) })
	settle(7, plan.Incident, func(c *plan.Change) { c.Result = json.RawMessage(`{"state":"EXTORNADO"}`) })
	must(t, j.SetState(StateInterrupted, plan.Event{At: noon, Kind: "finished", Detail: "the apply ended: interrupted"}))
	must(t, j.Release())
	return path
}

// rowBytes are the bytes of a table's rows in a file, but for those that SQLite
// never reads: what stands in a row for its ID, which is its place. The table
// must fit a page.
func rowBytes(t testing.TB, path, table string) (rows [][]int) {
	t.Helper()
	root := int64(0)
	f := open(t, path)
	must(t, f.conn.query(`SELECT rootpage FROM sqlite_schema WHERE name = ?`, func(s *sqlite.Stmt) error {
		root = s.ColumnInt64(0)
		return nil
	}, table))
	must(t, f.Close())
	b, err := os.ReadFile(path)
	must(t, err)
	first := int(root-1) * 4096
	page := b[first : first+4096]
	if page[0] != 13 {
		t.Fatalf("%s fills more than a page", table)
	}
	for n := range int(binary.BigEndian.Uint16(page[3:])) {
		from := int(binary.BigEndian.Uint16(page[8+2*n:]))
		payload, used := 0, 1
		for ; ; used++ {
			payload = payload<<7 | int(page[from+used-1]&0x7f)
			if page[from+used-1] < 0x80 {
				break
			}
		}
		// After the length come the ID, the length of the row's head, and the
		// head, of which each takes one byte here.
		id, head := from+used, from+used+1
		unread := head + 1
		if table == "run" {
			unread = id
		}
		var places []int
		for at := from; at < head+payload; at++ {
			if at != unread {
				places = append(places, first+at)
			}
		}
		rows = append(rows, places)
	}
	return rows
}

// B6: a flip in any byte of what was recorded of an item, of an operation, of
// the run or of an event is found by whoever reads it and by an apply, before
// there is anything to send.
func TestB6EveryByteOfARow(t *testing.T) {
	t.Parallel()
	path := aLife(t)
	whole, err := os.ReadFile(path)
	must(t, err)
	must(t, use(path)) // it is sound
	flips, missed := 0, 0
	for _, table := range []string{"progress", "plan", "operations", "run", "events"} {
		must(t, os.WriteFile(path, whole, 0o600))
		rows := rowBytes(t, path, table)
		if len(rows) == 0 {
			t.Fatalf("%s is empty", table)
		}
		if table != "progress" && !everyBit {
			rows = rows[:1]
		}
		for row, places := range rows {
			for i, at := range places {
				if table != "progress" && !everyBit && i%3 > 0 {
					continue
				}
				masks := []byte{1 << (at % 8)}
				if everyBit {
					masks = []byte{1, 2, 4, 8, 16, 32, 64, 128, 255}
				}
				for _, mask := range masks {
					flips++
					b := bytes.Clone(whole)
					b[at] ^= mask
					must(t, os.WriteFile(path, b, 0o600))
					err := look(path)
					j, err2 := Acquire(path)
					if err2 == nil {
						_, err2 = j.Events()
						j.Release()
					}
					if err == nil || err2 == nil {
						missed++
						t.Errorf("row %d of %s, byte %d from its first, %08b: a reader says %v, an apply %v", row+1, table, at-places[0], mask, err, err2)
					}
				}
			}
		}
	}
	t.Logf("%d flips, %d missed", flips, missed)
	if flips < 1000 {
		t.Error("too few for this to mean anything")
	}
}

// B6: no flip of a byte has an item that an apply changed look as if none had. A
// large file's pages aren't all checked when it is taken up, and rows are looked
// up by way of pages in which nothing of them stands but their numbers.
func TestB6BegunIsFound(t *testing.T) {
	t.Parallel()
	const items, begun = 1600, 1500 // of these every third
	path := planned(t, items)
	j := acquire(t, path)
	_, err := j.Begin(noon)
	must(t, err)
	for id := int64(3); id <= begun; id += 3 {
		carryOut(t, j, id, id+1)
	}
	must(t, j.Release())
	whole, err := os.ReadFile(path)
	must(t, err)

	f := open(t, path)
	root := int64(0)
	must(t, f.conn.query(`SELECT rootpage FROM sqlite_schema WHERE name = 'progress'`, func(s *sqlite.Stmt) error {
		root = s.ColumnInt64(0)
		return nil
	}))
	must(t, f.Close())
	page := func(n int64) []byte { return whole[(n-1)*4096:][:4096] }
	if page(root)[0] != 5 {
		t.Fatalf("the tree of progress has a root of kind %d: more items are wanted", page(root)[0])
	}
	leaf := int64(binary.BigEndian.Uint32(page(root)[binary.BigEndian.Uint16(page(root)[12:]):]))
	places := map[int64]bool{}
	for _, n := range []int64{root, leaf} {
		p := page(n)
		head := 8
		if p[0] == 5 {
			head = 12
		}
		cells := int(binary.BigEndian.Uint16(p[3:]))
		for at := range head + 2*cells {
			places[(n-1)*4096+int64(at)] = true
		}
		for c := range cells {
			cell := int64(binary.BigEndian.Uint16(p[head+2*c:]))
			for at := range int64(8) {
				places[(n-1)*4096+cell+at] = true
			}
		}
	}

	// An item that an apply would send again, of a file that is too large to be
	// checked whole.
	again := func() (item int64, err error) {
		j := &Journal{path: path, started: map[int64]struct{}{}, walMax: walPagesMax}
		defer func() {
			if j.conn != nil {
				j.conn.Close()
			}
		}()
		if err := j.open(checkBelow); err != nil {
			return 0, err
		}
		for after := int64(0); after < begun; after += 50 {
			page, err := j.Planned(1, after, 50)
			if err != nil {
				return 0, err
			}
			for _, it := range page {
				if it.ID <= begun && it.ID%3 == 0 {
					return it.ID, nil
				}
			}
		}
		return 0, nil
	}
	if item, err := again(); err != nil || item != 0 {
		t.Fatalf("the whole file: item %d, %v", item, err)
	}
	out, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	defer out.Close()
	found := 0
	for at := range places {
		masks := []byte{1 << (at % 8)}
		if everyBit {
			masks = []byte{1, 2, 4, 8, 16, 32, 64, 128, 255}
		}
		for _, mask := range masks {
			_, err := out.WriteAt([]byte{whole[at] ^ mask}, at)
			must(t, err)
			item, err := again()
			if err != nil {
				found++
			} else if item != 0 {
				t.Errorf("byte %d of page %d, %08b: item %d would be sent again", at%4096, at/4096+1, mask, item)
			}
			_, err = out.WriteAt(whole[at:at+1], at)
			must(t, err)
		}
	}
	t.Logf("%d bytes, %d found", len(places), found)
	if found < len(places)/2 {
		t.Error("too few are found for this to mean anything")
	}
}

// look does with a file what show would.
func look(path string) error {
	f, err := Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Events(); err != nil {
		return err
	}
	for _, err := range f.Items(Filter{}) {
		if err != nil {
			return err
		}
	}
	return nil
}
