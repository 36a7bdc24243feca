package pace

import "time"

// A Permit is the leave of one request to go. The limiters that gave it keep it
// for as long as its window lasts.
type Permit struct {
	at     time.Time // when it was given
	before time.Time
	left   time.Time // zero while nobody has told
	unused bool
}

// LeaveBefore is the moment before which the request leaves, or not at all.
func (p *Permit) LeaveBefore() time.Time { return p.before }

// Leeway is how long the request may take to leave.
func (p *Permit) Leeway() time.Duration { return p.before.Sub(p.at) }

// Left tells when the request was written. Who says so may be wrong, or have
// another clock: only what is possible is believed.
func (p *Permit) Left(at time.Time) {
	p.left = p.at.Add(min(max(0, at.Sub(p.at)), p.before.Sub(p.at)))
}

// Unused tells that no request was written. None is counted then.
func (p *Permit) Unused() { p.unused = true }

func (p *Permit) counts() bool { return p != nil && !p.unused }

// over is when the request's window is over. What may have left as late as
// allowed needs no further guard.
func (p *Permit) over(l *Limiter) time.Time {
	if p.left.IsZero() {
		return p.before.Add(l.bare)
	}
	return p.left.Add(l.window)
}
