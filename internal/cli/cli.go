// Package cli is the commands: their flags, their exit codes, and the only
// place that wires the other packages together.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/telemetry"
	"github.com/bulkrunner/runner/internal/view"
)

// Version is the runner's own. A release sets it at build time.
var Version = "0.1.0"

// An app is one invocation.
type app struct {
	in       io.Reader
	out, err io.Writer

	values  []givenValue
	json    bool
	noColor bool
	chdir   string

	sources map[string][]byte // of operation files, for the lines in messages
	comment *view.Comment     // of plan --markdown, else nil

	logs logFlags
	log  *view.Log

	command   string    // its name
	began     time.Time // when
	told      bool      // whether telemetry was begun
	telemetry *telemetry.Telemetry
}

// Main carries out one command line and returns its exit code.
func Main(args []string, in io.Reader, out, errs io.Writer) int {
	leaveNoCore()
	collectLess()
	a := &app{in: in, out: out, err: errs, sources: make(map[string][]byte), log: view.NoLog(), began: time.Now()}
	root := a.commands()
	root.SetArgs(args)
	cmd, err := root.ExecuteC()
	return a.code(cmd, err)
}

// commands are the tree of all commands.
func (a *app) commands() *cobra.Command {
	root := &cobra.Command{
		Use:           "runner",
		Short:         "Carries out bulk operations that a file declares",
		Long:          "Runner carries out bulk operations that a file declares: plan shows what would\nhappen to each item, apply does it, at the API's rate and never twice.",
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			a.command = cmd.Name()
			if err := a.openLog(); err != nil || a.chdir == "" {
				return err
			}
			if err := os.Chdir(a.chdir); err != nil {
				return refusal("Folder can't be entered", fmt.Sprintf("--chdir %s: %s.", a.chdir, plain(err)))
			}
			return nil
		},
	}
	flags := root.PersistentFlags()
	flags.BoolVar(&a.json, "json", false, "write JSON on standard output")
	flags.BoolVar(&a.noColor, "no-color", false, "write no colours")
	a.noColor = os.Getenv("NO_COLOR") != "" // no default of the flag, so that help and manual are the same everywhere
	flags.StringVar(&a.chdir, "chdir", "", "`folder` to work in")
	a.logFlags(root)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	for _, g := range []struct {
		title    string
		commands []*cobra.Command
	}{
		{"To plan and carry out", []*cobra.Command{initCommand(a), validateCommand(a), fmtCommand(a), planCommand(a), applyCommand(a), workerCommand(a), rehearseCommand(a)}},
		{"To steer and settle", []*cobra.Command{controlCommand(a), resolveCommand(a), retryCommand(a)}},
		{"To look at what was done", []*cobra.Command{runsCommand(a), showCommand(a), reportCommand(a), exportCommand(a)}},
		{"Beside that", []*cobra.Command{providerCommand(a), versionCommand(a), manCommand(a)}},
	} {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title + ":"})
		for _, c := range g.commands {
			c.GroupID = g.title
		}
		root.AddCommand(g.commands...)
		root.SetHelpCommandGroupID(g.title) // the last one's
		root.SetCompletionCommandGroupID(g.title)
	}
	root.DisableSuggestions = true // in our own words, see commandLine
	root.SuggestionsMinimumDistance = 2
	completionCommand(root)
	complete(root)
	return root
}

// code shows what is left to be shown of an error and turns it into an exit code.
func (a *app) code(cmd *cobra.Command, err error) (code int) {
	defer func() { a.end(code) }()
	if err == nil {
		return exitDone
	}
	var s *status
	if !errors.As(err, &s) {
		s = &status{code: exitRefused, diags: diag.List{commandLine(cmd, err)}}
	}
	a.show(s.diags)
	return s.code
}

