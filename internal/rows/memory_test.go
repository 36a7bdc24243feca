package rows

import (
	"runtime"
	"testing"
	"time"
)

// watchMemory is by how many bytes the heap grew at most while do was under
// way, as far as looking at it from time to time can tell.
func watchMemory(t testing.TB, do func()) uint64 {
	t.Helper()
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, peak := m.HeapInuse, m.HeapInuse
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
			}
		}
	}()
	do()
	close(stop)
	<-done
	return peak - before
}
