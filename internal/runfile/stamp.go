package runfile

import (
	"fmt"
	"time"
)

// Times are TEXT, ISO 8601 in UTC to the millisecond, so that they can be read
// and sorted by any tool. Each costs 0.1 µs and 16 bytes more than an integer,
// which is found worth it.
const stampLayout = "2006-01-02T15:04:05.000Z"

// stamp is t as the file keeps it; "" is the zero time. It is written out by
// hand since time.Format takes three times as long and an item needs five.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.Format(stampLayout)
	}
	hour, minute, second := t.Clock()
	b := [len(stampLayout)]byte{4: '-', 7: '-', 10: 'T', 13: ':', 16: ':', 19: '.', 23: 'Z'}
	two(b[0:], year/100)
	two(b[2:], year%100)
	two(b[5:], int(month))
	two(b[8:], day)
	two(b[11:], hour)
	two(b[14:], minute)
	two(b[17:], second)
	ms := t.Nanosecond() / int(time.Millisecond)
	b[20] = byte('0' + ms/100)
	two(b[21:], ms%100)
	return string(b[:])
}

func two(b []byte, n int) {
	b[0], b[1] = byte('0'+n/10), byte('0'+n%10)
}

// stampUp rounds up, for moments that something must not be earlier than.
func stampUp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return stamp(t.Add(time.Millisecond - 1))
}

// parseStamp is the inverse of stamp.
func parseStamp(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(stampLayout, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %q is not a time", ErrCorrupt, s)
	}
	return t, nil
}
