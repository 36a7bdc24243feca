package host

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/internal/wire"
)

// InProcess runs a provider within this process, over a pipe in memory and
// the same messages. It is for tests. Call stop when done; calls in flight are
// cancelled.
func InProcess(s *sdk.Server) (c *Client, stop func(), err error) {
	c, hangUp, err := pipe(s.Register)
	if err != nil {
		return nil, nil, err
	}
	return c, func() {
		hangUp()
		_ = s.Close()
	}, nil
}

func pipe(register func(grpc.ServiceRegistrar)) (*Client, func(), error) {
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(grpc.MaxRecvMsgSize(wire.MaxMessage), grpc.MaxSendMsgSize(wire.MaxMessage), grpc.WaitForHandlers(true))
	register(server)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	conn, err := grpc.NewClient("passthrough:///in-process",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		server.Stop()
		return nil, nil, fmt.Errorf("connect to the provider in this process: %w", err)
	}
	return NewClient(conn), func() {
		_ = conn.Close()
		server.Stop()
		<-served
	}, nil
}
