//go:build linux

package torture

import (
	"os/exec"
	"strings"
	"testing"
)

// TestB4: an export for which there is no room says so, leaves nothing of
// itself, and a file that was there before as it was.
func TestB4Export(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command("unshare", "-m", "sh", "-c", "mkdir -p \"$0\" && mount -t tmpfs -o size=16k none \"$0\"", t.TempDir()+"/try").CombinedOutput(); err != nil {
		t.Skipf("no small disk can be made here: %v %s", err, out)
	}
	j := newJob(t, 2000)
	j.plan(t)
	for _, format := range []string{"csv", "jsonl", "xlsx"} {
		c := j.command()
		c.Path, c.Args = "/bin/sh", []string{"sh", "-c", `exec unshare -m sh -c '
			mkdir -p small && mount -t tmpfs -o size=16k none small && echo before >small/out || exit 99
			"$0" export job.run --format ` + format + ` --out small/out
			code=$?
			echo "left: $(ls -A small) $(cat small/out)"
			exit $code' ` + j.runner}
		out, err := c.CombinedOutput()
		if code := exitCode(t, err); code != 1 || !strings.Contains(string(out), "no space left on device") || !strings.Contains(string(out), "export again") || !strings.HasSuffix(string(out), "left: out before\n") {
			t.Errorf("%s: exit %d\n%s", format, code, out)
		}
		if out, code := j.run(t, "export", "job.run", "--format", format, "--out", "out."+format); code != 0 || !strings.Contains(out, "Wrote 2,000 items") {
			t.Errorf("%s with room: exit %d\n%s", format, code, out)
		}
	}
}
