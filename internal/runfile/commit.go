package runfile

import (
	"errors"
	"fmt"

	"github.com/bulkrunner/runner/internal/plan"
)

// Commit makes a batch durable: when it returns nil, all of it is on the disk,
// and otherwise nothing of it may be relied on. Changes are made in order, so
// one batch may take an item along several edges.
//
// An error that is [ErrRefused] is a mistake of the caller's, of which nothing
// was written. Every other error is the last: the journal returns it from then
// on.
func (j *Journal) Commit(b Batch) error {
	if len(b.Known) == 0 && len(b.Changes) == 0 && len(b.Requests) == 0 && len(b.Events) == 0 {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.write(b, func() error { return nil })
}

// write makes a batch and what also tells durable together. What is counted in
// memory changes only when it is.
func (j *Journal) write(b Batch, also func() error) error {
	err := j.writeOnce(b, also)
	if errors.Is(err, errRoomAgain) {
		err = j.writeOnce(b, also)
	}
	return err
}

func (j *Journal) writeOnce(b Batch, also func() error) error {
	touched := map[*ledger]*ledger{}
	err := j.transaction(func() error {
		for _, e := range b.Events {
			for _, l := range j.ledgers {
				if l.continues(e) {
					j.touch(touched, l).tally = Tally{}
				}
			}
		}
		if err := insertEvents(j.conn, b.Events); err != nil {
			return err
		}
		for i := range b.Known {
			if err := j.know(&b.Known[i]); err != nil {
				return err
			}
		}
		if err := j.changes(b.Changes, touched); err != nil {
			return err
		}
		if err := j.requests(b.Requests); err != nil {
			return err
		}
		for _, l := range touched {
			if !l.sound() {
				return fmt.Errorf("%w: the counts of %s don't add up", ErrCorrupt, l.op.Address)
			}
			if err := l.store(j.conn); err != nil {
				return err
			}
		}
		return also()
	})
	if err != nil {
		return err
	}
	for l, changed := range touched {
		*l = *changed
	}
	for i := range b.Changes {
		switch c := &b.Changes[i]; {
		case c.To == plan.Started:
			j.started[c.Item] = struct{}{}
		case c.From == plan.Started:
			delete(j.started, c.Item)
		}
	}
	return nil
}

func (j *Journal) touch(touched map[*ledger]*ledger, l *ledger) *ledger {
	c := touched[l]
	if c == nil {
		c = l.clone()
		touched[l] = c
	}
	return c
}

func (j *Journal) changes(changes []plan.Change, touched map[*ledger]*ledger) error {
	if len(changes) == 0 {
		return nil
	}
	if j.epoch == 0 {
		return fmt.Errorf("%w: no apply has begun", ErrRefused)
	}
	if j.edge == nil {
		var err error
		if j.edge, err = newBinder(j.conn, `INSERT INTO changes (item, at, "from", "to", reason, epoch, id) VALUES (?, ?, ?, ?, ?, ?, ?)`); err != nil {
			return err
		}
	}
	edge := j.edge
	edge.BindInt64(6, j.epoch)
	now := map[int64]bool{} // started within this batch
	var l *ledger
	for i := range changes {
		c := &changes[i]
		if !c.From.CanBecome(c.To) {
			return fmt.Errorf("%w: item %d can't go from %s to %s", ErrRefused, c.Item, c.From, c.To)
		}
		at := stamp(c.At)
		first, err := j.move(c, at)
		if err != nil {
			return err
		}
		edge.BindInt64(1, c.Item)
		edge.text(2, at)
		edge.text(3, c.From.String())
		edge.text(4, c.To.String())
		edge.some(5, c.Reason)
		j.changed++
		edge.BindInt64(7, j.changed)
		if err := edge.step(); err != nil {
			return err
		}

		if l == nil || !l.has(c.Item) {
			if l = j.ledgerOf(c.Item); l == nil {
				return fmt.Errorf("%w: item %d is of no operation", ErrCorrupt, c.Item)
			}
		}
		t := j.touch(touched, l)
		if first {
			t.begun.enter(c.Item)
		}
		t.op.Counts[c.From]--
		t.op.Counts[c.To]++
		if c.To == plan.Started {
			now[c.Item] = true
		}
		if _, ours := j.started[c.Item]; c.From != plan.Started || ours || now[c.Item] {
			t.tally.Count(c.From, c.To)
		}
	}
	return nil
}

func (j *Journal) ledgerOf(item int64) *ledger {
	for _, l := range j.ledgers {
		if l.has(item) {
			return l
		}
	}
	return nil
}

func (j *Journal) requests(requests []plan.Request) error {
	if len(requests) == 0 {
		return nil
	}
	if j.request == nil {
		var err error
		if j.request, err = newBinder(j.conn, `INSERT OR IGNORE INTO requests (id, item, n, verb, sent_at, deadline, settled_at, outcome, code, message)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`); err != nil {
			return err
		}
	}
	for i := range requests {
		if r := &requests[i]; r.Item != 0 && j.ledgerOf(r.Item) == nil {
			return fmt.Errorf("%w: a request is for item %d, which isn't in the run", ErrRefused, r.Item)
		}
		if err := j.insertRequest(&requests[i]); err != nil {
			return err
		}
	}
	return nil
}
