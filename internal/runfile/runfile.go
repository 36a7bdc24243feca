// Package runfile is the run file: one SQLite database that holds one run from
// plan to audit, and the only SQL in the house. docs/run-file.md documents
// every column; the format is public.
//
// [Create] starts a [Draft], which the planner fills and which becomes a run
// file whole or not at all. [Open] reads one, also beside a running apply.
// [Acquire] takes one for an apply: the [Journal] is its only writer.
//
// Nothing else in the process may open the database's file: closing any
// descriptor of it drops SQLite's lock (POSIX locks belong to the process).
package runfile

import (
	"encoding/json"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

// Format is the version of the file format, kept in user_version.
const Format = 1

// A Run is the one row of the run table.
type Run struct {
	ID            string // random, made by plan
	CreatedAt     time.Time
	RunnerVersion string
	Digest        string          // "sha256:…"
	DigestLocal   bool            // the digest holds for this file only, since secret values entered it without a user's key
	State         string          // planned, unusable, running, interrupted, stopped, failed or finished
	Paths         []string        // the operation files and folders, as the user gave them
	Config        json.RawMessage // sources as read: [{"name","bytes"}]
	Variables     json.RawMessage // {"name": value}; sensitive ones withheld
	Withheld      []string        // names of the sensitive variables
	Secrets       Secrets         // how its items' secret arguments are kept
	Providers     []Provider
	Lists         []List
	Epoch         int64 // how many applies there have been
	Rehearsal     bool
}

// Secrets say how the secret arguments of a run's items are kept. Its zero
// value is that of a run that has none.
type Secrets struct {
	Fingerprint string `json:"fingerprint,omitempty"` // names the key of the items' fingerprints
	Sealed      string `json:"sealed,omitempty"`      // the key that opens them, encrypted to the recipients with age
}

// States of a run.
const (
	StatePlanned     = "planned"
	StateUnusable    = "unusable" // can be looked at and never applied: rows are invalid
	StateRunning     = "running"
	StateInterrupted = "interrupted" // by a person
	StateStopped     = "stopped"     // by a rule: abort, canary, guard or incident
	StateFailed      = "failed"      // by something fatal
	StateUnsettled   = "unsettled"   // nothing is left to send, and items are in doubt
	StateFinished    = "finished"
)

// A Provider is one instance of a provider as the plan found it.
type Provider struct {
	Address     string  `json:"address"`
	Name        string  `json:"name"`
	Version     string  `json:"version"`
	Checksum    string  `json:"checksum"` // "sha256:…" of the program
	Account     string  `json:"account,omitempty"`
	Environment string  `json:"environment"`
	Fingerprint string  `json:"fingerprint,omitempty"`
	Rate        float64 `json:"requests_per_second"`
	Burst       int     `json:"burst"`
	MaxInFlight int     `json:"max_in_flight"`
}

// A List is one list as the plan read it.
type List struct {
	Address string `json:"address"`
	Source  string `json:"source,omitempty"`
	Digest  string `json:"digest"`
	Rows    int64  `json:"rows"`
	Reading string `json:"reading,omitempty"` // what was found out about the file, or left out of it
}

// A Batch is what is made durable together: all of it or nothing.
type Batch struct {
	Known    []plan.Known
	Changes  []plan.Change
	Requests []plan.Request
	Events   []plan.Event
}

// A Filter chooses items. Its zero value chooses all.
type Filter struct {
	Operation int64 // 0 is any
	States    []plan.State
	Key       string
	Reason    string // a part of the reason; "" is any
	After     int64  // items with a greater ID
	Limit     int    // 0 is no limit
}

// A Tally is what an operation's abort rule counts: the items settled since
// its last acknowledged stop, in the order of settling.
type Tally struct {
	Settled     int64
	Failures    int64 // failed, incident and in doubt
	Consecutive int64
}

// A Group counts items that share something.
type Group struct {
	Operation string
	State     plan.State
	Value     string // the reason, or the currency
	Items     int64
	Keys      []string          // of the first few, in their order
	Amounts   map[string]string // exact totals by currency
}

// A Transition is one edge that an item took. From is nil for the first, which
// the plan wrote.
type Transition struct {
	At     time.Time
	From   *plan.State
	To     plan.State
	Reason string
	Epoch  int64 // of the apply that wrote it; 0 is the plan
}
