package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/internal/view"
)

// atOnce is up to how many items a run is summed up before anything is shown of
// it: half a second's work. Of a larger one the counts are shown first.
const atOnce = 100_000

// An itemFilter is flags that choose items.
type itemFilter struct {
	states            []string
	operation, reason string
}

func (i *itemFilter) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&i.states, "state", nil, "only items in this `state`; may be repeated")
	cmd.Flags().StringVar(&i.operation, "operation", "", "only items of this `operation`")
	cmd.Flags().StringVar(&i.reason, "reason", "", "only items whose reason has this `text` in it")
}

func (i *itemFilter) given() bool { return len(i.states) > 0 || i.operation != "" || i.reason != "" }

// of is the filter for items of a run.
func (i *itemFilter) of(ops []plan.Operation) (filter runfile.Filter, err error) {
	filter.Reason = i.reason
	if filter.States, err = parseStates(i.states); err != nil || i.operation == "" {
		return filter, err
	}
	n := slices.IndexFunc(ops, func(op plan.Operation) bool { return op.Address == i.operation })
	if n < 0 {
		return filter, refusal("Unknown operation", fmt.Sprintf("The run has no operation %q. It has: %s.", i.operation, addresses(ops)))
	}
	filter.Operation = ops[n].ID
	return filter, nil
}

// parseStates turns the words of --state into states.
func parseStates(names []string) (states []plan.State, err error) {
	for _, name := range names {
		s, err := plan.ParseState(name)
		if err != nil {
			var all []string
			for _, s := range plan.States {
				all = append(all, s.String())
			}
			return nil, refusal("Unknown state", fmt.Sprintf("There is no state %q. The states are %s.", name, strings.Join(all, ", ")))
		}
		states = append(states, s)
	}
	return states, nil
}

type showOptions struct {
	items, brief bool
	key, group   string
	limit        int
	after        int64
	filter       itemFilter
}

func showCommand(a *app) *cobra.Command {
	var o showOptions
	cmd := &cobra.Command{
		Use:   "show RUNFILE",
		Short: "Show a plan, or what a run has done",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			o.items = o.items || o.filter.given() || o.key != "" || o.limit != 0 || o.after != 0
			return a.showRun(args[0], o)
		},
	}
	cmd.Flags().BoolVar(&o.items, "items", false, "list items")
	o.filter.flags(cmd)
	cmd.Flags().StringVar(&o.key, "key", "", "only the item with this `key`, with its requests and transitions")
	cmd.Flags().IntVar(&o.limit, "limit", 0, "list at most `N` items")
	cmd.Flags().Int64Var(&o.after, "after", 0, "list items after the `N`th of the run")
	cmd.Flags().StringVar(&o.group, "group-by", "", "count items by `reason`, state or currency")
	cmd.Flags().BoolVar(&o.brief, "brief", false, "the counts alone, which are known without looking at the items")
	return cmd
}

func (a *app) showRun(path string, o showOptions) error {
	switch {
	case o.group != "" && o.group != "reason" && o.group != "state" && o.group != "currency":
		return refusal("Unknown group", fmt.Sprintf("--group-by takes reason, state or currency, not %q.", o.group))
	case o.limit < 0 || o.after < 0:
		return refusal("Invalid page", "--limit and --after are numbers of items, from 0.")
	}
	f, err := runfile.Open(path)
	if err != nil {
		return a.runFileError(path, err)
	}
	defer f.Close()
	switch {
	case o.group != "":
		groups, err := f.Groups(o.group)
		if err != nil {
			return a.runFileError(path, err)
		}
		return view.Groups(a.out, o.group, groups, a.json)
	case o.items:
		return a.showItems(f, path, o)
	}
	doc, err := view.NewBrief(f)
	if err != nil {
		return a.runFileError(path, err)
	}
	n := int64(0)
	for _, count := range doc.Run.Counts {
		n += count
	}
	if !o.brief {
		if n > atOnce && !a.json {
			a.summary(doc, path)
			fmt.Fprintf(a.out, "\nAdding up %s items …\n\n", view.Count(n))
		}
		if doc, err = view.NewSummary(f); err != nil {
			return a.runFileError(path, err)
		}
	}
	if a.json {
		return a.document(doc, nil)
	}
	a.summary(doc, path)
	return nil
}

// summary shows a run: its plan, or what it has done.
func (a *app) summary(doc *view.Document, path string) {
	if doc.Run.Applies == 0 {
		doc.Plan(a.out)
		return
	}
	doc.Outcome(a.out)
	if doc.Run.State == runfile.StateRunning && !runfile.Held(path) {
		fmt.Fprintf(a.out, "No apply is running: the last one was broken off. To carry on: runner apply %s\n", path)
	}
}

func (a *app) showItems(f *runfile.File, path string, o showOptions) error {
	ops, err := f.Operations()
	if err != nil {
		return a.runFileError(path, err)
	}
	filter, err := o.filter.of(ops)
	if err != nil {
		return err
	}
	filter.Key, filter.Limit, filter.After = o.key, o.limit, o.after
	n, next, err := view.Items(a.out, f, filter, a.json)
	switch {
	case err != nil:
		return a.runFileError(path, err)
	case n == 0 && o.key != "":
		return refusal("Unknown key", fmt.Sprintf("No item of %s has the key %q.", path, o.key))
	case next > 0 && !a.json:
		fmt.Fprintf(a.out, "There are more. The next: %s\n", o.command(path, next))
	}
	return nil
}

// command is the command for the next page.
func (o *showOptions) command(path string, after int64) string {
	words := []string{"runner", "show", path, "--items"}
	for _, s := range o.filter.states {
		words = append(words, "--state", s)
	}
	for _, w := range [][2]string{{"--operation", o.filter.operation}, {"--reason", o.filter.reason}, {"--key", o.key}} {
		if w[1] != "" {
			words = append(words, w[0], quoted(w[1]))
		}
	}
	return strings.Join(append(words, "--limit", strconv.Itoa(o.limit), "--after", strconv.FormatInt(after, 10)), " ")
}

// quoted is a word for a shell.
func quoted(word string) string {
	word = view.Inert(word)
	if strings.ContainsFunc(word, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:", r)
	}) {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}
