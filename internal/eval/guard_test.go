package eval

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	guards := func(conditions ...string) string {
		var b strings.Builder
		b.WriteString("  order = each.value.order_id\n")
		for i := 0; i < len(conditions); i += 2 {
			b.WriteString("  guard {\n    condition = " + conditions[i] + "\n    otherwise = \"" + conditions[i+1] + "\"\n  }\n")
		}
		return b.String()
	}
	for name, test := range map[string]struct {
		body, live string
		want       Verdict
		reason     string
		err        string
	}{
		"default holds":       {body: guards(), live: `{"state":"PENDIENTE"}`, want: Proceed},
		"default skips":       {body: guards(), live: `{"state":"APROBADA"}`, want: Skip, reason: "state is APROBADA"},
		"default lacks":       {body: guards(), live: `{}`, want: Fail, reason: "the API says no state, so nothing is known to be safe"},
		"default dropped":     {body: "default_guard = false\n" + guards(), live: `{"state":"APROBADA"}`, want: Proceed},
		"state":               {body: guards(`live.state == "PENDIENTE"`, "skip"), live: `{"state":"REGISTRADO"}`, want: Skip, reason: "state is REGISTRADO"},
		"other way round":     {body: guards(`"PENDIENTE" == live.state`, "fail"), live: `{"state":"REGISTRADO"}`, want: Fail, reason: "state is REGISTRADO"},
		"one of":              {body: guards(`contains(["PENDIENTE"], live.state)`, "skip"), live: `{"state":"REGISTRADO"}`, want: Skip, reason: "state is REGISTRADO"},
		"strictest":           {body: guards(`live.state == "X"`, "skip", `live.total == 5`, "stop", `live.total < 1`, "fail"), live: `{"state":"PENDIENTE","total":"12.50"}`, want: Stop, reason: "total is 12.50"},
		"no simple shape":     {body: guards(`live.total  <  5`, "fail"), live: `{"state":"PENDIENTE","total":12.50}`, want: Fail, reason: "live.total < 5 is false"},
		"decimal of the row":  {body: guards(`live.total == each.value.amount`, "fail"), live: `{"state":"PENDIENTE","total":"12.5"}`, want: Proceed},
		"row, key, column":    {body: guards(`each.row == 7 && each.key == "A-001" && each.value.status == live.state && each.value.open && each.value.count == 3`, "fail"), live: `{"state":"PENDIENTE"}`, want: Proceed},
		"number keeps digits": {body: guards(`live.total == todecimal("90071992547409930.01")`, "fail"), live: `{"state":"PENDIENTE","total":90071992547409930.01}`, want: Proceed},
		"sensitive":           {body: guards(`live.token == "x"`, "skip"), live: `{"state":"PENDIENTE","token":"hush-hush"}`, want: Skip, reason: "token is (sensitive)"},
		"null compared":       {body: guards(`live.total > 5`, "skip"), live: `{"state":"PENDIENTE"}`, err: "null"},
		"null equal":          {body: guards(`live.total == null`, "skip"), live: `{"state":"PENDIENTE"}`, want: Proceed},
		"control characters":  {body: guards(), live: `{"state":"A\u001b[31m"}`, want: Skip, reason: `state is "A\x1b[31m"`},
		"wrong type":          {body: guards(), live: `{"state":{"a":1}}`, err: `attribute "state"`},
		"huge":                {body: guards(`live.total > 5`, "skip"), live: `{"state":"PENDIENTE","total":1e100000000}`, err: `attribute "total"`},
		"not JSON":            {body: guards(), live: `<html>`, err: "read live state"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := compile(t, test.body)
			item, problems := p.Item(stale)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			// At apply only the stored item is there, and no list.
			s, op := operationOf(t, test.body)
			later, diags := s.Compile(op, nil, cancel)
			if diags.HasErrors() {
				t.Fatal(words(diags))
			}
			for _, p := range []*Program{p, later} {
				got, err := p.Judge(item.Context, json.RawMessage(test.live))
				if test.err != "" {
					if err == nil || !strings.Contains(err.Error(), test.err) {
						t.Errorf("got %v, want %q", err, test.err)
					}
					continue
				}
				if got.Verdict != test.want || got.Reason != test.reason || err != nil {
					t.Errorf("got %d %q %v, want %d %q", got.Verdict, got.Reason, err, test.want, test.reason)
				}
			}
		})
	}
}

// The guard that decided is told from the others, and from the provider's own.
func TestJudgeTellsWhichGuard(t *testing.T) {
	t.Parallel()
	p := compile(t, "order = each.value.order_id\nguard {\n condition = live.total > 5\n}\nguard {\n condition = live.total > 10\n otherwise = \"fail\"\n}\n")
	item, problems := p.Item(stale)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for live, want := range map[string]int{
		`{"state":"PENDIENTE","total":1}`:  2,
		`{"state":"PENDIENTE","total":7}`:  2,
		`{"state":"APROBADA","total":11}`:  0,
		`{"state":"PENDIENTE","total":11}`: 0,
		`{"state":null,"total":1}`:         0,
	} {
		got, err := p.Judge(item.Context, json.RawMessage(live))
		if err != nil {
			t.Fatal(err)
		}
		which := 0
		for i := range p.guards {
			if got.Guard == &p.guards[i].rng {
				which = i + 1
			}
		}
		if which != want || (want == 0) != (got.Guard == nil) {
			t.Errorf("%s: guard %d decided, want %d", live, which, want)
		}
	}
}

func TestJudgeWithoutContext(t *testing.T) {
	t.Parallel()
	p := compile(t, "order = each.value.order_id\nguard {\n condition = each.value.status == live.state\n}")
	if _, err := p.Judge(nil, json.RawMessage(`{"state":"PENDIENTE"}`)); err == nil {
		t.Error("judged without what the guard needs")
	}
}

func TestLiveAmount(t *testing.T) {
	t.Parallel()
	p := compile(t, "order = each.value.order_id")
	for live, want := range map[string]string{
		`{"total":"12.50","currency":"604"}`: "12.50 PEN",
		`{"total":12.50,"currency":"COP"}`:   "12.50 COP",
		`{"total":"12.50"}`:                  "12.50 ",
		`{"total":null}`:                     "",
		`{"total":"1,5"}`:                    "",
		`[]`:                                 "",
		``:                                   "",
	} {
		amount, currency, ok := p.LiveAmount(json.RawMessage(live))
		got := ""
		if ok {
			got = amount + " " + currency
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", live, got, want)
		}
	}
	for minor, want := range map[string]string{"1050": "10.50", "5": "0.05", "-5": "-0.05", "0": "0.00", "100": "1.00", "1.5": ""} {
		if got, _ := minorToMajor(minor, 2); got != want {
			t.Errorf("%s: got %q, want %q", minor, got, want)
		}
	}
}
