package runner_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/bulkrunner/runner"

// floors are the rooms of the house, the highest first. A package imports only
// what stands on a lower floor. A package on no floor fails the test, so a new
// room is a decision that somebody writes down here.
var floors = [][]string{
	{"cmd/runner", "bench"},
	{"internal/torture"},
	{"internal/cli"},
	{"internal/view", "internal/telemetry", "internal/man"},
	{"internal/fleet"},
	{"internal/planner", "internal/engine"},
	{"internal/dispatch"},
	{"internal/providers", "internal/eval", "internal/runfile", "internal/pace"},
	{"internal/config", "internal/rows", "internal/secret"},
	{"internal/plan"},
	{"internal/diag", "internal/card", "internal/aside"},
	{"sdk/providertest"},
	{"sdk/fakeprovider/programs"},
	{"sdk/host", "sdk/fakeprovider", "plugins/payme", "plugins/pagos360", "plugins/payvalida"},
	{"sdk/apiclient", "sdk/simulator"},
	{"sdk"},
	{"sdk/internal/process"},
	{"sdk/internal/wire"},
	{"sdk/internal/permit", "sdk/internal/providerv1", "sdk/internal/members"},
}

// forbidden are edges that would point down and mustn't be, each with its reason.
var forbidden = []struct{ from, to, reason string }{
	{"plugins/", "internal/", "a provider is anybody's program: it sees the SDK alone"},
	{"plugins/", "sdk/host", "sdk/host is the runner's end of the pipe and promises providers nothing"},
	{"sdk", "internal/", "the SDK imports nothing of the runner's"},
	{"internal/", "plugins/", "the runner names no provider"},
	{"internal/", "sdk/internal/", "the wire belongs to the SDK"},
	{"internal/config", "sdk", "configuration is judged without providers"},
	{"internal/rows", "sdk", "rows are read without providers"},
}

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	// The files are parsed here, not listed by the go command, whose answer
	// go test would cache.
	checked := 0
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "examples") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		checked++
		from := path.Dir(filepath.ToSlash(file))
		floor := floorOf(from)
		if floor < 0 {
			t.Errorf("%s stands on no floor of imports_test.go", from)
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imported := range parsed.Imports {
			to, ours := strings.CutPrefix(strings.Trim(imported.Path.Value, `"`), module+"/")
			if !ours {
				continue
			}
			if problem := judge(from, floor, to); problem != "" {
				t.Errorf("%s imports %s: %s", file, to, problem)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 50 {
		t.Errorf("only %d files were looked at", checked)
	}
}

func judge(from string, floor int, to string) string {
	for _, f := range forbidden {
		if strings.HasPrefix(from, f.from) && strings.HasPrefix(to, f.to) {
			return f.reason
		}
	}
	below := floorOf(to)
	if below < 0 {
		return "it stands on no floor"
	}
	if below <= floor {
		return fmt.Sprintf("imports point down, and %s stands beside or above it", to)
	}
	return ""
}

func floorOf(pkg string) int {
	return slices.IndexFunc(floors, func(rooms []string) bool { return slices.Contains(rooms, pkg) })
}
