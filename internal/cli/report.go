package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/runfile"
	"github.com/bulkrunner/runner/internal/view"
)

func reportCommand(a *app) *cobra.Command {
	var page string
	var markdown bool
	cmd := &cobra.Command{
		Use:   "report RUNFILE",
		Short: "Report what a run did, for people who were not there",
		Long:  "Report tells what ran and who ran it, what became of the plan, where the time\nwent, and what failed: as one HTML page that opens without a network, as Markdown\nfor a pull request or a ticket, or as both.",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case page == "" && !markdown:
				return refusal("Invalid command line", "Say what the report is to be: --html FILE, --markdown on standard output, or both.")
			case markdown && a.json:
				return refusal("Invalid command line", "--markdown and --json both want standard output. As JSON the numbers are in: runner show --json.")
			}
			return a.report(args[0], page, markdown)
		},
	}
	cmd.Flags().StringVar(&page, "html", "", "write one HTML page to this `file`")
	cmd.Flags().BoolVar(&markdown, "markdown", false, "write Markdown on standard output")
	return cmd
}

func (a *app) report(path, page string, markdown bool) error {
	if page != "" { // first: it may open a run file
		if err := replaceable(page); err != nil {
			return err
		}
	}
	f, err := runfile.Open(path)
	if err != nil {
		return a.runFileError(path, err)
	}
	defer f.Close()
	r, err := view.NewReport(f)
	if err != nil {
		return a.runFileError(path, err)
	}
	now := time.Now()
	if page != "" {
		if err := writeWhole(page, func(w io.Writer) error { return r.HTML(w, now) }); err != nil {
			return refusal("Report can't be written", fmt.Sprintf("%s: %s.", page, plain(err)))
		}
		if !markdown {
			return a.say("Report written to "+page+".", map[string]any{"format": 1, "report": page})
		}
	}
	return r.Markdown(a.out, now)
}

// replaceable refuses to write a report over anything but a report: a run file
// is the only record of its run.
func replaceable(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	head := make([]byte, len(view.ReportHead))
	if err == nil && info.Mode().IsRegular() && info.Size() >= int64(len(head)) {
		var f *os.File
		if f, err = os.Open(path); err == nil {
			_, err = io.ReadFull(f, head)
			f.Close()
		}
	}
	if err != nil {
		return refusal("Report can't be written", fmt.Sprintf("%s: %s.", path, plain(err)))
	}
	if !bytes.Equal(head, []byte(view.ReportHead)) {
		return refusal("Report can't be written", path+" exists and is not a report: choose another name, or move it away.")
	}
	return nil
}

// writeWhole writes a file whole or not at all, for its owner alone.
func writeWhole(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".report-*")
	if err != nil {
		return err
	}
	err = write(f)
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
