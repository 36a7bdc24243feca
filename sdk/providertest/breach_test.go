package providertest

import (
	"testing"
	"time"
)

// TestBreaches: each way to misbehave is found by its rule, whatever other
// rules find it too.
func TestBreaches(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"refuse_configure":     "configure",
		"crash_in_configure":   "configure",
		"crash_before_request": "answers",
		"crash_after_request":  "answers",
		"hang":                 "answers",
		"panic":                "execute",
		"flood_stderr":         "stderr",
		"flood_stdout":         "stdout",
		"leak_token":           "secrets",
		"false_not_sent":       "execute",
		"wrong_id":             "answers",
		"answer_twice":         "answers",
		"no_answer":            "answers",
		"huge_answer":          "answers",
		"not_json":             "answers",
		"unknown_outcome":      "execute",
	}
	for mode, rule := range tests {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			o := Options{Samples: fakeSamples, Timeout: 2 * time.Second, Config: map[string]any{"misbehave": mode}}
			if mode == "hang" || mode == "no_answer" || mode == "wrong_id" { // which are waited for
				o.Timeout = 500 * time.Millisecond
			}
			o.only = []string{"schema", "simulator", "configure", "answers", "execute", rule}
			breached(t, Check(t.Context(), o), rule)
		})
	}
}

// breached holds that a rule failed and says why.
func breached(t *testing.T, results []Result, rule string) {
	t.Helper()
	for _, r := range results {
		if r.Rule != rule {
			continue
		}
		if r.Status != Failed || r.Detail == "" {
			t.Errorf("%s: %s %s", rule, r.Status, r.Detail)
		}
		return
	}
	t.Errorf("the rule %s was not held", rule)
}

// TestNeeds: what can't be judged is skipped and says so, and no rule is left
// out.
func TestNeeds(t *testing.T) {
	t.Parallel()
	results := Check(t.Context(), Options{Config: map[string]any{"misbehave": "refuse_configure"}})
	if len(results) != len(rules) {
		t.Errorf("%d results for %d rules", len(results), len(rules))
	}
	counts := map[Status]int{}
	for i, r := range results {
		counts[r.Status]++
		if len(rules[i].needs) > 0 && rules[i].needs[0] == "execute" && (r.Status != Skipped || r.Detail == "") {
			t.Errorf("%s: %s %s", r.Rule, r.Status, r.Detail)
		}
	}
	if counts[Failed] != 1 || counts[Passed] == 0 {
		t.Errorf("%v", counts)
	}
}
