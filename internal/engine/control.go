package engine

import (
	"fmt"
	"time"

	"github.com/bulkrunner/runner/internal/pace"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// A Command steers a run while it is carried out.
type Command struct {
	Do        Do        `json:"do"`
	Operation string    `json:"operation,omitempty"` // "" is all of them
	Rate      plan.Rate `json:"rate,omitzero"`       // of SetRate
	Who       string    `json:"who"`
	Reason    string    `json:"reason,omitempty"`
	At        time.Time `json:"at"`

	// Done, if set, is called when the command is carried out and recorded.
	Done func() `json:"-"`
}

// Do is what a command asks for.
type Do string

const (
	Pause   Do = "pause" // nothing new is sent; what is in flight is settled
	Resume  Do = "resume"
	End     Do = "stop" // as Ctrl-C: the run can be taken up again
	SetRate Do = "rate" // never above the file's limit
)

// String says what a command does, for the record.
func (c Command) String() string {
	s := string(c.Do)
	if c.Operation != "" {
		s += " " + c.Operation
	}
	if c.Do == SetRate {
		s += fmt.Sprintf(" %v/s", c.Rate.RequestsPerSecond)
	}
	s += " by " + c.Who
	if c.Reason != "" {
		s += ": " + c.Reason
	}
	return s
}

// obey carries a command out and records it.
func (e *Engine) obey(c Command) {
	now := time.Now()
	for _, op := range e.operations {
		if c.Operation != "" && c.Operation != op.Address {
			continue
		}
		switch c.Do {
		case Pause:
			op.paused = true
		case Resume:
			op.paused = false
		case SetRate:
			// The file's own limits stay beside it, so it can't go above them.
			op.limits = append(op.limits[:op.own:op.own], pace.New(c.Rate, now.Add(time.Duration(float64(time.Second)/c.Rate.RequestsPerSecond))))
		}
	}
	if c.Do == End {
		e.draining = true
	}
	e.recorder.add(runfile.Batch{Events: []plan.Event{{At: now, Kind: "controlled", Detail: c.String()}}}, c.Done)
}

// mayRetry tells whether a request that repeats another may go now, and takes
// its permit: retries are a bounded share of all requests.
func (l *lane) mayRetry(now time.Time) bool {
	limit := l.line.Retries()
	if limit == nil {
		return true
	}
	if limit.Next().After(now) {
		return false
	}
	limit.Take(now)
	return true
}
