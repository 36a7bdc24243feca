package rows

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"os"
	"slices"
)

// keysInMemory is how many keys are held in memory before they go to disk:
// about 25 MB of them, and half as much again while the table grows.
const keysInMemory = 3 << 18

// Keys finds keys that come twice.
//
// It keeps a 128-bit hash and a place for each row instead of the key, however
// long keys are. Two different keys are taken for one with a probability below
// 10^-24 at ten million rows. What is too much for memory becomes sorted runs in
// a file without a name; a filter of a few bits a key tells nearly always that a
// run doesn't have a key, so that the disk is hardly ever asked.
//
// Most lists come in the order of their keys. A key beyond all before it was
// never there, so it isn't looked for, and what is kept of it isn't put where it
// could be found before a key comes that isn't beyond.
type Keys struct {
	seeds   [2]maphash.Seed
	most    int
	low     string
	high    string
	ordered sequence // as they came
	held    table
	sources []string
	runs    []run
	file    *os.File
	end     int64
	doubts  doubts
}

type fingerprint [2]uint64

// A Place is where a row stands: its file, and its line in it or, in a list
// without lines, its number.
type Place struct {
	Source string
	Line   int64
}

// Place is where the row stands.
func (r Row) Place() Place {
	if r.Line > 0 {
		return Place{r.Source, r.Line}
	}
	return Place{r.Source, r.Number}
}

func (p Place) String() string { return fmt.Sprintf("%s:%d", p.Source, p.Line) }

// A place is kept as the source's number and the line.
const lineBits = 40

func NewKeys() *Keys {
	return &Keys{
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		most:  keysInMemory,
	}
}

// Add tells whether the key was there before, and where.
func (k *Keys) Add(key string, row Place) (first Place, repeated bool, err error) {
	h := fingerprint{maphash.String(k.seeds[0], key), maphash.String(k.seeds[1], key)}
	if k.beyond(key) {
		if k.ordered.n+k.held.n == k.most {
			if err := k.flush(); err != nil {
				return Place{}, false, fmt.Errorf("put keys on disk: %w", err)
			}
		}
		k.doubts.look(key, row)
		k.ordered.add(entry{h, k.place(row)})
		return row, false, nil
	}
	if err := k.settle(); err != nil {
		return Place{}, false, fmt.Errorf("put keys in order: %w", err)
	}
	at, repeated := k.held.find(h)
	var place uint64
	if repeated {
		place = k.held.entries[at].place
	}
	for i := 0; i < len(k.runs) && !repeated; i++ {
		if place, repeated, err = k.runs[i].find(k.file, h); err != nil {
			return Place{}, false, fmt.Errorf("look up a key: %w", err)
		}
	}
	if repeated {
		place-- // see entry
		return Place{k.sources[place>>lineBits], int64(place & (1<<lineBits - 1))}, true, nil
	}
	if k.held.n == k.most {
		if err := k.flush(); err != nil {
			return Place{}, false, fmt.Errorf("put keys on disk: %w", err)
		}
	}
	k.doubts.look(key, row)
	k.held.add(entry{h, k.place(row)})
	return row, false, nil
}

// place is the row's as an entry has it.
func (k *Keys) place(row Place) uint64 {
	if len(k.sources) == 0 || k.sources[len(k.sources)-1] != row.Source {
		k.sources = append(k.sources, row.Source)
	}
	return (uint64(len(k.sources)-1)<<lineBits | uint64(row.Line)) + 1
}

// beyond tells whether the key is above or below all before it. Shorter ones
// are below, so that numbers are in their order.
func (k *Keys) beyond(key string) bool {
	switch {
	case k.sources == nil:
		k.low, k.high = key, key
	case below(k.high, key):
		k.high = key
	case below(key, k.low):
		k.low = key
	default:
		return false
	}
	return true
}

func below(a, b string) bool { return len(a) < len(b) || len(a) == len(b) && a < b }

// Close gives back the room on disk.
func (k *Keys) Close() error {
	if k.file == nil {
		return nil
	}
	err := k.file.Close()
	os.Remove(k.file.Name()) // where it could not be removed while open
	return err
}

