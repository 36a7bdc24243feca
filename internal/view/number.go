package view

import (
	"strconv"
	"strings"
	"time"
)

// Count writes a whole number with commas between thousands.
func Count(n int64) string { return Amount(strconv.FormatInt(n, 10)) }

// Amount writes a decimal number, as the run file has it, with commas between
// thousands. Its digits stay as they are.
func Amount(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	var b strings.Builder
	b.WriteString(sign)
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	if fraction != "" {
		b.WriteByte('.')
		b.WriteString(fraction)
	}
	return b.String()
}

// Duration writes a time span as people say it: 8m 14s.
func Duration(d time.Duration) string {
	if d < 10*time.Second {
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	}
	d = d.Round(time.Second)
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case h > 0:
		return strconv.Itoa(h) + "h " + strconv.Itoa(m) + "m"
	case m > 0:
		return strconv.Itoa(m) + "m " + strconv.Itoa(s) + "s"
	}
	return strconv.Itoa(s) + "s"
}

// Rate writes requests a second.
func Rate(r float64) string {
	if r <= 0 {
		return "no limit"
	}
	return strconv.FormatFloat(r, 'f', -1, 64) + " requests/s"
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
