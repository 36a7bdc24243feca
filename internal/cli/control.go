package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

const (
	// controlFolder, after a run file's name, is where commands for its apply lie.
	controlFolder = ".d"
	controlEvery  = 200 * time.Millisecond
	controlWait   = 10 * time.Second

	// What an apply adds to a command's name: taken, so that it can't be
	// withdrawn any more, and carriedOut when that is on disk. A command that
	// is merely gone was carried out by nobody.
	taken      = ".taken"
	carriedOut = ".done"
)

func controlCommand(a *app) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "control RUNFILE pause|resume|stop|rate [OPERATION [N/s]]",
		Short: "Steer a running apply from another terminal",
		Long:  "Control pauses, resumes or stops an apply that runs, or lowers the rate of one of\nits operations, never above the limit of its file. It is recorded in the run file,\nwith who and why.",
		Args:  cobra.RangeArgs(2, 4),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := parseControl(args[0], args[1:])
			if err != nil {
				return err
			}
			if err := recordable(reason); err != nil {
				return err
			}
			c.Reason, c.Who, c.At = reason, who(), time.Now().UTC()
			return a.control(args[0], c)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; it is recorded")
	return cmd
}

// isRate tells whether n requests a second can be kept.
func isRate(n float64) bool { return n >= 0.001 && n <= 1e6 }

func parseControl(path string, args []string) (engine.Command, error) {
	c := engine.Command{Do: engine.Do(args[0])}
	if len(args) > 1 {
		c.Operation = args[1]
	}
	switch c.Do {
	case engine.Pause, engine.Resume, engine.End:
		if len(args) > 2 {
			return c, refusal("Invalid command line", fmt.Sprintf("%s takes an operation at the most.", c.Do))
		}
		if c.Do == engine.End && c.Operation != "" {
			return c, refusal("Invalid command line", "stop ends the whole apply, as Ctrl-C does. To hold one operation back, pause it.")
		}
	case engine.SetRate:
		if len(args) != 3 {
			operation := c.Operation
			if operation == "" {
				operation = "operation.TYPE.NAME"
			}
			return c, refuse(diag.List{{Summary: "Invalid command line", Detail: "rate wants an operation and its rate in requests a second:", Command: fmt.Sprintf("runner control %s rate %s 2/s", path, operation)}})
		}
		n, err := strconv.ParseFloat(strings.TrimSuffix(args[2], "/s"), 64)
		if err != nil || !isRate(n) {
			return c, refusal("Invalid rate", fmt.Sprintf("%q is not a rate. Write requests a second, such as 2/s or 0.5/s, from 0.001/s to 1000000/s. To send nothing at all, pause.", args[2]))
		}
		c.Rate = plan.Rate{RequestsPerSecond: n, Burst: 1}
	default:
		return c, refusal("Unknown control", fmt.Sprintf("There is no control %q. There are pause, resume, stop and rate.", args[0]))
	}
	return c, nil
}