// A run is keys on disk in the order of their fingerprints, 24 bytes each; or
// as they came, as long as it has no filter.
type run struct {
	offset int64
	keys   int
	filter []uint64
}

const entrySize = 24

// settle puts all keys where they can be found.
func (k *Keys) settle() error {
	for e := range k.ordered.all() {
		k.held.add(e)
	}
	k.ordered.empty()
	for i := range k.runs {
		r := &k.runs[i]
		if r.filter != nil {
			continue
		}
		k.ordered = sequence{}
		var t table
		in := bufio.NewReaderSize(io.NewSectionReader(k.file, r.offset, int64(r.keys)*entrySize), 1<<16)
		for b := make([]byte, entrySize); t.n < r.keys; {
			if _, err := io.ReadFull(in, b); err != nil {
				return err
			}
			t.add(entry{fingerprint{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}, binary.BigEndian.Uint64(b[16:])})
		}
		sorted := t.sort()
		r.filter = make([]uint64, (len(sorted)*filterBits+63)/64)
		for _, e := range sorted {
			r.mark(e.key)
		}
		if err := k.write(slices.Values(sorted), r.offset); err != nil {
			return err
		}
	}
	return nil
}

// flush puts all that is in memory on disk.
func (k *Keys) flush() error {
	if k.file == nil {
		f, err := os.CreateTemp("", "runner-keys-*")
		if err != nil {
			return err
		}
		k.file = f
		os.Remove(f.Name()) // some systems can't, while it is open
	}
	r := run{offset: k.end, keys: k.ordered.n + k.held.n}
	entries := k.ordered.all()
	if k.held.n > 0 {
		for e := range entries {
			k.held.add(e)
		}
		entries = slices.Values(k.held.sort())
		r.filter = make([]uint64, (r.keys*filterBits+63)/64)
		for e := range entries {
			r.mark(e.key)
		}
	}
	if err := k.write(entries, k.end); err != nil {
		return err
	}
	k.end += int64(r.keys) * entrySize
	k.runs = append(k.runs, r)
	k.ordered.empty()
	k.held.empty()
	return nil
}

func (k *Keys) write(entries iter.Seq[entry], offset int64) error {
	w := bufio.NewWriterSize(io.NewOffsetWriter(k.file, offset), 1<<16)
	b := make([]byte, 0, entrySize)
	for e := range entries {
		b = binary.BigEndian.AppendUint64(b[:0], e.key[0])
		b = binary.BigEndian.AppendUint64(b, e.key[1])
		b = binary.BigEndian.AppendUint64(b, e.place)
		w.Write(b) // its error stays until Flush
	}
	return w.Flush()
}

func compare(a, b fingerprint) int {
	return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
}

// filterBits is how many bits of a filter a key has.
const filterBits = 14

// bits are where the filter has the key: seven places, of which one in some
// hundred strangers finds all taken.
func (r run) bits(h fingerprint, each func(word int, bit uint64) bool) bool {
	n := uint64(len(r.filter)) * 64
	for i := range uint64(7) {
		at := (h[0] + i*(h[1]|1)) % n
		if !each(int(at/64), 1<<(at%64)) {
			return false
		}
	}
	return true
}

func (r run) mark(h fingerprint) {
	r.bits(h, func(word int, bit uint64) bool {
		r.filter[word] |= bit
		return true
	})
}

// find looks a key up, halving what is left.
func (r run) find(file *os.File, h fingerprint) (place uint64, found bool, err error) {
	if !r.bits(h, func(word int, bit uint64) bool { return r.filter[word]&bit != 0 }) {
		return 0, false, nil
	}
	var b [entrySize]byte
	low, high := 0, r.keys
	for low < high {
		middle := int(uint(low+high) >> 1)
		if _, err := file.ReadAt(b[:], r.offset+int64(middle)*entrySize); err != nil {
			return 0, false, err
		}
		switch c := compare(h, fingerprint{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}); {
		case c == 0:
			return binary.BigEndian.Uint64(b[16:]), true, nil
		case c < 0:
			high = middle
		default:
			low = middle + 1
		}
	}
	return 0, false, nil
}
