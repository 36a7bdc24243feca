package rows

import "iter"

// A sequence holds entries as they came. It grows by blocks, so nothing of it
// is ever copied.
type sequence struct {
	blocks [][]entry // full ones, then the one that grows, then empty ones
	full   int       // of them
	n      int
}

const blockEntries = 1 << 13

func (s *sequence) add(e entry) {
	if s.full == len(s.blocks) {
		s.blocks = append(s.blocks, make([]entry, 0, blockEntries))
	}
	b := append(s.blocks[s.full], e)
	s.blocks[s.full] = b
	s.n++
	if len(b) == blockEntries {
		s.full++
	}
}

func (s *sequence) all() iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for _, b := range s.blocks {
			for _, e := range b {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// empty keeps the blocks for what comes next.
func (s *sequence) empty() {
	for i := range s.blocks {
		s.blocks[i] = s.blocks[i][:0]
	}
	s.full, s.n = 0, 0
}
