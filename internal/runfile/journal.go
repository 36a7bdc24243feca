package runfile

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

// A Journal is the only writer of a run that is carried out. Its methods may
// be called from several goroutines; they wait for each other.
type Journal struct {
	path  string
	lock  *lock
	found version // the file when it was acquired

	mu      sync.Mutex
	conn    *conn
	scan    scanner
	run     uint32 // the checksum of what the plan wrote of the run
	epoch   int64
	ledgers []*ledger
	started map[int64]struct{} // items that this epoch started
	changed int64              // the last change's ID, which come after those of the items
	commits int
	looked  int     // pages that the log had when it was last moved into the file,
	moved   int     // and how many of them were
	walMax  int     // walPagesMax, and more when a reader was waited for in vain
	first   *binder // into progress
	moves   [shapes]*binder
	edge    *binder // into changes
	request *binder // into requests

	ballast string // the file's name; "" when there is none
	low     atomic.Pointer[error]

	// err is the first error from the file, after which every method returns
	// it. We don't repair a journal that we are in the middle of writing: a run
	// that can't remember must stop. A sync that failed once and then works
	// has lost what it should have written.
	err error
}

// LockFile is the lock, for provider processes to inherit: as long as one of
// them lives no other apply can begin.
func (j *Journal) LockFile() *os.File { return j.lock.file }

// Begin notes that an apply begins and returns its epoch, one more than that
// of the apply before.
func (j *Journal) Begin(at time.Time) (epoch int64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.layBallast(); err != nil {
		return 0, err
	}
	err = j.transaction(func() error {
		refused := false
		if err := j.conn.query(`SELECT state FROM run`, func(s *sqlite.Stmt) error {
			refused = s.ColumnText(0) == StateUnusable
			return nil
		}); err != nil {
			return err
		}
		if refused {
			return fmt.Errorf("run file %s: %w: it holds invalid items", j.path, ErrUnusable)
		}
		if err := j.setRun(StateRunning, j.epoch+1); err != nil {
			return err
		}
		return insertEvents(j.conn, []plan.Event{{At: at, Kind: EventApplyStarted, Detail: "epoch " + strconv.FormatInt(j.epoch+1, 10)}})
	})
	if err != nil {
		return 0, err
	}
	j.epoch++
	return j.epoch, nil
}

// SetState moves the run to a state, with the events that go with it.
func (j *Journal) SetState(state string, events ...plan.Event) error {
	if !knownState(state) {
		return fmt.Errorf("run file %s: no run is in state %q", j.path, state)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.write(Batch{Events: events}, func() error {
		return j.setRun(state, j.epoch)
	})
}

// setRun writes what applies change of the run.
func (j *Journal) setRun(state string, epoch int64) error {
	return j.conn.exec(`UPDATE run SET state = ?, epoch = ?, sum = ?`, state, epoch, sumRun(j.run, state, epoch))
}

// Run returns the run as it is in the file.
func (j *Journal) Run() (r Run, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err = j.read(func() (err error) {
		r, _, err = readRun(j.conn)
		return err
	})
	return r, err
}

// Events returns what happened to the run.
func (j *Journal) Events() (all []plan.Event, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err = j.read(func() (err error) {
		all, err = readEvents(j.conn)
		return err
	})
	return all, err
}

// Operations returns the operations in their order, with their counts.
func (j *Journal) Operations() ([]plan.Operation, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return nil, j.err
	}
	ops := make([]plan.Operation, len(j.ledgers))
	for i, l := range j.ledgers {
		ops[i] = l.clone().op
	}
	return ops, nil
}

// Tally returns what the operation's abort rule has to count from.
func (j *Journal) Tally(operation int64) (Tally, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return Tally{}, j.err
	}
	l := j.ledger(operation)
	if l == nil {
		return Tally{}, fmt.Errorf("run file %s: there is no operation %d", j.path, operation)
	}
	return l.tally, nil
}

func (j *Journal) ledger(operation int64) *ledger {
	for _, l := range j.ledgers {
		if l.op.ID == operation {
			return l
		}
	}
	return nil
}

// Release gives the run file back. All is moved out of the log into the one
// file, which any tool can then read and which can be copied by itself. It
// must be called also after an error.
func (j *Journal) Release() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.conn == nil {
		return nil
	}
	var err error
	if j.ballast != "" {
		os.Remove(j.ballast) // before the log is moved, which takes room
		j.ballast = ""
	}
	if j.err == nil {
		if _, err = j.conn.pragma("wal_checkpoint(TRUNCATE)"); err == nil {
			// A reader that is open just now keeps it from changing, which
			// costs nothing but a second file beside.
			j.conn.SetBusyTimeout(0)
			_, _ = j.conn.pragma("journal_mode = DELETE")
		}
		err = j.conn.wrap("checkpoint", err)
	}
	if e := j.conn.Close(); err == nil && j.err == nil {
		err = j.conn.wrap("close", e)
	}
	j.conn = nil
	if j.err == nil {
		j.err = fmt.Errorf("run file %s was released", j.path)
	}
	if e := j.lock.release(); err == nil {
		err = e
	}
	return err
}
