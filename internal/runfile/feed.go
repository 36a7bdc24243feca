package runfile

import (
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

// read runs fn unless the journal has failed. What it can't read is as bad as
// what it can't write.
func (j *Journal) read(fn func() error) error {
	if j.err != nil {
		return j.err
	}
	if err := fn(); err != nil {
		j.err = j.conn.wrap("read", err)
	}
	return j.err
}

// Planned returns up to limit planned items of an operation with IDs above
// after, in order; fewer where they are large, and none only where there are
// none.
func (j *Journal) Planned(operation, after int64, limit int) ([]plan.Item, error) {
	return j.inState(plan.Planned, operation, after, limit)
}

// Started returns what an apply left started: a request of each may be on its
// way.
func (j *Journal) Started(operation, after int64, limit int) ([]plan.Item, error) {
	return j.inState(plan.Started, operation, after, limit)
}

// InDoubt returns items in doubt.
func (j *Journal) InDoubt(operation, after int64, limit int) ([]plan.Item, error) {
	return j.inState(plan.InDoubt, operation, after, limit)
}

// An item that no apply has changed is in plan alone. In a state that only an apply
// can have put it into, it has a row in progress.
var (
	inPlanned = items + `WHERE p.id >= ?1 AND p.id <= ?2 AND (p.state = ?3 OR ` + noState("p.state") + `)
		AND (g.id IS NULL OR g.state = ?3 OR ` + noState("g.state") + `) ORDER BY p.id LIMIT +?4`
	inOther = begun + `WHERE g.id >= ?1 AND g.id <= ?2 AND (g.state = ?3 OR ` + noState("g.state") + `) ORDER BY g.id LIMIT +?4`
)

// inState scans the operation's items in order, and not at all when the counts
// say that none is in the state.
func (j *Journal) inState(state plan.State, operation, after int64, limit int) (page []plan.Item, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err = j.read(func() error {
		l := j.ledger(operation)
		if l == nil {
			return fmt.Errorf("there is no operation %d", operation)
		}
		// Never look for more than there are: the scan ends with the last.
		if n := l.op.Counts[state]; n < int64(limit) {
			limit = int(n)
		}
		if limit <= 0 {
			return nil
		}
		query := inOther
		if state == plan.Planned {
			query = inPlanned
		}
		bytes := 0
		return l.within(after, func(first, last int64) (bool, error) {
			err := j.conn.query(query, func(s *sqlite.Stmt) error {
				it, err := j.scan.item(s)
				if err == nil && (it.Operation != operation || it.State != state) {
					err = fmt.Errorf("%w: item %d is of another operation or state", ErrCorrupt, it.ID)
				}
				page = append(page, it)
				if bytes += weight(&it); err == nil && bytes >= pageBytes {
					err = errEnough
				}
				return err
			}, first, last, state.String(), limit-len(page))
			if errors.Is(err, errEnough) {
				return false, nil
			}
			return len(page) < limit, err
		})
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}
