package providertest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// underWay begins a process of its own against a relay of its own and waits
// until a slow execution is at the simulator, then hands both on.
func (s *suite) underWay(v *verdict, slow string, do func(l *line, r *relay, answers <-chan asked)) {
	if !s.offers("slow") {
		v.skip("the simulator offers no such fault: slow")
		return
	}
	v.held++
	r, err := newRelay(s.stage.endpoint)
	if err != nil {
		v.wrong("%s", err)
		return
	}
	defer r.close()
	l, err := s.begin(r.Endpoint)
	if err != nil {
		v.wrong("%s", err)
		return
	}
	defer l.close()
	it, err := s.make(&s.schema.Operations[0], false)
	if err != nil {
		v.wrong("%s", err)
		return
	}
	s.with(v, "slow", slow, func() {
		before := r.requested()
		answers := make(chan asked, 1)
		c := s.call(host.Execute, it)
		c.Deadline = time.Now().Add(20 * time.Second)
		go func() {
			a, err := l.ask(c)
			answers <- asked{a, err}
		}()
		if !eventually(s.Timeout, func() bool { return r.requested() > before }) {
			v.wrong("%s: no request came", name(host.Execute, it.op))
			return
		}
		do(l, r, answers)
	})
}

// asked is what came of a call.
type asked struct {
	answer host.Answer
	err    error
}

func cancelEnds(s *suite, v *verdict) {
	s.underWay(v, "5s", func(l *line, r *relay, _ <-chan asked) {
		l.cancel()
		if !eventually(2*time.Second, func() bool { _, _, open := r.count(); return open == 0 }) {
			v.wrong("two seconds after the stream was cancelled its request is still under way: pass the context on to the request")
		}
	})
}

func terminatedGently(s *suite, v *verdict) {
	if !canTerminate {
		v.skip("this system has no SIGTERM")
		return
	}
	s.underWay(v, "400ms", func(l *line, _ *relay, answers <-chan asked) {
		if err := terminate(l.process.cmd.Process); err != nil {
			v.wrong("send it SIGTERM: %s", err)
			return
		}
		switch got := <-answers; {
		case got.err != nil:
			v.wrong("told to end with a request under way, it ends without its answer: %s", got.err)
		case got.answer.Outcome != sdk.OutcomeDone:
			v.wrong("told to end with a request under way, it answers %s instead of what came of it", said(got.answer))
		}
		if !l.process.gone(5 * time.Second) {
			v.wrong("told to end, it goes on after its last answer")
		}
	})
}

// noGrowth compares a process after a hundred calls with one after a thousand
// more.
func noGrowth(s *suite, v *verdict) {
	// What is free to repeat; else reads; else the same execution again and
	// again, which the API refuses, or not.
	i := slices.IndexFunc(s.schema.Operations, func(o sdk.OperationSchema) bool { return !mutates(&o) })
	if i < 0 {
		i = max(0, slices.IndexFunc(s.schema.Operations, func(o sdk.OperationSchema) bool { return o.Reads }))
	}
	it, err := s.make(&s.schema.Operations[i], false)
	if err != nil {
		v.wrong("%s", err)
		return
	}
	var goroutines, descriptors [2]int
	for n, calls := range []int{100, 1100} {
		l, err := s.begin(s.relay.Endpoint)
		if err != nil {
			v.wrong("%s", err)
			return
		}
		if err := s.many(l, it, calls); err != nil {
			v.wrong("%d calls, %s: %s", calls, name(verbs(it.op)[0], it.op), err)
			l.close()
			return
		}
		descriptors[n] = countDescriptors(l.process.cmd.Process.Pid)
		goroutines[n] = countGoroutines(l.process)
		l.close()
	}
	const slack = 32
	for what, count := range map[string][2]int{"goroutines": goroutines, "descriptors": descriptors} {
		switch {
		case count[0] == 0 || count[1] == 0:
			v.skip("%s can't be counted here", what)
		case count[1] > count[0]+slack:
			v.held++
			v.wrong("after 100 calls it has %d %s, after 1,100 it has %d", count[0], what, count[1])
		default:
			v.held++
		}
	}
}

// many makes calls, sixteen at a time.
func (s *suite) many(l *line, it item, n int) error {
	work := make(chan host.Call)
	failures := make(chan error, 16)
	var asking sync.WaitGroup
	for range 16 {
		asking.Go(func() {
			var first error
			for c := range work {
				if _, err := l.ask(c); err != nil && first == nil {
					first = err
				}
			}
			if first != nil {
				failures <- first
			}
		})
	}
	for range n {
		select {
		case <-l.done: // nothing will be answered any more
		default:
			work <- s.call(verbs(it.op)[0], it)
		}
	}
	close(work)
	asking.Wait()
	close(failures)
	return <-failures
}

func quietOutput(s *suite, v *verdict) {
	v.held++
	for i := 0; i < len(s.printed); i += 2 {
		if out := s.printed[i]; out.size() > 0 {
			v.wrong("%d bytes are on standard output%s", out.size(), out.quote())
			return
		}
	}
}

// mostErrors is what a process may print on standard error over the suite.
const mostErrors = 64 << 10

func quietErrors(s *suite, v *verdict) {
	v.held++
	for i := 1; i < len(s.printed); i += 2 {
		if errs := s.printed[i]; errs.size() > mostErrors && !dumped(errs) {
			v.wrong("%d bytes are on standard error%s", errs.size(), errs.quote())
			return
		}
	}
}

// secretsKept executes everything with all that is sensitive, once in peace
// and once under each fault that makes for an error, and then searches all
// that was ever said or printed.
func secretsKept(s *suite, v *verdict) {
	if len(s.planted.values) == 0 && !slices.ContainsFunc(s.schema.Operations, func(o sdk.OperationSchema) bool {
		return slices.ContainsFunc(o.Arguments, func(a sdk.Attribute) bool { return a.Sensitive })
	}) {
		v.skip("nothing in the schema is sensitive")
		return
	}
	v.held++
	unheard := &verdict{} // what goes wrong here is another rule's affair
	for i := range s.schema.Operations {
		if s.unkept["answers"] != "" { // then each of these would be waited for
			break
		}
		op := &s.schema.Operations[i]
		once := func() {
			if it, err := s.make(op, true); err == nil {
				for _, verb := range verbs(op) {
					s.ask(unheard, verb, it)
				}
			}
		}
		once()
		for _, fault := range []string{"error500_after", "html", "truncated", "lose_answer"} {
			if s.offers(fault) && s.main != nil {
				s.with(unheard, fault, "1", once)
			}
		}
	}
	for i, text := range s.heard.texts {
		if s.planted.in(text) {
			v.wrong("%s shows a sensitive value", s.heard.from[i])
		}
	}
	for i, r := range s.printed {
		if s.planted.in(r.String()) {
			v.wrong("%s shows a sensitive value", fmt.Sprintf("standard %s", []string{"output", "error"}[i%2]))
			return
		}
	}
}
