package providertest

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// under executes, and reads, every operation while a fault is on, and holds
// the outcomes of mutations against those allowed. What proves nothing may
// not come back as done or as proof that nothing happened.
func (s *suite) under(v *verdict, fault string, effects int, allowed ...sdk.Outcome) {
	s.each(v, nil, func(it item) {
		var a host.Answer
		var ok bool
		n := s.happened(v, func() {
			s.with(v, fault, "1", func() {
				for _, verb := range verbs(it.op) {
					if a, ok = s.ask(v, verb, it); !ok {
						return
					}
					if verb == host.Read && a.Outcome == sdk.OutcomeDone {
						v.wrong("%s: under %s=1 it comes back as done", name(verb, it.op), fault)
					}
				}
			})
		})
		what := name(host.Execute, it.op)
		switch {
		case !ok:
		case !mutates(it.op) && a.Outcome == sdk.OutcomeDone:
			v.wrong("%s: under %s=1 it comes back as done", what, fault)
		case !mutates(it.op):
		case !slices.Contains(allowed, a.Outcome):
			v.wrong("%s: under %s=1 it comes back as %s; it must be %s", what, fault, said(a), either(allowed))
		case n != effects:
			v.wrong("%s: under %s=1 the simulator's ledger counts %d effects, not %d", what, fault, n, effects)
		}
	})
	s.ifNotOffered(v, fault)
}

// ifNotOffered keeps a rule that could not be held from passing.
func (s *suite) ifNotOffered(v *verdict, fault string) {
	if !s.offers(fault) {
		v.held, v.skips = 0, nil
		v.skip("the simulator offers no such fault: %s", fault)
	}
}

func (s *suite) offers(fault string) bool {
	return slices.ContainsFunc(s.schema.Faults, func(f sdk.Fault) bool { return f.Name == fault })
}

func either(outcomes []sdk.Outcome) (out string) {
	for i, o := range outcomes {
		if i > 0 {
			out += " or "
		}
		out += o.String()
	}
	return out
}

func connectionReset(s *suite, v *verdict) {
	s.under(v, "reset_before", 0, sdk.OutcomeUnknown, sdk.OutcomeNotSent)
}

func serverError(s *suite, v *verdict) {
	before, after := &verdict{}, &verdict{}
	s.under(before, "error500_before", 0, sdk.OutcomeUnknown)
	s.under(after, "error500_after", 1, sdk.OutcomeUnknown)
	for _, half := range []*verdict{before, after} {
		v.held += half.held
		v.problems, v.skips = append(v.problems, half.problems...), append(v.skips, half.skips...)
	}
}

func pageOfHTML(s *suite, v *verdict)      { s.under(v, "html", 1, sdk.OutcomeUnknown) }
func answerTruncated(s *suite, v *verdict) { s.under(v, "truncated", 1, sdk.OutcomeUnknown) }

func answerLost(s *suite, v *verdict) {
	s.each(v, mutates, func(it item) {
		var a host.Answer
		var ok bool
		n := s.happened(v, func() {
			s.with(v, "lose_answer", "1", func() { a, ok = s.ask(v, host.Execute, it) })
		})
		what := name(host.Execute, it.op)
		switch {
		case !ok:
		case a.Outcome != sdk.OutcomeUnknown:
			v.wrong("%s: its answer is lost and it comes back as %s; it must be unknown", what, said(a))
		case n != 1:
			v.wrong("%s: its answer is lost and the simulator's ledger counts %d effects, not 1: something sent it again, or the fault came too early", what, n)
		case settles(it.op):
			s.settledYes(v, it, "after a lost answer")
		}
	})
	if v.held == 0 {
		v.skip("no operation changes anything")
	}
	s.ifNotOffered(v, "lose_answer")
}

func throttledSeconds(s *suite, v *verdict) { s.throttled(v, "seconds") }
func throttledDate(s *suite, v *verdict)    { s.throttled(v, "a date") }

