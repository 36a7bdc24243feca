package fleet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// A sheet is where the items of one chunk stand.
type sheet struct {
	items    []plan.Item // in the order of their IDs
	requests map[int64][]plan.Request
	tally    runfile.Tally
	reset    bool  // an item succeeded since the tally was set
	settled  int64 // items that were settled since
	bytes    int   // of results and live states
}

func newSheet(items []item) *sheet {
	s := &sheet{requests: make(map[int64][]plan.Request)}
	for _, it := range items {
		s.items = append(s.items, it.Item)
		if len(it.Requests) > 0 {
			s.requests[it.ID] = it.Requests
		}
	}
	return s
}

// from is the place of the first item after an ID.
func (s *sheet) from(after int64) int {
	return sort.Search(len(s.items), func(i int) bool { return s.items[i].ID > after })
}

func (s *sheet) item(id int64) *plan.Item {
	if i := s.from(id - 1); i < len(s.items) && s.items[i].ID == id {
		return &s.items[i]
	}
	return nil
}

// in lists items in a state.
func (s *sheet) in(state plan.State, after int64, limit int) (page []plan.Item) {
	for i := s.from(after); i < len(s.items) && len(page) < limit; i++ {
		if s.items[i].State == state {
			page = append(page, s.items[i])
		}
	}
	return page
}

// left is how many items are still to be carried out, and of a chunk that was
// held also to be settled.
func (s *sheet) left(held bool) (n int) {
	for i := range s.items {
		if st := s.items[i].State; st == plan.Planned || st == plan.Started || held && st == plan.InDoubt {
			n++
		}
	}
	return n
}

// play makes the changes of a batch, as the run file does.
func (s *sheet) play(b runfile.Batch) error {
	for i := range b.Changes {
		c := &b.Changes[i]
		it := s.item(c.Item)
		if it == nil || it.State != c.From || !c.From.CanBecome(c.To) {
			return fmt.Errorf("%w: item %d can't go from %s to %s", runfile.ErrRefused, c.Item, c.From, c.To)
		}
		it.State, it.Reason, it.UpdatedAt = c.To, c.Reason, c.At
		if c.Attempts >= 0 {
			it.Attempts = c.Attempts
		}
		if !c.Deadline.IsZero() {
			it.Deadline = c.Deadline
		}
		it.NotBefore = c.NotBefore
		if c.Live != nil {
			it.Live = c.Live
		}
		if c.Result != nil {
			it.Result = c.Result
		}
		s.bytes += len(c.Live) + len(c.Result) + len(c.Reason)
		s.tally.Count(c.From, c.To)
		s.reset = s.reset || c.To == plan.Succeeded
		if c.To.Final() || c.To == plan.InDoubt {
			s.settled++
		}
	}
	for _, r := range b.Requests {
		s.requests[r.Item] = append(s.requests[r.Item], r)
		s.bytes += len(r.Message)
	}
	return nil
}

// rebase turns deadlines that another machine's clock has told into ones of
// ours, by how long they lay ahead when they were told.
func (s *sheet) rebase(now time.Time) {
	for i := range s.items {
		if it := &s.items[i]; it.State == plan.InDoubt {
			it.Deadline = now.Add(max(0, it.Deadline.Sub(it.UpdatedAt)))
		}
	}
}

// clip bounds what one answer may add to a journal that travels in messages of
// bounded size. What an API says of an item, beyond what its operation keeps,
// is for people alone.
func clip(b runfile.Batch) {
	for i := range b.Changes {
		c := &b.Changes[i]
		c.Live = clipped(c.Live)
		c.Result = clipped(c.Result)
	}
}

const (
	mostOfAnAnswer = 32 << 10
	leftOut        = `{"left_out":"`
)

func clipped(object json.RawMessage) json.RawMessage {
	if len(object) <= mostOfAnAnswer {
		return object
	}
	return json.RawMessage(fmt.Sprintf(leftOut+`%d bytes, more than travels back from a worker"}`, len(object)))
}

// isClipped tells whether an item's answers are not what the API said.
func isClipped(it *plan.Item) bool {
	return bytes.HasPrefix(it.Live, []byte(leftOut)) || bytes.HasPrefix(it.Result, []byte(leftOut))
}
