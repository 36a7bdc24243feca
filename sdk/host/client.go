package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bulkrunner/runner/sdk"
	pb "github.com/bulkrunner/runner/sdk/internal/providerv1"
	"github.com/bulkrunner/runner/sdk/internal/wire"
)

// A Client is the runner's side of one provider process. Nothing that comes
// from it is believed: schemas are judged, texts bounded, and what isn't
// understood is unknown. It may be used by many goroutines.
type Client struct{ rpc pb.ProviderClient }

// NewClient returns the client of the provider at the other end of conn.
func NewClient(conn grpc.ClientConnInterface) *Client {
	return &Client{pb.NewProviderClient(conn)}
}

// limits bound messages in both directions, whatever the connection allows.
var limits = []grpc.CallOption{grpc.MaxCallRecvMsgSize(wire.MaxMessage), grpc.MaxCallSendMsgSize(wire.MaxMessage)}

// Schema asks what the provider is. A schema that can't be used is an error.
func (c *Client) Schema(ctx context.Context) (*sdk.Schema, error) {
	r, err := c.rpc.GetSchema(ctx, &pb.GetSchemaRequest{}, limits...)
	if err != nil {
		return nil, broken(ctx, "ask for the schema", err)
	}
	return readSchema(r.Schema)
}

func readSchema(document []byte) (*sdk.Schema, error) {
	var s sdk.Schema
	if err := json.Unmarshal(document, &s); err != nil {
		return nil, errors.New("the provider's schema is not the JSON document that it should be. This is a bug in the provider")
	}
	if err := s.Validate(); err != nil {
		name := wire.Clip(s.Name, wire.MaxCode)
		return nil, fmt.Errorf("schema of provider %q: %s. This is a bug in the %[1]q provider", name, wire.Clip(err.Error(), wire.MaxReason))
	}
	return &s, nil
}

// A Configuration is what a provider is told before its first call.
type Configuration struct {
	Config      json.RawMessage // a JSON object; the only place where secrets travel
	MaxInFlight int
	Timeout     time.Duration // of one request
}

// Configure brings the configuration, once, and learns what it stands for. A
// [Problem] is the provider's own refusal.
func (c *Client) Configure(ctx context.Context, cfg Configuration) (sdk.Account, error) {
	r, err := c.rpc.Configure(ctx, &pb.ConfigureRequest{
		Config: cfg.Config, MaxInFlight: int32(cfg.MaxInFlight), TimeoutNanos: int64(cfg.Timeout),
	}, limits...)
	if err != nil {
		return sdk.Account{}, broken(ctx, "configure", err)
	}
	if r.Problem != "" {
		return sdk.Account{}, Problem(wire.Clip(r.Problem, wire.MaxReason))
	}
	return sdk.Account{
		Name:        wire.Clip(r.Account, wire.MaxCode),
		Environment: wire.Clip(r.Environment, wire.MaxCode),
		Fingerprint: wire.Clip(r.Fingerprint, wire.MaxCode),
	}, nil
}

// Check asks for the provider's own judgement of arguments. It answers one
// text for each, "" where nothing is wrong. Arguments that are too large to be
// sent at all are judged here.
func (c *Client) Check(ctx context.Context, operation string, arguments []json.RawMessage) ([]string, error) {
	problems := make([]string, 0, len(arguments))
	for from := 0; from < len(arguments); {
		if n := len(arguments[from]); n > wire.MaxArguments {
			problems = append(problems, fmt.Sprintf("the arguments take %.1f MiB, and a provider is sent at most %.1f MiB for an item", mib(n), mib(wire.MaxArguments)))
			from++
			continue
		}
		request := &pb.CheckRequest{Operation: operation}
		to, size := from, 0
		for ; to < len(arguments) && len(arguments[to]) <= wire.MaxArguments; to++ {
			size += len(arguments[to]) + 8
			if size > wire.Frame && to > from {
				break
			}
			request.Arguments = append(request.Arguments, arguments[to])
		}
		r, err := c.rpc.Check(ctx, request, limits...)
		if err != nil {
			return nil, broken(ctx, "check arguments", err)
		}
		if len(r.Problems) != to-from {
			return nil, fmt.Errorf("the provider judged %d of %d arguments. This is a bug in the provider", len(r.Problems), to-from)
		}
		for _, p := range r.Problems {
			problems = append(problems, wire.Clip(p, wire.MaxReason))
		}
		from = to
		tidy(size)
	}
	return problems, nil
}

func mib(bytes int) float64 { return float64(bytes) / (1 << 20) }

// A Simulation is a simulator to be started, or more for the one that runs.
type Simulation struct {
	Config json.RawMessage // read when it starts
	Seeds  []Seed
	Faults map[string]string
}

// A Seed is a thing that an item acts on.
type Seed struct {
	Operation string          // without the provider's prefix
	Arguments json.RawMessage // of the item
	State     string          // "" is the provider's default state
}

// Simulate starts the provider's simulator, or seeds it further, and returns
// its endpoint on loopback.
func (c *Client) Simulate(ctx context.Context, s Simulation) (endpoint string, err error) {
	request := &pb.SimulateRequest{Config: s.Config}
	for name, value := range s.Faults {
		request.Faults = append(request.Faults, &pb.FaultSetting{Name: name, Value: value})
	}
	for from := 0; ; {
		for size := 0; from < len(s.Seeds); from++ {
			seed := s.Seeds[from]
			if len(seed.Arguments) > wire.MaxArguments {
				continue // an item that can't be sent needs no thing to act on
			}
			size += len(seed.Arguments) + 64
			if size > wire.Frame && len(request.Seeds) > 0 {
				break
			}
			request.Seeds = append(request.Seeds, &pb.Seed{Operation: seed.Operation, Arguments: seed.Arguments, State: seed.State})
		}
		r, err := c.rpc.Simulate(ctx, request, limits...)
		if err != nil {
			return "", broken(ctx, "simulate", err)
		}
		if r.Problem != "" {
			return "", Problem(wire.Clip(r.Problem, wire.MaxReason))
		}
		if from >= len(s.Seeds) {
			return r.Endpoint, nil
		}
		request = &pb.SimulateRequest{Config: s.Config}
	}
}

// A Problem is a refusal in the provider's own words, for the person who wrote
// the configuration.
type Problem string

func (p Problem) Error() string { return string(p) }

// ErrGone means that the provider process ended or its pipe broke.
var ErrGone = errors.New("the provider process is gone")

// broken says why nothing came back, without the provider's own text, which
// nobody has judged.
func broken(ctx context.Context, what string, err error) error {
	if e := ctx.Err(); e != nil {
		return fmt.Errorf("%s: %w", what, e)
	}
	switch code := status.Code(err); code {
	case codes.Unavailable, codes.Canceled:
		return fmt.Errorf("%s: %w", what, ErrGone)
	case codes.ResourceExhausted:
		return fmt.Errorf("%s: a message is larger than %d MiB", what, wire.MaxMessage>>20)
	default:
		return fmt.Errorf("%s: the provider answered %s. This is a bug in the provider", what, code)
	}
}
