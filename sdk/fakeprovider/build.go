package fakeprovider

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Build builds the programs of [Mains] into a folder. A test that starts many
// providers does so with these: the runner copies and hashes a provider's
// program at each start, and a test binary is several times as large.
func Build(dir string) error {
	exe := ""
	if runtime.GOOS == "windows" {
		exe = ".exe"
	}
	var first string
	for name := range Mains() {
		path := filepath.Join(dir, name+exe)
		if first != "" {
			if err := os.Link(first, path); err != nil {
				return err
			}
			continue
		}
		first = path
		build := exec.Command("go", "build", "-ldflags=-s -w", "-o", path, "github.com/bulkrunner/runner/sdk/fakeprovider/programs")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build the fake providers: %w\n%s", err, out)
		}
	}
	return nil
}
