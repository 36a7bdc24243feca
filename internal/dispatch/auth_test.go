package dispatch_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bulkrunner/runner/internal/dispatch"
	"github.com/bulkrunner/runner/internal/providers"
	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

// A tokened api hands out tokens and judges each call by the token that its
// provider held when the call came in, whenever the answer goes out.
type tokened struct {
	life    time.Duration // of a token; 0 says nothing of it
	ends    func(token int, issued, at time.Duration) bool
	took    func(at time.Duration, nth int) time.Duration
	issued  []time.Duration
	refused int
	done    int
	nth     int
}

func (k *tokened) answer(start time.Time) func(time.Duration, host.Call) (host.Answer, time.Duration) {
	return func(at time.Duration, c host.Call) (host.Answer, time.Duration) {
		if c.Verb == host.Authenticate {
			k.issued = append(k.issued, at)
			a := done
			if k.life > 0 {
				a.Expires = start.Add(at + k.life)
			}
			return a, 10 * time.Millisecond
		}
		k.nth++
		takes := 20 * time.Millisecond
		if k.took != nil {
			takes = k.took(at, k.nth)
		}
		token := len(k.issued)
		if token == 0 {
			panic("a call left without a token")
		}
		if k.ends != nil && k.ends(token, k.issued[token-1], at) {
			k.refused++
			return host.Answer{Outcome: sdk.OutcomeUnauthenticated}, takes
		}
		k.done++
		return done, takes
	}
}

func authenticating(places int) dispatch.Settings {
	s := settings(100, places)
	s.Authenticates = true
	return s
}

// A token that ends while many calls are in flight is renewed once. The
// refusals come back in any order, most of them after the renewal, and none
// of those says anything of the new token.
func TestOneRenewalForManyRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &tokened{
			ends: func(token int, _, at time.Duration) bool { return token == 1 && at > time.Second },
			took: func(_ time.Duration, nth int) time.Duration { return time.Duration(20+nth%7*400) * time.Millisecond },
		}
		_, line := drive(authenticating(64), 10*time.Second, k.answer(time.Now()))
		if line.Err() != nil {
			t.Fatal(line.Err())
		}
		if k.refused < 2 {
			t.Fatalf("%d calls were refused: nothing was tried", k.refused)
		}
		if len(k.issued) != 2 {
			t.Errorf("%d tokens were asked for, want the first and one renewal: %v", len(k.issued), k.issued)
		}
		if k.done < 300 {
			t.Errorf("only %d calls were done in ten seconds", k.done)
		}
	})
}

// Each of many tokens in turn is refused and replaced: what one proved is
// forgotten with it.
func TestEveryTokenMayEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &tokened{ends: func(_ int, issued, at time.Duration) bool { return at-issued > time.Second }}
		_, line := drive(authenticating(16), 30*time.Second, k.answer(time.Now()))
		if line.Err() != nil {
			t.Fatal(line.Err())
		}
		if n := len(k.issued); n < 20 || n > 30 {
			t.Errorf("%d tokens were asked for in 30 seconds, each good for one", n)
		}
	})
}

// A token that is refused right after it was renewed is nobody's to renew
// once more.
func TestRefusedAgainIsFatal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &tokened{ends: func(_ int, _, at time.Duration) bool { return at > time.Second }}
		_, line := drive(authenticating(16), time.Minute, k.answer(time.Now()))
		if line.Err() == nil || !strings.Contains(line.Err().Error(), "again after it was renewed") {
			t.Errorf("got %v", line.Err())
		}
		if len(k.issued) != 2 {
			t.Errorf("%d tokens were asked for", len(k.issued))
		}
	})
}

// A token that ends while a first wave of calls is on its way with it is
// refused for several items, one after the other; what counts is whether an
// item is refused again.
func TestRefusedForAnotherItem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refused string // the items, in turn, each with a token of its own; "." is one that is accepted
		fatal   bool
	}{
		"one after the other": {"abc", false},
		"the same":            {"aa", true},
		"the first again":     {"aba", true},
		"accepted meanwhile":  {"ab.ab", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &api{start: time.Now(), answer: func(time.Duration, host.Call) (host.Answer, time.Duration) { return host.Answer{}, -1 }}
			line := dispatch.NewLine(authenticating(4), a, time.Now())
			a.line = line
			answer := func(id uint64, o sdk.Outcome) {
				line.Handle(time.Now(), providers.Event{Answers: []host.Answer{{ID: id, Outcome: o}}})
			}
			id := uint64(0)
			for _, item := range c.refused {
				for !line.Open() && line.Err() == nil {
					time.Sleep(time.Second)
					line.Tick(time.Now())
					id++ // of the renewal
					answer(id, sdk.OutcomeDone)
				}
				time.Sleep(time.Second)
				id = line.Call(time.Now(), line.Limits(nil), host.Call{Verb: host.Execute, IdempotencyKey: string(item)}, nil)
				answer(id, map[bool]sdk.Outcome{true: sdk.OutcomeDone, false: sdk.OutcomeUnauthenticated}[item == '.'])
			}
			if (line.Err() != nil) != c.fatal {
				t.Errorf("%s: %v", name, line.Err())
			}
		})
	}
}

// A token is renewed before its end, however short it lives, and no call is
// refused for it.
func TestRenewalBeforeTheEnd(t *testing.T) {
	t.Parallel()
	const length = 10 * time.Minute
	for life, most := range map[time.Duration]int{time.Hour: 1, 5 * time.Minute: 3, 20 * time.Second: 50, 2 * time.Second: 500} {
		synctest.Test(t, func(t *testing.T) {
			k := &tokened{life: life, ends: func(_ int, issued, at time.Duration) bool { return at > issued+life }}
			_, line := drive(authenticating(16), length, k.answer(time.Now()))
			if line.Err() != nil {
				t.Fatal(line.Err())
			}
			if k.refused > 0 {
				t.Errorf("life %s: %d calls were refused", life, k.refused)
			}
			if n := len(k.issued); n < int(length/life) || n > most {
				t.Errorf("life %s: %d tokens in ten minutes", life, n)
			}
			if k.done < 600*80 {
				t.Errorf("life %s: %d calls were done in ten minutes, of 60000", life, k.done)
			}
		})
	}
}

// Credentials that get no token stop the line: a wrong one at the second word,
// an authentication that stays in trouble when patience ends.
func TestNoToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outcome sdk.Outcome
		asked   [2]int // at least, at most
		says    string
	}{
		"unauthenticated": {sdk.OutcomeUnauthenticated, [2]int{2, 2}, "refused twice"},
		"refused":         {sdk.OutcomeRefused, [2]int{1, 1}, "authentication was refused"},
		"fatal":           {sdk.OutcomeFatal, [2]int{1, 1}, "every item"},
		"trouble":         {sdk.OutcomeUnknown, [2]int{10, 40}, "has failed for 10m"},
	} {
		synctest.Test(t, func(t *testing.T) {
			a, line := drive(authenticating(16), time.Hour, func(_ time.Duration, call host.Call) (host.Answer, time.Duration) {
				if call.Verb != host.Authenticate {
					t.Errorf("%s: a call left without a token", name)
				}
				return host.Answer{Outcome: c.outcome, Code: "http_500"}, 10 * time.Millisecond
			})
			if line.Err() == nil || !strings.Contains(line.Err().Error(), c.says) {
				t.Errorf("%s: got %v", name, line.Err())
			}
			if n := len(a.sent); n < c.asked[0] || n > c.asked[1] {
				t.Errorf("%s: a token was asked for %d times", name, n)
			}
		})
	}
}
