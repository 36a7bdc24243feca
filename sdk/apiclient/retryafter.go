package apiclient

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ParseRetryAfter reads how long the API asks to be left alone: a number of
// seconds, or a date in any of HTTP's three forms. A date counts from the
// answer's own Date, so that it doesn't matter whose clock is wrong; now is
// for answers without one. A date that has passed is 0. It doesn't cut long
// waits short: that is for the runner, which can say so.
func ParseRetryAfter(header http.Header, now time.Time) (time.Duration, bool) {
	v := strings.Trim(header.Get("Retry-After"), " \t")
	if v == "" {
		return 0, false
	}
	if strings.Trim(v, "0123456789") == "" {
		const most = int64(math.MaxInt64 / time.Second)
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n > most {
			n = most // digits alone fail only by being too many
		}
		return time.Duration(n) * time.Second, true
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	return max(0, at.Sub(now)), true
}
