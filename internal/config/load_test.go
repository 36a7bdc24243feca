package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/google/go-cmp/cmp"
)

func summaries(l diag.List) []string {
	var out []string
	for _, d := range l {
		out = append(out, d.Summary)
	}
	return out
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path func(t *testing.T, dir string) string
		want string
	}{
		"no such path":     {func(t *testing.T, dir string) string { return filepath.Join(dir, "none.ops.hcl") }, "No such file or folder"},
		"empty path":       {func(t *testing.T, dir string) string { return "" }, "Missing path"},
		"empty folder":     {func(t *testing.T, dir string) string { return dir }, "No operation files"},
		"another file":     {func(t *testing.T, dir string) string { return write(t, dir, "orders.csv", "id\n") }, "Not an operation file"},
		"another JSON":     {func(t *testing.T, dir string) string { return write(t, dir, "a.json", "{}") }, "Not an operation file"},
		"folder as a file": {func(t *testing.T, dir string) string { return folder(t, dir, "a.ops.hcl") }, "Not a regular file"},
		"folder in folder": {func(t *testing.T, dir string) string { folder(t, dir, "a.ops.hcl"); return dir }, "Not a regular file"},
		"named pipe":       {func(t *testing.T, dir string) string { return pipe(t, dir, "a.ops.hcl") }, "Not a regular file"},
		"dangling link":    {dangling, "Unreadable file"},
		"too large":        {func(t *testing.T, dir string) string { return write(t, dir, "a.ops.hcl", strings.Repeat("#", 1<<20+1)) }, "File is too large"},
		"not UTF-8":        {func(t *testing.T, dir string) string { return write(t, dir, "a.ops.hcl", "# Jos\xe9\n") }, "File is not UTF-8"},
		"editor's leavings only": {func(t *testing.T, dir string) string {
			write(t, dir, ".a.ops.hcl", "")
			write(t, dir, "a.ops.hcl~", "")
			return dir
		}, "No operation files"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := test.path(t, t.TempDir())
			cfg, diags := config.Load([]string{path})
			if cfg == nil {
				t.Fatal("no configuration")
			}
			if d := cmp.Diff([]string{test.want}, summaries(diags)); d != "" {
				t.Errorf("refused otherwise (-want +got):\n%s", d)
			}
			if path != "" && !strings.Contains(diags[0].Detail, filepath.ToSlash(path)) && diags[0].Subject == nil {
				t.Errorf("%q doesn't name %q", diags[0].Detail, path)
			}
		})
	}
}

func folder(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func dangling(t *testing.T, dir string) string {
	t.Helper()
	if err := os.Symlink(filepath.Join(dir, "none"), filepath.Join(dir, "a.ops.hcl")); err != nil {
		t.Skip(err)
	}
	return dir
}

func TestLoadReadsAFileOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := write(t, dir, "a.ops.hcl", "variable \"a\" {}\n")
	write(t, dir, "b.ops.hcl", "variable \"b\" {}\n")
	cfg, diags := config.Load([]string{path, dir, dir + string(filepath.Separator) + "." + string(filepath.Separator) + "b.ops.hcl"})
	if len(diags) > 0 {
		t.Fatalf("refused: %v", diags)
	}
	var names []string
	for _, s := range cfg.Sources {
		names = append(names, s.Name)
	}
	want := []string{filepath.ToSlash(path), filepath.ToSlash(filepath.Join(dir, "b.ops.hcl"))}
	if d := cmp.Diff(want, names); d != "" {
		t.Errorf("sources (-want +got):\n%s", d)
	}
}

// A device never ends, and a pipe never begins.
func TestLoadDevice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink("/dev/zero", filepath.Join(dir, "a.ops.hcl")); err != nil {
		t.Skip(err)
	}
	if _, err := os.Stat("/dev/zero"); err != nil {
		t.Skip(err)
	}
	_, diags := config.Load([]string{dir})
	if d := cmp.Diff([]string{"Not a regular file"}, summaries(diags)); d != "" {
		t.Errorf("refused otherwise (-want +got):\n%s", d)
	}
}

// What a run file stored is what a later Parse reads: same declarations, same
// ranges.
func TestParseOfStoredSources(t *testing.T) {
	t.Parallel()
	loaded, diags := config.Load([]string{"testdata/valid"})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	var stored []config.Source
	for i := range loaded.Sources {
		s := loaded.Sources[len(loaded.Sources)-1-i] // the order never matters
		stored = append(stored, config.Source{Name: s.Name, Bytes: bytes.Clone(s.Bytes)})
	}
	parsed, diags := config.Parse(stored)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if d := cmp.Diff(describe(loaded), describe(parsed)); d != "" {
		t.Errorf("parsed otherwise (-loaded +parsed):\n%s", d)
	}
}