// control leaves a command for the apply of a run file and waits until it is
// carried out.
func (a *app) control(path string, c engine.Command) error {
	f, err := runfile.Open(path)
	if err != nil {
		return a.runFileError(path, err)
	}
	run, err := f.Run()
	var ops []plan.Operation
	if err == nil {
		ops, err = f.Operations()
	}
	f.Close()
	if err != nil {
		return a.runFileError(path, err)
	}
	above := beyond(run, ops, c)
	if c.Operation != "" && !slices.ContainsFunc(ops, func(op plan.Operation) bool { return op.Address == c.Operation }) {
		return refusal("Unknown operation", fmt.Sprintf("The run has no operation %q. It has: %s.", c.Operation, addresses(ops)))
	}
	if !runfile.Held(path) {
		return refuse(diag.List{{Summary: "No apply is running", Detail: fmt.Sprintf("Nobody carries out %s at present, so there is nothing to steer. To carry it out:", path), Command: "runner apply " + path}})
	}

	folder := path + controlFolder
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return refusal("Command can't be left", sentence(plain(err)))
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	name := filepath.Join(folder, fmt.Sprintf("%d-%d.json", c.At.UnixNano(), os.Getpid()))
	err = os.WriteFile(name+".new", text, 0o600)
	if err == nil {
		err = os.Rename(name+".new", name)
	}
	if err != nil {
		os.Remove(name + ".new")
		return refusal("Command can't be left", sentence(plain(err)))
	}
	for end := time.Now().Add(controlWait); runfile.Held(path) && time.Now().Before(end); time.Sleep(controlEvery / 2) {
		if os.Remove(name+carriedOut) == nil {
			return a.say("Done: "+c.String()+"."+above, map[string]any{"format": 1, "done": true, "command": c})
		}
	}
	switch {
	case os.Remove(name) == nil:
		return refusal("Command was not taken", fmt.Sprintf("The apply of %s did not take the command within %s, or ended before it. It was withdrawn.", path, controlWait))
	case os.Remove(name+carriedOut) == nil:
		return a.say("Done: "+c.String()+"."+above, map[string]any{"format": 1, "done": true, "command": c})
	}
	return refusal("Command may not have been carried out", fmt.Sprintf("The apply of %s took the command and did not say within %s that it was carried out. If it was, that is in the run file's events.", path, controlWait))
}

// beyond says that a rate is above what the operation's file allows.
func beyond(run runfile.Run, ops []plan.Operation, c engine.Command) string {
	if c.Do != engine.SetRate {
		return ""
	}
	for _, op := range ops {
		limit := op.Settings.Rate.RequestsPerSecond
		for _, p := range run.Providers {
			if p.Address == op.Provider && p.Rate > 0 && (limit == 0 || p.Rate < limit) {
				limit = p.Rate
			}
		}
		if op.Address == c.Operation && limit > 0 && c.Rate.RequestsPerSecond > limit {
			return fmt.Sprintf(" Its file allows %v/s, which stays the limit.", limit)
		}
	}
	return ""
}

// forgetCommands throws away the commands that were left for a former apply.
// Whoever holds the run file calls it before anybody may leave one for them.
func forgetCommands(path string) {
	for _, pattern := range []string{"*.json", "*.json" + taken, "*.json" + carriedOut} {
		names, _ := filepath.Glob(filepath.Join(path+controlFolder, pattern))
		for _, name := range names {
			os.Remove(name)
		}
	}
}

// commands gives an apply the commands that are left for it, and those that are
// typed, until ctx ends.
func commands(ctx context.Context, path string, typed <-chan engine.Command) <-chan engine.Command {
	out := make(chan engine.Command)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case c := <-typed:
				select {
				case out <- c:
				case <-ctx.Done():
					return
				}
			case <-time.After(controlEvery):
			}
			for _, name := range commandFiles(path + controlFolder) {
				if os.Rename(name, name+taken) != nil {
					continue // it was withdrawn
				}
				c, err := readCommand(name + taken)
				if err != nil {
					os.Remove(name + taken) // no runner left it
					continue
				}
				c.Done = func() { os.Rename(name+taken, name+carriedOut) }
				select {
				case out <- c:
				case <-ctx.Done():
					os.Rename(name+taken, name) // whoever left it can withdraw it
					return
				}
			}
		}
	}()
	return out
}

func commandFiles(folder string) []string {
	names, _ := filepath.Glob(filepath.Join(folder, "*.json"))
	slices.Sort(names)
	return names
}

func readCommand(name string) (c engine.Command, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, err
	}
	switch {
	case c.Do != engine.Pause && c.Do != engine.Resume && c.Do != engine.End && c.Do != engine.SetRate:
		return c, fmt.Errorf("there is no control %q", c.Do)
	case c.Do == engine.SetRate && !isRate(c.Rate.RequestsPerSecond):
		return c, fmt.Errorf("%v is not a rate", c.Rate.RequestsPerSecond)
	}
	return c, nil
}

// who is the person at the keyboard, for the record.
func who() string {
	host, _ := os.Hostname()
	if u, err := user.Current(); err == nil {
		return u.Username + "@" + host
	}
	return "somebody@" + host
}
