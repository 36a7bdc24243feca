package fakeprovider

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"

	"google.golang.org/grpc"

	"github.com/bulkrunner/runner/sdk"
	pb "github.com/bulkrunner/runner/sdk/internal/providerv1"
)

// A liar is the provider's server with answers changed on their way out: what
// the SDK would never send, and somebody else's provider may.
type liar struct {
	pb.ProviderServer

	mu    sync.Mutex
	lie   string
	after int // answers that stay as they are
}

func newLiar(s *sdk.Server) *liar {
	l := &liar{}
	s.Register(registrar(func(service any) { l.ProviderServer = service.(pb.ProviderServer) }))
	return l
}

func (l *liar) register(r grpc.ServiceRegistrar) { pb.RegisterProviderServer(r, l) }

// A registrar is handed the service that a server registers.
type registrar func(service any)

func (r registrar) RegisterService(_ *grpc.ServiceDesc, service any) { r(service) }

// Configure notes what the configuration says of misbehaving.
func (l *liar) Configure(ctx context.Context, r *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	var c Config
	if json.Unmarshal(r.Config, &c) == nil {
		l.mu.Lock()
		l.lie, l.after = c.Misbehave, c.MisbehaveAfter
		l.mu.Unlock()
	}
	return l.ProviderServer.Configure(ctx, r)
}

// Call answers through a stream that lies.
func (l *liar) Call(s grpc.BidiStreamingServer[pb.CallRequest, pb.CallResponse]) error {
	return l.ProviderServer.Call(lyingStream{s, l})
}

type lyingStream struct {
	grpc.BidiStreamingServer[pb.CallRequest, pb.CallResponse]
	liar *liar
}

func (s lyingStream) Send(frame *pb.CallResponse) error {
	changed := &pb.CallResponse{}
	for _, a := range frame.Answers {
		changed.Answers = append(changed.Answers, s.liar.change(a)...)
	}
	return s.BidiStreamingServer.Send(changed)
}

func (l *liar) change(a *pb.Answer) []*pb.Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(a.Result) == 0 {
		return []*pb.Answer{a} // of a read, or a failure
	}
	if l.after > 0 {
		l.after--
		return []*pb.Answer{a}
	}
	switch l.lie {
	case "wrong_id":
		a.Id += 1 << 40
	case "answer_twice":
		return []*pb.Answer{a, a}
	case "no_answer":
		return nil
	case "huge_answer":
		a.Result = append(append([]byte(`{"id":"`), bytes.Repeat([]byte("x"), 20<<20)...), `"}`...)
	case "not_json":
		a.Result = []byte("<html>")
	case "other_result":
		a.Result = []byte(`{"order":"1042","balance":"12.50"}`)
	case "other_thing":
		a.Result = []byte(`{"id":"another","state":"cancelled","amount":null,"currency":""}`)
	case "unknown_outcome":
		a.Outcome = 77
	}
	return []*pb.Answer{a}
}
