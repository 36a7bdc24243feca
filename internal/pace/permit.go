package pace

import "time"

// A Permit is the leave of one request to go. The limiters that gave it keep it
// for as long as its window lasts.
type Permit struct {
	at     time.Time // when it was given
	before time.Time
	left   time.Time // zero while nobody has told
	held   time.Time // until when it may have been held up after that; zero if it wasn't
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

// Held tells that what was permitted after since may have been held up on its
// way until now. It counts from now then.
func (p *Permit) Held(since, now time.Time) {
	if p.at.After(since) {
		p.held = now
	}
}

// Unused tells that no request was written. None is counted then.
func (p *Permit) Unused() { p.unused = true }

func (p *Permit) counts() bool { return p != nil && !p.unused }

// over is when the request's window is over. What may have left as late as
// allowed needs no further guard.
func (p *Permit) over(l *Limiter) time.Time {
	end := p.left.Add(l.window)
	if p.left.IsZero() {
		end = p.before.Add(l.bare)
	}
	if held := p.held.Add(l.window); held.After(end) {
		return held
	}
	return end
}
