package simulator

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bulkrunner/runner/sdk"
)

// A Switch is something about a simulation that can be set by its name, as
// with `runner rehearse --fault NAME=VALUE`. It is a variable of the package
// that declares it: what it is set to belongs to each simulation.
type Switch[T any] struct {
	fault   sdk.Fault
	usual   T
	parse   func(string) (T, error)
	isShare bool
	salt    uint64 // for the dice
}

// A Toggle is a [Switch] of any type.
type Toggle interface {
	described() sdk.Fault
	parsed(value string) (any, error)
	share() bool
}

// In tells what the switch was set to when the request came.
func (s *Switch[T]) In(f *Fate) T {
	if v, ok := f.settings.at[s]; ok {
		return v.(T)
	}
	return s.usual
}

func (s *Switch[T]) described() sdk.Fault         { return s.fault }
func (s *Switch[T]) parsed(v string) (any, error) { return s.parse(v) }
func (s *Switch[T]) share() bool                  { return s.isShare }

// A Chance is a switch that holds a share of the requests, see [Share].
type Chance = Switch[float64]

// Share makes a switch for a fault that befalls a share of the requests, from
// 0 to 1. It is off until it is set. Ask it with [Fate.Befalls].
func Share(name, doc string) *Chance {
	salt := fnv.New64a()
	_, _ = salt.Write([]byte(name))
	return &Chance{sdk.Fault{Name: name, Doc: doc, Default: "0"}, 0, func(v string) (float64, error) {
		p, err := strconv.ParseFloat(v, 64)
		if err != nil || !(p >= 0 && p <= 1) {
			return 0, fmt.Errorf("write a share from 0 to 1, such as 0.05")
		}
		return p, nil
	}, true, salt.Sum64()}
}

// Duration makes a switch for a length of time.
func Duration(name, doc string, usual time.Duration) *Switch[time.Duration] {
	text := usual.String()
	for _, zeros := range []string{"m0s", "h0m"} { // 1h0m0s is 1h
		if strings.HasSuffix(text, zeros) {
			text = text[:len(text)-2]
		}
	}
	return &Switch[time.Duration]{fault: sdk.Fault{Name: name, Doc: doc, Default: text}, usual: usual, parse: func(v string) (time.Duration, error) {
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 {
			return 0, fmt.Errorf("write a duration, such as 200ms")
		}
		return d, nil
	}}
}

// Number makes a switch for a whole number within bounds.
func Number(name, doc string, usual, least, most int) *Switch[int] {
	return &Switch[int]{fault: sdk.Fault{Name: name, Doc: doc, Default: strconv.Itoa(usual)}, usual: usual, parse: func(v string) (int, error) {
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > most {
			return 0, fmt.Errorf("write a whole number from %d to %d", least, most)
		}
		return n, nil
	}}
}

// Word makes a switch with a few positions, the usual one first.
func Word(name, doc string, words ...string) *Switch[string] {
	return Text(name, doc, words[0], func(v string) error {
		if slices.Contains(words, v) {
			return nil
		}
		shown := make([]string, len(words))
		for i, w := range words {
			if shown[i] = w; w == "" {
				shown[i] = "nothing"
			}
		}
		return fmt.Errorf("write %s", strings.Join(shown, " or "))
	})
}

// Text makes a switch for a text that check takes. Nil takes any.
func Text(name, doc, usual string, check func(string) error) *Switch[string] {
	return &Switch[string]{fault: sdk.Fault{Name: name, Doc: doc, Default: usual}, usual: usual, parse: func(v string) (string, error) {
		if check == nil {
			return v, nil
		}
		return v, check(v)
	}}
}

// Faults describes the switches that a simulator has, those of every front and
// its own, as [sdk.Simulator] lists them.
func Faults(own []Toggle) []sdk.Fault {
	var all []sdk.Fault
	for _, t := range withCommon(own) {
		all = append(all, t.described())
	}
	return all
}

func withCommon(own []Toggle) []Toggle {
	return slices.Concat(common, own, []Toggle{seed})
}

// settings are the positions of switches, of those that were set. They are
// replaced as a whole, never changed.
type settings struct {
	at     map[Toggle]any
	chance bool // some share is above 0
}

// with returns the settings with one of them changed.
func (s *settings) with(t Toggle, value string) (*settings, error) {
	v, err := t.parsed(value)
	if err != nil {
		return nil, fmt.Errorf("%s can't be %q: %w", t.described().Name, value, err)
	}
	out := &settings{at: map[Toggle]any{t: v}}
	for other, value := range s.at {
		if other != t {
			out.at[other] = value
		}
	}
	for other, value := range out.at {
		out.chance = out.chance || other.share() && value.(float64) > 0
	}
	return out, nil
}
