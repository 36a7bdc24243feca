package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/internal/view"
)

func runsCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "runs",
		Short: "List the runs under " + runsFolder + ", newest first",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return a.runs() },
	}
}

// A runLine is one run of the list.
type runLine struct {
	Path      string           `json:"path"`
	ID        string           `json:"id"`
	State     string           `json:"state"`
	CreatedAt time.Time        `json:"created_at"`
	Paths     []string         `json:"paths"`
	Counts    map[string]int64 `json:"counts"`
}

func (a *app) runs() error {
	found, err := filepath.Glob(filepath.Join(filepath.FromSlash(runsFolder), "*.run"))
	if err != nil {
		return err
	}
	lines := []runLine{}
	for _, path := range found {
		l, err := describe(path)
		if err != nil {
			l = runLine{Path: path, State: "unreadable: " + err.Error()}
		}
		lines = append(lines, l)
	}
	// Names hold no more than their second. What can't be read comes last.
	slices.SortStableFunc(lines, func(a, b runLine) int { return b.CreatedAt.Compare(a.CreatedAt) })
	if a.json {
		return a.say("", map[string]any{"format": 1, "runs": lines})
	}
	if len(lines) == 0 {
		fmt.Fprintf(a.out, "No runs under %s.\n", runsFolder)
	}
	for _, l := range lines {
		var counts []string
		for _, s := range plan.States {
			if n := l.Counts[s.String()]; n > 0 {
				counts = append(counts, view.Count(n)+" "+strings.ReplaceAll(s.String(), "_", " "))
			}
		}
		fmt.Fprintln(a.out, strings.TrimRight(fmt.Sprintf("%s  %-12s %s  %s", l.Path, view.Inert(l.State), view.Inert(strings.Join(l.Paths, " ")), strings.Join(counts, ", ")), " "))
	}
	return nil
}

func describe(path string) (l runLine, err error) {
	f, err := runfile.Open(path)
	if err != nil {
		return l, err
	}
	defer f.Close()
	run, err := f.Run()
	if err != nil {
		return l, err
	}
	ops, err := f.Operations()
	if err != nil {
		return l, err
	}
	l = runLine{Path: path, ID: run.ID, State: run.State, CreatedAt: run.CreatedAt, Paths: run.Paths, Counts: make(map[string]int64)}
	for _, op := range ops {
		for s, n := range op.Counts {
			if n > 0 {
				l.Counts[s.String()] += n
			}
		}
	}
	return l, nil
}
