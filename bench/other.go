package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// startWork plans ten rows with a lock file, against the provider's bare start:
// its schema, printed.
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
		"ms":                             float64(ours.wall.Microseconds()) / 1000,
		"of the provider's bare start's": ours.wall.Seconds() / bare.Seconds(),
	}, nil
}

// bareStart is how long a provider's program takes until it can be spoken to.
func bareStart(program string) (time.Duration, error) {
	c := exec.Command(program, "simulate")
	stdin, err := c.StdinPipe()
	if err != nil {
		return 0, err
	}
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
	stdin.Close()
	c.Process.Kill()
	c.Wait()
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", program, err)
	}
	return took, nil
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
