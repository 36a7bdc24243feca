package rows

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"slices"
)

// keysInMemory is how many keys are held in memory before they go to disk:
// about 50 MB of them.
const keysInMemory = 1 << 20

// Keys finds keys that come twice.
//
// It keeps a 128-bit hash and a place for each row instead of the key, however
// long keys are. Two different keys are taken for one with a probability below
// 10^-24 at ten million rows. What is too much for memory becomes sorted runs in
// a file without a name; a filter of ten bits a key tells nearly always that a
// run doesn't have a key, so that the disk is hardly ever asked.
type Keys struct {
	seeds   [2]maphash.Seed
	most    int
	first   map[fingerprint]uint64 // place
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
		first: make(map[fingerprint]uint64),
	}
}

// Add tells whether the key was there before, and where.
func (k *Keys) Add(key string, at Place) (first Place, repeated bool, err error) {
	h := fingerprint{maphash.String(k.seeds[0], key), maphash.String(k.seeds[1], key)}
	place, repeated := k.first[h]
	for i := 0; i < len(k.runs) && !repeated; i++ {
		if place, repeated, err = k.runs[i].find(k.file, h); err != nil {
			return Place{}, false, fmt.Errorf("look up a key: %w", err)
		}
	}
	if repeated {
		return Place{k.sources[place>>lineBits], int64(place & (1<<lineBits - 1))}, true, nil
	}
	if len(k.sources) == 0 || k.sources[len(k.sources)-1] != at.Source {
		k.sources = append(k.sources, at.Source)
	}
	if len(k.first) == k.most {
		if err := k.flush(); err != nil {
			return Place{}, false, fmt.Errorf("put keys on disk: %w", err)
		}
	}
	k.doubts.look(key, at)
	k.first[h] = uint64(len(k.sources)-1)<<lineBits | uint64(at.Line)
	return at, false, nil
}

// Close gives back the room on disk.
func (k *Keys) Close() error {
	if k.file == nil {
		return nil
	}
	err := k.file.Close()
	os.Remove(k.file.Name()) // where it could not be removed while open
	return err
}

// A run is keys on disk in the order of their fingerprints, 24 bytes each.
type run struct {
	offset int64
	keys   int
	filter []uint64
}

const entrySize = 24

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
	sorted := make([]fingerprint, 0, len(k.first))
	r := run{offset: k.end, keys: len(k.first), filter: make([]uint64, (len(k.first)*10+63)/64)}
	for h := range k.first {
		sorted = append(sorted, h)
		r.mark(h)
	}
	slices.SortFunc(sorted, compare)
	w := bufio.NewWriterSize(io.NewOffsetWriter(k.file, k.end), 1<<20)
	b := make([]byte, 0, entrySize)
	for _, h := range sorted {
		b = binary.BigEndian.AppendUint64(b[:0], h[0])
		b = binary.BigEndian.AppendUint64(b, h[1])
		b = binary.BigEndian.AppendUint64(b, k.first[h])
		w.Write(b) // its error stays until Flush
	}
	if err := w.Flush(); err != nil {
		return err
	}
	k.end += int64(len(sorted)) * entrySize
	k.runs = append(k.runs, r)
	clear(k.first)
	return nil
}

func compare(a, b fingerprint) int {
	return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
}

// bits are where the filter has the key: seven places, of which one in a
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
