package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// memoryWork plans and applies runs of growing size. What an item costs at the
// largest is held against what it costs at a fiftieth of that.
func memoryWork(b *bench) (figures, error) {
	out := figures{}
	var small cost
	var few int
	for _, size := range []int{10_000, 100_000, 1_000_000, 5_000_000} {
		n := b.items(size)
		plan, apply, err := b.wholeRun(n)
		if err != nil {
			return nil, err
		}
		for name, c := range map[string]cost{"plan": plan, "apply": apply} {
			out[fmt.Sprintf("MB of the runner, %s of %9d", name, n)] = float64(c.peak.runner) / 1e6
			out[fmt.Sprintf("MB of the provider, %s of %9d", name, n)] = float64(c.peak.provider) / 1e6
		}
		both := cost{cpu: plan.cpu + apply.cpu}
		switch size {
		case 100_000:
			small, few = both, n
		case 5_000_000:
			out["CPU of an item, the largest run of one of a fiftieth"] = both.cpu.Seconds() / float64(n) / (small.cpu.Seconds() / float64(few))
		}
	}
	return out, nil
}

// A peak is the most memory, in bytes, that a runner and the largest of its
// providers held; 0 where the system doesn't tell.
type peak struct {
	runner, provider int64
}

// watch looks at a process and its children until the function that it returns
// is called.
func watch(pid int) func() peak {
	stop, found := make(chan struct{}), make(chan peak)
	go func() {
		var p peak
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			p.runner = max(p.runner, highWater(pid))
			for _, child := range children(pid) {
				p.provider = max(p.provider, highWater(child))
			}
			select {
			case <-stop:
				found <- p
				return
			case <-tick.C:
			}
		}
	}()
	return func() peak {
		close(stop)
		return <-found
	}
}

// highWater is the most memory that a process has held.
func highWater(pid int) int64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// children are the processes that any thread of a process has started.
func children(pid int) (all []int) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range threads {
		text, _ := os.ReadFile(path)
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}
