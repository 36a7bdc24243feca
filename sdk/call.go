package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bulkrunner/runner/sdk/internal/permit"
	pb "github.com/bulkrunner/runner/sdk/internal/providerv1"
	"github.com/bulkrunner/runner/sdk/internal/wire"
)

// queue is how many calls or answers may wait within the process. More wait in
// the pipe, which holds the runner back.
const queue = 1024

// Call implements the service: as many workers as calls may be in flight take
// them in order, and one sender puts into a frame whatever is ready.
func (s *service) Call(stream grpc.BidiStreamingServer[pb.CallRequest, pb.CallResponse]) error {
	s.mu.Lock()
	workers := s.maxInFlight
	s.mu.Unlock()
	if workers == 0 {
		return status.Error(codes.FailedPrecondition, "the provider is not configured")
	}
	calls := make(chan *pb.Invocation, queue)
	answers := make(chan *pb.Answer, queue)
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			for c := range calls {
				answers <- s.answer(stream.Context(), c)
			}
		})
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		s.send(stream, answers)
	}()

	err := s.receive(stream, calls)
	close(calls)
	working.Wait()
	close(answers)
	<-sent
	return err
}

// receive hands on calls until the runner has no more, or is gone.
func (s *service) receive(stream grpc.BidiStreamingServer[pb.CallRequest, pb.CallResponse], calls chan<- *pb.Invocation) error {
	for {
		frame, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.pending.add(len(frame.Calls))
		for _, c := range frame.Calls {
			calls <- c
		}
	}
}

// An answer that has company, since many calls are being worked on, waits for
// it so long: at ten thousand answers a second a frame of its own for each
// would cost as much as a third of the request. One that has none never waits.
const (
	company = 16
	linger  = 500 * time.Microsecond
)

// send takes what is ready. When the runner is gone it goes on taking, so that
// no worker waits for it.
func (s *service) send(stream grpc.BidiStreamingServer[pb.CallRequest, pb.CallResponse], answers <-chan *pb.Answer) {
	var broken bool
	for a := range answers {
		if !broken && s.pending.several(company) {
			time.Sleep(linger)
		}
		frame := &pb.CallResponse{Answers: []*pb.Answer{a}}
		size := answerSize(a)
	fill:
		for size < wire.Frame {
			select {
			case a, ok := <-answers:
				if !ok {
					break fill
				}
				frame.Answers = append(frame.Answers, a)
				size += answerSize(a)
			default:
				break fill
			}
		}
		if !broken {
			broken = stream.Send(frame) != nil
		}
		s.pending.done(len(frame.Answers))
	}
}

// maxAnswer bounds live state and result: a frame that ends with one this long
// still fits a message.
const maxAnswer = 4 << 20

func answerSize(a *pb.Answer) int {
	return len(a.Live) + len(a.Result) + len(a.Reason) + len(a.Code) + 64
}

// answer carries one call out.
func (s *service) answer(ctx context.Context, c *pb.Invocation) *pb.Answer {
	a := &pb.Answer{Id: c.Id}
	p := permit.New(moment(c.LeaveBefore), c.IdempotencyKey)
	switch {
	case s.pending.draining():
		fail(a, &Failure{Outcome: OutcomeNotSent, Code: "shutting_down", Reason: "the provider was told to end; nothing was sent"})
		return a
	case p.Expired(time.Now()):
		fail(a, &Failure{Outcome: OutcomeNotSent, Code: "permit_expired", Reason: "the request could not leave in time and was not sent"})
		return a
	case ctx.Err() != nil:
		fail(a, &Failure{Outcome: OutcomeNotSent, Code: "cancelled", Reason: "the request was cancelled before it was sent"})
		return a
	}
	if c.Deadline != 0 {
		deadline := moment(c.Deadline)
		s.pending.until(deadline)
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	err := s.guarded(func() error { return s.carryOut(permit.With(ctx, p), c, a) })
	a.Requests, a.SentAt = int32(p.Requests()), p.SentAt()
	if err == nil {
		a.Outcome = pb.Outcome_OUTCOME_DONE
		return a
	}
	// That nothing was recorded as written proves nothing by itself: only who
	// watched the write may say not sent, and the provider may have written
	// past apiclient. The other way round the record is proof.
	f := AsFailure(err)
	if f.Outcome == OutcomeNotSent && a.Requests > 0 {
		f = &Failure{Outcome: OutcomeUnknown, Code: f.Code, Reason: "the provider says that nothing was sent, but a request was written"}
	}
	fail(a, f)
	return a
}

func (s *service) carryOut(ctx context.Context, c *pb.Invocation, a *pb.Answer) error {
	if c.Verb == pb.Verb_VERB_AUTH {
		expires, err := s.backend.authenticate(ctx)
		if err == nil && !expires.IsZero() {
			a.Expires = expires.UnixNano()
		}
		return err
	}
	o, ok := s.backend.operation(c.Operation)
	if !ok {
		return FatalNoEffect("unknown_operation", "the provider doesn't know the operation")
	}
	switch c.Verb {
	case pb.Verb_VERB_READ:
		live, settled, err := o.read(ctx, c.Arguments)
		if err != nil {
			return err
		}
		a.Settled = pb.Settled(settled)
		a.Live, err = encode(live)
		return err
	case pb.Verb_VERB_EXECUTE:
		result, err := o.execute(ctx, c.Arguments)
		if err != nil {
			return err
		}
		a.Result, err = encode(result)
		return err
	default:
		return FatalNoEffect("unknown_verb", "the provider doesn't know what is asked of it")
	}
}

func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	switch {
	case err != nil:
		return nil, Unknown("unencodable", "the provider's answer can't be written as JSON. This is a bug in the provider")
	case len(b) > maxAnswer:
		return nil, Unknown("answer_too_large", "the provider's answer is larger than 4 MiB. This is a bug in the provider")
	}
	return b, nil
}

// fail writes a failure into an answer.
func fail(a *pb.Answer, f *Failure) {
	a.Outcome = pb.Outcome(f.Outcome)
	a.Code, a.Reason = wire.Clip(f.Code, wire.MaxCode), wire.Clip(f.Reason, wire.MaxReason)
	a.AfterNanos, a.NoEffect = int64(max(0, f.After)), f.NoEffect
	a.Live, a.Settled = nil, 0
	if f.Result != nil {
		if b, err := encode(f.Result); err == nil {
			a.Result = b
		}
	}
	if f.Outcome == OutcomeDone || int(f.Outcome) >= len(outcomeNames) {
		// An error that says done is a contradiction.
		a.Outcome = pb.Outcome_OUTCOME_UNSPECIFIED
	}
}

func moment(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos)
}
