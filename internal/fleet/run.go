package fleet

import (
	"encoding/json"
	"slices"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// mostAway is how many chunks of an operation are let go at a time.
const mostAway = 16

// A run is the input of a run's workflow, and its state where that goes on as
// a new one, so that no history becomes long.
type run struct {
	Header Header `json:"header"`
	Status Status `json:"status"`
}

// A Status is where a run stands, as its workflow's memo says: whoever may
// look at the namespace can read it, also when no worker is there.
type Status struct {
	Operations []OperationStatus `json:"operations"`
	Paused     bool              `json:"paused,omitempty"`
	Stopped    bool              `json:"stopped,omitempty"` // by a person
	Fatal      string            `json:"fatal,omitempty"`
	Told       int               `json:"told,omitempty"` // how often chunks were told something
	Over       bool              `json:"over,omitempty"` // nothing is under way any more, and nothing will be
}

// An OperationStatus is where an operation of a run stands.
type OperationStatus struct {
	Address  string        `json:"address"`
	Uploaded int           `json:"uploaded"`         // chunks that are there
	Whole    bool          `json:"whole,omitempty"`  // and no more will come
	Canary   int           `json:"canary,omitempty"` // so many of the first are stages of the canary
	Next     int           `json:"next"`             // the first that was never let go
	Away     []away        `json:"away,omitempty"`   // being carried out
	Held     []int         `json:"held,omitempty"`   // not carried to their end, to be let go again
	Tally    runfile.Tally `json:"tally"`
	Stop     string        `json:"stop,omitempty"` // the rule that stopped it
	Paused   bool          `json:"paused,omitempty"`
	Rate     plan.Rate     `json:"rate,omitzero"` // that a person has set
}

// An away is a chunk that was let go, and how many failures it may add.
type away struct {
	Chunk  int     `json:"chunk"`
	Budget int64   `json:"budget,omitempty"`
	Held   bool    `json:"held,omitempty"` // it was asked to stop
	Slow   float64 `json:"slow,omitempty"` // the rate that it was let go with
}

// Ended tells whether a chunk has been carried to its end.
func (o *OperationStatus) Ended(chunk int) bool {
	return chunk < o.Next && !slices.Contains(o.Held, chunk) && !slices.ContainsFunc(o.Away, func(a away) bool { return a.Chunk == chunk })
}

// unheld marks the chunks that are away as asked to stop, and returns those
// that weren't.
func (o *OperationStatus) unheld(which func(away) bool) (chunks []int) {
	for i := range o.Away {
		if a := &o.Away[i]; !a.Held && which(*a) {
			a.Held = true
			chunks = append(chunks, a.Chunk)
		}
	}
	return chunks
}

// uploaded says that chunks of an operation are there.
type uploaded struct {
	Operation string `json:"operation"`
	Chunks    int    `json:"chunks"`
	Canary    int    `json:"canary,omitempty"`
	Whole     bool   `json:"whole,omitempty"`
	Stop      string `json:"stop,omitempty"` // the rule that stops it before it has begun
}

// ended is [ending] with the operation's address.
type endedChunk struct {
	Operation string `json:"operation"`
	ending
}

// runFlow is the workflow of a run. It lets chunks go: within the canary one
// by one, after what their operation depends on, and never with more failures
// among them than the abort rule still allows.
func runFlow(ctx workflow.Context, in run) error {
	r := &running{run: in}
	ends := workflow.GetSignalChannel(ctx, signalEnded)
	uploads := workflow.GetSignalChannel(ctx, signalUploaded)
	commands := workflow.GetSignalChannel(ctx, signalCommand)
	received := workflow.GetSignalChannel(ctx, signalReceived)
	for {
		if err := r.step(ctx); err != nil {
			return err
		}
		over := false
		s := workflow.NewSelector(ctx).
			AddReceive(ends, func(c workflow.ReceiveChannel, _ bool) {
				var e endedChunk
				c.Receive(ctx, &e)
				r.ended(e)
			}).
			AddReceive(uploads, func(c workflow.ReceiveChannel, _ bool) {
				var u uploaded
				c.Receive(ctx, &u)
				r.uploaded(u)
			}).
			AddReceive(commands, func(c workflow.ReceiveChannel, _ bool) {
				var cmd engine.Command
				c.Receive(ctx, &cmd)
				r.obey(cmd)
			}).
			AddReceive(received, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil); over = r.Status.Over })
		s.Select(ctx)
		for s.HasPending() && !over {
			s.Select(ctx)
		}
		if over {
			return workflow.UpsertTypedSearchAttributes(ctx, attributeState.ValueSet(stateReceived))
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			if err := r.step(ctx); err != nil {
				return err
			}
			if !s.HasPending() {
				return workflow.NewContinueAsNewError(ctx, workflowRun, r.run)
			}
		}
	}
}

