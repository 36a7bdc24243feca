package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/bulkrunner/runner/sdk/host"
)

// startWork plans ten rows with a lock file, against what any host of a plugin
// does: it starts the provider through go-plugin, with its AutoMTLS, and asks
// for its schema.
func startWork(b *bench) (figures, error) {
	dir, err := os.MkdirTemp(b.dir, "start-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := writeOrders(filepath.Join(dir, "orders.csv"), 10, 1); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "plan.ops.hcl"), []byte(planFile), 0o600); err != nil {
		return nil, err
	}
	if _, err := b.runner(dir, "init", "plan.ops.hcl"); err != nil {
		return nil, err
	}
	ours, err := b.runner(dir, "plan", "--refresh=false", "plan.ops.hcl")
	if err != nil {
		return nil, err
	}
	bare, err := bareStart(filepath.Join(b.bin, "runner-provider-payvalida"))
	if err != nil {
		return nil, err
	}
	return figures{
		"ms":                                  milliseconds(ours.wall),
		"ms, bare start of the provider":      milliseconds(bare),
		"of the bare start of the provider's": ours.wall.Seconds() / bare.Seconds(),
	}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// bareStart is how long a provider takes from the start of its process to its
// first answer.
func bareStart(program string) (time.Duration, error) {
	began := time.Now()
	c := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  host.Handshake,
		VersionedPlugins: host.Plugins(),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Cmd:              exec.Command(program),
		AutoMTLS:         true,
		Logger:           hclog.NewNullLogger(),
	})
	defer c.Kill()
	protocol, err := c.Client()
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", program, err)
	}
	provider, err := protocol.Dispense(host.PluginName)
	if err != nil {
		return 0, err
	}
	_, err = provider.(*host.Client).Schema(context.Background())
	return time.Since(began), err
}

// showWork looks at a plan of many items.
func showWork(b *bench) (figures, error) {
	n := b.items(1_000_000)
	dir, err := os.MkdirTemp(b.dir, "show-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := writeOrders(filepath.Join(dir, "orders.csv"), n, 1); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "plan.ops.hcl"), []byte(planFile), 0o600); err != nil {
		return nil, err
	}
	if _, err := b.runner(dir, "plan", "--refresh=false", "--out", "plan.run", "plan.ops.hcl"); err != nil {
		return nil, err
	}
	show, err := b.runner(dir, "show", "plan.run")
	if err != nil {
		return nil, err
	}
	page, err := firstPage(b.command(dir, "show", "plan.run"))
	if err != nil {
		return nil, err
	}
	out := figures{"s until the first page": page.Seconds(), "s until the summary": show.wall.Seconds()}
	for _, format := range []string{"csv", "jsonl"} {
		export, err := b.runner(dir, "export", "plan.run", "--format", format, "--out", "items."+format)
		if err != nil {
			return nil, err
		}
		out["rows/s exported as "+format] = float64(n) / export.wall.Seconds()
	}
	return out, nil
}

// firstPage is how long a command takes until it says something.
func firstPage(c *exec.Cmd) (time.Duration, error) {
	stdout, err := c.StdoutPipe()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := c.Start(); err != nil {
		return 0, err
	}
	_, err = stdout.Read(make([]byte, 1))
	took := time.Since(began)
	if _, wrong := io.Copy(io.Discard, stdout); err == nil {
		err = wrong
	}
	return took, errors.Join(err, c.Wait())
}
