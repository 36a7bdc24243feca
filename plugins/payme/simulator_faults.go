package main

import (
	"fmt"
	"net/http"
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
	tokenError
	tokenRevoked
	unsuccessful
	drift
	authoriseBetween
	declined
	loseAnswer
	error500After
	html
	truncated
	shortAnswer
	otherCharge
	chances // how many there are
)

// Faults are the positions of the switches. They are replaced as a whole,
// never changed.
type faults struct {
	share              [chances]float64
	any                bool // some share is above 0
	seed               uint64
	slow               time.Duration
	readLag            time.Duration
	tokenLife          time.Duration
	limit              int
	scopes             string
	undocumentedDelete string
	failureStatus      int
	unknownCharge      string
	readShows          string
	reversalRefund     string
	repeatCharge       string
}

const (
	scopesIgnored  = "ignored"
	scopesChecked  = "checked"
	refuse         = "refuse"
	accept         = "accept"
	unknown404     = "404"
	unknownFailure = "failure"
	showsAll       = "all"
	showsOne       = "one"
	refundNone     = "none"
	refundMade     = "made"
)

func defaultFaults() *faults {
	return &faults{
		seed: 1, tokenLife: time.Hour, scopes: scopesIgnored, undocumentedDelete: refuse, failureStatus: http.StatusOK,
		unknownCharge: unknown404, readShows: showsAll, reversalRefund: refundNone, repeatCharge: refuse,
	}
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
	share("token_error", tokenError, "Share of token requests answered 500."),
	share("token_revoked", tokenRevoked, "Share of requests that find their token ended before its time, for themselves and all others that have it."),
	share("unsuccessful", unsuccessful, "Share of requests answered as failures, without effect. What a failure looks like isn't documented."),
	share("drift", drift, "Share of charges seeded as pending that are AUTORIZADO in truth, as where a list is old."),
	share("authorise_between", authoriseBetween, "Share of pending charges that are paid right after a read has shown them as pending."),
	share("declined", declined, "Share of new charges by card that come out DENEGADO."),
	share("lose_answer", loseAnswer, "Share of requests that are carried out and whose connection then ends without an answer."),
	share("error500_after", error500After, "Share of requests answered 500 after they have been carried out."),
	share("html", html, "Share of requests that are carried out and answered with a page of HTML, under 200 and 502 in turn."),
	share("truncated", truncated, "Share of requests that are carried out and whose answer stops halfway."),
	share("short_answer", shortAnswer, "Share of deletions that are carried out and answered in an older page's form, without the charge."),
	share("other_charge", otherCharge, "Share of requests that are carried out and whose answer names another charge."),
	{sdk.Fault{Name: "slow", Doc: "How long an answer takes, after the request has been carried out.", Default: "0s"}, func(f *faults, v string) (err error) {
		f.slow, err = wait(v)
		return err
	}},
	{sdk.Fault{Name: "read_lag", Doc: "How long reads go on showing a charge's former state. Whether Pay-me's do isn't documented.", Default: "0s"}, func(f *faults, v string) (err error) {
		f.readLag, err = wait(v)
		return err
	}},
	{sdk.Fault{Name: "token_life", Doc: "How long a token lives, in whole seconds. Not documented.", Default: "1h"}, func(f *faults, v string) (err error) {
		f.tokenLife, err = wait(v)
		return err
	}},
	{sdk.Fault{Name: "limit", Doc: "Requests that a second may hold, however it is cut; one more is answered 429. 0 is no limit. Pay-me documents none.", Default: "0"}, func(f *faults, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return fmt.Errorf("write a number of requests, or 0 for none")
		}
		f.limit = n
		return nil
	}},
	choice("scopes", "Whether a token's scopes are ignored or checked. Not documented.", func(f *faults) *string { return &f.scopes }, scopesIgnored, scopesChecked),
	choice("undocumented_delete", "What a deletion does in a state that it isn't documented for: refuse, or accept, which says that it was processed and changes nothing.", func(f *faults) *string { return &f.undocumentedDelete }, refuse, accept),
	{sdk.Fault{Name: "failure_status", Doc: "The HTTP status of failures. Not documented.", Default: "200"}, func(f *faults, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 200 || n > 599 {
			return fmt.Errorf("write a status from 200 to 599")
		}
		f.failureStatus = n
		return nil
	}},
	choice("unknown_charge", "What a read of an unknown charge answers: HTTP 404, or a failure. Not documented.", func(f *faults) *string { return &f.unknownCharge }, unknown404, unknownFailure),
	choice("read_shows", "Whether a read shows all of an operation's transactions or the one that it names. Not documented.", func(f *faults) *string { return &f.readShows }, showsAll, showsOne),
	choice("reversal_refund", "Whether reversing a charge makes a refund that can be read: none, or made. Not documented.", func(f *faults) *string { return &f.reversalRefund }, refundNone, refundMade),
	choice("repeat_charge", "What a second charge with a number that was used does: refuse, or accept as a further transaction. Not documented.", func(f *faults) *string { return &f.repeatCharge }, refuse, accept),
	{sdk.Fault{Name: "seed", Doc: "Which requests are hit: the same seed hits the same attempts at the same charges.", Default: "1"}, func(f *faults, v string) (err error) {
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

func choice(name, doc string, field func(*faults) *string, allowed ...string) toggle {
	return toggle{sdk.Fault{Name: name, Doc: doc, Default: allowed[0]}, func(f *faults, v string) error {
		*field(f) = v
		return oneOf(v, allowed...)
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
