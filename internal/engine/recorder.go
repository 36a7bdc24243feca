package engine

import (
	"time"

	"github.com/bulkrunner/runner/internal/runfile"
)

const (
	// groupSize is how many changes are committed together at the most.
	groupSize = 256
	// linger is how long changes wait for company while many items are under
	// way. An item alone never waits.
	linger = time.Millisecond
	// company is how many items under way make waiting worth while.
	company = 16
)

// A recorder commits in groups. The loop adds to the group that is being
// gathered while the one before it is on its way to disk, so groups grow by
// themselves with the load.
type recorder struct {
	todo   chan commit
	done   chan commit
	closed chan struct{}

	group   commit
	since   time.Time // when the first change of the group came
	running bool
	err     error
}

// A commit is a batch and who is to be told that it is on disk.
type commit struct {
	batch runfile.Batch
	then  []func()
	err   error
}

func newRecorder(j Journal) *recorder {
	r := &recorder{todo: make(chan commit), done: make(chan commit, 1), closed: make(chan struct{})}
	go func() {
		for c := range r.todo {
			c.err = j.Commit(c.batch)
			r.done <- c
		}
	}()
	return r
}

// add puts a batch into the group; then, which may be nil, is called from the
// loop when the group is on disk.
func (r *recorder) add(b runfile.Batch, then func()) {
	if r.since.IsZero() {
		r.since = time.Now()
	}
	r.group.batch.Changes = append(r.group.batch.Changes, b.Changes...)
	r.group.batch.Requests = append(r.group.batch.Requests, b.Requests...)
	r.group.batch.Events = append(r.group.batch.Events, b.Events...)
	if then != nil {
		r.group.then = append(r.group.then, then)
	}
}

// offer hands the group over if the time has come, and returns when it will
// have otherwise.
func (r *recorder) offer(now time.Time, active int) time.Time {
	if r.since.IsZero() || r.running {
		return time.Time{}
	}
	if ripe := r.since.Add(linger); active >= company && len(r.group.batch.Changes) < min(active, groupSize) && now.Before(ripe) {
		return ripe
	}
	r.running = true
	r.todo <- r.group
	r.group, r.since = commit{}, time.Time{}
	return time.Time{}
}

func (r *recorder) busy() bool { return r.running || !r.since.IsZero() }

// flush commits what is left and waits for it.
func (r *recorder) flush() error {
	if r.running {
		if c := <-r.done; c.err != nil {
			return c.err
		}
		r.running = false
	}
	if r.since.IsZero() {
		return nil
	}
	r.todo <- r.group
	r.group, r.since = commit{}, time.Time{}
	c := <-r.done
	return c.err
}

func (r *recorder) close() {
	close(r.closed)
	close(r.todo)
}
