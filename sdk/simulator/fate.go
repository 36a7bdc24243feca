package simulator

// A Fate is what befalls one request: the switches as they stood when it came,
// and dice. The dice depend on the seed, on the thing that the request is
// about and on how many requests there were for it, and on nothing else, so
// that a run can be had again however its requests interleave.
type Fate struct {
	settings *settings
	roll     uint64
	still    bool
}

// Fate is what would befall a thing of which no request was made: for seeding,
// and for what happens by itself.
func (f *Front) Fate(thing string) *Fate { return f.throw(f.settings.Load(), thing, 0) }

// throw makes the fate of the request for a thing that has the number.
func (f *Front) throw(s *settings, thing string, number uint64) *Fate {
	fate := &Fate{settings: s}
	if !s.chance {
		return fate
	}
	h := uint64(14695981039346656037) ^ seed.In(fate)
	for i := range len(thing) {
		h = (h ^ uint64(thing[i])) * 1099511628211
	}
	fate.roll = mix(h ^ mix(number))
	return fate
}

// mix spreads a number over all bits (splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Befalls tells whether a share's fault befalls the request. Asked again it
// says the same.
func (f *Fate) Befalls(c *Chance) bool {
	if f.still || !f.settings.chance {
		return false
	}
	p := c.In(f)
	return p > 0 && float64(mix(f.roll^c.salt)>>11)/(1<<53) < p
}

// Still is the fate of what no fault befalls, such as a thing that an answer
// holds beside the one that was asked for. The other switches stay.
func (f *Fate) Still() *Fate { return &Fate{settings: f.settings, still: true} }
