package providertest

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// answersOnce says nothing of outcomes: only that answers come as they should.
func answersOnce(s *suite, v *verdict) {
	s.each(v, nil, func(it item) {
		if len(v.problems) > 0 { // one operation shows it, and each may have to be waited for
			return
		}
		for _, verb := range verbs(it.op) {
			c := s.call(verb, it)
			a, ok := s.send(v, c, it)
			if !ok {
				return
			}
			if a = host.NewShapes(it.op).Hold(&c, a); a.Code == "malformed_answer" || a.Code == "wrong_id" {
				v.wrong("%s: %s", name(verb, it.op), a.Reason)
			}
		}
	})
	if len(v.problems) > 0 || len(s.schema.Operations) == 0 {
		return
	}
	// Many at once, whose answers may come in any order.
	l, err := s.connected()
	if err != nil {
		v.wrong("%s", err)
		return
	}
	it, err := s.make(&s.schema.Operations[0], false)
	if err != nil {
		v.wrong("%s", err)
		return
	}
	verb := verbs(it.op)[0]
	var asking sync.WaitGroup
	failures := make(chan error, 64)
	for range cap(failures) {
		c := s.call(verb, it)
		asking.Go(func() {
			if _, err := l.ask(c); err != nil {
				failures <- err
			}
		})
	}
	asking.Wait()
	close(failures)
	for err := range failures {
		v.wrong("64 calls at once, %s: %s", name(verb, it.op), err)
	}
	for _, odd := range l.odd() {
		v.wrong("64 calls at once, %s: %s", name(verb, it.op), odd)
	}
}

// verbs are what can be asked of an operation, what has no effect first.
func verbs(op *sdk.OperationSchema) []host.Verb {
	if op.Reads {
		return []host.Verb{host.Read, host.Execute}
	}
	return []host.Verb{host.Execute}
}

func executes(s *suite, v *verdict) {
	s.each(v, nil, func(it item) {
		what := name(host.Execute, it.op)
		var a host.Answer
		var ok bool
		n := s.happened(v, func() { a, ok = s.ask(v, host.Execute, it) })
		switch {
		case !ok:
		case a.Outcome != sdk.OutcomeDone:
			v.wrong("%s: its sample %s comes back as %s. Give a sample that succeeds", what, it.arguments, said(a))
		case len(a.Result) == 0:
			v.wrong("%s: done, and no result", what)
		case mutates(it.op) && n != 1:
			v.wrong("%s: the simulator's ledger counts %d effects, not 1", what, n)
		case !mutates(it.op) && n != 0:
			v.wrong("%s: a query has %d effects", what, n)
		case a.Requests < 1 || a.SentAt.IsZero():
			v.wrong("%s: the answer doesn't say that a request was written: make requests with apiclient", what)
		}
	})
}

func readsRepeat(s *suite, v *verdict) {
	if !slices.ContainsFunc(s.schema.Operations, func(o sdk.OperationSchema) bool { return o.Reads }) {
		v.skip("no operation can be read")
	}
	s.each(v, reads, func(it item) {
		what := name(host.Read, it.op)
		var first, second host.Answer
		var ok bool
		n := s.happened(v, func() {
			if first, ok = s.ask(v, host.Read, it); ok {
				second, ok = s.ask(v, host.Read, it)
			}
		})
		switch {
		case !ok:
		case first.Outcome != sdk.OutcomeDone && first.Outcome != sdk.OutcomeRefused:
			v.wrong("%s: it comes back as %s", what, said(first))
		case n != 0:
			v.wrong("%s: the simulator's ledger counts %d effects", what, n)
		case first.Outcome != second.Outcome || first.Settled != second.Settled || !bytes.Equal(first.Live, second.Live):
			v.wrong("%s: two in a row answer differently: %s %s and %s %s", what, first.Outcome, first.Live, second.Outcome, second.Live)
		}
	})
}

func settlesByRead(s *suite, v *verdict) {
	if !slices.ContainsFunc(s.schema.Operations, func(o sdk.OperationSchema) bool { return settles(&o) }) {
		v.skip("no operation settles by a read")
	}
	s.each(v, settles, func(it item) {
		what := name(host.Read, it.op)
		a, ok := s.ask(v, host.Read, it)
		if !ok {
			return
		}
		if a.Settled == sdk.SettledYes || a.Settled == sdk.SettledImpossible {
			v.wrong("%s: before the operation it answers settled = %s", what, a.Settled)
		}
		if a, ok = s.ask(v, host.Execute, it); !ok || a.Outcome != sdk.OutcomeDone {
			v.wrong("%s: %s", name(host.Execute, it.op), said(a))
			return
		}
		s.settledYes(v, it, "after the operation")
	})
}

// settledYes reads until the effect shows, for as long as the operation says
// that a read may lag, and no longer than the suite's patience.
func (s *suite) settledYes(v *verdict, it item, when string) {
	end := time.Now().Add(min(it.op.SettleAfter, s.Timeout))
	for {
		a, ok := s.ask(v, host.Read, it)
		switch {
		case !ok || a.Settled == sdk.SettledYes:
			return
		case a.Settled == sdk.SettledImpossible || time.Now().After(end):
			v.wrong("%s: %s it answers settled = %s (%s)", name(host.Read, it.op), when, a.Settled, a.Outcome)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// permitKept sends calls that come too late.
func permitKept(s *suite, v *verdict) {
	s.each(v, nil, func(it item) {
		for _, verb := range verbs(it.op) {
			c := s.call(verb, it)
			c.LeaveBefore = time.Now().Add(-time.Second)
			requests := s.relay.requested()
			a, ok := s.send(v, c, it)
			switch {
			case !ok:
			case a.Outcome != sdk.OutcomeNotSent:
				v.wrong("%s: too late to leave, it comes back as %s", name(verb, it.op), said(a))
			case s.relay.requested() != requests:
				v.wrong("%s: too late to leave, it is on the wire all the same", name(verb, it.op))
			}
		}
	})
}

func oneRequest(s *suite, v *verdict) {
	told := map[string]bool{}
	for _, c := range s.calls {
		v.held++
		if c.requests > 1 && !told[c.what] {
			told[c.what] = true
			v.wrong("%s: %d requests on the wire for one call", c.what, c.requests)
		}
	}
}
