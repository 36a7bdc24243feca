//go:build unix

package runfile

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

// cpu is what the process has used, which is what the budget in the docs is
// about: waiting for the disk isn't counted.
func cpu(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func report(b *testing.B, start time.Duration, path string, n int) {
	b.ReportMetric(float64((cpu(b)-start).Nanoseconds())/1000/float64(n), "cpu-µs/item")
	fi, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(fi.Size())/float64(n), "bytes/item")
}

// One iteration is one item of a plan.
func BenchmarkDraft(b *testing.B) {
	path := filepath.Join(b.TempDir(), "bench.run")
	items := make([]plan.Item, 1000)
	d, err := Create(path)
	must(b, err)
	defer d.Discard()
	op := anOperation("stale")
	must(b, d.SetRun(aRun("bench")))
	must(b, d.AddOperation(&op))
	copy(items, someItems(op.ID, len(items)))
	b.ReportAllocs()
	b.ResetTimer()
	start := cpu(b)
	for left := b.N; left > 0; left -= len(items) {
		must(b, d.Add(items[:min(left, len(items))]))
	}
	must(b, d.Commit())
	report(b, start, path, b.N)
}

// One iteration is one item started and settled, in groups of 64.
func BenchmarkCommit(b *testing.B) {
	path := planned(b, b.N)
	j := acquire(b, path)
	if _, err := j.Begin(noon); err != nil {
		b.Fatal(err)
	}
	const group = 64
	b.ReportAllocs()
	b.ResetTimer()
	start := cpu(b)
	for first := 1; first <= b.N; first += group {
		carryOut(b, j, int64(first), int64(min(first+group, b.N+1)))
	}
	b.StopTimer()
	used := start
	must(b, j.Release())
	report(b, used, path, b.N)
}

// One iteration is one item looked at by show or export.
func BenchmarkItems(b *testing.B) {
	f := open(b, planned(b, b.N))
	b.ReportAllocs()
	b.ResetTimer()
	for _, err := range f.Items(Filter{}) {
		must(b, err)
	}
}

// One iteration is one item that is done when the run is taken up again: it is
// made sure that it is known to be, and it is passed over.
func BenchmarkResume(b *testing.B) {
	path := planned(b, b.N+1)
	j := acquire(b, path)
	_, err := j.Begin(noon)
	must(b, err)
	const group = 1000
	for first := 1; first <= b.N; first += group {
		carryOut(b, j, int64(first), int64(min(first+group, b.N+1)))
	}
	must(b, j.Release())
	b.ResetTimer()
	j = acquire(b, path)
	items, err := j.Planned(1, 0, 1)
	must(b, err)
	if items[0].ID != int64(b.N)+1 {
		b.Fatal(items)
	}
}

// One iteration is one item counted by show.
func BenchmarkGroups(b *testing.B) {
	f := open(b, planned(b, b.N))
	b.ReportAllocs()
	b.ResetTimer()
	groups, err := f.Groups("reason")
	must(b, err)
	if groups[0].Items != int64(b.N) {
		b.Fatal(groups)
	}
}
