package cli

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/man"
	"github.com/bulkrunner/runner/internal/providers"
)

// Commands is the tree of commands as a person sees it, for what is generated
// from it. It is not to be executed.
func Commands() *cobra.Command {
	a := &app{out: io.Discard, err: io.Discard}
	root := a.commands()
	root.InitDefaultHelpCmd()
	withHelpFlags(root)
	return root
}

func withHelpFlags(c *cobra.Command) {
	c.InitDefaultHelpFlag()
	for _, sub := range c.Commands() {
		withHelpFlags(sub)
	}
}

// Manual is what the manual says beside the tree of commands.
func Manual() man.Manual {
	return man.Manual{
		Name: "runner " + Version,
		Exits: []man.Entry{
			{Term: strconv.Itoa(exitDone), Text: "Done: every item succeeded, was unchanged, or was skipped as its guard says."},
			{Term: strconv.Itoa(exitRefused), Text: "Could not be done: command line, configuration, list, provider, limits, confirmation. Nothing was sent."},
			{Term: strconv.Itoa(exitToExecute), Text: "plan --detailed-exitcode: there are items to execute."},
			{Term: strconv.Itoa(exitUnfinished), Text: "The apply came to its end; some items failed or are in doubt."},
			{Term: strconv.Itoa(exitStopped), Text: "Stopped by a rule: abort, a canary, a stop guard, an incident. Goes on with --continue-after-stop."},
			{Term: strconv.Itoa(exitFatal), Text: "Stopped after sending by something fatal: credential, disk, ten minutes without a connection. Can be taken up."},
			{Term: strconv.Itoa(exitInterrupted), Text: "Interrupted. Can be taken up."},
		},
		Environ: []man.Entry{
			{Term: "RUNNER_VAR_NAME", Text: "The value of variable NAME, such as a credential. --var and files of variables outdo it."},
			{Term: providers.FolderVariable, Text: "The folder where providers' programs are looked for first. After it come the runner's own folder and plugins in that."},
			{Term: envIdentity, Text: "The file of the private key of age that opens a plan's sensitive arguments."},
			{Term: envFingerprintKey, Text: "The file of the key of the fingerprints that stand for write-only arguments, such as card numbers."},
			{Term: envLogLevel, Text: "From which level on there is a log, where --log-level doesn't say: error, warn, info or debug."},
			{Term: envLogFormat, Text: "How it is written, where --log-format doesn't say: text or json."},
			{Term: "OTEL_EXPORTER_OTLP_ENDPOINT", Text: "A collector of OpenTelemetry that is told of runs; docs/telemetry.md has the other variables of its kind."},
			{Term: "NO_COLOR", Text: "If it isn't empty, no colours are written."},
			{Term: "XDG_STATE_HOME", Text: "Where it is noted which runs have begun; ~/.local/state if not set."},
		},
		Files: []man.Entry{
			{Term: "*.ops.hcl, *.ops.hcl.json", Text: "Operation files."},
			{Term: "*.auto.opsvars.hcl", Text: "Values of variables, read from beside the operation files."},
			{Term: providers.LockFile, Text: "The programs that may be run as providers, with their checksums."},
			{Term: runsFolder, Text: "Run files of apply with a PATH."},
			{Term: rehearsalsFolder, Text: "Run files of rehearsals."},
		},
		More: "The documentation is in the folder docs of the release, and at https://github.com/bulkrunner/runner/tree/main/docs.",
	}
}

// epoch is the variable by which builds that can be repeated say what time it
// is: https://reproducible-builds.org/specs/source-date-epoch/.
const epoch = "SOURCE_DATE_EPOCH"

// manCommand is hidden: it is for who packs a release, and for who has built
// the runner from its source.
func manCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:    "man FOLDER",
		Short:  "Write the manual pages into a folder",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE:   func(_ *cobra.Command, args []string) error { return a.writeManual(args[0]) },
	}
}

func (a *app) writeManual(folder string) error {
	m := Manual()
	if text := os.Getenv(epoch); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return refusal("Invalid date", fmt.Sprintf("%s is a number of seconds since 1970, not %q.", epoch, text))
		}
		m.Date = time.Unix(seconds, 0)
	}
	pages := m.Pages(Commands())
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return refusal("Folder can't be made", fmt.Sprintf("%s, for the manual pages: %s. See what is in its way, or name another folder.", folder, plain(err)))
	}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		if err := os.WriteFile(filepath.Join(folder, name), pages[name], 0o644); err != nil {
			return refusal("File can't be written", fmt.Sprintf("%s, a manual page: %s. See what is in its way, or name another folder.", filepath.Join(folder, name), plain(err)))
		}
	}
	fmt.Fprintf(a.out, "Written: %d pages in %s.\n", len(pages), folder)
	return nil
}
