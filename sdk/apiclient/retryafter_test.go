package apiclient

import (
	"net/http"
	"testing"
	"time"
)

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	const date = "Fri, 20 Nov 2026 10:00:00 GMT" // the server's clock, two hours behind
	tests := map[string]struct {
		value, date string
		want        time.Duration
		ok          bool
	}{
		"absent":              {value: ""},
		"seconds":             {"120", "", 2 * time.Minute, true},
		"zero":                {"0", "", 0, true},
		"spaces":              {" 5\t", "", 5 * time.Second, true},
		"long":                {"31536000", "", 365 * 24 * time.Hour, true},
		"more than fits":      {"99999999999999999999", "", 9223372036 * time.Second, true},
		"negative":            {value: "-1"},
		"plus":                {value: "+1"},
		"fraction":            {value: "1.5"},
		"words":               {value: "soon"},
		"IMF-fixdate":         {"Fri, 20 Nov 2026 10:00:30 GMT", date, 30 * time.Second, true},
		"RFC 850":             {"Friday, 20-Nov-26 10:00:30 GMT", date, 30 * time.Second, true},
		"asctime":             {"Fri Nov 20 10:00:30 2026", date, 30 * time.Second, true},
		"past":                {"Fri, 20 Nov 2026 09:00:00 GMT", date, 0, true},
		"date without a Date": {"Fri, 20 Nov 2026 12:00:10 GMT", "", 10 * time.Second, true},
		"date with a bad one": {"Fri, 20 Nov 2026 12:00:10 GMT", "yesterday", 10 * time.Second, true},
	}
	for name, tt := range tests {
		h := http.Header{}
		if tt.value != "" {
			h.Set("Retry-After", tt.value)
		}
		if tt.date != "" {
			h.Set("Date", tt.date)
		}
		got, ok := ParseRetryAfter(h, now)
		if got != tt.want || ok != tt.ok {
			t.Errorf("%s: got %v %v, want %v %v", name, got, ok, tt.want, tt.ok)
		}
	}
}
