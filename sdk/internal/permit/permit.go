// Package permit carries what one call may do on the wire from the SDK's
// server to the client that writes, and what it did back again.
package permit

import (
	"context"
	"sync/atomic"
	"time"
)

// A Permit stands for one call. The zero value bounds nothing.
type Permit struct {
	leaveBefore time.Time
	key         string
	requests    atomic.Int32
	sentAt      atomic.Int64
}

// New returns the permit of a call that must be written before the given
// moment, or whenever that is zero, and whose item has the given idempotency
// key.
func New(leaveBefore time.Time, idempotencyKey string) *Permit {
	return &Permit{leaveBefore: leaveBefore, key: idempotencyKey}
}

// Expired tells whether nothing may be written any more.
func (p *Permit) Expired(now time.Time) bool {
	return p != nil && !p.leaveBefore.IsZero() && !now.Before(p.leaveBefore)
}

// Wrote records one request on the wire.
func (p *Permit) Wrote(at time.Time) {
	if p == nil {
		return
	}
	p.requests.Add(1)
	p.sentAt.CompareAndSwap(0, at.UnixNano())
}

// Requests is how many requests were written.
func (p *Permit) Requests() int { return int(p.requests.Load()) }

// SentAt is when the first of them began to be written, in Unix nanoseconds,
// and 0 when there was none.
func (p *Permit) SentAt() int64 { return p.sentAt.Load() }

// IdempotencyKey is the key that the runner keeps for the item.
func (p *Permit) IdempotencyKey() string {
	if p == nil {
		return ""
	}
	return p.key
}

type contextKey struct{}

// A carrier is a context with a permit. It is a type of its own, and not
// context.WithValue, because each call pays for it.
type carrier struct {
	context.Context
	permit *Permit
}

func (c *carrier) Value(key any) any {
	if _, ok := key.(contextKey); ok {
		return c.permit
	}
	return c.Context.Value(key)
}

// With returns a context that carries p.
func With(ctx context.Context, p *Permit) context.Context { return &carrier{ctx, p} }

// From returns the context's permit. Nil, on which every method may be called
// but those that report, is none.
func From(ctx context.Context) *Permit {
	p, _ := ctx.Value(contextKey{}).(*Permit)
	return p
}
