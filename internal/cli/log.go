package cli

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/internal/view"
)

// logLevels and logFormats are the words of --log-level and --log-format.
var (
	logLevels  = []string{"off", "error", "warn", "info", "debug"}
	logFormats = []string{"text", "json"}
)

// What the environment says of the log, where no flag does.
const (
	envLogLevel  = "RUNNER_LOG_LEVEL"
	envLogFormat = "RUNNER_LOG_FORMAT"
)

// logFlags are the flags of the log, which the environment may give as well.
type logFlags struct{ level, format string }

func (a *app) logFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&a.logs.level, "log-level", "", "log to standard error from this `level` on: error, warn, info or debug")
	flags.StringVar(&a.logs.format, "log-format", "", "write the log as text or json: `format`")
}

// openLog begins the log that is asked for.
func (a *app) openLog() error {
	level := cmp.Or(a.logs.level, os.Getenv(envLogLevel), "off")
	format := cmp.Or(a.logs.format, os.Getenv(envLogFormat), "text")
	if !slices.Contains(logLevels, level) {
		return refusal("Unknown log level", fmt.Sprintf("There is no log level %q. There are off, error, warn, info and debug.", level))
	}
	if !slices.Contains(logFormats, format) {
		return refusal("Unknown log format", fmt.Sprintf("There is no log format %q. There are text and json.", format))
	}
	if level == "off" {
		return nil
	}
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return err
	}
	a.log = view.NewLog(a.err, l, format == "json")
	return nil
}

// logDiagnostics writes messages to the log, beside where people read them.
func (a *app) logDiagnostics(diags diag.List) {
	if !a.log.On() {
		return
	}
	for _, d := range diags {
		attrs := []any{"summary", d.Summary, "detail", d.Detail}
		if d.In != "" {
			attrs = append(attrs, "in", d.In)
		}
		if d.Subject != nil {
			attrs = append(attrs, "file", d.Subject.Filename, "line", d.Subject.Start.Line)
		}
		level := slog.LevelError
		if d.Severity == diag.Warning {
			level = slog.LevelWarn
		}
		a.log.Log(context.Background(), level, "message", attrs...)
	}
}

// observe puts an observer beside a journal; nil is none.
func observe(j engine.Journal, tell func(runfile.Batch)) engine.Journal {
	if tell == nil {
		return j
	}
	return observed{j, tell}
}

// observed is a journal beside which somebody is told of each batch once it is
// durable. They are called from the goroutine that commits, and may not block.
type observed struct {
	engine.Journal
	tell func(runfile.Batch)
}

func (o observed) Commit(b runfile.Batch) error {
	err := o.Journal.Commit(b)
	if err == nil {
		o.tell(b)
	}
	return err
}
