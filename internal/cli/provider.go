package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/providers"
	"github.com/bulkrunner/runner/internal/view"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/providertest"
)

func providerCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "provider",
		Short: "Look at a provider, or test it",
		Long:  "Provider shows what a provider is, and holds one against what the runner relies on.\nA provider is named as operation files name it, or by the path of its program.",
	}
	timeout := 5 * time.Second
	test := &cobra.Command{
		Use:   "test BINARY",
		Short: "Hold a provider's program against the conformance suite",
		Long:  "Test runs the conformance suite against a provider's program and its simulator: it\nreaches no real API. It ends with 1 if a rule is broken. Samples that the suite can't\nmake up from the schema stand in BINARY.samples.json.",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return a.providerTest(args[0], timeout) },
	}
	test.Flags().DurationVar(&timeout, "timeout", timeout, "how `long` one call may take")
	cmd.AddCommand(
		&cobra.Command{
			Use:   "schema NAME|PATH",
			Short: "Print a provider's schema as JSON",
			Args:  cobra.ExactArgs(1),
			RunE: func(_ *cobra.Command, args []string) error {
				s, err := schemaOf(args[0])
				if err != nil {
					return err
				}
				enc := json.NewEncoder(a.out)
				enc.SetIndent("", "  ")
				return enc.Encode(struct {
					Format int `json:"format"`
					*sdk.Schema
				}{1, s})
			},
		},
		&cobra.Command{
			Use:   "docs NAME|PATH",
			Short: "Print a provider's reference page as Markdown",
			Args:  cobra.ExactArgs(1),
			RunE: func(_ *cobra.Command, args []string) error {
				s, err := schemaOf(args[0])
				if err != nil {
					return err
				}
				return view.Provider(a.out, s)
			},
		},
		test,
	)
	wantsCommand(cmd)
	return cmd
}

// schemaOf starts the provider that a command line names. A path is what the
// person means to look at, so no lock file is asked about it.
func schemaOf(named string) (*sdk.Schema, error) {
	req := &config.Requirement{Name: named, Source: named}
	path := strings.ContainsAny(named, `/\`)
	if path {
		req.Name = ""
		abs, err := filepath.Abs(named)
		if err != nil {
			return nil, refusal("Provider not found", sentence(err.Error()))
		}
		req.Source = abs
	}
	program, diags := providers.Find(req)
	if diags.HasErrors() {
		for i := range diags {
			diags[i].Subject = nil // no file says it
		}
		return nil, refuse(diags)
	}
	if !path {
		if diags := verify(req, &program, nil); diags.HasErrors() {
			return nil, refuse(diags)
		}
	}
	i, err := providers.Start(context.Background(), req.Name, program)
	if err != nil {
		return nil, refuse(diag.List{notStarted(req, err, nil)})
	}
	defer i.Close()
	return i.Schema, nil
}

func (a *app) providerTest(binary string, timeout time.Duration) error {
	given, err := providertest.ReadOverrides(binary)
	if err != nil {
		return refusal("Unreadable samples", sentence(err.Error()))
	}
	ctx, drain, stop := interrupts(context.Background())
	defer stop()
	ctx = cancelOn(ctx, drain)
	results := providertest.Check(ctx, providertest.Options{
		Binary: binary, Config: given.Config, Samples: given.Samples, Timeout: timeout,
	})
	counts := map[providertest.Status]int{}
	for _, r := range results {
		counts[r.Status]++
	}
	if a.json {
		err = json.NewEncoder(a.out).Encode(map[string]any{"format": 1, "passed": counts[providertest.Failed] == 0, "rules": results})
	} else {
		for _, r := range results {
			fmt.Fprintf(a.out, "%-8s %s\n", r.Status, r.Rule)
			for line := range strings.Lines(r.Detail) {
				fmt.Fprintf(a.out, "           %s\n", view.Inert(strings.TrimRight(line, "\n")))
			}
		}
		fmt.Fprintf(a.out, "\n%d rules: %d passed, %d failed, %d skipped.\n",
			len(results), counts[providertest.Passed], counts[providertest.Failed], counts[providertest.Skipped])
	}
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return exit(exitInterrupted)
	case counts[providertest.Failed] > 0:
		return exit(exitRefused)
	}
	return nil
}
