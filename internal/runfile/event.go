package runfile

import (
	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

// Events that mean something to the run file itself.
const (
	EventApplyStarted = "apply_started" // written by [Journal.Begin]

	// EventContinued acknowledges an operation's stop: its tally starts anew.
	// The event's detail begins with the operation's address.
	EventContinued = "continued"
)

func insertEvents(c *conn, events []plan.Event) error {
	for _, e := range events {
		if err := c.exec(`INSERT INTO events (at, kind, detail) VALUES (?, ?, ?)`, stamp(e.At), e.Kind, e.Detail); err != nil {
			return err
		}
	}
	return nil
}

func readEvents(c *conn) (all []plan.Event, err error) {
	err = c.query(`SELECT at, kind, detail FROM events ORDER BY id`, func(s *sqlite.Stmt) error {
		at, err := parseStamp(s.ColumnText(0))
		all = append(all, plan.Event{At: at, Kind: s.ColumnText(1), Detail: s.ColumnText(2)})
		return err
	})
	return all, c.wrap("read", err)
}
