package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bulkrunner/runner/sdk"
)

// A chance is a fault that befalls a share of the requests.
type chance int

const (
	resetBefore chance = iota
	throttle
	error500Before
	transactionError
	payBetween
	loseAnswer
	error500After
	html
	errorMessage
	truncated
	otherOrder
	chances // how many there are
)

// Faults are the positions of the switches. They are replaced as a whole,
// never changed.
type faults struct {
	share        [chances]float64
	any          bool // some share is above 0
	seed         uint64
	slow         time.Duration
	readLag      time.Duration
	limit        int
	checksumCase string
	unknownOrder string
}

const (
	unknownEmpty = "empty"
	caseAny      = "any"
	caseUpper    = "upper"
	caseLower    = "lower"
)

func defaultFaults() *faults {
	return &faults{checksumCase: caseAny, unknownOrder: codeNotPending, seed: 1}
}

// A toggle is a switch and what moves it.
type toggle struct {
	sdk.Fault
	set func(*faults, string) error
}

var toggles = []toggle{
	share("reset_before", resetBefore, "Share of requests whose connection is reset before anything is done."),
	share("throttle", throttle, "Share of requests answered 429 before anything is done, with Retry-After in seconds and as a date in turn."),
	share("error500_before", error500Before, "Share of requests answered 500 before anything is done."),
	share("transaction_error", transactionError, "Share of requests answered with result code 0028 or 0030, without effect."),
	share("pay_between", payBetween, "Share of pending orders that are paid right after a read has shown them as pending."),
	share("lose_answer", loseAnswer, "Share of requests that are carried out and whose connection then ends without an answer."),
	share("error500_after", error500After, "Share of requests answered 500 after they have been carried out."),
	share("html", html, "Share of requests that are carried out and answered with a page of HTML, under 200 and 502 in turn."),
	share("error_message", errorMessage, "Share of requests that are carried out and answered 502 with an errorMessage and no CODE."),
	share("truncated", truncated, "Share of requests that are carried out and whose answer stops halfway."),
	share("other_order", otherOrder, "Share of requests that are carried out and whose answer names another order."),
	{sdk.Fault{Name: "slow", Doc: "How long an answer takes, after the request has been carried out.", Default: "0s"}, func(f *faults, v string) (err error) {
		f.slow, err = wait(v)
		return err
	}},
	{sdk.Fault{Name: "read_lag", Doc: "How long reads go on showing an order's former state. Whether Payvalida's do isn't documented.", Default: "0s"}, func(f *faults, v string) (err error) {
		f.readLag, err = wait(v)
		return err
	}},
	{sdk.Fault{Name: "limit", Doc: "Requests that a second may hold, however it is cut; one more is answered 429. 0 is no limit. Payvalida documents none.", Default: "0"}, func(f *faults, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return fmt.Errorf("write a number of requests, or 0 for none")
		}
		f.limit = n
		return nil
	}},
	{sdk.Fault{Name: "checksum_case", Doc: "Which checksums are accepted: any, upper or lower. Not documented.", Default: caseAny}, func(f *faults, v string) error {
		f.checksumCase = v
		return oneOf(v, caseAny, caseUpper, caseLower)
	}},
	{sdk.Fault{Name: "unknown_order", Doc: "What a read of an unknown order answers: a result code, or empty for 0000 with no data. Not documented.", Default: codeNotPending}, func(f *faults, v string) error {
		f.unknownOrder = v
		if fourDigits(v) && v != codeOK {
			return nil
		}
		return oneOf(v, unknownEmpty)
	}},
	{sdk.Fault{Name: "seed", Doc: "Which requests are hit: the same seed hits the same attempts at the same orders.", Default: "1"}, func(f *faults, v string) (err error) {
		if f.seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			return fmt.Errorf("write a whole number")
		}
		return nil
	}},
}

// simulatorFaults are the switches as the schema lists them.
var simulatorFaults = func() (list []sdk.Fault) {
	for _, t := range toggles {
		list = append(list, t.Fault)
	}
	return list
}()

func share(name string, c chance, doc string) toggle {
	return toggle{sdk.Fault{Name: name, Doc: doc, Default: "0"}, func(f *faults, v string) error {
		p, err := strconv.ParseFloat(v, 64)
		if err != nil || !(p >= 0 && p <= 1) {
			return fmt.Errorf("write a share from 0 to 1, such as 0.05")
		}
		f.share[c] = p
		f.any = slices.ContainsFunc(f.share[:], func(p float64) bool { return p > 0 })
		return nil
	}}
}

func wait(v string) (time.Duration, error) {
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("write a duration, such as 200ms")
	}
	return d, nil
}

func oneOf(v string, allowed ...string) error {
	if slices.Contains(allowed, v) {
		return nil
	}
	return fmt.Errorf("write %s", strings.Join(allowed, " or "))
}

// Set turns a fault's switch.
func (s *simulation) Set(fault, value string) error {
	i := slices.IndexFunc(toggles, func(t toggle) bool { return t.Name == fault })
	if i < 0 {
		names := make([]string, len(toggles))
		for i, t := range toggles {
			names[i] = t.Name
		}
		return fmt.Errorf("the simulator has no fault named %q: it has %s", fault, strings.Join(names, ", "))
	}
	for {
		old := s.faults.Load()
		f := *old
		if err := toggles[i].set(&f, value); err != nil {
			return fmt.Errorf("%s can't be %q: %w", fault, value, err)
		}
		if s.faults.CompareAndSwap(old, &f) {
			return nil
		}
	}
}

// sameChecksum compares in the letter case that is demanded. right is upper.
func (f *faults) sameChecksum(given, right string) bool {
	switch f.checksumCase {
	case caseUpper:
		return given == right
	case caseLower:
		return given == strings.ToLower(right)
	}
	return strings.EqualFold(given, right)
}
