package rows

import "math/bits"

// A table holds keys where the first bits of their fingerprints say, or in the
// next free place behind. So its entries are nearly in their order, and looking
// for one is mostly one look into memory. The zero value is ready to be asked.
type table struct {
	entries []entry
	shift   int // what is left of a fingerprint's first word is a place
	n       int
}

type entry struct {
	key   fingerprint
	place uint64 // and 1, so that 0 is none
}

const (
	leastSlots = 1 << 10
	spareSlots = 1 << 6 // behind the last, for what finds that taken
)

// find is where the key is, or where it would be put.
func (t *table) find(key fingerprint) (at int, found bool) {
	if len(t.entries) == 0 {
		return 0, false
	}
	for at = int(key[0] >> t.shift); at < len(t.entries) && t.entries[at].place != 0; at++ {
		if t.entries[at].key == key {
			return at, true
		}
	}
	return at, false
}

// add puts in a key that isn't there.
func (t *table) add(e entry) {
	for {
		at, _ := t.find(e.key)
		if at < len(t.entries) && t.n < (len(t.entries)-spareSlots)/4*3 {
			t.entries[at] = e
			t.n++
			return
		}
		t.grow()
	}
}

// grow makes it four times as large.
func (t *table) grow() {
	old, slots := t.entries, max(leastSlots, 4*(len(t.entries)-spareSlots))
	*t = table{entries: make([]entry, slots+spareSlots), shift: 64 - bits.TrailingZeros(uint(slots))}
	for _, e := range old {
		if e.place > 0 {
			t.add(e)
		}
	}
}

// sort returns the entries in the order of their keys. They are the table's
// own: it is good for nothing until it is emptied.
func (t *table) sort() []entry {
	sorted := t.entries[:0]
	for _, e := range t.entries {
		if e.place == 0 {
			continue
		}
		at := len(sorted)
		sorted = sorted[:at+1]
		for ; at > 0 && compare(sorted[at-1].key, e.key) > 0; at-- {
			sorted[at] = sorted[at-1]
		}
		sorted[at] = e
	}
	return sorted
}

func (t *table) empty() {
	clear(t.entries)
	t.n = 0
}
