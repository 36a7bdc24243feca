package fleet

import (
	"context"
	"errors"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/pace"
	"github.com/bulkrunner/runner/internal/plan"
)

// A limit is one that this worker holds a share of.
type limit struct {
	account *Account
	key     string
	most    use           // of this worker's own files; zero for an operation's
	own     *pace.Limiter // of an operation; nil for the account's, which its line keeps

	mu   sync.Mutex
	uses map[int]use // of chunks that are being carried out
	next int
	idle time.Time // since when there are none
}

// A use is a chunk that needs a limit, and what its run was planned with.
type use struct {
	rate   plan.Rate
	places int
}

// begin notes a use until what it returns is called.
func (l *limit) begin(u use) (end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.uses == nil {
		l.uses = make(map[int]use)
	}
	l.next++
	n := l.next
	l.uses[n] = u
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.uses, n)
		l.idle = time.Now()
	}
}

// whole is all of the limit: the least that the worker's files and those of the
// runs under way allow.
func (l *limit) whole() (most use, wanted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	most = l.most
	for _, u := range l.uses {
		if r := u.rate.RequestsPerSecond; r > 0 && (most.rate.RequestsPerSecond == 0 || r < most.rate.RequestsPerSecond) {
			most.rate = u.rate
		}
		if u.places > 0 && (most.places == 0 || u.places < most.places) {
			most.places = u.places
		}
	}
	return most, len(l.uses) > 0
}

// apply has the engine keep to a share.
func (l *limit) apply(now time.Time, r plan.Rate, places int, until time.Time) {
	if l.own != nil {
		l.own.Share(now, r, until)
	} else {
		l.account.Provider.Line.Share(now, r, places, until)
	}
}

// forgotten takes an operation's limit away that nobody has used for a while.
func (l *limit) forgotten() bool {
	l.account.mu.Lock()
	defer l.account.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own == nil || len(l.uses) > 0 || l.idle.IsZero() || time.Since(l.idle) < time.Minute {
		return false
	}
	delete(l.account.shared, l.key)
	return true
}

const lookEvery = 250 * time.Millisecond

// hold asks for the worker's share until the account's engine has ended: every
// now and then, and at once when that would change something.
func (l *limit) hold() {
	a := l.account
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-a.over
		cancel()
	}()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var last share
	var lastAsk hold
	var asked time.Time
	for {
		if l.forgotten() {
			return
		}
		whole, wanted := l.whole()
		ask := hold{Worker: a.name, Wants: wanted, Rate: whole.rate.RequestsPerSecond, Burst: whole.rate.Burst, Places: whole.places, Applied: last.Number}
		if l.own == nil {
			a.run(ctx, func(*engine.Engine) error {
				ask.Rests = a.Provider.Line.Rests(time.Now())
				return nil
			})
		}
		now := time.Now()
		soon := ask.Wants != lastAsk.Wants || ask.Rests > lastAsk.Rests || ask.Wants && !last.Open && now.Sub(asked) >= lookEvery ||
			ask.Wants && (ask.Rate != lastAsk.Rate || ask.Places != lastAsk.Places)
		if (ask.Wants || lastAsk.Wants) && (soon || now.Sub(asked) >= shareEvery) {
			got, err := a.worker.share(ctx, l.key, ask)
			switch {
			case ctx.Err() != nil:
				return
			case err == nil:
				l.keepTo(ctx, got, now)
				// A share that differs is said to be kept to at once, so that
				// others get what it leaves.
				asked, lastAsk = now, ask
				if got.Rate != last.Rate || got.Places != last.Places || got.Open != last.Open {
					asked = now.Add(lookEvery - shareEvery)
				}
				last = got
			default:
				asked = now.Add(lookEvery - shareEvery)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// keepTo has the engine keep to a share that was asked for at a time.
func (l *limit) keepTo(ctx context.Context, s share, asked time.Time) {
	l.account.run(ctx, func(*engine.Engine) error {
		now := time.Now()
		line := l.account.Provider.Line
		if !s.Open {
			whole, _ := l.whole()
			l.apply(now, whole.rate, max(1, whole.places), now.Add(-time.Second))
		} else {
			places := s.Places
			if places == 0 {
				places = l.account.Record.MaxInFlight
			}
			l.apply(now, plan.Rate{RequestsPerSecond: s.Rate, Burst: s.Burst}, places, asked.Add(s.Lives))
		}
		if _, until := line.Waiting(now); l.own == nil && s.Rests > 0 && now.Add(s.Rests).After(until.Add(lookEvery)) {
			line.Pause(now, s.Rests, "the API asked another worker for a slower pace", "throttled")
		}
		return nil
	})
}

// share asks the owner of a limit, and makes one where there is none.
func (c *Connection) share(ctx context.Context, key string, h hold) (s share, err error) {
	for range 3 {
		bounded, cancel := context.WithTimeout(ctx, shareLives/2)
		var u client.WorkflowUpdateHandle
		u, err = c.client.UpdateWorkflow(bounded, client.UpdateWorkflowOptions{
			WorkflowID: paceID(key), UpdateName: updateHold, Args: []any{h}, WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		if err == nil {
			err = u.Get(bounded, &s)
		}
		cancel()
		var none *serviceerror.NotFound
		if !errors.As(err, &none) {
			return s, err
		}
		if _, err := c.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: paceID(key), TaskQueue: Queue, WorkflowTaskTimeout: taskTimeout, WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		}, workflowPace, owner{}); err != nil {
			return s, err
		}
	}
	return s, err
}
