// Package dispatch sends calls to one provider: each with a permit, none
// before its time, none lost sight of. What concerns the provider as a whole
// is settled here (pace, Retry-After, authentication, an API that can't be
// reached, a process that dies); what concerns one item is the caller's.
package dispatch

import (
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/bulkrunner/runner/internal/pace"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/providers"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

const (
	// overdue is how long past a deadline a provider may keep silent before
	// it is taken for hung and killed.
	overdue = 2 * time.Second

	// lull is how long no answer may come before something is taken to have
	// stood still: the pacer's guard allows for as much. Where answers are few it
	// is eight times what usually lies between two, which happens to one in
	// thousands where they come at random.
	lull = 9 * time.Millisecond

	// mostStrangers is how many answers to calls that are not in flight a
	// provider may give before it is killed.
	mostStrangers = 10
)

// A Link carries calls to the provider's process; see [providers.Link].
type Link interface {
	Send([]host.Call)
	Kill()
}

// Settings are a provider instance's own.
type Settings struct {
	Name          string // its address: provider.payvalida
	Rate          plan.Rate
	MaxInFlight   int
	Timeout       time.Duration // of one request
	Authenticates bool
	Patience      time.Duration // how long the API may stay out of reach before the line gives up
	Schema        *sdk.Schema   // what answers must look like; nil is anything
}

// A Line is the way to one provider instance. It belongs to one goroutine,
// which hands it the link's events and asks it before every call.
type Line struct {
	Settings

	link    Link
	limiter *pace.Limiter
	shapes  map[string]*host.Shapes // by operation

	lastID   uint64
	inFlight map[uint64]*flight
	lent     *pace.Permit // of the page that is being read
	frame    []host.Call

	heard   time.Time     // when answers came last
	between time.Duration // how long after those before, as it usually is

	strangers int // answers to calls that were not in flight, from this process

	down      bool
	killed    bool  // and not down yet
	err       error // why nothing can be sent any more
	auth      authentication
	adapt     adaptation
	since     time.Time // when the API went out of reach; zero while it is in reach
	pauses    *backoff.ExponentialBackOff
	rest      string // why the line rests, for people
	until     time.Time
	throttled time.Time // until when the API itself asked for it
	notes     []plan.Event
	asked     []plan.Request
}

// NewLine returns a line whose first call may leave at start.
func NewLine(s Settings, link Link, start time.Time) *Line {
	pauses := &backoff.ExponentialBackOff{InitialInterval: time.Second, MaxInterval: time.Minute, Multiplier: 2, RandomizationFactor: 0.3}
	pauses.Reset()
	shapes := make(map[string]*host.Shapes)
	if s.Schema != nil {
		for i := range s.Schema.Operations {
			shapes[s.Schema.Operations[i].Name] = host.NewShapes(&s.Schema.Operations[i])
		}
	}
	return &Line{
		Settings: s,
		link:     link,
		limiter:  pace.New(s.Rate, start),
		shapes:   shapes,
		inFlight: make(map[uint64]*flight),
		auth:     authentication{needed: s.Authenticates, valid: !s.Authenticates},
		adapt:    newAdaptation(s, start),
		pauses:   pauses,
	}
}

// Limits returns the limits that hold for an operation with a rate of its own.
func (l *Line) Limits(own *pace.Limiter) pace.Limiters {
	if own == nil {
		return pace.Limiters{l.limiter}
	}
	return pace.Limiters{l.limiter, own}
}

// Err says why nothing can be sent any more, nil while something can.
func (l *Line) Err() error { return l.err }

// Open tells whether calls can be sent at all at present, pace aside.
func (l *Line) Open() bool { return !l.down && l.err == nil && l.auth.valid }

// InFlight is the number of calls that have not been answered.
func (l *Line) InFlight() int { return len(l.inFlight) }

// Waiting says what the line waits for and until when, "" for nothing.
func (l *Line) Waiting(now time.Time) (string, time.Time) {
	switch {
	case l.down:
		return "the provider is being started again", time.Time{}
	case l.until.After(now):
		return l.rest, l.until
	case !l.auth.valid:
		return "authentication", time.Time{}
	}
	return "", time.Time{}
}

// Notes returns what has happened to the line since it was last asked.
func (l *Line) Notes() []plan.Event {
	n := l.notes
	l.notes = nil
	return n
}

func (l *Line) note(now time.Time, kind, detail string) {
	l.notes = append(l.notes, plan.Event{At: now, Kind: kind, Detail: l.Name + ": " + detail})
}

// Call takes a permit of the limits and puts a call into the frame that
// [Line.Flush] sends. The limits must be due. It fills in the call's id and
// times, and returns the id. The secret is the part of its arguments that is
// withheld from whatever the provider says.
func (l *Line) Call(now time.Time, limits pace.Limiters, c host.Call, s plan.Secret) uint64 {
	permit := limits.Take(now, max(l.leeway(now), transfer(c.Arguments)))
	l.lastID++
	c.ID = l.lastID
	c.LeaveBefore = permit.LeaveBefore()
	c.Deadline = now.Add(l.Timeout)
	l.inFlight[c.ID] = &flight{c, permit, s}
	l.frame = append(l.frame, c)
	return c.ID
}

// Flush sends what was called.
func (l *Line) Flush() {
	if len(l.frame) > 0 {
		l.link.Send(l.frame)
		l.frame = nil
	}
}

// Tick does what time asks for (authentication, hung processes) and returns
// when it wants to be asked again, zero for not before an event.
func (l *Line) Tick(now time.Time) time.Time {
	l.recover(now)
	l.auth.age(now)
	var again time.Time
	sooner := func(t time.Time) {
		if again.IsZero() || t.Before(again) {
			again = t
		}
	}
	if l.err == nil && !l.down && !l.auth.valid && l.auth.call == 0 {
		if due := l.limiter.Next(); due.After(now) {
			sooner(due)
		} else {
			l.auth.call = l.Call(now, l.Limits(nil), host.Call{Verb: host.Authenticate}, nil)
		}
	}
	if at := l.auth.renewAt; l.auth.valid && !at.IsZero() {
		sooner(at)
	}
	for _, c := range l.inFlight {
		late := c.Deadline.Add(overdue)
		if !now.Before(late) {
			l.kill(now, "it kept silent past a deadline and is killed")
			break
		}
		sooner(late)
	}
	return again
}

// Handle takes in an event of the link. It returns what became of calls: their
// answers, or for a process that died unknown outcomes.
func (l *Line) Handle(now time.Time, e providers.Event) []Outcome {
	switch {
	case e.Down != nil:
		l.down, l.killed = true, false
		l.frame = nil
		l.strangers = 0
		l.note(now, "provider_ended", l.withheld(e.Down.Error()))
		l.auth.lose()
		var lost []Outcome
		for id, c := range l.inFlight {
			if c.Verb != host.Authenticate {
				lost = append(lost, Outcome{Call: c.Call, Answer: host.Answer{ID: id, Code: "provider_ended", Reason: "the provider's process ended before it answered"}, Lost: true})
			}
		}
		clear(l.inFlight)
		return lost
	case e.Up:
		l.down = false
		l.note(now, "provider_restarted", "it runs again")
	case e.Gone != nil:
		l.down = true
		l.err = e.Gone
	}
	if len(e.Answers) > 0 {
		l.hear(now)
	}
	out := make([]Outcome, 0, len(e.Answers))
	for _, a := range e.Answers {
		f, ok := l.inFlight[a.ID]
		if !ok {
			l.strange(now, a.ID)
			continue
		}
		delete(l.inFlight, a.ID)
		l.departed(now, f.permit, a)
		c := &f.Call
		if of := l.shapes[c.Operation]; of != nil {
			a = of.Hold(c, a)
		}
		a = without(f.secret, a)
		l.heed(now, c, a)
		l.learn(now, c, a)
		if c.Verb == host.Authenticate {
			l.asked = append(l.asked, Outcome{Call: *c, Answer: a}.Request(now, 0))
		} else {
			out = append(out, Outcome{Call: *c, Answer: a})
		}
	}
	return out
}

// Asked returns the requests that the line made of its own accord, for the
// access token, since it was last asked.
func (l *Line) Asked() []plan.Request {
	r := l.asked
	l.asked = nil
	return r
}

// strange notes an answer to a call that is not in flight: answered before, or
// never made. A provider that goes on with it is ended, since its answers to
// other calls can't be trusted to be theirs.
func (l *Line) strange(now time.Time, id uint64) {
	l.strangers++
	if l.strangers > mostStrangers {
		return
	}
	l.note(now, "protocol_error", fmt.Sprintf("it answered call %d, which is not in flight; the answer is ignored. This is a bug in the provider", id))
	if l.strangers == mostStrangers {
		l.kill(now, "it answered too many calls that are not in flight and is killed")
	}
}

// kill ends the process, once: a second word would reach the one that follows.
func (l *Line) kill(now time.Time, why string) {
	if l.killed || l.down {
		return
	}
	l.killed = true
	l.note(now, "provider_killed", why)
	l.link.Kill()
}

// A flight is a call that has not been answered.
type flight struct {
	host.Call
	permit *pace.Permit
	secret plan.Secret
}

// departed tells the limits when a request was written, as far as its answer
// says. Where it came too late to leave, the next ones may take longer: its
// arguments may be large, or the provider slow.
func (l *Line) departed(now time.Time, p *pace.Permit, a host.Answer) {
	switch {
	case a.Outcome == sdk.OutcomeNotSent:
		p.Unused()
		if a.Code == "permit_expired" {
			l.adapt.leeway, l.adapt.hurried = max(l.leeway(now), min(2*p.Leeway(), l.Timeout/2)), now
		}
	case !a.SentAt.IsZero():
		p.Left(a.SentAt)
	}
}

// hear notes that answers came. After a silence this machine may have stood
// still, or the API's, and with it what was on its way: it may have arrived only
// now, all at once.
func (l *Line) hear(now time.Time) {
	silence, first := now.Sub(l.heard), l.heard.IsZero()
	l.heard = now
	if first {
		return
	}
	if l.between == 0 {
		l.between = silence
	}
	if silence > max(lull, 8*l.between) {
		for _, f := range l.inFlight {
			f.permit.Held(now.Add(-silence-lull), now)
		}
	}
	l.between += (min(silence, 4*l.between) - l.between) / 64
}

// An Outcome is what became of one call.
type Outcome struct {
	Call   host.Call
	Answer host.Answer
	Lost   bool // the process died; the request may still be on its way until the call's deadline
}

// Request is the outcome as the run file keeps it, of an item or of none (0).
func (o Outcome) Request(now time.Time, item int64) plan.Request {
	return plan.Request{
		Item:      item,
		Verb:      o.Call.Verb.String(),
		SentAt:    o.Answer.SentAt,
		Deadline:  o.Call.Deadline,
		SettledAt: now,
		Outcome:   o.Answer.Outcome.String(),
		Code:      o.Answer.Code,
		Message:   o.Answer.Reason,
	}
}

// heed does what an answer asks of the line as a whole.
func (l *Line) heed(now time.Time, c *host.Call, a host.Answer) {
	if a.Outcome != sdk.OutcomeNotSent {
		l.since = time.Time{}
	}
	switch a.Outcome {
	case sdk.OutcomeDone:
		l.pauses.Reset()
	case sdk.OutcomeThrottled:
		pause := a.After
		if pause <= 0 {
			pause = l.pauses.NextBackOff()
		}
		l.Pause(now, pause, "the API asked for a slower pace", "throttled")
		l.throttled = l.until
	case sdk.OutcomeNotSent:
		if a.Code == "permit_expired" {
			break
		}
		if l.since.IsZero() {
			l.since = now
		}
		if now.Sub(l.since) >= l.Patience {
			l.err = fmt.Errorf("the API has been out of reach for %s", l.Patience)
			break
		}
		l.Pause(now, l.pauses.NextBackOff(), "the API can't be reached", "unreachable")
	case sdk.OutcomeFatal:
		l.err = fmt.Errorf("every item would end like this one: %s", Words(a))
	}
	if c.Verb == host.Authenticate {
		l.authenticated(now, c, a)
	} else {
		l.accepted(now, c, a)
	}
}

// Pause lets nothing leave for at least d.
func (l *Line) Pause(now time.Time, d time.Duration, why, kind string) {
	until := now.Add(d)
	if !until.After(l.until) {
		return
	}
	l.rest, l.until = why, until
	l.limiter.Rest(until)
	l.note(now, kind, fmt.Sprintf("%s; nothing is sent for %s", why, d.Round(time.Millisecond)))
}

// Words is an answer's code and reason for people.
func Words(a host.Answer) string {
	switch {
	case a.Code == "" && a.Reason == "":
		return a.Outcome.String()
	case a.Code == "":
		return a.Reason
	case a.Reason == "":
		return a.Code
	}
	return a.Code + ": " + a.Reason
}
