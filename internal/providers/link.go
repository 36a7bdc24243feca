package providers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

const (
	// A provider that dies more often than this within the window is given up.
	mostDeaths  = 3
	deathWindow = time.Minute

	leastRestart = 200 * time.Millisecond
	mostRestart  = 10 * time.Second
)

// An Event is what a [Link] tells, one of its fields set.
type Event struct {
	Answers []host.Answer

	// Down says that the process is gone, proven dead: no call that was in
	// flight will be answered, and none of them can still be on its way.
	Down error

	// Up says that the process runs again, configured as before.
	Up bool

	// Gone says that the provider is given up.
	Gone error
}

// A Link is the stream of calls to an instance, kept up over the deaths of its
// process: a process that ends is started and configured again, with a longer
// pause each time.
type Link struct {
	Events <-chan Event // closed after Close or Gone

	instance *Instance
	config   host.Configuration
	secrets  []string
	account  sdk.Account
	send     chan []host.Call
	kill     chan struct{}
	stop     context.CancelFunc
	done     chan struct{}
}

// Connect configures the instance and opens its link.
func (i *Instance) Connect(ctx context.Context, c host.Configuration, secrets []string) (*Link, sdk.Account, error) {
	account, err := i.Configure(ctx, c, secrets)
	if err != nil {
		return nil, sdk.Account{}, err
	}
	streamCtx, stop := context.WithCancel(context.Background())
	stream, err := i.host.Open(streamCtx)
	if err != nil {
		stop()
		return nil, sdk.Account{}, i.fail("open its stream", err)
	}
	events := make(chan Event, 64)
	l := &Link{
		Events:   events,
		instance: i,
		config:   c,
		secrets:  secrets,
		account:  account,
		send:     make(chan []host.Call, 64),
		kill:     make(chan struct{}, 1),
		stop:     stop,
		done:     make(chan struct{}),
	}
	go l.run(streamCtx, stream, events)
	return l, account, nil
}

// Send hands calls to the process. They are in flight from then on, even if
// the process is about to die: the next Down or their answers settle them.
func (l *Link) Send(calls []host.Call) {
	select {
	case l.send <- calls:
	case <-l.done:
	}
}

// Kill ends the process, which no longer answers. A Down follows.
func (l *Link) Kill() {
	select {
	case l.kill <- struct{}{}:
	default:
	}
}

// Close ends the link and the process. Calls in flight are not waited for.
func (l *Link) Close() {
	l.stop()
	<-l.done
	l.instance.Close()
}

func (l *Link) run(ctx context.Context, stream *host.Stream, events chan<- Event) {
	defer close(l.done)
	defer close(events)
	tell := func(e Event) bool {
		select {
		case events <- e:
			return true
		case <-ctx.Done():
			return false
		}
	}
	pause := &backoff.ExponentialBackOff{InitialInterval: leastRestart, MaxInterval: mostRestart, Multiplier: 2, RandomizationFactor: 0.5}
	pause.Reset()
	var deaths []time.Time
	for {
		err := l.pump(ctx, stream, tell)
		l.instance.Close() // whatever it was that broke, the old process ends here
		if ctx.Err() != nil {
			return
		}
		if !tell(Event{Down: l.instance.died(err)}) {
			return
		}
		for stream = nil; stream == nil; {
			now := time.Now()
			deaths = append(deaths, now)
			for now.Sub(deaths[0]) > deathWindow {
				deaths = deaths[1:]
			}
			if len(deaths) > mostDeaths {
				tell(Event{Gone: fmt.Errorf("it ended %d times within %s; the last time: %w", len(deaths), deathWindow, err)})
				return
			}
			select {
			case <-time.After(pause.NextBackOff()):
			case <-ctx.Done():
				return
			}
			if stream, err = l.restart(ctx); errors.Is(err, errOther) {
				tell(Event{Gone: err})
				return
			}
		}
		select {
		case <-l.kill: // meant for the process before this one
		default:
		}
		if !tell(Event{Up: true}) {
			return
		}
	}
}

var errOther = errors.New("the program was replaced by another while it ran")

// restart starts the same program once more. A program that was replaced on
// disk meanwhile is another program, and no plan was made with it.
func (l *Link) restart(ctx context.Context) (*host.Stream, error) {
	i := l.instance
	i.starting.Lock()
	defer i.starting.Unlock()
	if err := i.start(ctx); err != nil {
		if _, other := errors.AsType[*ChecksumError](err); other {
			err = errOther
		}
		return nil, err
	}
	account, err := i.Configure(ctx, l.config, l.secrets)
	if err == nil && account != l.account {
		err = i.fail("restart", errors.New("it now stands for another account"))
	}
	if err != nil {
		i.Close()
		return nil, err
	}
	stream, err := i.host.Open(ctx)
	if err != nil {
		i.Close()
		return nil, i.fail("open its stream", err)
	}
	return stream, nil
}

// pump carries calls and answers until the stream breaks.
func (l *Link) pump(ctx context.Context, stream *host.Stream, tell func(Event) bool) error {
	broken := make(chan struct{})
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for {
			select {
			case calls := <-l.send:
				// An error here shows at the receiving end as well, where the
				// process's fate is known.
				if stream.Send(calls) != nil {
					return
				}
			case <-l.kill:
				l.instance.process.Kill(ctx)
			case <-broken:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	var err error
	for err == nil {
		var answers []host.Answer
		if answers, err = stream.Receive(); len(answers) > 0 {
			for n := range answers {
				answers[n].Reason = l.instance.redact.Replace(answers[n].Reason)
			}
			if !tell(Event{Answers: answers}) {
				err = ctx.Err()
			}
		}
	}
	close(broken)
	<-sent
	return err
}

// died says how the process ended.
func (i *Instance) died(err error) error {
	if errors.Is(err, io.EOF) {
		err = errors.New("it closed its stream")
	}
	return &Error{Provider: i.Name, Doing: "work", Detail: i.redact.Replace("the process ended: " + err.Error()), Printed: i.printed()}
}
