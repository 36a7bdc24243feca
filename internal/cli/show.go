package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/internal/view"
)

func showCommand(a *app) *cobra.Command {
	var list bool
	var states []string
	var key, group string
	cmd := &cobra.Command{
		Use:   "show RUNFILE",
		Short: "Show a plan, or what a run has done",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.showRun(args[0], list || len(states) > 0 || key != "", states, key, group)
		},
	}
	cmd.Flags().BoolVar(&list, "items", false, "list items")
	cmd.Flags().StringArrayVar(&states, "state", nil, "only items in this `state`; may be repeated")
	cmd.Flags().StringVar(&key, "key", "", "only the item with this `key`, with its requests and transitions")
	cmd.Flags().StringVar(&group, "group-by", "", "count items by `reason`, state or currency")
	return cmd
}

func (a *app) showRun(path string, list bool, states []string, key, group string) error {
	filter := runfile.Filter{Key: key}
	var err error
	if filter.States, err = parseStates(states); err != nil {
		return err
	}
	if group != "" && group != "reason" && group != "state" && group != "currency" {
		return refusal("Unknown group", fmt.Sprintf("--group-by takes reason, state or currency, not %q.", group))
	}
	f, err := runfile.Open(path)
	if err != nil {
		return a.runFileError(path, err)
	}
	defer f.Close()
	switch {
	case group != "":
		groups, err := f.Groups(group)
		if err != nil {
			return a.runFileError(path, err)
		}
		return view.Groups(a.out, group, groups, a.json)
	case list:
		n, err := view.Items(a.out, f, filter, a.json)
		if err != nil {
			return a.runFileError(path, err)
		}
		if n == 0 && key != "" {
			return refusal("Unknown key", fmt.Sprintf("No item of %s has the key %q.", path, key))
		}
		return nil
	}
	doc, err := view.NewDocument(f)
	if err != nil {
		return a.runFileError(path, err)
	}
	switch {
	case a.json:
		return a.document(doc, nil)
	case doc.Run.Applies == 0:
		doc.Plan(a.out)
	default:
		doc.Outcome(a.out)
		if doc.Run.State == runfile.StateRunning && !runfile.Held(path) {
			fmt.Fprintf(a.out, "No apply is running: the last one was broken off. To carry on: runner apply %s\n", path)
		}
	}
	return nil
}
