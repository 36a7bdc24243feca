package providertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// A line is the stream of calls to a configured process.
type line struct {
	process *process
	stream  *host.Stream
	cancel  context.CancelFunc
	done    chan struct{} // closed when nothing more will come

	sending sync.Mutex
	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan host.Answer
	strays  []string // answers that nobody waits for
	err     error    // why it ended
}

func (s *suite) open(p *process) (*line, error) {
	ctx, cancel := context.WithCancel(s.ctx)
	stream, err := p.client.Open(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	l := &line{process: p, stream: stream, cancel: cancel, done: make(chan struct{}), waiting: map[uint64]chan host.Answer{}}
	go l.receive()
	return l, nil
}

func (l *line) receive() {
	defer close(l.done)
	answered := map[uint64]bool{}
	for {
		answers, err := l.stream.Receive()
		l.mu.Lock()
		for _, a := range answers {
			c, ok := l.waiting[a.ID]
			switch {
			case ok:
				delete(l.waiting, a.ID)
				answered[a.ID] = true
				c <- a
			case answered[a.ID]:
				l.strays = append(l.strays, "a call was answered twice")
			default:
				l.strays = append(l.strays, "an answer has an id that no call had")
			}
		}
		if err != nil {
			l.err = err
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
	}
}

// errNoAnswer means that a call's deadline passed without a word.
var errNoAnswer = errors.New("no answer came by the call's deadline")

// grace is what an answer may take beyond its deadline on a busy machine.
const grace = time.Second

// ask makes one call and waits for its answer.
func (l *line) ask(c host.Call) (host.Answer, error) {
	answers := make(chan host.Answer, 1)
	l.mu.Lock()
	l.next++
	c.ID = l.next
	l.waiting[c.ID] = answers
	l.mu.Unlock()

	l.sending.Lock()
	err := l.stream.Send([]host.Call{c})
	l.sending.Unlock()
	timer := time.NewTimer(time.Until(c.Deadline) + grace)
	defer timer.Stop()
	if err == nil {
		select {
		case a := <-answers:
			return a, nil
		case <-timer.C:
			return host.Answer{}, errNoAnswer
		case <-l.done:
		}
	} else {
		<-l.done
	}
	select {
	case a := <-answers: // it came with the end
		return a, nil
	default:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.err, io.EOF) {
		return host.Answer{}, errors.New("the provider closed the stream of calls")
	}
	return host.Answer{}, l.err
}

// odd takes what came unasked for.
func (l *line) odd() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.strays
	l.strays = nil
	return out
}

func (l *line) close() {
	l.cancel()
	<-l.done
	l.process.kill()
}

// begin starts a process, configures it against the given endpoint, opens its
// line and authenticates where there is a token to get.
func (s *suite) begin(endpoint string) (*line, error) {
	p, err := s.start()
	if err != nil {
		return nil, err
	}
	if _, err := s.configure(p, s.configAt(endpoint)); err != nil {
		p.kill()
		return nil, fmt.Errorf("it refuses its configuration: %w", err)
	}
	l, err := s.open(p)
	if err != nil {
		p.kill()
		return nil, err
	}
	if s.schema.Authenticates {
		a, err := l.ask(host.Call{Verb: host.Authenticate, Deadline: time.Now().Add(s.Timeout)})
		if err == nil && a.Outcome != sdk.OutcomeDone {
			err = fmt.Errorf("AUTH came back as %s (%s): %s", a.Outcome, a.Code, a.Reason)
		}
		if err != nil {
			l.close()
			return nil, fmt.Errorf("it doesn't authenticate: %w", err)
		}
	}
	return l, nil
}
