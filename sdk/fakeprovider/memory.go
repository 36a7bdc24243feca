package fakeprovider

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"time"

	"github.com/bulkrunner/runner/sdk/simulator"
)

// keyReused is the code of a request whose key another one had.
const keyReused = "key_reused"

// A kept is a request that the API knows again by its key, as Stripe's does:
// with what it answered first, whether that was a success or an error.
type kept struct {
	at     time.Time
	of     [sha256.Size]byte // its path and body
	answer simulator.Answer  // without a status while there is none
}

// know looks a request's key up. What it returns has the answer, if that is
// known already; else it is to be given to keep. It is nil where keys aren't
// looked at.
func (s *simulation) know(r *http.Request) *kept {
	key, life := r.Header.Get("Idempotency-Key"), keys.In(s.Fate(""))
	if life <= 0 || key == "" || r.Method != http.MethodPost {
		return nil
	}
	body, err := simulator.Body(r)
	if err != nil {
		return nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	of := sha256.Sum256(append([]byte(r.URL.Path+"\x00"), body...))
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.kept[key]
	switch {
	case k == nil || time.Since(k.at) >= life: // or forgotten
		k = &kept{at: time.Now(), of: of}
		s.kept[key] = k
	case k.of != of:
		return &kept{answer: simulator.JSON(http.StatusUnprocessableEntity, refusal{keyReused, "the key was used with other arguments"})}
	}
	return &kept{k.at, k.of, k.answer}
}

// keep records an answer under the request's key. What is answered before keys
// are looked at (429, 503) isn't.
func (s *simulation) keep(r *http.Request, a simulator.Answer) {
	if r.Context().Value(known{}) == nil || a.Status == http.StatusServiceUnavailable {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.kept[r.Header.Get("Idempotency-Key")]; k != nil {
		k.answer = a
	}
}

// known is the key of a request's context under which what is known of it is.
type known struct{}

// ServeHTTP is the front's, but for the memory of keys.
func (s *simulation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k := s.know(r)
	if k == nil {
		s.Front.ServeHTTP(w, r)
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), known{}, k))
	seen := &watch{ResponseWriter: w}
	s.Front.ServeHTTP(seen, r)
	if k.answer.Status == 0 && seen.status == http.StatusInternalServerError {
		s.keep(r, simulator.Answer{Status: seen.status})
	}
}

// A watch notes the status of an answer.
type watch struct {
	http.ResponseWriter
	status int
}

func (w *watch) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for connections that are to be broken.
func (w *watch) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// A past is what a thing was until some moment.
type past struct {
	until time.Time
	thing thing
}

// age notes what a thing was until now. It is called with the lock held.
func (s *simulation) age(f *simulator.Fate, was thing) {
	if lag.In(f) > 0 {
		s.before[was.ID] = append(s.before[was.ID], past{time.Now(), was})
	}
}

// shown is a thing as reads show it: as it was a while ago, where they lag. It
// is called with the lock held.
func (s *simulation) shown(f *simulator.Fate, t *thing) thing {
	at := time.Now().Add(-lag.In(f))
	for _, p := range s.before[t.ID] {
		if p.until.After(at) {
			return p.thing
		}
	}
	return *t
}
