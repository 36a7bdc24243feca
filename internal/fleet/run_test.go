package fleet

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// A flow is a run's workflow in Temporal's own test environment.
type flow struct {
	t    *testing.T
	env  *testsuite.TestWorkflowEnvironment
	ops  []plan.Operation
	mu   sync.Mutex // the environment sends each signal in a goroutine of its own
	said []string   // signals to chunks, in no order: "a/0 leave"
	left map[string]leave
	at   time.Duration
}

func newFlow(t *testing.T, ops ...plan.Operation) *flow {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silent{})
	f := &flow{t: t, env: suite.NewTestWorkflowEnvironment(), left: map[string]leave{}}
	f.env.SetTestTimeout(30 * time.Second)
	f.env.RegisterWorkflow(runFlow)
	f.env.OnUpsertMemo(mock.Anything).Return(nil)
	f.env.OnUpsertTypedSearchAttributes(mock.Anything).Return(nil)
	f.env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(
		func(_, id, _, name string, arg any) error {
			parts := strings.Split(id, "/")
			var n int
			fmt.Sscanf(parts[len(parts)-1], "%d", &n)
			chunk := fmt.Sprintf("%s/%d", parts[len(parts)-2], n)
			if chunk == "gone/0" {
				return fmt.Errorf("there is no such workflow")
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.said = append(f.said, chunk+" "+name)
			if with, ok := arg.(leave); ok {
				f.left[chunk] = with
			}
			return nil
		})
	f.ops = ops
	return f
}

// run carries out what was arranged.
func (f *flow) run() {
	f.t.Helper()
	first := run{Header: Header{Operations: f.ops}}
	for _, op := range f.ops {
		first.Status.Operations = append(first.Status.Operations, OperationStatus{Address: op.Address})
	}
	f.signal(signalReceived, nil)
	f.env.ExecuteWorkflow(runFlow, first)
	if err := f.env.GetWorkflowError(); err != nil || !f.env.IsWorkflowCompleted() {
		f.t.Errorf("the workflow ended: %v", err)
	}
}

type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

func (f *flow) signal(name string, arg any) {
	f.at += time.Second
	f.env.RegisterDelayedCallback(func() { f.env.SignalWorkflow(name, arg) }, f.at)
}

func (f *flow) ended(operation string, e ending) {
	f.signal(signalEnded, endedChunk{Operation: operation, ending: e})
}

// then demands which chunks were told what since the last time.
func (f *flow) then(want ...string) {
	f.t.Helper()
	f.at += time.Second
	f.env.RegisterDelayedCallback(func() {
		slices.Sort(want)
		if got := f.heard(); !slices.Equal(got, want) {
			f.t.Errorf("chunks were told %v, not %v", got, want)
		}
	}, f.at)
}

// heard is what chunks were told since the last time, sorted.
func (f *flow) heard() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	said := f.said
	f.said = nil
	slices.Sort(said)
	return said
}

func op(address string, settings plan.Settings) plan.Operation {
	return plan.Operation{Address: address, Settings: settings}
}

func chunks(operation string, n, canary int) uploaded {
	return uploaded{Operation: operation, Chunks: n, Canary: canary, Whole: true}
}

// The stages of a canary go one by one, and the rest behind them together.
func TestRunCanary(t *testing.T) {
	t.Parallel()
	f := newFlow(t, op("a", plan.Settings{}))
	f.signal(signalUploaded, chunks("a", 4, 2))
	f.then("a/0 leave")
	f.ended("a", ending{Chunk: 0})
	f.then("a/1 leave")
	f.ended("a", ending{Chunk: 1})
	f.then("a/2 leave", "a/3 leave")
	f.ended("a", ending{Chunk: 3})
	f.ended("a", ending{Chunk: 3}) // said twice
	f.ended("a", ending{Chunk: 2})
	f.then()
	f.run()
}

// A canary that fails lets nothing else go.
func TestRunCanaryFails(t *testing.T) {
	t.Parallel()
	f := newFlow(t, op("a", plan.Settings{}))
	f.signal(signalUploaded, chunks("a", 4, 1))
	f.then("a/0 leave")
	f.ended("a", ending{Chunk: 0, Stop: "canary", Left: 1})
	f.then()
	f.run()
}

// What depends on another waits for all of it, and never goes where that stopped.
func TestRunDependsOn(t *testing.T) {
	t.Parallel()
	f := newFlow(t, op("a", plan.Settings{}), op("b", plan.Settings{DependsOn: []string{"a"}}))
	f.signal(signalUploaded, chunks("a", 1, 0))
	f.signal(signalUploaded, chunks("b", 1, 0))
	f.then("a/0 leave")
	f.ended("a", ending{Chunk: 0})
	f.then("b/0 leave")
	f.ended("b", ending{Chunk: 0})
	f.then()
	f.run()
}

