package simulator

import (
	"sync"
	"time"
)

// A ceiling is a strict server's rate limit: no second, however it is cut,
// holds more requests than the limit. Refused ones don't count.
type ceiling struct {
	mu    sync.Mutex
	ring  []time.Time // of the last admissions
	next  int
	limit int
}

func (c *ceiling) admit(now time.Time, limit int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limit != limit {
		c.ring, c.next, c.limit = make([]time.Time, limit), 0, limit
	}
	if oldest := c.ring[c.next]; !oldest.IsZero() && now.Sub(oldest) < time.Second {
		return false
	}
	c.ring[c.next] = now
	c.next = (c.next + 1) % limit
	return true
}
