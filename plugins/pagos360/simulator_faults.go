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
	flipBetween
	loseAnswer
	error500After
	html
	truncated
	otherID
	chances // how many there are
)

// Faults are the positions of the switches. They are replaced as a whole,
// never changed.
type faults struct {
	share          [chances]float64
	any            bool // some share is above 0
	seed           uint64
	slow           time.Duration
	clock          time.Duration
	limit          int
	cutDay         int
	refusedCancel  int
	created        int
	maxLimit       int
	drift          int
	ignoreFilters  bool
	errorShape     string
	spelling       string
	unsigned       string
	adhesionCancel string
}

const (
	shapeTurns      = "turns"
	shapeChildren   = "children"
	shapeErrors     = "errors"
	shapeError      = "error"
	shapeNone       = "none"
	unsignedRefuse  = "refuse"
	unsignedCancel  = "cancel"
	adhesionKeeps   = "keeps"
	adhesionCancels = "cancels"
)

func defaultFaults() *faults {
	return &faults{
		seed: 1, cutDay: 19, refusedCancel: http.StatusBadRequest, created: http.StatusCreated, maxLimit: 100,
		errorShape: shapeTurns, spelling: inProcessToo, unsigned: unsignedRefuse, adhesionCancel: adhesionKeeps,
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
	share("flip_between", flipBetween, "Share of pending debits that go into process right after a read has shown them as pending."),
	share("lose_answer", loseAnswer, "Share of requests that are carried out and whose connection then ends without an answer."),
	share("error500_after", error500After, "Share of requests answered 500 after they have been carried out."),
	share("html", html, "Share of requests that are carried out and answered with a page of HTML, under 200 and 502 in turn."),
	share("truncated", truncated, "Share of requests that are carried out and whose answer stops halfway."),
	share("other_id", otherID, "Share of requests that are carried out and whose answer names another id."),
	duration("slow", "How long an answer takes, after the request has been carried out.", func(f *faults) *time.Duration { return &f.slow }),
	duration("clock", "How far the API's clock is ahead. A created debit goes into process 48 business hours before it is due and is then paid.", func(f *faults) *time.Duration { return &f.clock }),
	number("limit", 0, 0, 1_000_000, "Requests that a second may hold, however it is cut; one more is answered 429. 0 is no limit. Pagos360 documents none.", func(f *faults) *int { return &f.limit }),
	number("cut_day", 19, 1, 28, "The day of the month on which cards are debited, which the API doesn't show.", func(f *faults) *int { return &f.cutDay }),
	number("refused_cancel", 400, 400, 499, "The status of a cancellation that is refused. Not documented.", func(f *faults) *int { return &f.refusedCancel }),
	number("created", 201, 200, 201, "The status of a creation: 201 by one client, 200 by another.", func(f *faults) *int { return &f.created }),
	number("max_limit", 100, 1, 1000, "The most rows that a page has, whatever limit asks for. Not documented.", func(f *faults) *int { return &f.maxLimit }),
	number("drift", 0, 0, 1000, "How many pending debits of each page go into process once it has been read, so that the pages behind it move.", func(f *faults) *int { return &f.drift }),
	word("ignore_filters", "Whether a list ignores every filter, as it does those that it doesn't know.", func(f *faults, v string) { f.ignoreFilters = v == "yes" }, "no", "yes"),
	word("error_shape", "The body of a refusal: one of three that clients read, in turn, or none. Not documented.", func(f *faults, v string) { f.errorShape = v }, shapeTurns, shapeChildren, shapeErrors, shapeError, shapeNone),
	word("spelling", "How in process is spelled: as in the documentation, or as in the SDKs.", func(f *faults, v string) { f.spelling = v }, inProcessToo, inProcess),
	word("unsigned", "What cancelling an adhesion does that nobody has signed. Not documented.", func(f *faults, v string) { f.unsigned = v }, unsignedRefuse, unsignedCancel),
	word("adhesion_cancel", "What cancelling an adhesion does to its pending debits: keeps or cancels them. Not documented.", func(f *faults, v string) { f.adhesionCancel = v }, adhesionKeeps, adhesionCancels),
	{sdk.Fault{Name: generate, Doc: "How many debits of each kind there are beside those that are seeded, in mixed states, of cards in the next month and the one after.", Default: "0"}, func(_ *faults, v string) error {
		if n, err := strconv.Atoi(v); err != nil || n < 0 || n > 1_000_000 {
			return fmt.Errorf("write a number of debits")
		}
		return nil
	}},
	{sdk.Fault{Name: "seed", Doc: "Which requests are hit: the same seed hits the same attempts at the same things.", Default: "1"}, func(f *faults, v string) (err error) {
		if f.seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			return fmt.Errorf("write a whole number")
		}
		return nil
	}},
}

// generate is the switch that makes things rather than faults.
const generate = "generate"

// simulatorFaults are the switches as the schema lists them.
var simulatorFaults = func() (list []sdk.Fault) {
	for _, t := range toggles {
		list = append(list, t.Fault)
	}
	return list
}()

func duration(name, doc string, field func(*faults) *time.Duration) toggle {
	return toggle{sdk.Fault{Name: name, Doc: doc, Default: "0s"}, func(f *faults, v string) (err error) {
		*field(f), err = wait(v)
		return err
	}}
}

func number(name string, usual, least, most int, doc string, field func(*faults) *int) toggle {
	return toggle{sdk.Fault{Name: name, Doc: doc, Default: strconv.Itoa(usual)}, func(f *faults, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > most {
			return fmt.Errorf("write a whole number from %d to %d", least, most)
		}
		*field(f) = n
		return nil
	}}
}

// word is a switch with a few positions, the usual one first.
func word(name, doc string, set func(*faults, string), words ...string) toggle {
	return toggle{sdk.Fault{Name: name, Doc: doc, Default: words[0]}, func(f *faults, v string) error {
		set(f, v)
		return oneOf(v, words...)
	}}
}

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
			break
		}
	}
	if n, err := strconv.Atoi(value); fault == generate && err == nil {
		s.things.generate(n, s.now())
	}
	return nil
}
