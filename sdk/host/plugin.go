package host

import (
	"context"
	"errors"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/internal/wire"
)

// Handshake is what a provider must be started with.
var Handshake = goplugin.HandshakeConfig{MagicCookieKey: wire.CookieKey, MagicCookieValue: wire.CookieValue}

// PluginName is what to dispense from go-plugin's client; it gives a *[Client].
const PluginName = wire.Plugin

// Plugins are the protocols that this runner speaks, for
// [goplugin.ClientConfig.VersionedPlugins].
func Plugins() map[int]goplugin.PluginSet {
	return map[int]goplugin.PluginSet{sdk.ProtocolVersion: {PluginName: dispensed{}}}
}

// DialOptions are those of the connection, for
// [goplugin.ClientConfig.GRPCDialOptions].
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(limits...), // also of go-plugin's own streams
		grpc.WithStaticStreamWindowSize(wire.Window), grpc.WithStaticConnWindowSize(wire.Window),
	}
}

type dispensed struct {
	goplugin.NetRPCUnsupportedPlugin
}

func (dispensed) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return NewClient(conn), nil
}

func (dispensed) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error {
	return errors.New("this is the runner's end")
}
