//go:build linux

package torture

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/bulkrunner/runner/internal/cli"
	"github.com/bulkrunner/runner/sdk/fakeprovider"
)

// programs is a folder with the fake providers, and the test binary as the
// runner that it also is.
var programs string

// atOnce is how many tests run side by side: they mostly wait.
const atOnce = "24"

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "runner" {
		os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	if programs, err = os.MkdirTemp("", "torture-"); err != nil {
		return 0, err
	}
	defer os.RemoveAll(programs)
	if err := os.Symlink(self, filepath.Join(programs, "runner")); err != nil {
		return 0, err
	}
	if err := fakeprovider.Build(programs); err != nil {
		return 0, err
	}
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		if err := f.Value.Set(atOnce); err != nil {
			return 0, err
		}
	}
	return m.Run(), nil
}

// strace is the path of strace, or the end of the test.
func strace(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("there is no strace here, so nothing was tested")
	}
	return path
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
