// Command bench measures the runner against yardsticks that do the same work
// without it, side by side, in turn, on the same machine. docs/performance.md
// says what each work is, and what was learnt from it.
//
//	go run ./bench                 all of it, medians of five
//	go run ./bench -only apply     one work
//	go run ./bench -scale 0.1      with a tenth of the items
package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A work is something to be measured. Measure makes one round and returns its
// ratios and plain figures, by name.
type work struct {
	name    string
	says    string
	once    bool // one round tells all, and takes long
	measure func(*bench) (figures, error)
}

// Figures are what one round has measured, by what it is.
type figures map[string]float64

var works = []work{
	{name: "apply", says: "cancels at Payvalida's simulator, no limit, 64 in flight, against a bare HTTP client", measure: applyWork},
	{name: "plan", says: "rows of 8 columns that all match, against encoding/csv and plain inserts", measure: func(b *bench) (figures, error) { return planWork(b, 1) }},
	{name: "sift", says: "the same with 1 row in 100 matching, against encoding/csv", measure: func(b *bench) (figures, error) { return planWork(b, 100) }},
	{name: "start", says: "a plan of 10 rows, against a bare start of its provider by go-plugin", measure: startWork},
	{name: "show", says: "the first page of a run, and its export", measure: showWork},
	{name: "resume", says: "from the start of an apply that was killed at half to its first request", measure: resumeWork},
	{name: "pace", says: "requests as they arrive, at 50, 200 and 2,000 a second", once: true, measure: paceWork},
	{name: "memory", says: "the most that runner and provider hold, and what an item costs, at 10,000 to 5,000,000 items", once: true, measure: memoryWork},
}

// A bench has the programs, a folder and its sizes.
type bench struct {
	dir   string // removed at the end
	bin   string
	scale float64
}

func (b *bench) items(n int) int { return max(10, int(float64(n)*b.scale)) }

func main() {
	if len(os.Args) > 1 && os.Args[1] == bareCommand {
		if err := bare(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	only := flag.String("only", "", "the works to measure, separated by commas; all where nothing is said")
	rounds := flag.Int("rounds", 5, "rounds; figures are medians")
	scale := flag.Float64("scale", 1, "the share of the items")
	flag.Parse()
	if err := run(*only, *rounds, *scale); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(only string, rounds int, scale float64) error {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, bin: filepath.Join(dir, "bin"), scale: scale}
	if err := b.build(); err != nil {
		return err
	}
	fmt.Printf("%d cores, %s, %s; medians of %d\n\n", runtime.NumCPU(), runtime.Version(), time.Now().UTC().Format("2006-01-02 15:04 UTC"), rounds)
	fmt.Printf("| work | figure | median | from | to |\n|---|---|---|---|---|\n")
	for _, w := range works {
		if only != "" && !slices.Contains(strings.Split(only, ","), w.name) {
			continue
		}
		all := map[string][]float64{}
		if w.once {
			rounds = 1
		}
		for range rounds {
			round, err := w.measure(b)
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			for name, v := range round {
				all[name] = append(all[name], v)
			}
		}
		names := make([]string, 0, len(all))
		for name := range all {
			names = append(names, name)
		}
		slices.SortFunc(names, cmp.Compare)
		for _, name := range names {
			v := all[name]
			slices.Sort(v)
			fmt.Printf("| %s | %s | %s | %s | %s |\n", w.name, name, shown(v[len(v)/2]), shown(v[0]), shown(v[len(v)-1]))
		}
	}
	return nil
}

func shown(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// build builds the programs as a release is built.
func (b *bench) build() error {
	for path, name := range map[string]string{"./cmd/runner": "runner", "./plugins/payvalida": "runner-provider-payvalida"} {
		c := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(b.bin, name), path)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", path, err, out)
		}
	}
	return nil
}

// A cost is what a command took, with the processes that it waited for.
type cost struct {
	wall, cpu time.Duration
	peak      peak
}

// runner runs the runner in a folder and returns what it took.
func (b *bench) runner(dir string, args ...string) (cost, error) {
	return measure(b.command(dir, args...))
}

func (b *bench) command(dir string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(b.bin, "runner"), args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "RUNNER_VAR_fixed_hash="+fixedHash, "XDG_STATE_HOME="+filepath.Join(dir, "state"), "HOME="+dir)
	return c
}

func measure(c *exec.Cmd) (cost, error) {
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	began := time.Now()
	if err := c.Start(); err != nil {
		return cost{}, err
	}
	peaks := watch(c.Process.Pid)
	err := c.Wait()
	wall := time.Since(began)
	peak := peaks()
	if err != nil {
		return cost{}, fmt.Errorf("%s: %w\n%s", strings.Join(c.Args, " "), err, out.Bytes())
	}
	u := c.ProcessState.SysUsage().(*syscall.Rusage)
	return cost{wall, time.Duration(u.Utime.Nano() + u.Stime.Nano()), peak}, nil
}
