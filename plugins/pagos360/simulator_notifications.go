package main

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/bulkrunner/runner/sdk/simulator"
)

// events are the states that the documented list of events has, by what they
// are of. There is waived too, of which nobody says what it means.
var events = map[bool][]string{
	true:  {canceled, paid, refunded, rejected, reverted},
	false: {signed, canceled},
}

// notify tells of a thing's new state. A webhook isn't signed. The lock is held.
func (s *simulation) notify(t *thing, f *simulator.Fate, now time.Time) {
	if simulator.NotifyURL.In(f) == "" || notifyEvents.In(f) == eventsKnown && !slices.Contains(events[t.debit()], t.state) {
		return
	}
	body, _ := json.Marshal(map[string]any{ // of our own types
		"entity_name": t.resource.root, "type": spelled(t.state, f), "entity_id": json.Number(t.id), "created_at": moment(now),
		"payload": t.members(f.Still(), t.state),
	})
	s.Notify(simulator.Notification{Thing: t.resource.root + ":" + t.id, Body: body})
}
