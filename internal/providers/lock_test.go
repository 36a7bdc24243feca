package providers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), LockFile)
	if l, diags := ReadLock(path); l != nil || diags != nil {
		t.Fatalf("no file: %v %v", l, diags)
	}
	a, b := "sha256:"+strings.Repeat("a", 64), "sha256:"+strings.Repeat("b", 64)
	l := &Lock{Providers: map[string]Locked{
		"payvalida": {Version: "0.1.0", Platforms: map[string]string{"linux/arm64": a, Platform(): b}},
		"acme":      {Version: "2.0.0-rc.1", Platforms: map[string]string{"windows/amd64": a}},
	}}
	if err := l.Write(path); err != nil {
		t.Fatal(err)
	}
	again, diags := ReadLock(path)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if d := cmp.Diff(l, again); d != "" {
		t.Error(d)
	}
	if again.String() != l.String() {
		t.Errorf("read and written, it is another text:\n%s\n%s", l, again)
	}
	if got := again.Checksum("payvalida"); got != b {
		t.Errorf("checksum %q", got)
	}
	if got := again.Checksum("nobody"); got != "" {
		t.Errorf("checksum of an unknown provider %q", got)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("in the folder there are %v, %v", left, err)
	}
}

func TestLockRefuses(t *testing.T) {
	t.Parallel()
	block := "provider \"p\" {\n version = \"1.0.0\"\n platforms = {\"linux/amd64\" = \"sha256:" + strings.Repeat("a", 64) + "\"}\n}\n"
	tests := map[string]string{
		"no HCL":             "provider {{",
		"a conflict":         "<<<<<<< ours\n" + block,
		"twice":              block + block,
		"a short checksum":   strings.ReplaceAll(block, "aaaa", ""),
		"an unknown word":    strings.ReplaceAll(block, "version", "revision"),
		"an odd platform":    strings.ReplaceAll(block, "linux/amd64", "linux"),
		"a variable":         strings.ReplaceAll(block, `"1.0.0"`, "var.version"),
		"a long one":         strings.Repeat("#", longestLock+1),
		"no version's chars": strings.ReplaceAll(block, "1.0.0", "1 0"),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), LockFile)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if l, diags := ReadLock(path); !diags.HasErrors() {
				t.Errorf("it is read as %v", l)
			}
		})
	}
}
