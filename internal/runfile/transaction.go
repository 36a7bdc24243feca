package runfile

import (
	"errors"
	"fmt"
	"time"
)

const (
	// walPages is how many pages the log takes (4 MB) before they are moved
	// into the file, and how many more where a reader keeps it from beginning
	// anew. With 16 MB an item costs 0.6 µs more: what is moved has then left
	// the processor's cache.
	walPages = 1000

	// walPagesMax is where we wait for readers rather than let the log grow
	// (48 MB), but no longer than walWait: our own hold a page of items at
	// most, and an apply isn't slowed down for a stranger who holds on to one.
	walPagesMax = 12_000
	walWait     = 50 * time.Millisecond

	// logBytesMax is to what the log's file is cut when it begins anew.
	logBytesMax = walPagesMax << 12

	// walEvery is how many transactions pass between two looks at the log.
	walEvery = 16
)

// transaction runs fn in one that waits for no lock in its middle, and makes
// every error but a refusal the last.
func (j *Journal) transaction(fn func() error) error {
	if j.err != nil {
		return j.err
	}
	err := j.plain(`BEGIN IMMEDIATE`)
	if err == nil {
		if err = j.fence(); err == nil {
			err = fn()
		}
		if err == nil {
			err = j.plain(`COMMIT`)
		}
		if err != nil && !j.conn.AutocommitEnabled() {
			if e := j.plain(`ROLLBACK`); e != nil {
				err = errors.Join(e, err)
				j.err = j.conn.wrap("commit", e)
				return j.err
			}
		}
	}
	if err == nil {
		err = j.checkpoint()
		if err == nil {
			return nil
		}
		// The batch itself is durable, but what follows it couldn't be.
		if err = j.conn.wrap("checkpoint", err); !j.dropBallast(err) {
			j.err = err
		}
		return nil
	}
	if errors.Is(err, ErrRefused) || errors.Is(err, ErrUnusable) {
		return err
	}
	if err = j.conn.wrap("commit", err); j.dropBallast(err) {
		return errRoomAgain
	}
	j.err = err
	return j.err
}

// errRoomAgain says that a transaction found the disk full, and that there is
// room for it now.
var errRoomAgain = errors.New("the ballast was given up")

func (j *Journal) plain(sql string) error {
	s, err := j.conn.Prepare(sql)
	if err != nil {
		return err
	}
	return step(s)
}

// fence refuses to write into a run that a later apply has taken over. The lock
// keeps that from happening on one machine; this costs a microsecond a batch
// and holds where a file system's locks don't.
func (j *Journal) fence() error {
	s, err := j.conn.Prepare(`SELECT epoch FROM run`)
	if err != nil {
		return err
	}
	if _, err := s.Step(); err != nil {
		return err
	}
	epoch := s.ColumnInt64(0)
	if err := s.Reset(); err != nil {
		return err
	}
	if epoch != j.epoch {
		return fmt.Errorf("%w: this is apply %d, and the file is at %d", ErrFenced, j.epoch, epoch)
	}
	return nil
}

// checkpoint moves the log into the file when it has become long. SQLite would
// do it by itself and tell nobody when it fails.
func (j *Journal) checkpoint() error {
	if j.commits++; j.commits%walEvery != 0 {
		return nil
	}
	_, pages, _, err := j.checkpointed("NOOP")
	if pages < j.looked {
		j.looked, j.moved = 0, 0 // it began anew
	}
	if err != nil || pages-j.looked < walPages {
		return err
	}
	before := j.moved
	_, pages, moved, err := j.checkpointed("PASSIVE") // leaves what a reader is still reading
	j.looked, j.moved = pages, moved
	if stranger := moved == before && moved < pages; err != nil || pages < walPagesMax || stranger && pages < j.walMax {
		return err
	}
	j.conn.SetBusyTimeout(walWait)
	defer j.conn.SetBusyTimeout(busyTimeout)
	busy, _, _, err := j.checkpointed("RESTART")
	if j.walMax = walPagesMax; busy {
		j.walMax += pages
	}
	return err
}

// checkpointed returns how many pages the log has, and how many of them are in
// the file.
func (j *Journal) checkpointed(mode string) (busy bool, pages, moved int, err error) {
	s, err := j.conn.Prepare("PRAGMA wal_checkpoint(" + mode + ")")
	if err != nil {
		return false, 0, 0, err
	}
	if _, err := s.Step(); err != nil {
		return false, 0, 0, err
	}
	busy, pages, moved = s.ColumnInt64(0) != 0, s.ColumnInt(1), s.ColumnInt(2)
	return busy, pages, moved, s.Reset()
}
