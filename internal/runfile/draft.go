package runfile

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

// A Draft is a run file in the making, beside the place where it shall be. Not
// before [Draft.Commit] is there anything at that place; until then the draft
// is worth nothing and is written without any care for a crash.
type Draft struct {
	target, temp string
	conn         *conn
	run          *Run
	ops          []*ledger
	last         int64 // the greatest item ID
	plan         inserter
	sums         summer
	groups       *gathering
	err          error // the first error, after which there is nothing but Discard
}

// Create starts a draft of the run file at path. It refuses, now and again at
// Commit, to replace anything but a plan that was never applied.
func Create(path string) (*Draft, error) {
	if err := replaceable(path); err != nil {
		return nil, err
	}
	dir, name := filepath.Split(path)
	d := &Draft{target: path, temp: filepath.Join(dir, "."+name+"."+rand.Text()[:10]+".tmp")}
	if err := createExclusive(d.temp); err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err // the path is one of our own making
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s is to be in a folder that doesn't exist: make the folder first, or name another file", path)
		}
		return nil, fmt.Errorf("create %s: %w", path, err)
	}
	var err error
	if d.conn, err = connect(d.temp, sqlite.OpenReadWrite); err != nil {
		os.Remove(d.temp)
		return nil, err
	}
	d.conn.path = path
	for _, p := range []string{
		"journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -16000",
		fmt.Sprintf("application_id = %d", applicationID), fmt.Sprintf("user_version = %d", Format),
	} {
		if _, err = d.conn.pragma(p); err != nil {
			break
		}
	}
	if err == nil {
		err = d.start()
	}
	if err != nil {
		err = d.conn.wrap("create", err)
		d.Discard()
		return nil, err
	}
	return d, nil
}

func (d *Draft) start() (err error) {
	if err := d.conn.exec("BEGIN EXCLUSIVE"); err != nil {
		return err
	}
	if err := d.conn.script(schema); err != nil {
		return err
	}
	d.groups = newGathering()
	d.plan, err = newInserter(d.conn)
	return err
}

// SetRun says what the run is. It may be called again until Commit, to tell
// what becomes known late: digest, lists, state.
func (d *Draft) SetRun(r Run) error {
	if d.err != nil {
		return d.err
	}
	if r.State != StatePlanned && r.State != StateUnusable {
		return fmt.Errorf("draft run file %s: a plan can't be in state %q", d.target, r.State)
	}
	if r.Epoch != 0 || r.ID == "" {
		return fmt.Errorf("draft run file %s: a plan has an ID and no epoch", d.target)
	}
	d.run = &r
	return nil
}

// AddOperation adds an operation and sets its ID.
func (d *Draft) AddOperation(op *plan.Operation) error {
	if d.err != nil {
		return d.err
	}
	op.ID = int64(len(d.ops)) + 1
	kept := *op
	kept.Counts = plan.Counts{}
	d.ops = append(d.ops, &ledger{op: kept})
	return nil
}

// SetOperation replaces what AddOperation was told, for what is known only
// when its list was read. The counts are those of the items, whatever it says.
func (d *Draft) SetOperation(op plan.Operation) error {
	if d.err != nil {
		return d.err
	}
	l := d.ledger(op.ID)
	if l == nil {
		return fmt.Errorf("draft run file %s: there is no operation %d", d.target, op.ID)
	}
	op.Counts = l.op.Counts
	l.op = op
	return nil
}

func (d *Draft) ledger(operation int64) *ledger {
	if operation < 1 || operation > int64(len(d.ops)) {
		return nil
	}
	return d.ops[operation-1]
}

// AddEvents records events of the plan.
func (d *Draft) AddEvents(events ...plan.Event) error {
	if d.err != nil {
		return d.err
	}
	return d.fail("draft", insertEvents(d.conn, events))
}

// fail keeps the first error.
func (d *Draft) fail(op string, err error) error {
	if err != nil {
		d.err = d.conn.wrap(op, err)
	}
	return d.err
}

// Discard throws the draft away. After Commit it does nothing, so that it can
// be deferred.
func (d *Draft) Discard() {
	if d.conn != nil {
		d.conn.Close()
		d.conn = nil
	}
	if d.temp != "" {
		os.Remove(d.temp)
		d.temp = ""
	}
	if d.err == nil {
		d.err = errors.New("the draft is gone")
	}
}

// Commit makes the draft the run file: whole and on the disk, or not at all.
func (d *Draft) Commit() error {
	if d.err != nil {
		return d.err
	}
	defer d.Discard()
	if d.run == nil {
		return fmt.Errorf("draft run file %s: nobody said which run it is", d.target)
	}
	if err := d.finish(); err != nil {
		return d.conn.wrap("write", err)
	}
	err := d.conn.Close()
	d.conn = nil
	if err != nil {
		return &DiskError{Path: d.target, Op: "write", Err: err}
	}
	if err := place(d.temp, d.target); err != nil {
		return err
	}
	d.temp = ""
	return nil
}

// finish writes what is known only now, and has SQLite sync the whole file:
// its last transaction does so, and we need no descriptor of our own.
func (d *Draft) finish() error {
	for _, l := range d.ops {
		settings, err := json.Marshal(l.op.Settings)
		if err != nil {
			return err
		}
		counts, err := json.Marshal(l.op.Counts)
		if err != nil {
			return err
		}
		ranges, err := json.Marshal(append([]idRange{}, l.ranges...))
		if err != nil {
			return err
		}
		args := []any{l.op.ID, l.op.Address, l.op.Provider, l.op.Type, l.op.List, l.op.Rows, l.op.Matching,
			string(ranges), string(settings), string(counts), 0, 0, 0, 0, 0}
		sum := uint32(0)
		for _, v := range args {
			sum = sumTexts(sum, fmt.Sprint(v))
		}
		if err := d.conn.exec(`INSERT INTO operations (id, address, provider, type, list, rows, matching, ranges, settings,
			counts, settled, failures, consecutive, begun, begun_ids, sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, append(args, int64(sum))...); err != nil {
			return err
		}
	}
	if err := d.conn.exec("COMMIT"); err != nil {
		return err
	}
	if _, err := d.conn.pragma("synchronous = FULL"); err != nil {
		return err
	}
	return insertRun(d.conn, d.run)
}
