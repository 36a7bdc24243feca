package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/providers"
)

func initCommand(a *app) *cobra.Command {
	var upgrade bool
	cmd := &cobra.Command{
		Use:   "init [PATH…]",
		Short: "Find the required providers and lock their programs",
		Long:  "Init finds each provider that operation files require, checks its version, and writes\nrunner.lock.hcl: version and checksum of each program. From then on nothing else is\nstarted in this folder. A program that differs from the lock is refused here too, unless\ntold --upgrade.",
		RunE:  func(_ *cobra.Command, args []string) error { return a.init(args, upgrade) },
	}
	cmd.Flags().BoolVar(&upgrade, "upgrade", false, "accept programs that differ from the lock file")
	return cmd
}

// A locking is what became of one provider.
type locking struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Checksum string `json:"checksum"`
	Change   string `json:"change"` // added, unchanged or upgraded
}

func (a *app) init(paths []string, upgrade bool) error {
	cfg, err := a.load(paths)
	if err != nil {
		return err
	}
	lock, diags := providers.ReadLock(providers.LockFile)
	if diags.HasErrors() {
		return refuse(diags)
	}
	if lock == nil {
		lock = &providers.Lock{Providers: make(map[string]providers.Locked)}
	}
	var done []locking
	changed := false
	for _, name := range slices.Sorted(maps.Keys(cfg.Runner.RequiredProviders)) {
		l, more := accept(cfg.Runner.RequiredProviders[name], lock, upgrade)
		diags = append(diags, more...)
		done = append(done, l)
		changed = changed || l.Change != "unchanged"
	}
	if diags.HasErrors() {
		return refuse(diags)
	}
	if changed {
		if err := lock.Write(providers.LockFile); err != nil {
			return refusal("Lock file can't be written", sentence(plain(err)))
		}
	}
	a.show(diags)
	if a.json {
		return json.NewEncoder(a.out).Encode(map[string]any{"format": 1, "lock_file": providers.LockFile, "providers": append([]locking{}, done...)})
	}
	for _, l := range done {
		fmt.Fprintf(a.out, "%-12s %-10s %-10s %s\n", l.Name, l.Version, l.Change, l.Checksum)
	}
	switch {
	case len(done) == 0:
		fmt.Fprintln(a.out, "No provider is required.")
	case changed:
		fmt.Fprintf(a.out, "Written: %s. Keep it in version control.\n", providers.LockFile)
	default:
		fmt.Fprintf(a.out, "%s is as it should be.\n", providers.LockFile)
	}
	return nil
}

// accept finds a provider, and puts it into the lock if it is new there. One
// that differs from the lock isn't even started, but for an upgrade.
func accept(req *config.Requirement, lock *providers.Lock, upgrade bool) (l locking, diags diag.List) {
	program, diags := providers.Find(req)
	if diags.HasErrors() {
		return l, diags
	}
	was, known := lock.Providers[req.Name]
	locked := lock.Checksum(req.Name)
	if !upgrade {
		program.Checksum = locked
	}
	i, err := providers.Start(context.Background(), req.Name, program)
	if err != nil {
		return l, append(diags, notStarted(req, err, &req.Range))
	}
	defer i.Close()
	if more := config.CheckProviderVersion(req, i.Schema.Version); more.HasErrors() {
		return l, append(diags, more...)
	}
	l = locking{Name: req.Name, Version: i.Schema.Version, Checksum: i.Program.Checksum}
	switch {
	case locked == l.Checksum && was.Version == l.Version:
		l.Change = "unchanged"
		return l, diags
	case known && was.Version != l.Version && !upgrade:
		// Another platform's entry is of another version.
		return l, append(diags, diag.Diagnostic{
			Summary: "Provider differs from the lock file",
			Detail:  fmt.Sprintf("Provider %q is version %s here, and %s says version %s. Install that version, or accept this one for all platforms:", req.Name, l.Version, providers.LockFile, was.Version),
			Subject: &req.Range, Command: "runner init --upgrade",
		})
	case known && was.Version == l.Version:
		l.Change = "added"
		if locked != "" {
			l.Change = "upgraded"
		}
		was.Platforms[providers.Platform()] = l.Checksum
		return l, diags
	}
	l.Change = "added"
	if known {
		l.Change = "upgraded" // checksums of other platforms are of the old version
	}
	lock.Providers[req.Name] = providers.Locked{Version: l.Version, Platforms: map[string]string{providers.Platform(): l.Checksum}}
	return l, diags
}
