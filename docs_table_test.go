package runner_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkrunner/runner/internal/eval"
	"github.com/bulkrunner/runner/internal/plan"
)

var update = flag.Bool("update", false, "write the documents that are generated")

// TestDocsFunctions generates docs/functions.md, or finds it out of date.
func TestDocsFunctions(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# Functions\n\nThe functions of the [operation language](operation-files.md), under Terraform's names. None reaches the network, and each\n" +
		"gives the same answer everywhere in one run. This page is generated: `go test . -run TestDocsFunctions -update`.\n\n| function | gives |\n|---|---|\n")
	for _, f := range eval.Functions() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.Signature, strings.ReplaceAll(f.Doc, "|", "\\|"))
	}
	if *update {
		if err := os.WriteFile("docs/functions.md", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("docs/functions.md")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(b.String(), string(got)); d != "" {
		t.Errorf("docs/functions.md is out of date; run: go test . -run TestDocsFunctions -update\n%s", d)
	}
}

// tableBelow returns the cells of the table below a heading, without its first row.
func tableBelow(t *testing.T, doc, heading string) (out [][]string) {
	t.Helper()
	_, prose := read(t, doc)
	_, text, found := strings.Cut(prose, heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", doc, heading)
	}
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "#") {
			break
		}
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.ReplaceAll(line, `\|`, "\x00"), "| "), "|")
		for i := range cells {
			cells[i] = strings.ReplaceAll(strings.TrimSpace(cells[i]), "\x00", "|")
		}
		out = append(out, cells)
	}
	if len(out) < 2 {
		t.Fatalf("%s has no table below %q", doc, heading)
	}
	return out[1:]
}

var quoted = regexp.MustCompile("`([^`]+)`")

// TestDocsEdges holds the table of docs/states.md against the edges of plan.
func TestDocsEdges(t *testing.T) {
	t.Parallel()
	got := map[string]bool{}
	for _, row := range tableBelow(t, "docs/states.md", "## The edges") {
		edge := quoted.FindAllStringSubmatch(row[0], -1)
		if len(edge) != 2 {
			t.Fatalf("docs/states.md: %q is no edge such as `planned` → `started`", row[0])
		}
		got[edge[0][1]+" → "+edge[1][1]] = true
	}
	want := map[string]bool{}
	for _, from := range plan.States {
		for _, to := range plan.States {
			if from.CanBecome(to) {
				want[from.String()+" → "+to.String()] = true
			}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("edges in plan (-) and in docs/states.md (+):\n%s", d)
	}
}

// TestDocsExitCodes holds the table of docs/commands.md against internal/cli.
func TestDocsExitCodes(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "internal/cli/exit.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "exit") {
			want = append(want, spec.Values[0].(*ast.BasicLit).Value)
		}
		return true
	})
	var got []string
	for _, row := range tableBelow(t, "docs/commands.md", "## Exit codes") {
		got = append(got, strings.Trim(row[0], "`"))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("exit codes in internal/cli (-) and in docs/commands.md (+):\n%s", d)
	}
}

var (
	flags      = regexp.MustCompile(`--[a-z][a-z-]*`)
	invocation = regexp.MustCompile(`(?:^|[|;&] *)(?:[A-Z_a-z]+=\S+ )*runner((?: +[^|;&]*)?)`)
)

// TestDocsCommandsExist holds every runner command that a block shows against
// what the program says of its commands and flags.
func TestDocsCommandsExist(t *testing.T) {
	t.Parallel()
	runner := filepath.Join(built(t), "runner")
	help := map[string]map[string]bool{}
	flagsOf := func(name string) map[string]bool {
		if help[name] == nil {
			help[name] = map[string]bool{}
			out, err := exec.Command(runner, "help", name).CombinedOutput()
			if err != nil || strings.Contains(string(out), "Unknown help topic") {
				return help[name]
			}
			for _, f := range flags.FindAllString(string(out), -1) {
				help[name][f] = true
			}
		}
		return help[name]
	}
	checked := map[string]bool{}
	for _, doc := range documents(t) {
		blocks, _ := read(t, doc)
		for _, b := range blocks {
			if b.language != "console" && b.language != "sh" {
				continue
			}
			for _, c := range b.commands() {
				for _, m := range invocation.FindAllStringSubmatch(c.text, -1) {
					words := strings.Fields(m[1])
					if len(words) == 0 {
						continue
					}
					known := flagsOf(words[0])
					if !strings.HasPrefix(words[0], "-") && len(known) == 0 {
						t.Errorf("%s: runner has no command %q", b.at(), words[0])
						continue
					}
					checked[words[0]] = true
					for _, f := range flags.FindAllString(m[1], -1) {
						if !known[f] {
							t.Errorf("%s: runner %s has no flag %s", b.at(), words[0], f)
						}
					}
				}
			}
		}
	}
	all := slices.Sorted(maps.Keys(checked))
	if len(all) < 5 {
		t.Errorf("only the commands %v were looked at", all)
	}
}
