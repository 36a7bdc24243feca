package providertest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// configure brings a process its configuration.
func (s *suite) configure(p *process, config map[string]any) (sdk.Account, error) {
	raw, err := json.Marshal(config)
	if err != nil {
		return sdk.Account{}, fmt.Errorf("write the configuration as JSON: %w", err)
	}
	ctx, cancel := s.unary()
	defer cancel()
	account, err := p.client.Configure(ctx, host.Configuration{Config: raw, MaxInFlight: 16, Timeout: 4 * s.Timeout})
	if err != nil {
		s.heard.add("an error of Configure", err.Error())
	}
	return account, err
}

// call is the call of a verb on an item, within the usual time.
func (s *suite) call(verb host.Verb, it item) host.Call {
	end := time.Now().Add(s.Timeout)
	s.number++
	return host.Call{
		Verb: verb, Operation: it.op.Name, Arguments: it.arguments, Deadline: end, LeaveBefore: end,
		IdempotencyKey: fmt.Sprintf("conformance-%d", s.number),
	}
}

// ask makes a call on the main line, counts it on the wire, and hears what is
// said. It answers false after having said in v why there is no answer.
func (s *suite) ask(v *verdict, verb host.Verb, it item) (host.Answer, bool) {
	return s.send(v, s.call(verb, it), it)
}

func (s *suite) send(v *verdict, c host.Call, it item) (host.Answer, bool) {
	what := name(c.Verb, it.op)
	l, err := s.connected()
	if err != nil {
		v.wrong("%s: %s", what, err)
		return host.Answer{}, false
	}
	before := s.relay.requested()
	a, err := l.ask(c)
	for _, odd := range l.odd() {
		v.wrong("%s: %s", what, odd)
	}
	if err != nil {
		v.wrong("%s: %s%s", what, err, l.process.errors.quote())
		s.hangUp() // whatever became of it, the next rule begins with another process
		return a, false
	}
	s.heard.answer(what, it.op, a)
	// The relay hears of a request before the simulator does, and counts it a
	// moment later.
	eventually(100*time.Millisecond, func() bool { return s.relay.requested()-before >= a.Requests })
	s.calls = append(s.calls, seen{what, s.relay.requested() - before})
	return a, true
}

// connected is the main line, opened anew if it broke.
func (s *suite) connected() (*line, error) {
	if s.main != nil {
		select {
		case <-s.main.done:
			s.hangUp()
		default:
			return s.main, nil
		}
	}
	l, err := s.begin(s.relay.Endpoint)
	s.main = l
	return l, err
}

func (s *suite) hangUp() {
	if s.main != nil {
		s.main.close()
		s.main = nil
	}
}

// each makes an item of every operation that is wanted and hands it on.
func (s *suite) each(v *verdict, wanted func(*sdk.OperationSchema) bool, do func(it item)) {
	for i := range s.schema.Operations {
		op := &s.schema.Operations[i]
		if wanted != nil && !wanted(op) || s.ctx.Err() != nil {
			continue
		}
		v.held++
		it, err := s.make(op, false)
		if err != nil {
			v.wrong("%s", err)
			continue
		}
		do(it)
	}
}

// happened tells how many effects there were while something was done.
func (s *suite) happened(v *verdict, do func()) int {
	before, err := s.effects()
	if err != nil {
		v.wrong("%s", err)
		return 0
	}
	do()
	after, err := s.effects()
	if err != nil {
		v.wrong("%s", err)
	}
	return after - before
}

// name says which call is meant.
func name(verb host.Verb, op *sdk.OperationSchema) string {
	return fmt.Sprintf("%s of %s", verb, op.Name)
}

// said is an answer as messages show it.
func said(a host.Answer) string {
	if a.Code == "" && a.Reason == "" {
		return a.Outcome.String()
	}
	return fmt.Sprintf("%s (%s: %s)", a.Outcome, a.Code, a.Reason)
}

func mutates(op *sdk.OperationSchema) bool { return op.Kind == sdk.KindMutation }
func reads(op *sdk.OperationSchema) bool   { return op.Reads }
func settles(op *sdk.OperationSchema) bool { return op.Settles && mutates(op) }
