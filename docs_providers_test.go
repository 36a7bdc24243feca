package runner_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocsProviders generates docs/providers/*.md from the schema of each
// plugin, or finds them out of date.
func TestDocsProviders(t *testing.T) {
	t.Parallel()
	bin := built(t)
	folders, err := filepath.Glob("plugins/*/main.go")
	if err != nil || len(folders) == 0 {
		t.Fatalf("plugins: %v, %v", folders, err)
	}
	for _, main := range folders {
		folder := filepath.Dir(main)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Parallel()
			name := filepath.Base(folder)
			program := filepath.Join(bin, "runner-provider-"+name)
			want, err := exec.Command(filepath.Join(bin, "runner"), "provider", "docs", program).Output()
			if err != nil {
				t.Fatal(err)
			}
			page := filepath.Join("docs", "providers", name+".md")
			if *update {
				if err := os.MkdirAll(filepath.Dir(page), 0o755); err == nil {
					err = os.WriteFile(page, want, 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(page)
			if err != nil {
				t.Fatalf("%v; run: go test . -run TestDocsProviders -update", err)
			}
			if d := cmp.Diff(string(want), string(got)); d != "" {
				t.Errorf("%s is out of date; run: go test . -run TestDocsProviders -update\n%s", page, d)
			}
		})
	}
}
