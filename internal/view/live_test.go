package view

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/bulkrunner/runner/internal/engine"
	"github.com/bulkrunner/runner/internal/plan"
)

// someProgress is where a run of many operations stands.
func someProgress(operations int, name, waiting string) (ps []engine.Progress) {
	for i := range operations {
		ps = append(ps, engine.Progress{
			Operation: &plan.Operation{Address: fmt.Sprintf("operation.%s%d", name, i)},
			Settled:   plan.Counts{plan.Succeeded: 1_234_567, plan.Skipped: 12, plan.Failed: 3, plan.InDoubt: 2, plan.Incident: 1},
			InFlight:  4, Requests: 2_500_000, Waiting: waiting, Until: time.Now().Add(75 * time.Second),
		})
	}
	return ps
}

// TestLiveLines: whatever the terminal's size and whatever is said, a line
// stays a line, no more lines are drawn than there is room for, and nothing in
// them controls the terminal but the colours, of which each has its word.
func TestLiveLines(t *testing.T) {
	t.Parallel()
	colors := regexp.MustCompile(`\x1b\[(0|31|32|33)m`)
	for _, waiting := range []string{"", "the API asked for a slower pace", hostile, engine.Paused} {
		for _, color := range []bool{false, true} {
			for _, operations := range []int{1, 3, 40} {
				drain := make(chan struct{})
				v := &ApplyLive{options: LiveOptions{Color: color, Keys: true, Drain: drain, Total: map[string]int64{}, Limits: map[string]float64{"operation.payvalida_cancel_order.stale0": 120}},
					rates: make(map[string]*meter), live: &Live{done: make(chan struct{})}}
				v.options.Total["operation.payvalida_cancel_order.stale0"] = 12_345_678
				v.Progress(someProgress(operations, "payvalida_cancel_order.stale", waiting))
				for width := 20; width <= 220; width += 4 {
					lines := v.draw(width, 24)
					if len(lines) > 24 {
						t.Fatalf("%d lines of %d operations in 24", len(lines), operations)
					}
					for _, l := range lines {
						text := colors.ReplaceAllString(l, "")
						if !color && text != l {
							t.Errorf("colours where there are none: %q", l)
						}
						if n := len([]rune(text)); n >= width {
							t.Errorf("%d characters in %d columns: %q", n, width, text)
						}
						for _, c := range text {
							if !unicode.IsPrint(c) {
								t.Fatalf("%U in %q", c, text)
							}
						}
					}
				}
				wide, narrow := strings.Join(v.draw(200, 24), "\n"), strings.Join(v.draw(80, 24), "\n")
				for _, want := range []string{"1,234,567 succeeded", "12 skipped", "3 failed", "2 in doubt", "1 incident", "0 of 120 requests/s", "1,234,583/12,345,678"} {
					for _, text := range []string{wide, narrow} {
						if text = colors.ReplaceAllString(text, ""); !strings.Contains(text, want) {
							t.Errorf("%q isn't in:\n%s", want, text)
						}
					}
				}
				if waiting == "the API asked for a slower pace" && !strings.Contains(wide, "waiting: the API asked for a slower pace, 1m ") {
					t.Errorf("the wait isn't in:\n%s", wide)
				}
				if (waiting == engine.Paused) != v.Paused() || (waiting == engine.Paused) != strings.Contains(narrow, "p resumes") {
					t.Errorf("paused: %v:\n%s", v.Paused(), narrow)
				}
				close(drain)
				if text := strings.Join(v.draw(100, 24), "\n"); !strings.Contains(text, "in flight, which are settled; q or Ctrl-C again stops at once") {
					t.Errorf("that it stops isn't in:\n%s", text)
				}
			}
		}
	}
}

// TestLiveTellsApart: operations whose names are too long are told apart by
// their ends, their counts stand below each other, and one that a former apply
// has done takes no line; nor has one a total that another one feeds.
func TestLiveTellsApart(t *testing.T) {
	t.Parallel()
	all := someProgress(4, "payvalida_cancel_order.of_the_eastern_shop_", "")
	all[3].Settled, all[3].InFlight, all[3].Requests = nil, 0, 0 // with no total either: it was done before
	totals := map[string]int64{all[0].Operation.Address: 1_300_000, all[1].Operation.Address: 12_345_678}
	v := &ApplyLive{options: LiveOptions{Total: totals}, rates: make(map[string]*meter), live: &Live{done: make(chan struct{})}}
	v.Progress(all)
	for width, want := range map[int][]string{
		80:  {"…stern_shop_0  █████████░    1,234,583/1,300,000     0 requests/s", "…stern_shop_1  █░░░░░░░░░   1,234,583/12,345,678     0 requests/s", "…stern_shop_2  ░░░░░░░░░░              1,234,583     0 requests/s"},
		200: {"eastern_shop_0  ██████████████████████████████░░    1,234,583/1,300,000  1,234,567 succeeded", "eastern_shop_1  ███", "eastern_shop_2  ░░░"},
	} {
		text := strings.Join(v.draw(width, 24), "\n")
		for _, line := range want {
			if !strings.Contains(text, line) {
				t.Errorf("%q isn't in:\n%s", line, text)
			}
		}
		if strings.Contains(text, "shop_3") {
			t.Errorf("in %d columns there is a line of what was done before:\n%s", width, text)
		}
	}
	plain := &strings.Builder{}
	lines := NewApply(plain, totals, nil)
	lines.Progress(all)
	lines.Close()
	if text := plain.String(); strings.Contains(text, "shop_3") || !strings.Contains(text, "shop_2  1,234,583  1,234,567 succeeded") || !strings.Contains(text, "shop_1  1,234,583/12,345,678  ") {
		t.Errorf("where nothing is redrawn:\n%s", text)
	}
}

// TestPlainLinesNeverWait: who doesn't read the lines holds nobody up.
func TestPlainLinesNeverWait(t *testing.T) {
	t.Parallel()
	read, write := io.Pipe()
	defer read.Close()
	v := NewApply(write, map[string]int64{}, nil).(*applyLines)
	start := time.Now()
	for range 1000 {
		v.last = time.Time{} // as if its seconds had passed
		v.Progress(someProgress(1, "fake_cancel.all", ""))
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	start = time.Now()
	v.Close()
	v.Close()
	if took := time.Since(start); took > closeWait+5*time.Second {
		t.Errorf("the end took %v", took)
	}
}
