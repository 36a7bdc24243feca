//go:build torture

package rows

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Ten million keys, some twice: all of these are found, within a minute and a
// gigabyte.
func TestTenMillionKeys(t *testing.T) {
	const rows = 10_000_000
	start := time.Now()
	found := 0
	peak := watchMemory(t, func() {
		k := NewKeys()
		defer k.Close()
		for i := range int64(rows) {
			key := fmt.Sprintf("order-%012d", i)
			if i%100_000 == 99_999 {
				key = fmt.Sprintf("order-%012d", i-50_000)
			}
			first, repeated, err := k.Add(key, Place{"list.csv", i + 2})
			if err != nil {
				t.Fatal(err)
			}
			if repeated {
				if found++; first.Line != i-50_000+2 {
					t.Fatalf("key of line %d is said to be at %v", i+2, first)
				}
			}
		}
	})
	took := time.Since(start)
	t.Logf("%d keys: %s, %d MiB", rows, took.Round(time.Millisecond), peak>>20)
	if found != rows/100_000 {
		t.Errorf("found %d of %d", found, rows/100_000)
	}
	if took > time.Minute || peak > 1<<30 {
		t.Errorf("took %s and %d MiB", took, peak>>20)
	}
}

// Ten million rows of a file take no more memory than ten thousand.
func TestTenMillionRows(t *testing.T) {
	f := File{"list.csv", filepath.Join(t.TempDir(), "list.csv")}
	out, err := os.Create(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	line := []byte("order-000000000000,PENDIENTE,2026-10-01T00:00:00Z,1250.50,COP,customer,CO,web\n")
	block := []byte("id,status,created,amount,currency,customer,country,channel\n")
	for range 10_000_000 {
		if block = append(block, line...); len(block) > 1<<20 {
			if _, err := out.Write(block); err != nil {
				t.Fatal(err)
			}
			block = block[:0]
		}
	}
	if _, err := out.Write(block); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	start, rows := time.Now(), 0
	peak := watchMemory(t, func() {
		r, err := csvOf(f).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for {
			if _, err := r.Next(); err != nil {
				break
			}
			rows++
		}
	})
	t.Logf("%d rows: %s, %d MiB", rows, time.Since(start).Round(time.Millisecond), peak>>20)
	if rows != 10_000_000 || peak > 32<<20 {
		t.Errorf("%d rows, %d MiB", rows, peak>>20)
	}
}
