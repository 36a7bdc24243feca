package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/card"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/plan"
	"github.com/bulkrunner/runner/internal/runfile"
)

// resolutions are what a person may say of an item in doubt.
var resolutions = map[string]plan.State{
	"succeeded": plan.Succeeded, // it had its effect
	"not-done":  plan.Planned,   // it had none; apply sends it again
}

func resolveCommand(a *app) *cobra.Command {
	var key, as, reason, operation string
	cmd := &cobra.Command{
		Use:   "resolve RUNFILE --key K --as succeeded|not-done --reason TEXT",
		Short: "Settle an item that stayed in doubt",
		Long:  "Resolve lets a person settle one item that reading could not: look it up at the\nprovider first. It is recorded with who and why. One item at a time: there is no\nforce.",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.resolve(args[0], key, operation, as, reason)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the item's `key`")
	cmd.Flags().StringVar(&operation, "operation", "", "its `operation`, where several have the key")
	cmd.Flags().StringVar(&as, "as", "", "succeeded or not-done")
	cmd.Flags().StringVar(&reason, "reason", "", "how you know; it is recorded")
	return cmd
}

// recordable refuses a reason with a card number: it is recorded as it is.
func recordable(reason string) error {
	if number := card.First(reason); number != "" {
		return refusal("Reason looks like a card number", "The run file keeps the reason, and "+number+" stands in it: no file may hold a card number in the clear. Give the last four digits, or the charge's own number.")
	}
	return nil
}

func (a *app) resolve(path, key, operation, as, reason string) error {
	to, ok := resolutions[as]
	switch {
	case key == "":
		return refusal("Key missing", "Say which item: --key A-1042.")
	case !ok:
		return refusal("Invalid resolution", fmt.Sprintf("--as takes succeeded, if it was carried out, or not-done, if it was not and may be sent again; not %q.", as))
	case strings.TrimSpace(reason) == "":
		return refusal("Reason missing", `Say how you know, for whoever audits the run: --reason "seen as CANCELADA in the portal".`)
	}
	if err := recordable(reason); err != nil {
		return err
	}
	j, err := runfile.Acquire(path)
	if err != nil {
		return a.runFileError(path, err)
	}
	defer j.Release()
	if err := a.checkAway(j, path); err != nil {
		return err
	}
	ops, err := j.Operations()
	if err != nil {
		return a.runFileError(path, err)
	}
	item, op, err := a.findInDoubt(path, ops, key, operation)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	if to == plan.Planned && now.Before(item.Deadline) {
		return refusal("Request may still be on its way", fmt.Sprintf("Until %s the last request for %q can still have its effect, so nobody can know yet that it has none. Look it up again then.", item.Deadline.UTC().Truncate(time.Second).Add(time.Second).Format("15:04:05 UTC"), key))
	}
	words := fmt.Sprintf("resolved as %s by %s: %s", as, who(), reason)
	change := plan.Change{Item: item.ID, From: plan.InDoubt, To: to, Reason: words, At: now, Attempts: -1}
	event := plan.Event{At: now, Kind: "resolved", Detail: fmt.Sprintf("%s %q: %s", op.Address, key, words)}
	if err := j.Commit(runfile.Batch{Changes: []plan.Change{change}, Events: []plan.Event{event}}); err != nil {
		return a.runFileError(path, err)
	}
	if ops, err = j.Operations(); err != nil {
		return a.runFileError(path, err)
	}
	if err := a.restate(j, ops); err != nil {
		return a.runFileError(path, err)
	}
	next := fmt.Sprintf("Item %q is %s.", key, to)
	if to == plan.Planned {
		next = fmt.Sprintf("Item %q will be sent again. To do it: runner apply %s", key, path)
	}
	return a.say(next, map[string]any{"format": 1, "key": key, "operation": op.Address, "state": to.String()})
}

// findInDoubt finds the one item in doubt with a key.
func (a *app) findInDoubt(path string, ops []plan.Operation, key, operation string) (item plan.Item, op plan.Operation, err error) {
	f, err := runfile.Open(path)
	if err != nil {
		return item, op, a.runFileError(path, err)
	}
	defer f.Close()
	if operation != "" && !slices.ContainsFunc(ops, func(op plan.Operation) bool { return op.Address == operation }) {
		return item, op, refusal("Unknown operation", fmt.Sprintf("The run has no operation %q. It has: %s.", operation, addresses(ops)))
	}
	var found []plan.Item
	var in []plan.Operation
	for it, err := range f.Items(runfile.Filter{Key: key}) {
		if err != nil {
			return item, op, a.runFileError(path, err)
		}
		i := slices.IndexFunc(ops, func(op plan.Operation) bool { return op.ID == it.Operation })
		if i >= 0 && (operation == "" || ops[i].Address == operation) {
			found, in = append(found, it), append(in, ops[i])
		}
	}
	switch {
	case len(found) == 0:
		return item, op, refuse(diag.List{{Summary: "Unknown key", Detail: fmt.Sprintf("No item of %s has the key %q. To list the items in doubt:", path, key), Command: fmt.Sprintf("runner show %s --items --state in_doubt", path)}})
	case len(found) > 1:
		return item, op, refusal("Several items have the key", fmt.Sprintf("An item %q is in each of %s. Say which is meant with --operation.", key, addresses(in)))
	case found[0].State == plan.Started:
		return item, op, refuse(diag.List{{Summary: "Item is not settled yet", Detail: fmt.Sprintf("The apply that sent %q ended before its answer. Apply the run again first: that reads the item, which may settle it.", key), Command: "runner apply " + path}})
	case found[0].State != plan.InDoubt:
		return item, op, refusal("Item is not in doubt", fmt.Sprintf("Item %q is %s; only an item in doubt can be resolved.", key, strings.ReplaceAll(found[0].State.String(), "_", " ")))
	}
	return found[0], in[0], nil
}

// addresses names operations for a message.
func addresses(ops []plan.Operation) string {
	var names []string
	for _, op := range ops {
		names = append(names, op.Address)
	}
	return strings.Join(names, ", ")
}

// restate writes the run's state after items were settled by hand.
func (a *app) restate(j *runfile.Journal, ops []plan.Operation) error {
	run, err := j.Run()
	if err != nil {
		return err
	}
	open, doubt := remaining(ops), int64(0)
	for _, op := range ops {
		doubt += op.Counts[plan.InDoubt]
	}
	switch {
	case run.State != runfile.StateUnsettled:
		return nil
	case open > 0:
		return j.SetState(runfile.StateInterrupted)
	case doubt == 0:
		return j.SetState(runfile.StateFinished)
	}
	return nil
}
