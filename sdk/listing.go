package sdk

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bulkrunner/runner/sdk/internal/permit"
	pb "github.com/bulkrunner/runner/sdk/internal/providerv1"
	"github.com/bulkrunner/runner/sdk/internal/wire"
)

// List implements the service: one page, one request, under the same rules of
// permit and deadline as a call of the stream.
func (s *service) List(ctx context.Context, r *pb.ListRequest) (*pb.ListResponse, error) {
	l, ok := s.backend.list(r.List)
	if !ok {
		return nil, status.Errorf(codes.Unimplemented, "list %q is not known", r.List)
	}
	s.mu.Lock()
	configured := s.maxInFlight != 0
	s.mu.Unlock()
	if !configured {
		return nil, status.Error(codes.FailedPrecondition, "the provider is not configured")
	}
	a := &pb.Answer{}
	p := permit.New(moment(r.LeaveBefore), "")
	switch {
	case s.pending.draining():
		fail(a, &Failure{Outcome: OutcomeNotSent, Code: "shutting_down", Reason: "the provider was told to end; nothing was sent"})
		return &pb.ListResponse{Answer: a}, nil
	case p.Expired(time.Now()):
		fail(a, &Failure{Outcome: OutcomeNotSent, Code: "permit_expired", Reason: "the request could not leave in time and was not sent"})
		return &pb.ListResponse{Answer: a}, nil
	}
	if r.Deadline != 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, moment(r.Deadline))
		defer cancel()
	}
	s.pending.add(1)
	defer s.pending.done(1)
	var page rawPage
	err := s.guarded(func() (err error) {
		page, err = l.page(permit.With(ctx, p), r.Filter, r.Cursor)
		return err
	})
	if err == nil {
		err = page.fits()
	}
	a.Requests, a.SentAt = int32(p.Requests()), p.SentAt()
	if err != nil {
		fail(a, AsFailure(err))
		return &pb.ListResponse{Answer: a}, nil
	}
	a.Outcome = pb.Outcome_OUTCOME_DONE
	out := &pb.ListResponse{
		NextCursor: page.next, Complete: page.complete, Reason: wire.Clip(page.reason, wire.MaxReason), Total: page.total, Answer: a,
	}
	for _, row := range page.rows {
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

// fits refuses a page that the pipe couldn't carry. More of its like would come.
func (p rawPage) fits() error {
	size := len(p.next)
	for _, row := range p.rows {
		size += len(row) + 8
	}
	if size > wire.MaxMessage/2 {
		return Refused("page_too_large", "the page is larger than 8 MiB: ask for smaller pages. This is a bug in the provider")
	}
	return nil
}
