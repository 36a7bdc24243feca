package view_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bulkrunner/runner/internal/config"
	"github.com/bulkrunner/runner/internal/diag"
	"github.com/bulkrunner/runner/internal/view"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the gallery of messages")

// The gallery holds every refusal of an operation file as it is printed. It is
// where wording is reviewed: each archive has the files, and in "want" what
// the person sees.
func TestGallery(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/gallery/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no gallery: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var sources []config.Source
			names := map[string][]byte{}
			want := ""
			var rest []txtar.File
			for _, f := range archive.Files {
				if f.Name == "want" {
					want = string(f.Data)
					continue
				}
				rest = append(rest, f)
				sources = append(sources, config.Source{Name: f.Name, Bytes: f.Data})
				names[f.Name] = f.Data
			}
			cfg, diags := config.Parse(sources)
			diags = append(diags, config.CheckVersion(cfg, "0.1.0")...)
			if len(diags) == 0 {
				t.Fatal("nothing is refused")
			}
			checkStyle(t, diags)
			var got bytes.Buffer
			if err := view.Diagnostics(&got, diags, names, view.DiagnosticOptions{Width: 80}); err != nil {
				t.Fatal(err)
			}
			if *update {
				archive.Files = append(rest, txtar.File{Name: "want", Data: got.Bytes()})
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(want, got.String()); d != "" {
				t.Errorf("printed otherwise (-want +got):\n%s", d)
			}
		})
	}
}

// checkStyle holds what can be checked of how messages are worded.
func checkStyle(t *testing.T, diags diag.List) {
	t.Helper()
	for _, d := range diags {
		if d.Summary == "" || strings.HasSuffix(d.Summary, ".") || strings.ContainsAny(d.Summary, "\"\n") {
			t.Errorf("summary %q is not a fixed phrase without a full stop", d.Summary)
		}
		if !strings.HasSuffix(d.Detail, ".") && !strings.HasSuffix(d.Detail, "?") {
			t.Errorf("detail %q is no sentence", d.Detail)
		}
		if d.Subject == nil || d.Subject.Start.Line < 1 {
			t.Errorf("%s: no range", d.Summary)
		}
	}
}
