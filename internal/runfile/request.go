package runfile

import (
	"fmt"
	"iter"

	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

const requestColumns = `SELECT id, item, verb, sent_at, deadline, settled_at, outcome, code, message FROM requests `

// Requests returns the requests that were sent for an item, in order; those of
// item 0 are authentication.
func (f *File) Requests(item int64) ([]plan.Request, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all, err := requestsOf(f.conn, item)
	return all, f.conn.wrap("read", err)
}

// Requests is as [File.Requests], of what has been committed.
func (j *Journal) Requests(item int64) (all []plan.Request, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err = j.read(func() (err error) {
		all, err = requestsOf(j.conn, item)
		return err
	})
	return all, err
}

func requestsOf(c *conn, item int64) (all []plan.Request, err error) {
	err = c.query(requestColumns+`WHERE id > ? AND id < ? ORDER BY id`, func(s *sqlite.Stmt) error {
		r, err := scanRequest(s)
		all = append(all, r)
		return err
	}, item*perItem, (item+1)*perItem)
	return all, err
}

// RequestLog returns all requests, item by item.
func (f *File) RequestLog() iter.Seq2[plan.Request, error] {
	return func(yield func(plan.Request, error) bool) {
		page := make([]plan.Request, 0, pageItems)
		for after := int64(-1); ; {
			page = page[:0]
			f.mu.Lock()
			err := f.conn.query(requestColumns+`WHERE id > ? ORDER BY id LIMIT +?`, func(s *sqlite.Stmt) error {
				r, err := scanRequest(s)
				after = s.ColumnInt64(0)
				page = append(page, r)
				return err
			}, after, pageItems)
			err = f.conn.wrap("read", err)
			f.mu.Unlock()
			if err != nil {
				yield(plan.Request{}, err)
				return
			}
			for _, r := range page {
				if !yield(r, nil) {
					return
				}
			}
			if len(page) < pageItems {
				return
			}
		}
	}
}

func scanRequest(s *sqlite.Stmt) (r plan.Request, err error) {
	r.Item = s.ColumnInt64(1)
	r.Verb = s.ColumnText(2)
	if r.SentAt, err = parseStamp(s.ColumnText(3)); err != nil {
		return r, err
	}
	if r.Deadline, err = parseStamp(s.ColumnText(4)); err != nil {
		return r, err
	}
	if r.SettledAt, err = parseStamp(s.ColumnText(5)); err != nil {
		return r, err
	}
	r.Outcome = s.ColumnText(6)
	r.Code = s.ColumnText(7)
	r.Message = s.ColumnText(8)
	return r, nil
}

// insertRequest gives a request the next number of its item. Most have only
// one, so 1 is tried before the greatest so far is looked up.
func (j *Journal) insertRequest(r *plan.Request) error {
	first := r.Item * perItem
	s := j.request
	s.BindInt64(1, first+1)
	s.BindInt64(2, r.Item)
	s.BindInt64(3, 1)
	s.text(4, r.Verb)
	s.some(5, stamp(r.SentAt))
	s.some(6, stampUp(r.Deadline))
	s.some(7, stamp(r.SettledAt))
	s.text(8, r.Outcome)
	s.some(9, r.Code)
	s.some(10, r.Message)
	if err := s.step(); err != nil || j.conn.Changes() == 1 {
		return err
	}
	n := int64(0)
	if err := j.conn.query(`SELECT max(id) FROM requests WHERE id < ?`, func(greatest *sqlite.Stmt) error {
		n = greatest.ColumnInt64(0) - first + 1
		return nil
	}, first+perItem); err != nil {
		return err
	}
	if n >= perItem {
		return fmt.Errorf("%w: item %d has had %d requests, and more can't be kept", ErrRefused, r.Item, perItem-1)
	}
	s.BindInt64(1, first+n)
	s.BindInt64(3, n)
	if err := s.step(); err != nil {
		return err
	}
	if j.conn.Changes() != 1 {
		return fmt.Errorf("%w: request %d of item %d can't be kept", ErrCorrupt, n, r.Item)
	}
	return nil
}
