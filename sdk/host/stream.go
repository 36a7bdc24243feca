package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"

	"github.com/bulkrunner/runner/sdk"
	pb "github.com/bulkrunner/runner/sdk/internal/providerv1"
	"github.com/bulkrunner/runner/sdk/internal/wire"
)

// A Stream carries calls out and answers back, in any order, matched by id.
// Send and Receive may each be used by one goroutine at a time. It ends with
// its context: what is in flight is then cancelled.
type Stream struct {
	ctx context.Context
	rpc grpc.BidiStreamingClient[pb.CallRequest, pb.CallResponse]
}

// Open starts the stream of a configured provider.
func (c *Client) Open(ctx context.Context) (*Stream, error) {
	rpc, err := c.rpc.Call(ctx, limits...)
	if err != nil {
		return nil, broken(ctx, "open the stream of calls", err)
	}
	return &Stream{ctx, rpc}, nil
}

// Send hands calls to the provider. An error means that the stream is over;
// which of the calls arrived is not known.
func (s *Stream) Send(calls []Call) error {
	for len(calls) > 0 {
		frame := &pb.CallRequest{}
		size := 0
		for len(calls) > 0 {
			c := &calls[0]
			size += len(c.Arguments) + len(c.IdempotencyKey) + len(c.Operation) + 64
			if size > wire.Frame && len(frame.Calls) > 0 {
				break
			}
			frame.Calls = append(frame.Calls, &pb.Invocation{
				Id: c.ID, Verb: pb.Verb(c.Verb), Operation: c.Operation, Arguments: c.Arguments,
				IdempotencyKey: c.IdempotencyKey, Deadline: nanos(c.Deadline), LeaveBefore: nanos(c.LeaveBefore),
			})
			calls = calls[1:]
		}
		if err := s.rpc.Send(frame); err != nil {
			if errors.Is(err, io.EOF) { // the reason is Receive's to tell
				return ErrGone
			}
			return broken(s.ctx, "send calls", err)
		}
		tidy(size)
	}
	return nil
}

// tidy has a large message collected at once: several of them, each with the
// copies that its way needs, would else be most of what the runner uses.
func tidy(size int) {
	if size > 2*wire.Frame {
		debug.FreeOSMemory()
	}
}

// CloseSend says that no more calls will come. Receive goes on until the last
// answer and then returns [io.EOF].
func (s *Stream) CloseSend() error { return s.rpc.CloseSend() }

// Receive waits for the next answers. An id that was never sent or is answered
// a second time comes through: only the caller knows.
func (s *Stream) Receive() ([]Answer, error) {
	frame, err := s.rpc.Recv()
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	if err != nil {
		return nil, broken(s.ctx, "receive answers", err)
	}
	return readFrame(frame), nil
}

func readFrame(frame *pb.CallResponse) []Answer {
	answers := make([]Answer, len(frame.Answers))
	for i, a := range frame.Answers {
		answers[i] = read(a)
	}
	return answers
}

// read takes an answer over, believing no more of it than it must.
func read(a *pb.Answer) Answer {
	r := Answer{
		ID: a.GetId(), Outcome: sdk.OutcomeUnknown,
		Code: wire.Clip(a.GetCode(), wire.MaxCode), Reason: wire.Clip(a.GetReason(), wire.MaxReason),
		After: time.Duration(max(0, a.GetAfterNanos())), NoEffect: a.GetNoEffect(),
		Live: a.GetLive(), Result: a.GetResult(),
		Requests: int(max(0, a.GetRequests())), SentAt: moment(a.GetSentAt()), Expires: moment(a.GetExpires()),
	}
	// A number that this version doesn't know stays unknown.
	if o := a.GetOutcome(); o > 0 && o <= pb.Outcome_OUTCOME_FATAL {
		r.Outcome = sdk.Outcome(o)
	}
	if s := a.GetSettled(); s > 0 && s <= pb.Settled_SETTLED_OTHERWISE {
		r.Settled = sdk.Settled(s)
	}
	if r.Outcome != sdk.OutcomeFatal {
		r.NoEffect = false
	}
	if !object(r.Live) || !object(r.Result) {
		r.Outcome, r.Code, r.Reason = sdk.OutcomeUnknown, "malformed_answer", "the provider's answer is not a JSON object. This is a bug in the provider"
		r.Live, r.Result, r.Settled, r.NoEffect = nil, nil, sdk.SettledCantTell, false
	}
	if r.Outcome == sdk.OutcomeNotSent && r.Requests > 0 {
		r.Outcome, r.Reason = sdk.OutcomeUnknown, "the provider says that nothing was sent, but counts a request"
	}
	return r
}

// object tells whether b is a JSON object, or nothing at all. What isn't would
// end up in the run file, which promises JSON.
func object(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	t := bytes.TrimLeft(b, " \t\r\n")
	return len(t) > 0 && t[0] == '{' && json.Valid(t)
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func moment(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
