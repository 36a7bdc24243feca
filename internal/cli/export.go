package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/internal/view"
)

type exportOptions struct {
	format, out string
	filter      itemFilter
}

func exportCommand(a *app) *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use:   "export RUNFILE --format csv|jsonl|xlsx --out F",
		Short: "Write items with their outcomes and results to a file",
		Long:  "Export writes the items of a run with what became of them: as a table for people\n(csv, xlsx) or, with everything as it is, for programs (jsonl).",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return a.export(args[0], o) },
	}
	cmd.Flags().StringVar(&o.format, "format", "", "`csv`, jsonl or xlsx")
	cmd.Flags().StringVar(&o.out, "out", "", "the `file` to write, - for standard output")
	o.filter.flags(cmd)
	return cmd
}

func (a *app) export(path string, o exportOptions) error {
	switch {
	case !slices.Contains(view.Formats, o.format):
		return refusal("Invalid format", fmt.Sprintf("--format takes csv or xlsx, for people, or jsonl, for programs; not %q.", o.format))
	case o.out == "":
		return refusal("File missing", fmt.Sprintf("Say where the items go: --out items.%s, or --out - for standard output.", o.format))
	case o.out == "-" && a.json:
		return refusal("Standard output is taken", "With --json it gets a document about the export, so the items need a file: --out items.jsonl. For items as JSON on standard output leave --json out, and write --format jsonl.")
	}
	f, err := runfile.Open(path)
	if err != nil {
		return a.runFileError(path, err)
	}
	defer f.Close()
	ops, err := f.Operations()
	if err != nil {
		return a.runFileError(path, err)
	}
	what := view.ExportOptions{Format: o.format}
	if what.Filter, err = o.filter.of(ops); err != nil {
		return err
	}
	ctx, drain, stop := interrupts(context.Background())
	defer stop()
	ctx = cancelOn(ctx, drain)
	if o.out == "-" {
		return a.exportTo(ctx, a.out, f, path, what)
	}
	return a.exportFile(ctx, f, path, o.out, what)
}

// exportTo exports to standard output.
func (a *app) exportTo(ctx context.Context, w io.Writer, f *runfile.File, path string, o view.ExportOptions) error {
	if out, ok := w.(*os.File); ok && term.IsTerminal(int(out.Fd())) {
		if o.Terminal = true; o.Format == "xlsx" {
			return refusal("Not for a terminal", "A workbook is no text. Name a file: --out items.xlsx.")
		}
	}
	_, err := view.Export(ctx, w, f, o)
	var write *view.WriteError
	if errors.As(err, &write) {
		return refusal("Standard output can't be written", sentence(plain(write.Err))+" What it got is incomplete. To have all or nothing, name a file with --out.")
	}
	return a.exportError(path, err)
}

// exportFile exports to a file, which is there whole or not at all.
func (a *app) exportFile(ctx context.Context, f *runfile.File, path, name string, o view.ExportOptions) error {
	if err := exportable(name); err != nil {
		return refusal("Export can't be written", sentence(err.Error()))
	}
	temp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*.tmp") // mode 0600
	if err != nil {
		return a.unwritten(name, err)
	}
	defer os.Remove(temp.Name())
	defer temp.Close()
	n, err := view.Export(ctx, temp, f, o)
	var write *view.WriteError
	switch {
	case errors.As(err, &write):
		return a.unwritten(name, write.Err)
	case err != nil:
		return a.exportError(path, err)
	}
	if err := errors.Join(temp.Sync(), temp.Close()); err != nil {
		return a.unwritten(name, err)
	}
	if err := os.Rename(temp.Name(), name); err != nil {
		return a.unwritten(name, err)
	}
	return a.say(fmt.Sprintf("Wrote %s %s to %s.", view.Count(n), items(n), name), map[string]any{"format": 1, "items": n, "out": name})
}

// exportable tells whether a file may be put at a name: there is nothing, or a
// regular file that is no run file.
func exportable(name string) error {
	fi, err := os.Lstat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case fi.Mode()&os.ModeSymlink != 0:
		return fmt.Errorf("there is a symbolic link %s: name the file itself", name)
	case fi.IsDir():
		return fmt.Errorf("there is a folder %s: name a file in it", name)
	case !fi.Mode().IsRegular():
		return fmt.Errorf("what is at %s is not a regular file: name another, or - for standard output", name)
	}
	f, err := runfile.Open(name)
	if errors.Is(err, runfile.ErrNotRunFile) {
		return nil
	}
	if err == nil {
		f.Close()
	}
	return fmt.Errorf("there is a run in %s, which an export never replaces: name another file", name)
}

func (a *app) unwritten(name string, err error) error {
	return refuse(diag.List{{
		Summary: "Export can't be written",
		Detail:  fmt.Sprintf("%s: %s. Nothing is left of it, and a file that was there before is as it was. Make room, or name a file elsewhere with --out, and export again.", name, plain(err)),
	}})
}

// exportError says why an export ended that could have been written.
func (a *app) exportError(path string, err error) error {
	var large *view.TooLargeError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return exit(exitInterrupted)
	case errors.As(err, &large):
		return refusal("Too large for a workbook", sentence(err.Error())+" Nothing was written. Export as csv or jsonl, or fewer items with --state or --operation.")
	}
	return a.runFileError(path, err)
}
