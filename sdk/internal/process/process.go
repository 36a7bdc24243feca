// Package process is the life of a provider process: it answers the runner
// over go-plugin, finishes what it began when it is told to end, and ends when
// the runner does.
package process

import (
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/grpclog"

	"github.com/bulkrunner/runner/sdk/internal/wire"
)

// Started tells whether the runner started this process, rather than a person.
func Started() bool { return os.Getenv(wire.CookieKey) == wire.CookieValue }

// Serve answers on the service that register registers, under the given
// protocol number. drain waits for calls that were begun. It doesn't return.
func Serve(protocol int, register func(grpc.ServiceRegistrar), drain func()) {
	leaveNoCore()
	collectLess()
	watchParent()
	go endOnSignal(drain)

	// Nothing floods the pipe to the runner: no log but of what keeps the
	// provider from starting.
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard))
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  goplugin.HandshakeConfig{MagicCookieKey: wire.CookieKey, MagicCookieValue: wire.CookieValue},
		VersionedPlugins: map[int]goplugin.PluginSet{protocol: {wire.Plugin: served{register: register}}},
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: os.Stderr, JSONFormat: true}),
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(o,
				grpc.MaxRecvMsgSize(wire.MaxMessage), grpc.MaxSendMsgSize(wire.MaxMessage),
				grpc.StaticStreamWindowSize(wire.Window), grpc.StaticConnWindowSize(wire.Window))...)
		},
	})
	os.Exit(0)
}

// collectLess trades memory for time while there is little of it in use: a
// provider's heap is a few megabytes, and collecting it each time that it has
// doubled is a seventh of all its work. From 64 MB on it is collected as
// always.
func collectLess() {
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(64 << 20)
}

// endOnSignal ends the process when it is told to, after the calls that were
// begun. An interrupt is not such a word: a terminal sends it to runner and
// provider alike, and what it means for what is in flight is the runner's to
// say.
func endOnSignal(drain func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	<-signals
	drain()
	// gRPC tells nobody when a frame that it took has left the process, and a
	// graceful stop waits for streams of go-plugin's that have no end. Should
	// the last answers miss this, their items are in doubt, not lost.
	time.Sleep(250 * time.Millisecond)
	os.Exit(0)
}

// served is a service in the form that go-plugin takes.
type served struct {
	goplugin.NetRPCUnsupportedPlugin
	goplugin.GRPCPlugin
	register func(grpc.ServiceRegistrar)
}

func (p served) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	p.register(s)
	return nil
}
