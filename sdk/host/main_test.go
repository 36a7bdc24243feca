package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"go.uber.org/goleak"

	"github.com/bulkrunner/runner/sdk/fakeprovider"
	"github.com/bulkrunner/runner/sdk/host"
)

// The test binary is a provider when this variable names one, and the parent
// of one when it says so.
const role = "RUNNER_TEST_ROLE"

func TestMain(m *testing.M) {
	name := os.Getenv(role)
	if run, ok := fakeprovider.Mains()[name]; ok {
		run()
		return
	}
	if name == "parent" {
		beParent()
		return
	}
	goleak.VerifyTestMain(m,
		// go-plugin's own, of processes that have ended.
		goleak.IgnoreAnyFunction("github.com/hashicorp/go-plugin.(*GRPCBroker).Run"),
		goleak.IgnoreAnyFunction("github.com/hashicorp/go-plugin.(*gRPCBrokerClientImpl).StartStream"))
}

// startProcess runs one of the fake programs as the runner would.
func startProcess(name string) (*goplugin.Client, *host.Client, *exec.Cmd, error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{role + "=" + name, "TMPDIR=" + os.TempDir()}
	p := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  host.Handshake,
		VersionedPlugins: host.Plugins(),
		Cmd:              cmd,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     20 * time.Second,
		Logger:           hclog.NewNullLogger(),
	})
	protocol, err := p.Client()
	if err != nil {
		p.Kill()
		return nil, nil, nil, err
	}
	raw, err := protocol.Dispense(host.PluginName)
	if err != nil {
		p.Kill()
		return nil, nil, nil, err
	}
	return p, raw.(*host.Client), cmd, nil
}

// beParent starts a provider and says its process id and its simulator's
// endpoint, then waits to be killed.
func beParent() {
	p, c, _, err := startProcess("runner-provider-fake")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if _, err := c.Configure(context.Background(), host.Configuration{Config: json.RawMessage(`{"token":"t"}`), MaxInFlight: 1}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(p.ReattachConfig().Pid)
	select {}
}
