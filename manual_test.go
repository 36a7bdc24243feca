package runner_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bulkrunner/runner/internal/cli"
)

// visibleCommands are the commands that a person is told of, without the
// program's name: "plan", "provider test". The shells of completion are one.
func visibleCommands() map[string]*cobra.Command {
	out := map[string]*cobra.Command{}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if sub.Hidden || sub.Name() == "help" {
				continue
			}
			if name := strings.TrimPrefix(sub.CommandPath(), "runner "); name == "completion" || !sub.HasSubCommands() {
				out[name] = sub
			}
			if sub.Name() != "completion" {
				walk(sub)
			}
		}
	}
	walk(cli.Commands())
	return out
}

// flagsOf are the names of a command's own flags, and of those of its shells.
func flagsOf(c *cobra.Command) map[string]bool {
	out := map[string]bool{}
	for _, c := range append(c.Commands(), c) {
		c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && f.Name != "help" {
				out["--"+f.Name] = true
			}
		})
	}
	return out
}

// TestDocsCommandTable holds the tables of docs/commands.md against the
// commands and their flags.
func TestDocsCommandTable(t *testing.T) {
	t.Parallel()
	commands := visibleCommands()
	want, got := map[string]bool{}, map[string]bool{}
	for name, c := range commands {
		want[name] = true
		for flag := range flagsOf(c) {
			want[name+" "+flag] = true
		}
	}
	cli.Commands().PersistentFlags().VisitAll(func(f *pflag.Flag) { want["all --"+f.Name] = true })

	word := regexp.MustCompile(`^[a-z]+$`)
	for _, row := range tableBelow(t, "docs/commands.md", "# Commands") {
		m := quoted.FindStringSubmatch(row[0])
		if m == nil {
			t.Fatalf("docs/commands.md: %q is no command", row[0])
		}
		words := strings.Fields(strings.TrimPrefix(m[1], "runner "))
		n := slices.IndexFunc(words, func(w string) bool { return !word.MatchString(w) })
		if n < 0 {
			n = len(words)
		}
		got[strings.Join(words[:n], " ")] = true
	}
	var of []string
	for _, row := range tableBelow(t, "docs/commands.md", "## Flags") {
		if row[1] != "the same" {
			of = nil
			for _, m := range quoted.FindAllStringSubmatch(row[1], -1) {
				of = append(of, strings.TrimSuffix(m[1], " PATH"))
			}
			if row[1] == "all" {
				of = []string{"all"}
			}
		}
		for _, flag := range flags.FindAllString(row[0], -1) {
			for _, name := range of {
				got[name+" "+flag] = true
			}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("commands and flags in the program (-) and in docs/commands.md (+):\n%s", d)
	}
}

// TestManualIsWhole holds the manual against the tree of commands: each that a
// person is told of has a page, which tells of every flag that it takes.
func TestManualIsWhole(t *testing.T) {
	t.Parallel()
	pages := cli.Manual().Pages(cli.Commands())
	if again := cli.Manual().Pages(cli.Commands()); !maps.EqualFunc(pages, again, func(a, b []byte) bool { return string(a) == string(b) }) {
		t.Error("made twice, the manual isn't the same")
	}
	want := map[string]bool{"runner.1": true}
	for name := range visibleCommands() {
		for words := strings.Fields(name); len(words) > 0; words = words[:len(words)-1] {
			want["runner-"+strings.Join(words, "-")+".1"] = true
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		want["runner-completion-"+shell+".1"] = true
	}
	got := map[string]bool{}
	for name := range pages {
		got[name] = true
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("commands (-) and pages (+):\n%s", d)
	}
	for name, c := range visibleCommands() {
		text := strings.ReplaceAll(string(pages["runner-"+strings.ReplaceAll(name, " ", "-")+".1"]), `\-`, "-")
		told := flags.FindAllString(text, -1)
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !slices.Contains(told, "--"+f.Name) {
				t.Errorf("the page of %s says nothing of --%s", name, f.Name)
			}
		})
	}
}

// TestManualNamesTheEnvironment holds the manual, and docs/commands.md, against
// the variables of the environment that the sources name.
func TestManualNamesTheEnvironment(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for _, e := range cli.Manual().Environ {
		documented[e.Term] = true
	}
	commands, err := os.ReadFile("docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	literal := regexp.MustCompile(`"(RUNNER_[A-Z_]+|NO_COLOR|XDG_STATE_HOME)"`)
	err = filepath.WalkDir("internal", func(file string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, m := range literal.FindAllStringSubmatch(string(source), -1) {
			name := m[1]
			if name == "RUNNER_VAR_" {
				name += "NAME"
			}
			found++
			if !documented[name] {
				t.Errorf("%s reads %s, of which runner(1) says nothing", file, name)
			}
			if !strings.Contains(string(commands), name) {
				t.Errorf("%s reads %s, of which docs/commands.md says nothing", file, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 5 {
		t.Errorf("only %d variables were found", found)
	}
}
