package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMessages prints what the runner has to say, whole, so that somebody who
// changes a message reads it as its reader will. The messages of
// internal/config alone are in internal/view/testdata/gallery.
func TestMessages(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/messages", UpdateScripts: *update, Setup: setUp, Cmds: commands})
}

// unprinted are the summaries of which no test shows the whole message, each
// with its reason. Those that say "not yet" are to become fewer.
var unprinted = map[string]string{
	"Command can't be left":                 "a disk that fills up while an apply runs",
	"Command may not have been carried out": "an apply that ends at that moment",
	"Command was not taken":                 "an apply that hangs or ends at that moment",
	"Expression can't be evaluated":         "a panic of a library, of which none is known",
	"File can't be written":                 "a file that may not be written, which root may: tests run as root too",
	"File is too large":                     "a file of 1 MiB: internal/config",
	"Guard is not a bool":                   "the check ahead of any row finds what it can; this is for what it can't",
	"Invalid key":                           "internal/config refuses it first",
	"Invalid otherwise":                     "internal/config refuses it first",
	"Invalid row from a provider":           "a bug of a provider",
	"Invalid schema":                        "a bug of a provider",
	"Item is not settled yet":               "an apply that was killed at that moment",
	"List changed while it was read":        "a list that changes at that moment",
	"List too long":                         "a list of 100,000 pages",
	"Locals in a circle":                    "internal/config refuses it first",
	"Lock file can't be written":            "a folder that may not be written, which root may: tests run as root too",
	"No key":                                "internal/config refuses it first",
	"Not for a terminal":                    "a terminal, which scripts have none of",
	"Outcomes are not in the run file":      "a disk that fills up: internal/torture",
	"Plan can't be read back":               "a disk that fails between two calls",
	"Plan was changed":                      "internal/torture, TestE11EditedPlan",
	"Planning failed":                       "what has no better message: a provider that is gone, a disk that fails",
	"Provider can't be rehearsed":           "a provider without a simulator, which the tests have none of",
	"Provider differs from the plan's":      "not yet",
	"Provider without a version":            "not yet",
	"Rehearsal can't be planned":            "the machine has no random numbers",
	"Row too long":                          "a row of 1 MiB: internal/rows",
	"Run file and simulator disagree":       "a bug of ours",
	"Run file can't be read":                "a disk that fails: internal/torture",
	"Run file can't be written":             "a disk that fails: internal/torture",
	"Run of another machine":                "not yet",
	"Simulator's ledger can't be read":      "a simulator that dies",
	"Too large for a workbook":              "a million items",
	"Too many problems":                     "a hundred messages, which nobody would review",
	"Unreadable provider":                   "a program that vanishes while it is read",
	"Version of runner is not checked":      "not yet",
}

// TestMessagesAreShown holds the summaries that stand in the sources against
// the messages that tests show.
func TestMessagesAreShown(t *testing.T) {
	t.Parallel()
	var shown strings.Builder
	summaries := map[string]string{}
	literal := regexp.MustCompile(`Summary:\s+"((?:[^"\\]|\\.)+)"|refusal\("((?:[^"\\]|\\.)+)"`)
	root := filepath.Join("..", "..")
	for _, dir := range []string{"internal", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			source := strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
			if !source && !strings.Contains(path, "testdata") {
				return nil
			}
			text, err := os.ReadFile(path)
			if !source {
				shown.Write(text)
				return err
			}
			for _, m := range literal.FindAllStringSubmatch(string(text), -1) {
				summaries[strings.ReplaceAll(m[1]+m[2], `\"`, `"`)] = path
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(summaries) < 100 {
		t.Fatalf("only %d summaries were found", len(summaries))
	}
	for summary, path := range summaries {
		_, excepted := unprinted[summary]
		switch is := strings.Contains(shown.String(), summary); {
		case !is && !excepted:
			t.Errorf("%s says %q, and no test shows it: add it to testdata/messages", path, summary)
		case is && excepted:
			t.Errorf("%q is shown: take it out of unprinted", summary)
		}
	}
}
