package runfile

import (
	"testing"
	"time"
)

// What is read by hand is what time.Parse reads.
func TestParseStamp(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"2026-11-29T16:05:59.123Z", "2024-02-29T00:00:00.000Z", "0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z",
		"2026-02-29T00:00:00.000Z", "2026-02-30T00:00:00.000Z", "2026-00-10T00:00:00.000Z", "2026-13-10T00:00:00.000Z", "2026-01-00T00:00:00.000Z", "2026-04-31T00:00:00.000Z",
		"2026-01-32T00:00:00.000Z", "2026-01-01T24:00:00.000Z", "2026-01-01T00:60:00.000Z", "2026-01-01T00:00:60.000Z", "2026-01-01 00:00:00.000Z", "2026-01-01T00:00:00,000Z",
		"2026-01-01T00:00:00.0a0Z", "2026-01-01T00:00:00.000+", "2026-1-01T00:00:00.0000Z", "202x-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000", " ",
	} {
		want, wrong := time.Parse(stampLayout, s)
		for name, parse := range map[string]func() (time.Time, error){
			"text":  func() (time.Time, error) { return parseStamp(s) },
			"bytes": func() (time.Time, error) { return parseStamp([]byte(s)) },
		} {
			if got, err := parse(); !got.Equal(want) || (err != nil) != (wrong != nil) {
				t.Errorf("%s %q: got %v %v, want %v %v", name, s, got, err, want, wrong)
			}
		}
	}
	if got, err := parseStamp(""); !got.IsZero() || err != nil {
		t.Errorf("nothing: got %v %v", got, err)
	}
}