func TestRunBlocked(t *testing.T) {
	t.Parallel()
	f := newFlow(t, op("a", plan.Settings{}), op("b", plan.Settings{DependsOn: []string{"a"}}), op("c", plan.Settings{}))
	f.signal(signalUploaded, chunks("a", 1, 0))
	f.signal(signalUploaded, chunks("b", 1, 0))
	f.signal(signalUploaded, chunks("c", 1, 0))
	f.then("a/0 leave", "c/0 leave")
	f.ended("a", ending{Chunk: 0, Stop: "abort", Left: 3})
	f.ended("c", ending{Chunk: 0})
	f.then()
	f.run()
}

// The failures that chunks may add never exceed what the rule still allows, and
// what it forbids stops those that are away.
func TestRunAbort(t *testing.T) {
	t.Parallel()
	f := newFlow(t, op("a", plan.Settings{Abort: plan.Abort{MaxFailures: 3}}))
	f.signal(signalUploaded, chunks("a", 6, 0))
	f.then("a/0 leave", "a/1 leave", "a/2 leave")
	f.ended("a", ending{Chunk: 0, Tally: runfile.Tally{Settled: 10}})
	f.then("a/3 leave")
	f.ended("a", ending{Chunk: 1, Tally: runfile.Tally{Settled: 1, Failures: 1, Consecutive: 1}, Stop: "abort: 1 failures", Left: 9})
	f.then("a/2 hold", "a/3 hold")
	f.ended("a", ending{Chunk: 2, Left: 4})
	f.ended("a", ending{Chunk: 3, Left: 4})
	f.then()
	f.run()
	total := int64(0)
	for _, chunk := range []string{"a/0", "a/1", "a/2"} {
		total += f.left[chunk].Abort.MaxFailures
	}
	if total != 3 {
		f.t.Errorf("chunks may add %d failures, of 3", total)
	}
}

// Failures in a row go on from one chunk to the next.
func TestRunConsecutive(t *testing.T) {
	t.Parallel()
	f := newFlow(t, op("a", plan.Settings{Abort: plan.Abort{MaxConsecutiveFailures: 4}}))
	f.signal(signalUploaded, chunks("a", 40, 0))
	f.at += time.Second
	f.ended("a", ending{Chunk: 0, Tally: runfile.Tally{Settled: 2, Failures: 2, Consecutive: 2}})
	f.ended("a", ending{Chunk: 1, Tally: runfile.Tally{Settled: 3, Failures: 2, Consecutive: 1}, Reset: true})
	f.env.RegisterDelayedCallback(func() { f.heard() }, f.at+time.Millisecond)
	f.ended("a", ending{Chunk: 2, Tally: runfile.Tally{Settled: 3, Failures: 3, Consecutive: 3}})
	f.at += time.Second
	f.env.RegisterDelayedCallback(func() {
		for _, s := range f.heard() {
			if strings.HasSuffix(s, "leave") {
				t.Errorf("after four failures in a row %s", s)
			}
		}
	}, f.at)
	for n := 3; n < 18; n++ {
		f.ended("a", ending{Chunk: n})
	}
	f.run()
}

// A pause holds what is away, and a resume lets it go on before anything new; a
// rate has chunks go on at it; a stop is the end.
func TestRunSteered(t *testing.T) {
	t.Parallel()
	f := newFlow(t, op("a", plan.Settings{}))
	f.signal(signalUploaded, chunks("a", 2, 0))
	f.then("a/0 leave", "a/1 leave")
	f.signal(signalCommand, engine.Command{Do: engine.Pause})
	f.then("a/0 hold", "a/1 hold")
	f.ended("a", ending{Chunk: 1, Left: 3})
	f.ended("a", ending{Chunk: 0})
	f.then()
	f.signal(signalCommand, engine.Command{Do: engine.Resume})
	f.then("a/1 leave")
	f.signal(signalCommand, engine.Command{Do: engine.SetRate, Operation: "a", Rate: plan.Rate{RequestsPerSecond: 2, Burst: 1}})
	f.then("a/1 hold")
	f.ended("a", ending{Chunk: 1, Left: 2})
	f.then("a/1 leave")
	f.signal(signalCommand, engine.Command{Do: engine.End})
	f.then("a/1 hold")
	f.ended("a", ending{Chunk: 1, Left: 1})
	f.then()
	f.run()
	if r := f.left["a/1"].Rate.RequestsPerSecond; r != 2 {
		f.t.Errorf("it goes on at %v a second", r)
	}
}

// A chunk that somebody ended from outside stops its operation.
func TestRunChunkIsGone(t *testing.T) {
	t.Parallel()
	f := newFlow(t, op("gone", plan.Settings{}))
	f.signal(signalUploaded, chunks("gone", 2, 0))
	f.then("gone/1 leave", "gone/1 hold")
	f.ended("gone", ending{Chunk: 1})
	f.then()
	f.run()
}
