package host_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/host"
)

func TestList(t *testing.T) {
	t.Parallel()
	c, _ := start(t, "", map[string]string{"generate": "50", "page_size": "20"})
	page := func(filter, cursor string) (host.Page, host.Answer) {
		t.Helper()
		p, a, err := c.List(t.Context(), host.PageCall{List: "things", Filter: json.RawMessage(filter), Cursor: cursor, Deadline: time.Now().Add(5 * time.Second)})
		if err != nil {
			t.Fatal(err)
		}
		return p, a
	}
	ids := map[string]bool{}
	for cursor, n := "", 1; ; n++ {
		p, a := page(`{}`, cursor)
		if a.Outcome != sdk.OutcomeDone || a.Requests != 1 || a.SentAt.IsZero() {
			t.Fatalf("page %d: %+v", n, a)
		}
		for _, row := range p.Rows {
			ids[string(row)] = true
		}
		if p.Next == "" {
			if !p.Complete || p.Total != 52 || n != 3 { // T and P are there too
				t.Errorf("page %d: complete %v, %d in all", n, p.Complete, p.Total)
			}
			break
		}
		if p.Complete {
			t.Errorf("page %d calls itself the last and names another", n)
		}
		cursor = p.Next
	}
	if len(ids) != 52 {
		t.Errorf("%d rows", len(ids))
	}
	if _, a := page(`{"stat":"paid"}`, ""); a.Outcome != sdk.OutcomeRefused || a.Code != "invalid_filter" || a.Requests != 0 {
		t.Errorf("an unknown filter: %+v", a)
	}
	if _, a := page(`{}`, "none"); a.Outcome != sdk.OutcomeRefused {
		t.Errorf("an unknown cursor: %+v", a)
	}
	if _, _, err := c.List(t.Context(), host.PageCall{List: "nothing", Filter: json.RawMessage(`{}`)}); err == nil {
		t.Error("a list that isn't there was read")
	}
	_, a, err := c.List(t.Context(), host.PageCall{List: "things", Filter: json.RawMessage(`{}`), LeaveBefore: time.Now().Add(-time.Second)})
	if err != nil || a.Outcome != sdk.OutcomeNotSent || a.Code != "permit_expired" {
		t.Errorf("a permit that has expired: %+v, %v", a, err)
	}
}

// A row that the filter doesn't ask for refuses the page, and none of it comes.
func TestListOutsideItsFilter(t *testing.T) {
	t.Parallel()
	c, _ := start(t, "", map[string]string{"generate": "50", "list": "unfiltered"})
	p, a, err := c.List(t.Context(), host.PageCall{List: "things", Filter: json.RawMessage(`{"state":"paid"}`)})
	if err != nil || a.Outcome != sdk.OutcomeRefused || a.Code != "outside_filter" || len(p.Rows) != 0 {
		t.Errorf("%d rows, %+v, %v", len(p.Rows), a, err)
	}
}

// What a fault makes of a page. To ask for one changes nothing, but whether it
// may be asked for again is the outcome's to tell.
func TestListFaults(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]sdk.Outcome{
		"throttle": sdk.OutcomeThrottled, "rest": sdk.OutcomeNotNow, "reset_before": sdk.OutcomeUnknown, "lose_answer": sdk.OutcomeUnknown,
		"error500_before": sdk.OutcomeUnknown, "html": sdk.OutcomeUnknown, "truncated": sdk.OutcomeUnknown,
	} {
		c, _ := start(t, "", map[string]string{fault: "1"})
		p, a, err := c.List(t.Context(), host.PageCall{List: "things", Filter: json.RawMessage(`{}`)})
		if err != nil || a.Outcome != want || len(p.Rows) != 0 {
			t.Errorf("%s: %s", fault, fmt.Sprint(len(p.Rows), a, err))
		}
	}
}
