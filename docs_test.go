package runner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/bulkrunner/runner/internal/config"
)

// A block is one fenced block of a document.
//
// A comment on the line before the fence says what the tests do with it:
//
//	<!-- file: NAME -->        the block is the content of a file
//	<!-- run WORD… -->         its commands are carried out and must answer as shown; of its
//	                           words exit=N is how the last ends, stdin=TEXT is typed,
//	                           confirm types the number that is asked for, interrupt=PATTERN is
//	                           Ctrl-C as soon as that is printed, varies=TEXT|TEXT is what is another each
//	                           time, in=FOLDER copies files of this checkout
//	<!-- background -->        its command goes on running beside what follows
//	<!-- fragment -->          HCL that is part of a file, or Go that is part of a program
//	<!-- elsewhere: REASON --> its commands can't be carried out by a test, and why
//
// and two stand alone, for what the reader is not shown:
//
//	<!-- before: COMMAND -->   is carried out here
//	<!-- beside: COMMAND -->   goes on running beside what follows
type block struct {
	doc       string
	line      int
	language  string
	directive string // the first word of the comment, or ""
	argument  string
	text      string
}

func (b block) at() string { return fmt.Sprintf("%s:%d", b.doc, b.line) }

// command is one command of a block, and what is shown below it.
type command struct {
	text   string
	output []string
}

// commands are the lines behind "$ " of a console block, or all of a sh block.
func (b block) commands() (out []command) {
	for _, line := range strings.Split(strings.TrimRight(b.text, "\n"), "\n") {
		text, typed := strings.CutPrefix(line, "$ ")
		switch {
		case b.language == "sh" && line != "" && !strings.HasPrefix(line, "#"):
			out = append(out, command{text: line})
		case typed:
			out = append(out, command{text: text})
		case b.language == "console" && len(out) > 0:
			out[len(out)-1].output = append(out[len(out)-1].output, line)
		}
	}
	return out
}

var directives = regexp.MustCompile(`^<!-- (run|file|background|fragment|elsewhere):?(?: (.*?))? ?-->$`)

var hidden = regexp.MustCompile(`^<!-- (before|beside): (.*) -->$`)

// documents are the paths of all documents, README.md first.
func documents(t *testing.T) []string {
	t.Helper()
	all := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}
	for _, pattern := range []string{"docs/*.md", "docs/*/*.md", "docs/*/*/*.md", "examples/*.md", "examples/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	if len(all) < 15 {
		t.Fatalf("only %d documents were found", len(all))
	}
	return all
}

// read takes a document apart: its blocks, and its text without them.
func read(t *testing.T, doc string) (blocks []block, prose string) {
	t.Helper()
	content, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	var open *block
	before := ""
	for n, line := range strings.Split(string(content), "\n") {
		language, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{doc: doc, line: n + 1, language: language}
			if m := directives.FindStringSubmatch(before); m != nil {
				open.directive, open.argument = m[1], m[2]
			}
		case fence:
			blocks, open = append(blocks, *open), nil
		case open != nil:
			open.text += line + "\n"
		case hidden.MatchString(line):
			m := hidden.FindStringSubmatch(line)
			blocks = append(blocks, block{doc: doc, line: n + 1, language: "sh", directive: m[1], text: m[2] + "\n"})
		default:
			prose += line + "\n"
		}
		before = line
	}
	if open != nil {
		t.Fatalf("%s: the block is never closed", open.at())
	}
	return blocks, prose
}

var (
	links    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headings = regexp.MustCompile(`(?m)^#+ (.*)$`)
	unlinked = regexp.MustCompile("[^a-z0-9 _-]")
)

// anchors are the names under which a document's headings can be linked to.
func anchors(prose string) map[string]bool {
	out := map[string]bool{}
	for _, m := range headings.FindAllStringSubmatch(prose, -1) {
		name := unlinked.ReplaceAllString(strings.ToLower(m[1]), "")
		out[strings.ReplaceAll(name, " ", "-")] = true
	}
	return out
}

func TestDocsLinksResolve(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, doc := range documents(t) {
		_, prose := read(t, doc)
		for _, m := range links.FindAllStringSubmatch(prose, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			checked++
			target, anchor, _ := strings.Cut(m[1], "#")
			file := doc
			if target != "" {
				file = filepath.Join(filepath.Dir(doc), target)
			}
			info, err := os.Stat(file)
			if err != nil {
				t.Errorf("%s links to %s, which isn't there", doc, m[1])
				continue
			}
			if anchor == "" || info.IsDir() {
				continue
			}
			if _, text := read(t, file); !anchors(text)[anchor] {
				t.Errorf("%s links to %s, and %s has no such heading", doc, m[1], file)
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d links were looked at", checked)
	}
}

// TestDocsOperationFiles holds every HCL block against the language: a whole
// file must be one that can be loaded, a fragment must have HCL's syntax, and
// both the canonical layout.
func TestDocsOperationFiles(t *testing.T) {
	t.Parallel()
	whole := 0
	for _, doc := range documents(t) {
		blocks, _ := read(t, doc)
		for _, b := range blocks {
			name := "block.ops.hcl"
			if b.language == "json" && config.IsOperationFile(b.argument) {
				name += ".json"
			} else if b.language != "hcl" {
				continue
			}
			if b.language == "hcl" {
				if formatted, _ := config.Format(config.Source{Name: name, Bytes: []byte(b.text)}); string(formatted) != b.text {
					t.Errorf("%s: runner fmt would write:\n%s", b.at(), formatted)
				}
			}
			if b.directive == "fragment" {
				if _, diags := hclsyntax.ParseConfig([]byte(b.text), b.doc, hcl.InitialPos); diags.HasErrors() {
					t.Errorf("%s: %s", b.at(), diags)
				}
				continue
			}
			whole++
			_, diags := config.Parse([]config.Source{{Name: name, Bytes: []byte(b.text)}})
			for _, d := range diags {
				t.Errorf("%s: %s: %s", b.at(), d.Summary, d.Detail)
			}
		}
	}
	if whole < 3 {
		t.Errorf("only %d whole files were looked at", whole)
	}
}
