package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bulkrunner/runner/sdk"
)

// The wire's forms: dates go in as dd-mm-yyyy and come out as ISO, amounts are
// bare JSON numbers of at most eight digits before the point and two after it,
// ids are integers. Operation files write dates as yyyy-mm-dd, amounts as
// decimals, and ids as text.
const (
	wireDate = "02-01-2006"
	fileDate = time.DateOnly
)

// onWire turns a date of an operation file, which has been checked, into the
// wire's form. "" stays "".
func onWire(date string) string {
	t, err := time.Parse(fileDate, date)
	if err != nil {
		return ""
	}
	return t.Format(wireDate)
}

func checkDate(name, date string) error {
	if date == "" {
		return nil
	}
	if _, err := time.Parse(fileDate, date); err != nil {
		return fmt.Errorf("%s is %q, which is no day of the calendar; days are written as 2026-12-31", name, date)
	}
	return nil
}

// bare writes a decimal as a JSON number with the same digits. JSON has no
// leading zeros.
func bare(d sdk.Decimal) json.RawMessage {
	if d == "" {
		return nil
	}
	digits := strings.TrimLeft(d.String(), "0")
	if digits == "" || digits[0] == '.' {
		digits = "0" + digits
	}
	return json.RawMessage(digits)
}

func checkAmount(name string, d sdk.Decimal) error {
	whole, decimals, _ := strings.Cut(strings.TrimLeft(d.String(), "0"), ".")
	switch {
	case d.Cmp("0") <= 0:
		return fmt.Errorf("%s is %s: it must be more than nothing", name, d)
	case len(whole) > 8 || len(decimals) > 2:
		return fmt.Errorf("%s is %s: Pagos360 takes at most eight digits before the point and two after it", name, d)
	}
	return nil
}

// dayOf is the day of a moment in the API's form, in the API's own zone.
func dayOf(iso string) string {
	day, _, _ := strings.Cut(iso, "T")
	if _, err := time.Parse(fileDate, day); err != nil {
		return ""
	}
	return day
}

// keyMember is where a created thing carries the runner's key for its item, so
// that a person who looks for a debit whose answer was lost can find it. The
// API stores metadata and uses none of it.
const keyMember = "runner_idempotency_key"

var errKeyMember = errors.New("metadata has a member " + keyMember + ", which is the runner's own: rename it")

// withKey adds the runner's key to a file's metadata.
func withKey(metadata map[string]string, key string) map[string]string {
	out := make(map[string]string, len(metadata)+1)
	for name, value := range metadata {
		out[name] = value
	}
	if key != "" {
		out[keyMember] = key
	}
	return out
}
