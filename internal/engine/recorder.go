package engine

import (
	"github.com/bulkrunner/runner/internal/runfile"
)

// A recorder commits in groups. The loop adds to the group that is being
// gathered while the one before it is on its way to disk, so groups grow by
// themselves with the load and with what a sync takes. Waiting for company on
// top of that, for a millisecond, gave groups no cheaper and a tenth less
// throughput.
type recorder struct {
	todo   chan commit
	done   chan commit
	closed chan struct{}

	group   commit
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
	r.group.batch.Known = append(r.group.batch.Known, b.Known...)
	r.group.batch.Changes = append(r.group.batch.Changes, b.Changes...)
	r.group.batch.Requests = append(r.group.batch.Requests, b.Requests...)
	r.group.batch.Events = append(r.group.batch.Events, b.Events...)
	if then != nil {
		r.group.then = append(r.group.then, then)
	}
}

// offer hands the group over unless one is on its way.
func (r *recorder) offer() {
	if r.running || r.idle() {
		return
	}
	r.running = true
	r.hand()
}

func (r *recorder) hand() {
	r.todo <- r.group
	r.group = commit{}
}

// idle tells whether nothing is in the group.
func (r *recorder) idle() bool {
	b := &r.group.batch
	return len(b.Changes)+len(b.Requests)+len(b.Events)+len(r.group.then) == 0
}

func (r *recorder) busy() bool { return r.running || !r.idle() }

// flush commits what is left and waits for it.
func (r *recorder) flush() error {
	if r.running {
		if c := <-r.done; c.err != nil {
			return c.err
		}
		r.running = false
	}
	if r.idle() {
		return nil
	}
	r.hand()
	c := <-r.done
	return c.err
}

func (r *recorder) close() {
	close(r.closed)
	close(r.todo)
}
