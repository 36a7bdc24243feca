package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/cobra"

	"github.com/bulkrunner/runner/internal/cli"
)

// schemasEnv names the folder of the schemas for the runner of a script, which
// holds whatever it writes as JSON against them.
const schemasEnv = "RUNNER_TEST_SCHEMAS"

// exitUndocumented is how a script's runner ends when it wrote JSON that isn't
// as the schemas say, or that has more than they say.
const exitUndocumented = 99

// runner is the program as scripts run it.
func runner(args []string) int {
	name := schemaOf(args)
	if os.Getenv(schemasEnv) == "" || name == "" {
		return cli.Main(args, os.Stdin, os.Stdout, os.Stderr)
	}
	var said bytes.Buffer
	code := cli.Main(args, os.Stdin, io.MultiWriter(os.Stdout, &said), os.Stderr)
	if err := documented(os.Getenv(schemasEnv), name, said.Bytes()); err != nil {
		fmt.Fprintf(os.Stderr, "runner %s: %v\n", strings.Join(args, " "), err)
		return exitUndocumented
	}
	return code
}

// schemaOf is the schema of what a command line writes, "" where that isn't JSON.
func schemaOf(args []string) string {
	var words []string
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			words = append(words, a)
		}
	}
	asked := slices.Contains(args, "--json")
	switch {
	case len(words) == 0 || slices.Contains(args, "--help"):
		return ""
	case words[0] == "provider" && len(words) > 1 && words[1] == "schema":
		return "provider_schema"
	case words[0] == "provider" && len(words) > 1 && words[1] == "test" && asked:
		return "provider_test"
	case words[0] == "export" && slices.Contains(args, "jsonl") && slices.Contains(args, "-"):
		return "item"
	case !asked || words[0] == "completion" || words[0] == "provider":
		return ""
	}
	switch words[0] {
	case "plan", "retry":
		return "run"
	case "rehearse":
		return "apply"
	case "worker": // what it does is in the run files of others
		return "diagnostic"
	}
	return words[0] // show is told apart by what it says
}

// logged holds the lines of a log against their schema. Lines that don't begin
// an object are for people.
func logged(ts *testscript.TestScript, neg bool, args []string) {
	var lines []string
	for _, line := range strings.Split(ts.ReadFile(args[0]), "\n") {
		if strings.HasPrefix(line, "{") {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		ts.Fatalf("%s has no lines of a log", args[0])
	}
	if err := documented(schemas(), "log", []byte(strings.Join(lines, "\n"))); (err == nil) == neg {
		ts.Fatalf("%s: %v", args[0], err)
	}
}

// documented holds documents against a schema.
func documented(folder, name string, said []byte) error {
	d := json.NewDecoder(bytes.NewReader(said))
	for {
		var raw json.RawMessage
		if err := d.Decode(&raw); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("it wrote what is no JSON: %w", err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			return err
		}
		members, _ := value.(map[string]any)
		is := name
		switch {
		case members["type"] == "diagnostic":
			is = "diagnostic"
		case name == "show" && members["items"] != nil:
			is = "items"
		case name == "show" && members["group_by"] != nil:
			is = "groups"
		case name == "show":
			is = "run"
		}
		s, err := schema(folder, is)
		if err != nil {
			return err
		}
		if err := s.Validate(value); err != nil {
			return fmt.Errorf("it isn't as docs/schema/%s.json says: %w\n%s", is, err, raw)
		}
	}
}

// schema compiles a schema of the folder. Readers are told that fields may be
// added; here one that no schema has is an error.
func schema(folder, name string) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.UseLoader(closing{})
	return c.Compile(filepath.ToSlash(filepath.Join(folder, name+".json")))
}

// closing loads schemas from files, with objects that have no members but those
// that are told.
type closing struct{}

func (closing) Load(url string) (any, error) {
	value, err := jsonschema.FileLoader{}.Load(url)
	if err != nil {
		return nil, err
	}
	return closed(value), nil
}

func closed(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name := range v {
			v[name] = closed(v[name])
		}
		if _, told := v["additionalProperties"]; !told && v["properties"] != nil && v["type"] == "object" {
			v["additionalProperties"] = false
		}
	case []any:
		for i := range v {
			v[i] = closed(v[i])
		}
	}
	return value
}

// schemas is the folder of the schemas.
var schemas = sync.OnceValue(func() string {
	folder, err := filepath.Abs(filepath.Join("..", "..", "docs", "schema"))
	if err != nil {
		panic(err)
	}
	return folder
})

// TestSchemas holds the schemas to be schemas, told in the docs, and to find
// what is wrong.
func TestSchemas(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(schemas(), "*.json"))
	if err != nil || len(files) < 15 {
		t.Fatalf("%d schemas, %v", len(files), err)
	}
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "commands.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if _, err := schema(schemas(), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name != "common" && !bytes.Contains(docs, []byte("(schema/"+name+".json)")) {
			t.Errorf("docs/commands.md doesn't link to schema/%s.json", name)
		}
	}
	for text, problem := range map[string]string{
		`{"format":1,"version":"0.1.0"}`:          "",
		`{"format":2,"version":"0.1.0"}`:          "format",
		`{"format":1,"version":"0.1.0","more":1}`: "more",
		`{"format":1}`:                            "version",
		`{"format":1,"type":"diagnostic","diagnostic":{"severity":"error","summary":"x"}}`:                                   "",
		`{"format":1,"type":"diagnostic","diagnostic":{"severity":"worse","summary":"x"}}`:                                   "severity",
		`{"format":1,"type":"diagnostic","diagnostic":{"severity":"error","summary":"x","row":{"file":"x","line":1,"n":2}}}`: "'n'",
		`not JSON`: "no JSON",
	} {
		err := documented(schemas(), "version", []byte(text))
		if (err == nil) != (problem == "") || err != nil && !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestSchemaOfEveryCommand holds each command to have a schema for what it
// writes with --json, and scripts to have it written.
func TestSchemaOfEveryCommand(t *testing.T) {
	t.Parallel()
	// What is no document: pages and scripts for others, whatever is asked for.
	other := map[string]bool{"runner completion": true, "runner help": true, "runner man": true, "runner provider docs": true}
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	var lines []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			if words := strings.Fields(line); slices.Contains(words, "runner") && !strings.HasPrefix(line, "#") {
				lines = append(lines, strings.Join(words[slices.Index(words, "runner"):], " ")+" ")
			}
		}
	}
	var look func(*cobra.Command)
	seen := 0
	look = func(c *cobra.Command) {
		path := c.CommandPath()
		if other[path] || strings.HasPrefix(path, "runner completion ") {
			return
		}
		for _, sub := range c.Commands() {
			look(sub)
		}
		if c.HasSubCommands() { // by itself it only says what they are
			return
		}
		seen++
		name := schemaOf(append(strings.Fields(path)[1:], "--json"))
		if name == "show" { // told apart by what it says
			name = "run"
		}
		if _, err := os.Stat(filepath.Join(schemas(), name+".json")); name == "" || err != nil {
			t.Errorf("%s --json has no schema: %q", path, name)
		}
		if !slices.ContainsFunc(lines, func(line string) bool {
			return strings.HasPrefix(line, path+" ") && (strings.Contains(line, " --json ") || path == "runner provider schema")
		}) {
			t.Errorf("no script runs %s --json", path)
		}
	}
	look(cli.Commands())
	if seen < 15 {
		t.Errorf("only %d commands were looked at", seen)
	}
}
