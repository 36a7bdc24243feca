package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// resumeWork kills an apply at half of its items and measures how long another
// takes until its first request, beyond the time for which nothing may leave:
// until the last request that was under way can't arrive any more.
func resumeWork(b *bench) (figures, error) {
	n := b.items(1_000_000)
	s, err := b.stage(n)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if _, err = b.planCancels(s.dir, s.gate.URL, unlimited); err != nil {
		return nil, err
	}
	if _, err = b.applyUntil(s.dir, s.gate, n/2); err != nil {
		return nil, err
	}
	quiet, err := quietUntil(filepath.Join(s.dir, "cancel.run"))
	if err != nil {
		return nil, err
	}
	began, before := time.Now(), len(s.gate.came())
	if quiet.Before(began) {
		quiet = began
	}
	p, err := b.applyUntil(s.dir, s.gate, before+1)
	if err != nil {
		return nil, err
	}
	return figures{
		"s beyond the quiescence": s.gate.came()[before].Sub(quiet).Seconds(),
		"MB of the runner":        float64(p.runner) / 1e6,
	}, nil
}

// applyUntil kills an apply when n requests have come in all.
func (b *bench) applyUntil(dir string, g *gate, n int) (peak, error) {
	c := b.command(dir, "apply", "--auto-approve", "cancel.run")
	if err := c.Start(); err != nil {
		return peak{}, err
	}
	peaks := watch(c.Process.Pid)
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	for len(g.came()) < n {
		select {
		case err := <-ended:
			return peaks(), errors.Join(fmt.Errorf("the apply ended after %d of %d requests", len(g.came()), n), err)
		case <-time.After(time.Millisecond):
		}
	}
	p := peaks()
	err := c.Process.Kill()
	<-ended
	for began := time.Now(); runfile.Held(filepath.Join(dir, "cancel.run")); time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			return p, errors.New("the provider of the apply that was killed lives on")
		}
	}
	return p, err
}

// quietUntil is when the last request of a run can't arrive any more, and a
// second later, as docs/states.md has it.
func quietUntil(path string) (quiet time.Time, err error) {
	f, err := runfile.Open(path)
	if err != nil {
		return quiet, err
	}
	defer f.Close()
	for it, err := range f.Items(runfile.Filter{States: []plan.State{plan.Started}}) {
		if err != nil {
			return quiet, err
		}
		if until := it.Deadline.Add(time.Second); until.After(quiet) {
			quiet = until
		}
	}
	return quiet, nil
}