type running struct {
	run
	told string // the status in the memo
	said string // the state last said
	sent []sent
}

func (r *running) operation(address string) *OperationStatus {
	for i := range r.Status.Operations {
		if r.Status.Operations[i].Address == address {
			return &r.Status.Operations[i]
		}
	}
	return &OperationStatus{}
}

func (r *running) uploaded(u uploaded) {
	o := r.operation(u.Operation)
	o.Uploaded = max(o.Uploaded, u.Chunks)
	o.Canary = max(o.Canary, u.Canary)
	o.Whole = o.Whole || u.Whole
	if o.Stop == "" {
		o.Stop = u.Stop
	}
}

// ended takes in how far a chunk was carried.
func (r *running) ended(e endedChunk) {
	o := r.operation(e.Operation)
	at := slices.IndexFunc(o.Away, func(a away) bool { return a.Chunk == e.Chunk })
	if at < 0 {
		return // it was said before
	}
	o.Away = slices.Delete(o.Away, at, at+1)
	o.Tally.Settled += e.Tally.Settled
	o.Tally.Failures += e.Tally.Failures
	if e.Reset {
		o.Tally.Consecutive = e.Tally.Consecutive
	} else {
		o.Tally.Consecutive += e.Tally.Failures
	}
	if e.Left > 0 {
		o.Held = append(o.Held, e.Chunk)
		slices.Sort(o.Held)
	}
	settings := r.settings(e.Operation)
	switch {
	case o.Stop != "":
	case e.Stop != "":
		o.Stop = e.Stop
	default:
		o.Stop = engine.Broken(settings.Abort, o.Tally)
	}
	if e.Fatal != "" && r.Status.Fatal == "" {
		r.Status.Fatal = e.Fatal
	}
}

func (r *running) settings(address string) plan.Settings {
	op, _ := r.Header.Operation(address)
	return op.Settings
}

func (r *running) obey(c engine.Command) {
	switch c.Do {
	case engine.Pause, engine.Resume:
		if c.Operation == "" {
			r.Status.Paused = c.Do == engine.Pause
		}
		for i := range r.Status.Operations {
			if o := &r.Status.Operations[i]; c.Operation == "" || c.Operation == o.Address {
				o.Paused = c.Do == engine.Pause
			}
		}
	case engine.SetRate:
		r.operation(c.Operation).Rate = c.Rate
	case engine.End:
		r.Status.Stopped = true
	}
}

// step lets go what may go, holds what may not, and says where the run stands.
func (r *running) step(ctx workflow.Context) error {
	over := true
	for i := range r.Status.Operations {
		o := &r.Status.Operations[i]
		switch {
		case r.Status.Stopped, r.Status.Fatal != "", o.Stop != "", o.Paused:
			r.hold(ctx, o, func(away) bool { return true })
		case r.due(o):
			r.hold(ctx, o, func(a away) bool { return a.Slow != o.Rate.RequestsPerSecond })
			r.letGo(ctx, o)
		}
	}
	if !r.arrive(ctx) {
		return r.step(ctx)
	}
	for i := range r.Status.Operations {
		over = over && r.over(&r.Status.Operations[i])
	}
	r.Status.Over = over
	if text, err := json.Marshal(r.Status); err != nil {
		return err
	} else if string(text) != r.told {
		r.told = string(text)
		if err := workflow.UpsertMemo(ctx, map[string]any{memoStatus: r.Status}); err != nil {
			return err
		}
	}
	state := stateRunning
	if over {
		state = stateEnded
	}
	if state == r.said {
		return nil
	}
	r.said = state
	return workflow.UpsertTypedSearchAttributes(ctx, attributeState.ValueSet(state))
}

// over tells whether nothing of an operation is under way, and nothing will be.
func (r *running) over(o *OperationStatus) bool {
	if len(o.Away) > 0 {
		return false
	}
	return r.Status.Stopped || r.Status.Fatal != "" || o.Stop != "" || r.blocked(o) || o.done()
}

