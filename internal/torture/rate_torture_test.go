//go:build linux && torture

package torture

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// nice starts a program at the usual priority from a test that has the first.
var nice = []string{"/usr/bin/nice", "-n", "20"}

// first gives this process the CPU before all others, as if it had a machine
// of its own: the API's clock is to show when requests come, and not when the
// API gets around to looking.
func first(t *testing.T) {
	t.Helper()
	threads, err := os.ReadDir("/proc/self/task")
	must(t, err)
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		must(t, err)
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, id, -20); err != nil {
			t.Skipf("the API can't be given a priority of its own (%v), so nothing was measured", err)
		}
	}
}

// TestD1BusyCores: the limit holds, and is used, while something else keeps
// every core busy.
func TestD1BusyCores(t *testing.T) {
	first(t)
	for range runtime.NumCPU() {
		hog := exec.Command(nice[0], append(nice[1:], "sh", "-c", "while :; do :; done")...)
		must(t, hog.Start())
		defer func() {
			hog.Process.Kill()
			hog.Wait()
		}()
	}
	for _, limit := range []int{100, 1000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			late := lateness(t)
			atServer, leaving, used := keptRate(t, limit, 10*time.Second, nice...)
			if !withinLimit(t, limit, atServer, leaving, late()) {
				t.Errorf("limit %d: the worst second holds %d at the server, and %d as they left", limit, atServer, leaving)
			}
			if used < 0.9 {
				t.Errorf("limit %d: %.1f %% of it was used", limit, 100*used)
			}
		})
	}
}
