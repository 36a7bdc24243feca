package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// A mark is what a text is compared without.
type mark struct {
	pattern *regexp.Regexp
	with    string
}

// masks are what differs from run to run.
var masks = []mark{
	{regexp.MustCompile(`sha256:[0-9a-f]{64}`), "sha256:…"},
	{regexp.MustCompile(`\b[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}\b`), "RUN"},
	{regexp.MustCompile(`"id": ?"[0-9a-f]{20}"`), `"id": "RUN"`},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "KEY"},
	{regexp.MustCompile(`\b2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z`), "TIME"},
	{regexp.MustCompile(`\b2[0-9]{3}-[0-9]{2}-[0-9]{2} [0-9:]{8} UTC`), "TIME"},
	{regexp.MustCompile("run `[0-9a-f]{20}`"), "run `RUN`"},
	{regexp.MustCompile(`(?m)^[a-z_]+\.[a-z_]+  [0-9,]+/[0-9,]+  .*\n`), ""}, // how far an apply is
	{regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+`), "ENDPOINT"},
}

func masked(s string) string {
	if b := []byte(s); len(b) > 0 && b[0] == '{' && json.Valid(b) {
		var out bytes.Buffer
		if json.Indent(&out, b, "", "  ") == nil {
			s = out.String()
		}
	}
	for _, m := range masks {
		s = m.pattern.ReplaceAllString(s, m.with)
	}
	return s
}

func mask(ts *testscript.TestScript, _ bool, _ []string) {
	for _, name := range []string{"stdout", "stderr"} {
		text := masked(strings.ReplaceAll(ts.ReadFile(name), ts.Getenv("WORK"), "$WORK"))
		ts.Check(os.WriteFile(ts.MkAbs(name+".masked"), []byte(text), 0o600))
	}
}

func within(ts *testscript.TestScript, neg bool, args []string) {
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	files, found := 0, ""
	for _, root := range args[1:] {
		err := filepath.WalkDir(ts.MkAbs(root), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files++
			if pattern.Match(b) {
				found = path
			}
			return nil
		})
		ts.Check(err)
	}
	switch {
	case files == 0:
		ts.Fatalf("there are no files to search")
	case neg && found != "":
		ts.Fatalf("%s holds %s", found, args[0])
	case !neg && found == "":
		ts.Fatalf("none of %d files holds %s", files, args[0])
	}
}

func jsonLines(ts *testscript.TestScript, neg bool, args []string) {
	matches := 0
	for _, line := range strings.Split(strings.TrimSuffix(ts.ReadFile(args[0]), "\n"), "\n") {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			ts.Fatalf("%s: %v: %s", args[0], err, line)
		}
		all := true
		for _, a := range args[1:] {
			key, want, _ := strings.Cut(a, "=")
			got, ok := o[key]
			if want == "" {
				all = all && ok
			} else {
				all = all && ok && fmt.Sprint(got) == want
			}
		}
		if all {
			matches++
		}
	}
	if (matches == 0) != neg {
		ts.Fatalf("%d lines have %s", matches, strings.Join(args[1:], " "))
	}
}

func posted(ts *testscript.TestScript, neg bool, args []string) {
	_, rest, _ := strings.Cut(ts.ReadFile(args[0]), "\n```sh\n")
	line, _, found := strings.Cut(rest, "\n```\n")
	if words := append(strings.Fields(line), args[1:]...); !found {
		ts.Fatalf("%s names no command", args[0])
	} else if err := ts.Exec(words[0], words[1:]...); (err == nil) == neg {
		ts.Fatalf("%s: %v", line, err)
	}
}

func everyLine(ts *testscript.TestScript, neg bool, args []string) {
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	for _, line := range strings.Split(strings.TrimSuffix(ts.ReadFile(args[0]), "\n"), "\n") {
		if pattern.MatchString(line) == neg {
			ts.Fatalf("%s: %s", args[1], line)
		}
	}
}