// throttled asks until the simulator has sent Retry-After in the wanted form.
func (s *suite) throttled(v *verdict, form string) {
	found := false
	s.each(v, nil, func(it item) {
		for try := 0; try < 4; try++ {
			var a host.Answer
			var ok bool
			n := s.happened(v, func() {
				s.with(v, "throttle", "1", func() { a, ok = s.ask(v, host.Execute, it) })
			})
			if !ok {
				return
			}
			what := name(host.Execute, it.op)
			header, date := s.relay.retryAfter()
			wants, is := parse(header, date)
			if is != form {
				continue
			}
			found = true
			off := a.After - wants
			switch {
			case a.Outcome != sdk.OutcomeThrottled:
				v.wrong("%s: a 429 comes back as %s; it must be throttled", what, said(a))
			case n != 0:
				v.wrong("%s: the simulator's ledger counts %d effects under a 429", what, n)
			case form == "seconds" && off != 0, off <= -time.Second, off > time.Second:
				// A date has whole seconds, and may be held against a clock of one's own.
				v.wrong("%s: Retry-After is %q and the answer says %s", what, header, a.After)
			}
			return
		}
	})
	s.ifNotOffered(v, "throttle")
	if !found && v.held > 0 && len(v.problems) == 0 {
		v.held = 0
		v.skip("the simulator's fault throttle sends no Retry-After as %s", form)
	}
}

// parse reads the Retry-After of an answer of the given date and says which
// form it has.
func parse(header, date string) (time.Duration, string) {
	if n, err := strconv.Atoi(header); err == nil {
		return time.Duration(n) * time.Second, "seconds"
	}
	if at, err := http.ParseTime(header); err == nil {
		now, err := http.ParseTime(date)
		if err != nil {
			now = time.Now()
		}
		return max(0, at.Sub(now)), "a date"
	}
	return 0, ""
}

func deadlineKept(s *suite, v *verdict) {
	s.each(v, nil, func(it item) {
		s.with(v, "slow", "2s", func() {
			c := s.call(host.Execute, it)
			c.Deadline = time.Now().Add(300 * time.Millisecond)
			a, ok := s.send(v, c, it) // which waits no longer than the deadline and a grace
			if ok && mutates(it.op) && a.Outcome != sdk.OutcomeUnknown {
				v.wrong("%s: no answer came in time and it comes back as %s; it must be unknown", name(host.Execute, it.op), said(a))
			}
			if ok && a.Outcome == sdk.OutcomeDone {
				v.wrong("%s: no answer came in time and it comes back as done", name(host.Execute, it.op))
			}
		})
	})
	s.ifNotOffered(v, "slow")
}

// connectionRefused takes a provider that is configured for an endpoint where
// nobody listens, or no longer after its token came from there.
func connectionRefused(s *suite, v *verdict) {
	endpoint, err := refusing()
	if s.schema.Authenticates {
		var r *relay
		if r, err = newRelay(s.stage.endpoint); err == nil {
			endpoint = r.Endpoint
			defer r.close()
			defer func(before *relay) { s.relay = before }(s.relay)
			s.relay = r
		}
	}
	if err != nil {
		v.wrong("%s", err)
		return
	}
	l, err := s.begin(endpoint)
	if err != nil {
		v.wrong("%s", err)
		return
	}
	defer l.close()
	if s.schema.Authenticates {
		s.relay.close()
		time.Sleep(100 * time.Millisecond) // for the provider to see its connections end
	}
	s.each(v, nil, func(it item) {
		for _, verb := range verbs(it.op) {
			a, err := l.ask(s.call(verb, it))
			switch {
			case err != nil:
				v.wrong("%s: %s", name(verb, it.op), err)
			case a.Outcome != sdk.OutcomeNotSent:
				v.wrong("%s: nobody listens and it comes back as %s; it must be not_sent", name(verb, it.op), said(a))
			}
			s.heard.answer(name(verb, it.op), it.op, a)
		}
	})
}