// commandLine says in our words what cobra found wrong with a command line.
func commandLine(cmd *cobra.Command, err error) diag.Diagnostic {
	d := diag.Diagnostic{Summary: "Invalid command line", Detail: sentence(err.Error()), Command: cmd.CommandPath() + " --help"}
	var name string
	if _, e := fmt.Sscanf(err.Error(), "unknown command %q for", &name); e == nil {
		d.Summary, d.Detail = "Unknown command", fmt.Sprintf("There is no command %q.", name)
		if near := cmd.SuggestionsFor(name); len(near) > 0 && !cmd.HasParent() {
			d.Detail += fmt.Sprintf(" Did you mean %q?", near[0])
		}
	}
	if strings.HasPrefix(err.Error(), "accepts ") {
		d.Detail = fmt.Sprintf("The command is written: %s%s.", strings.TrimSuffix(cmd.CommandPath(), cmd.Name()), cmd.Use)
	}
	return d
}

// show writes diagnostics for people on standard error, for programs on
// standard output.
func (a *app) show(diags diag.List) {
	if len(diags) == 0 {
		return
	}
	a.logDiagnostics(diags)
	if a.comment != nil {
		a.comment.Messages = append(a.comment.Messages, diags...)
	}
	if a.json {
		enc := json.NewEncoder(a.out)
		for _, d := range diags {
			enc.Encode(struct {
				Format     int             `json:"format"`
				Type       string          `json:"type"`
				Diagnostic diag.Diagnostic `json:"diagnostic"`
			}{1, "diagnostic", d})
		}
		return
	}
	width, color := 0, false
	if f, ok := a.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		color = !a.noColor && view.Colors(f)
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			width = min(w, 120)
		}
	}
	view.Diagnostics(a.err, diags, a.sources, view.DiagnosticOptions{Color: color, Width: width})
}

// variables adds the flags that give variables to a command.
func (a *app) variables(cmd *cobra.Command) {
	cmd.Flags().Var(valueFlag{&a.values, false}, "var", "give a variable its value: `name=value`")
	cmd.Flags().Var(valueFlag{&a.values, true}, "var-file", "`file` of variables, one name = value a line")
}

// load reads operation files.
func (a *app) load(paths []string) (*config.Config, error) {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	cfg, diags := config.Load(paths)
	return a.loaded(cfg, diags)
}

// loaded remembers the sources, for the lines in messages.
func (a *app) loaded(cfg *config.Config, diags diag.List) (*config.Config, error) {
	if cfg != nil {
		for _, s := range cfg.Sources {
			a.sources[s.Name] = s.Bytes
		}
		diags = append(diags, config.CheckVersion(cfg, Version)...)
	}
	if diags.HasErrors() {
		return nil, refuse(diags)
	}
	a.show(diags)
	return cfg, nil
}

// interrupts listens to Ctrl-C and SIGTERM. The first closes drain, which asks
// for a gentle stop; the second cancels the context, which stops at once.
//
// A terminal that goes away asks for a gentle stop too, unless that was to be
// ignored (nohup); never for more, since a shell and the kernel may both tell
// of it. Nor does it end us that nobody reads what we write.
func interrupts(parent context.Context) (ctx context.Context, drain <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	gentle := make(chan struct{})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	gone := make(chan os.Signal, 1)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(gone, syscall.SIGHUP)
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // to the end: the write fails instead
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			close(gentle)
		case <-gone:
			close(gentle)
		case <-done:
			return
		}
		select {
		case <-signals:
			cancel()
		case <-done:
		}
	}()
	return ctx, gentle, func() {
		signal.Stop(signals)
		signal.Stop(gone)
		close(done)
		cancel()
	}
}

// plain is an error's text without the operation and path that os puts before
// it: the message says those in its own words.
func plain(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

func versionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				return json.NewEncoder(a.out).Encode(map[string]any{"format": 1, "version": Version})
			}
			fmt.Fprintln(a.out, "runner", Version)
			if info, ok := debug.ReadBuildInfo(); ok {
				fmt.Fprintln(a.out, "built with", info.GoVersion)
			}
			return nil
		},
	}
}
