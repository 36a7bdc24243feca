package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/bulkrunner/runner/sdk/internal/providerv1"
)

// A Server is a provider ready to be called. Authors use [Serve]; a Server of
// one's own is for tests that run a provider within their own process.
type Server struct{ service *service }

// NewServer returns the server of a provider, or why its schema can't be.
func NewServer[Config, Client any](p Provider[Config, Client]) (*Server, error) {
	s, err := SchemaOf(p)
	if err != nil {
		return nil, err
	}
	document, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode schema of provider %q: %w", p.Name, err)
	}
	return &Server{&service{name: p.Name, schema: document, faults: s.Faults, backend: newInstance(p, s)}}, nil
}

// Register makes r answer for the provider.
func (s *Server) Register(r grpc.ServiceRegistrar) { pb.RegisterProviderServer(r, s.service) }

// Drain lets calls that were begun finish, for as long as their deadlines
// allow. Calls that come later are answered with not sent.
func (s *Server) Drain() { s.service.pending.drain() }

// Close ends the simulator, if one runs.
func (s *Server) Close() error {
	s.service.mu.Lock()
	defer s.service.mu.Unlock()
	if s.service.stage == nil {
		return nil
	}
	return s.service.stage.close()
}

// A service answers the runner. It knows the provider without its types.
type service struct {
	pb.UnimplementedProviderServer
	name    string
	schema  []byte
	faults  []Fault
	backend backend
	pending pending

	mu          sync.Mutex
	maxInFlight int // 0 until configured
	stage       *stage
}

// GetSchema implements the service.
func (s *service) GetSchema(context.Context, *pb.GetSchemaRequest) (*pb.GetSchemaResponse, error) {
	return &pb.GetSchemaResponse{Schema: s.schema}, nil
}

// Configure implements the service.
func (s *service) Configure(_ context.Context, r *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.maxInFlight != 0 {
		return nil, status.Error(codes.FailedPrecondition, "the provider is configured once")
	}
	setup := Setup{MaxInFlight: min(max(1, int(r.MaxInFlight)), 4096), Timeout: time.Duration(r.TimeoutNanos)}
	var account Account
	err := s.guarded(func() (err error) {
		account, err = s.backend.configure(r.Config, setup)
		return err
	})
	if err != nil {
		return &pb.ConfigureResponse{Problem: err.Error()}, nil
	}
	s.maxInFlight = setup.MaxInFlight
	return &pb.ConfigureResponse{Account: account.Name, Environment: account.Environment, Fingerprint: account.Fingerprint}, nil
}

// Check implements the service.
func (s *service) Check(_ context.Context, r *pb.CheckRequest) (*pb.CheckResponse, error) {
	o, ok := s.backend.operation(r.Operation)
	if !ok {
		return nil, status.Errorf(codes.NotFound, "operation %q is not known", r.Operation)
	}
	problems := make([]string, len(r.Arguments))
	for i, a := range r.Arguments {
		if err := s.guarded(func() error { return o.check(a) }); err != nil {
			problems[i] = problemText(err)
		}
	}
	return &pb.CheckResponse{Problems: problems}, nil
}

// problemText is what an error of an author's Check says to people.
func problemText(err error) string {
	text := err.Error()
	if f, ok := errors.AsType[*Failure](err); ok && f.Reason != "" {
		text = f.Reason
	}
	if text = strings.TrimSpace(text); text == "" {
		return "the provider refuses the arguments and doesn't say why"
	}
	return text
}

// errPanicked stands for whatever the provider's code panicked with.
var errPanicked = Unknown("panic", "the provider panicked; what it said is in its standard error")

// guarded runs the provider's code, which must not take the process down: the
// calls beside it may have money on the way.
func (s *service) guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			// The stack's frames show arguments as numbers, never as text.
			fmt.Fprintf(os.Stderr, "panic in the %s provider: %s\n%s", s.name, panicText(r), debug.Stack())
			err = errPanicked
		}
	}()
	return f()
}

// panicText is what may be said of a panic. An author's own words are not: what
// they quote may be an item's card.
func panicText(r any) string {
	if e, ok := r.(runtime.Error); ok {
		return e.Error()
	}
	return fmt.Sprintf("a value of type %T, which isn't shown", r)
}
