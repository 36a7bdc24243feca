package rows

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A table is a map, whatever places its keys would have, and has them in order.
func TestTable(t *testing.T) {
	t.Parallel()
	var table table
	want := map[fingerprint]uint64{}
	for i := range uint64(20_000) {
		key := fingerprint{rand.Uint64(), rand.Uint64()}
		switch i % 50 {
		case 0:
			key[0] = math.MaxUint64 - rand.Uint64N(5) // behind the last slot
		case 1:
			key[0] = rand.Uint64N(300) << 40
		}
		if i > 1000 && i%50 < 2 {
			continue
		}
		_, found := table.find(key)
		if _, there := want[key]; found != there {
			t.Fatalf("%x: found %v", key, found)
		}
		if !found {
			table.add(entry{key, i + 1})
			want[key] = i + 1
		}
	}
	for key, place := range want {
		if at, found := table.find(key); !found || table.entries[at].place != place {
			t.Fatalf("%x isn't where it was put", key)
		}
	}
	if table.n != len(want) {
		t.Errorf("%d keys, not %d", table.n, len(want))
	}
	sorted := table.sort()
	if len(sorted) != len(want) || !slices.IsSortedFunc(sorted, func(a, b entry) int { return compare(a.key, b.key) }) {
		t.Errorf("%d keys of %d, or not in order", len(sorted), len(want))
	}
	table.empty()
	if _, found := table.find(sorted[0].key); found || table.n != 0 {
		t.Error("it has keys after it was emptied")
	}
}
