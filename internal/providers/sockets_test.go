//go:build unix

package providers

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestC3StaleSockets: what a killed runner has left is removed; what is in
// use, young, or anything else, is not.
func TestC3StaleSockets(t *testing.T) {
	base, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(base)
	t.Setenv("XDG_RUNTIME_DIR", base)
	old := time.Now().Add(-time.Hour)
	folder := func(name string) string {
		dir := filepath.Join(base, name)
		mkdir(t, dir)
		l, err := net.Listen("unix", filepath.Join(mkdir(t, filepath.Join(dir, "plugin-dir1")), "plugin1"))
		if err != nil {
			t.Fatal(err)
		}
		l.(*net.UnixListener).SetUnlinkOnClose(false)
		l.Close()
		return dir
	}
	stale, young, precious, other := folder("runner.1"), folder("runner.2"), folder("runner.3"), folder("someone-4")
	planning := mkdir(t, filepath.Join(base, "runner-plan-5")) // another runner's, which has nothing in it yet
	if err := os.WriteFile(filepath.Join(precious, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	used, err := newSockets()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{stale, precious, other, planning, used.path} {
		if err := os.Chtimes(dir, old, old); err != nil {
			t.Fatal(err)
		}
	}
	next, err := newSockets()
	if err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]bool{stale: false, young: true, precious: true, other: true, planning: true, used.path: true, next.path: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s: %v", dir, err)
		}
	}
	used.remove()
	next.remove()
	if _, err := os.Stat(used.path); err == nil {
		t.Error("a folder that was removed is there")
	}
}

func mkdir(t *testing.T, dir string) string {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}
