package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/hashicorp/hcl/v2"
)

// FuzzParse holds that no file makes Parse panic, and that every range it
// gives lies in its file.
func FuzzParse(f *testing.F) {
	paths, _ := filepath.Glob("testdata/valid/*.ops.hcl")
	if len(paths) == 0 {
		f.Fatal("no seeds")
	}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, text := range hostile() {
		if len(text) < 1000 {
			f.Add([]byte(text))
		} else {
			f.Add([]byte(text[:400]))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		cfg, diags := config.Parse([]config.Source{{Name: "x.ops.hcl", Bytes: b}})
		for _, d := range diags {
			lies(t, d, b)
		}
		if diags.HasErrors() {
			return
		}
		for _, op := range cfg.Operations {
			if cfg.Lists[op.ForEach] == nil || cfg.Providers[op.Provider] == nil {
				t.Errorf("%s is accepted with list %q and provider %q", op.Address(), op.ForEach, op.Provider)
			}
			within(t, op.Range, b)
		}
	})
}

func lies(t *testing.T, d diag.Diagnostic, b []byte) {
	t.Helper()
	if d.Summary == "" || d.Detail == "" {
		t.Errorf("a message without words: %+v", d)
	}
	if d.Subject == nil {
		if d.Summary != "Too many problems" {
			t.Errorf("%s: no range", d.Summary)
		}
		return
	}
	within(t, *d.Subject, b)
}

func within(t *testing.T, r hcl.Range, b []byte) {
	t.Helper()
	if r.Filename != "x.ops.hcl" || r.Start.Byte < 0 || r.End.Byte > len(b) || r.Start.Byte > r.End.Byte || r.Start.Line < 1 || r.Start.Column < 1 {
		t.Errorf("%v doesn't lie in a file of %d bytes", r, len(b))
	}
}