func (o *OperationStatus) done() bool {
	return o.Whole && o.Next == o.Uploaded && len(o.Away)+len(o.Held) == 0
}

// due tells whether all that an operation depends on is done, and blocked
// whether it won't be.
func (r *running) due(o *OperationStatus) bool {
	for _, address := range r.settings(o.Address).DependsOn {
		if dep := r.operation(address); dep.Address != "" && (dep.Stop != "" || !dep.done()) {
			return false
		}
	}
	return true
}

func (r *running) blocked(o *OperationStatus) bool {
	for _, address := range r.settings(o.Address).DependsOn {
		if dep := r.operation(address); dep.Address != "" && (dep.Stop != "" || r.blocked(dep)) {
			return true
		}
	}
	return false
}

// letGo lets as many chunks go as may be away at a time.
func (r *running) letGo(ctx workflow.Context, o *OperationStatus) {
	abort := r.settings(o.Address).Abort
	for {
		most := mostAway
		if o.Next < o.Canary || o.Next == o.Canary && slices.ContainsFunc(o.Away, func(a away) bool { return a.Chunk < o.Canary }) {
			most = 1
		}
		if len(o.Away) >= most {
			return
		}
		var next int
		switch {
		case len(o.Held) > 0:
			next = o.Held[0]
		case o.Next < o.Uploaded:
			next = o.Next
		default:
			return
		}
		a := away{Chunk: next, Slow: o.Rate.RequestsPerSecond}
		if abort.MaxFailures > 0 {
			rest := abort.MaxFailures - o.Tally.Failures
			for _, b := range o.Away {
				rest -= b.Budget
			}
			if rest <= 0 {
				return // until it is known what those that are away need of it
			}
			a.Budget = max(1, rest/int64(mostAway))
		}
		r.Status.Told++
		with := leave{Number: r.Status.Told, Tally: o.Tally, Abort: abort, Rate: o.Rate}
		if a.Budget > 0 {
			with.Abort.MaxFailures = o.Tally.Failures + a.Budget
		}
		if len(o.Held) > 0 {
			o.Held = o.Held[1:]
		} else {
			o.Next++
		}
		o.Away = append(o.Away, a)
		r.signal(ctx, o, next, signalLeave, with)
	}
}

// hold asks the chunks of an operation that are away to stop gently.
func (r *running) hold(ctx workflow.Context, o *OperationStatus, which func(away) bool) {
	for _, chunk := range o.unheld(which) {
		r.Status.Told++
		r.signal(ctx, o, chunk, signalHold, halt{r.Status.Told})
	}
}

// signal tells a chunk something.
func (r *running) signal(ctx workflow.Context, o *OperationStatus, chunk int, name string, arg any) {
	id := chunkID(r.id(ctx), o.Address, chunk)
	r.sent = append(r.sent, sent{o.Address, chunk, workflow.SignalExternalWorkflow(ctx, id, "", name, arg)})
}

// A sent is a signal on its way to a chunk.
type sent struct {
	operation string
	chunk     int
	arrived   workflow.Future
}

// arrive waits for the signals that are on their way, and reports whether all
// have arrived. A chunk that somebody has
// ended from outside stops its operation: what became of its items is unclear.
func (r *running) arrive(ctx workflow.Context) bool {
	all := true
	for _, s := range r.sent {
		if err := s.arrived.Get(ctx, nil); err != nil {
			all = false
			r.ended(endedChunk{Operation: s.operation, ending: ending{Chunk: s.chunk, Stop: "the end of its workflow from outside"}})
		}
	}
	r.sent = nil
	return all
}

func (r *running) id(ctx workflow.Context) string { return workflow.GetInfo(ctx).WorkflowExecution.ID }

// attributes are those of a workflow of a run.
func attributes(run, operation string, providers []string, state string) temporal.SearchAttributes {
	updates := []temporal.SearchAttributeUpdate{attributeRun.ValueSet(run), attributeState.ValueSet(state)}
	if operation != "" {
		updates = append(updates, attributeOperation.ValueSet(operation))
	}
	if len(providers) > 0 {
		updates = append(updates, attributeProvider.ValueSet(strings.Join(providers, " ")))
	}
	return temporal.NewSearchAttributes(updates...)
}
