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
// internal/config alone are in internal/view/testdata/gallery, those of lists that
// can't be read in internal/view/testdata/lists.txtar.
func TestMessages(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/messages", UpdateScripts: *update, Setup: setUp, Cmds: commands})
}

// unprinted are the summaries of which no test shows the whole message, each
// with its reason.
var unprinted = map[string]string{
	"Column without exact values":            "a real server: internal/rows",
	"Command can't be left":                  "a disk that fills up while an apply runs",
	"Command may not have been carried out":  "an apply that ends at that moment",
	"Command was not taken":                  "an apply that hangs or ends at that moment",
	"Empty row":                              "a workbook, which is no text: internal/rows",
	"Expression can't be evaluated":          "a panic of a library, of which none is known",
	"File can't be written":                  "a file that may not be written, which root may: tests run as root too",
	"File is too large":                      "a file of 1 MiB: internal/config",
	"Guard is not a bool":                    "the check ahead of any row finds what it can; this is for what it can't",
	"Invalid key":                            "internal/config refuses it first",
	"Invalid otherwise":                      "internal/config refuses it first",
	"Invalid row from a provider":            "a bug of a provider",
	"Invalid schema":                         "a bug of a provider",
	"Item is not settled yet":                "an apply that was killed at that moment",
	"Key of fingerprints is missing":         "an apply without the key that its plan had",
	"List changed while it was read":         "a list that changes at that moment",
	"List is a pipe":                         "a named pipe, which Windows has none of: internal/rows",
	"List is not a file":                     "a device",
	"List too long":                          "a list of 100,000 pages",
	"Locals in a circle":                     "internal/config refuses it first",
	"Left to its workers":                    "a server of Temporal, which scripts have none of: internal/torture",
	"Lock file can't be written":             "a folder that may not be written, which root may: tests run as root too",
	"No key":                                 "internal/config refuses it first",
	"Not for a terminal":                     "a terminal, which scripts have none of",
	"Nothing on standard input":              "a terminal, which scripts have none of",
	"Operation file can't be reserved":       "a folder that may not be written, which root may: tests run as root too",
	"Operation files are too large together": "8 MiB of operation files: internal/config",
	"Outcomes are not in the run file":       "a disk that fills up: internal/torture",
	"Parameters of the query":                "a real server: internal/rows",
	"Pattern matches too much":               "100,000 files",
	"Plan can't be read back":                "a disk that fails between two calls",
	"Plan was changed":                       "internal/torture, TestE11EditedPlan",
	"Planning failed":                        "what has no better message: a provider that is gone, a disk that fails",
	"Provider can't be rehearsed":            "a provider without a simulator, which the tests have none of",
	"Query takes too long":                   "a real server: internal/rows",
	"Rehearsal can't be planned":             "the machine has no random numbers",
	"Run can't be followed":                  "a server of Temporal that goes away",
	"Run file and simulator disagree":        "a bug of ours",
	"Run file can't be read":                 "a disk that fails: internal/torture",
	"Run file can't be written":              "a disk that fails: internal/torture",
	"Simulator's ledger can't be read":       "a simulator that dies",
	"Too large for a workbook":               "a million items",
	"Too many problems":                      "a hundred messages, which nobody would review",
	"Temporal can't be reached":              "its words are those of the system",
	"Unreadable provider":                    "a program that vanishes while it is read",
	"Workbook too large":                     "a workbook of 1 GiB: internal/rows",
	"Worker stopped":                         "a server of Temporal, which scripts have none of",
	"Write-only arguments can't travel":      "a server of Temporal, which scripts have none of",
}

// TestMessagesAreShown holds the summaries that stand in the sources against
// the messages that tests show.
func TestMessagesAreShown(t *testing.T) {
	t.Parallel()
	var shown strings.Builder
	summaries := map[string]string{}
	literal := regexp.MustCompile(`Summary:\s+"((?:[^"\\]|\\.)+)"|refusal\("((?:[^"\\]|\\.)+)"|\b(?:refuse|problem|header|report)\((?:[a-zA-Z.()+0-9-]+, |"", |"[a-z_]+", )*"([A-Z](?:[^"\\]|\\.)+)",`)
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
				summaries[strings.ReplaceAll(m[1]+m[2]+m[3], `\"`, `"`)] = path
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
