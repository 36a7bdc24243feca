package sdk

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// pending counts the calls that came in and whose answers have not gone out,
// so that a provider that is told to end can finish what it began.
type pending struct {
	ending atomic.Bool
	last   atomic.Int64 // the latest deadline of a call that was begun

	mu    sync.Mutex
	count int
	idle  chan struct{} // closed when count is 0; nil unless somebody waits
}

func (p *pending) add(n int) {
	p.mu.Lock()
	p.count += n
	p.mu.Unlock()
}

func (p *pending) done(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count -= n; p.count == 0 && p.idle != nil {
		close(p.idle)
		p.idle = nil
	}
}

// several tells whether n calls or more have not been answered.
func (p *pending) several(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count >= n
}

func (p *pending) draining() bool { return p.ending.Load() }

// until notes that a call may take until the deadline.
func (p *pending) until(deadline time.Time) {
	at := deadline.UnixNano()
	for {
		last := p.last.Load()
		if at <= last || p.last.CompareAndSwap(last, at) {
			return
		}
	}
}

// drain lets calls that were begun finish, for as long as their deadlines
// allow; those that wait are answered with not sent.
func (p *pending) drain() {
	p.ending.Store(true)
	p.mu.Lock()
	if p.count == 0 {
		p.mu.Unlock()
		return
	}
	if p.idle == nil {
		p.idle = make(chan struct{})
	}
	idle := p.idle
	p.mu.Unlock()

	grace := time.Second // for a call without a deadline, and for the answer to be given
	ctx, cancel := context.WithDeadline(context.Background(), later(time.Unix(0, p.last.Load()), time.Now()).Add(grace))
	defer cancel()
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
