package main

import "net/http"

// Dice decide which faults befall one request. They depend on the seed, the
// thing and how many requests there were for it, and on nothing else, so that
// a run can be had again however its requests interleave.
type dice struct {
	faults *faults
	roll   uint64
	still  bool // nothing befalls what is within an answer
}

func (s *simulation) throw(f *faults, id thingID) dice {
	if !f.any {
		return dice{faults: f}
	}
	h := uint64(14695981039346656037) ^ f.seed
	for _, part := range []string{id.resource.root, id.id} {
		for i := range len(part) {
			h = (h ^ uint64(part[i])) * 1099511628211
		}
	}
	return dice{faults: f, roll: mix(h ^ mix(uint64(s.things.count(id))))}
}

// mix spreads a number over all bits (splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (d dice) fell(c chance) bool {
	p := d.faults.share[c]
	return p > 0 && !d.still && float64(mix(d.roll+uint64(c))>>11)/(1<<53) < p
}

// even chooses between two forms of a fault.
func (d dice) even() bool { return mix(d.roll+uint64(chances))&1 == 0 }

// before has the faults that keep a request from being carried out. It tells
// whether one did.
func (d dice) before(w http.ResponseWriter, s *simulation) bool {
	switch {
	case d.fell(resetBefore):
		reset(w)
	case d.fell(throttle):
		s.slowDown(w)
	case d.fell(error500Before):
		answer(w, http.StatusInternalServerError, "text/plain", nil)
	default:
		return false
	}
	return true
}

// after has the faults that spoil the answer to a request that has been
// carried out. It tells whether one did.
func (d dice) after(w http.ResponseWriter, body []byte) bool {
	switch {
	case d.fell(loseAnswer):
		drop()
	case d.fell(error500After):
		answer(w, http.StatusInternalServerError, "text/plain", nil)
	case d.fell(html):
		status := http.StatusOK
		if d.even() {
			status = http.StatusBadGateway
		}
		answer(w, status, "text/html", []byte("<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"))
	case d.fell(truncated):
		answer(w, http.StatusOK, "application/json", body[:len(body)/2])
	default:
		return false
	}
	return true
}
