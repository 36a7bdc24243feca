package runfile

import (
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

// Events that mean something to the run file itself.
const (
	EventApplyStarted = "apply_started" // written by [Journal.Begin]

	// EventContinued acknowledges an operation's stop: its tally starts anew.
	// The event's detail begins with the operation's address.
	EventContinued = "continued"

	// A run that workers carry out was handed over to them, of which the detail
	// says the address and the workflow; which was begun, and before that none
	// of its chunks was there; what became of each of them was received, the
	// detail being its workflow; until all of it has returned.
	EventHandedOver = "handed_over"
	EventBegun      = "begun"
	EventReceived   = "received"
	EventReturned   = "returned"
)

// Away tells whether a run is with workers, by the events of its file: at which
// address, and the number of its present or its next handing over, from 1.
func Away(events []plan.Event) (address string, away bool, number int) {
	number = 1
	for _, e := range events {
		switch e.Kind {
		case EventHandedOver:
			address, _, _ = strings.Cut(e.Detail, " ")
			away = true
		case EventReturned:
			away = false
			number++
		}
	}
	return address, away, number
}

func insertEvents(c *conn, events []plan.Event) error {
	for _, e := range events {
		at := stamp(e.At)
		if err := c.exec(`INSERT INTO events (at, kind, detail, sum) VALUES (?, ?, ?, ?)`, at, e.Kind, e.Detail, int64(sumTexts(0, at, e.Kind, e.Detail))); err != nil {
			return err
		}
	}
	return nil
}

func readEvents(c *conn) (all []plan.Event, err error) {
	err = c.query(`SELECT at, kind, detail, sum, id FROM events ORDER BY id`, func(s *sqlite.Stmt) error {
		n := int64(len(all)) + 1 // none is ever removed
		if _, whole := sumRow(s, 0, 3); !whole || s.ColumnInt64(4) != n {
			return changed("events", n)
		}
		at, err := parseStamp(s.ColumnText(0))
		all = append(all, plan.Event{At: at, Kind: s.ColumnText(1), Detail: s.ColumnText(2)})
		return err
	})
	return all, c.wrap("read", err)
}
