package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"testing"

	"github.com/bulkrunner/runner/sdk"
)

// all reads a list to its end as the runner does.
func (s *stage) all(f cardDebitFilter) (ids []string, last sdk.Page[cardDebit]) {
	s.t.Helper()
	for cursor := ""; ; cursor = last.Next {
		var err error
		if last, err = cardDebitRequests.Page(s.client, s.t.Context(), f, cursor); err != nil {
			s.t.Fatal(err)
		}
		for _, d := range last.Rows {
			if !cardDebitRequests.Matches(f, d) {
				s.t.Errorf("%+v doesn't match", d)
			}
			ids = append(ids, d.ID)
		}
		if last.Next == "" {
			return ids, last
		}
	}
}

func TestListToItsEnd(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{0, 7, 50, 1000} {
		s := newStage(t, "generate=57")
		ids, last := s.all(cardDebitFilter{filters{PageSize: size}})
		if !last.Complete || last.Total != 57 || len(ids) != 57 || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 57 {
			t.Errorf("size %d: %d ids, %+v", size, len(ids), last)
		}
	}
	s := newStage(t)
	if ids, last := s.all(cardDebitFilter{}); len(ids) != 0 || !last.Complete || last.Total != 0 {
		t.Errorf("an empty list is %v, %+v", ids, last)
	}
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	s := newStage(t, "generate=200")
	all, _ := s.all(cardDebitFilter{})
	narrow := map[string]cardDebitFilter{
		"state":     {filters{State: pending}},
		"reference": {filters{ExternalReference: "cli-4001"}},
		"from":      {filters{CreatedFrom: s.simulation.Now().In(buenosAires).AddDate(0, 0, -10).Format(fileDate)}},
		"to":        {filters{CreatedTo: s.simulation.Now().In(buenosAires).AddDate(0, 0, -10).Format(fileDate)}},
	}
	for name, f := range narrow {
		ids, last := s.all(f)
		if len(ids) == 0 || len(ids) >= len(all) || !last.Complete {
			t.Errorf("%s: %d of %d, %+v", name, len(ids), len(all), last)
		}
	}
	p, err := debitRequests.Page(s.client, t.Context(), debitFilter{DueFrom: "2000-01-01", DueTo: "2000-12-31"}, "")
	if err != nil || !p.Complete || len(p.Rows) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

// The API ignores what it doesn't know, and may ignore more than that.
func TestListThatIgnoresItsFilter(t *testing.T) {
	t.Parallel()
	s := newStage(t, "generate=50", "ignore_filters=yes")
	for name, f := range map[string]cardDebitFilter{
		"state": {filters{State: paid}}, "reference": {filters{ExternalReference: "cli-none"}}, "from": {filters{CreatedFrom: "2999-01-01"}}, "to": {filters{CreatedTo: "2000-01-01"}},
	} {
		p, err := cardDebitRequests.Page(s.client, t.Context(), f, "")
		if err != nil || !slices.ContainsFunc(p.Rows, func(d cardDebit) bool { return !cardDebitRequests.Matches(f, d) }) {
			t.Errorf("%s: %v: every row matches", name, err)
		}
	}
}

// Pages move when what they list changes. The count tells of it.
func TestListThatMoves(t *testing.T) {
	t.Parallel()
	s := newStage(t, "generate=100", "drift=1")
	_, last := s.all(cardDebitFilter{filters{State: pending}})
	if last.Complete || last.Reason == "" {
		t.Errorf("%+v", last)
	}
}

func TestListPages(t *testing.T) {
	t.Parallel()
	row := func(id int) string { return fmt.Sprintf(`{"id":%d,"state":"pending","amount":10.10}`, id) }
	for name, c := range map[string]struct {
		cursor, answer string
		want           sdk.Outcome
		complete       bool
		next           string
		reason         bool
	}{
		"the only page":    {"", `{"current_page":1,"items_per_page":20,"total_count":1,"data":[` + row(1) + `]}`, sdk.OutcomeDone, true, "", false},
		"a first page":     {"", `{"current_page":1,"items_per_page":1,"total_count":2,"data":[` + row(1) + `]}`, sdk.OutcomeDone, false, "2/2/1", false},
		"the last page":    {"2/2/1", `{"current_page":2,"items_per_page":1,"total_count":2,"data":[` + row(2) + `]}`, sdk.OutcomeDone, true, "", false},
		"a short page":     {"", `{"current_page":1,"items_per_page":2,"total_count":3,"data":[` + row(1) + `]}`, sdk.OutcomeDone, false, "", true},
		"a long page":      {"", `{"current_page":1,"items_per_page":1,"total_count":1,"data":[` + row(1) + `,` + row(2) + `]}`, sdk.OutcomeDone, false, "", true},
		"another count":    {"2/3/1", `{"current_page":2,"items_per_page":1,"total_count":2,"data":[` + row(2) + `]}`, sdk.OutcomeDone, false, "", true},
		"another size":     {"2/3/1", `{"current_page":2,"items_per_page":2,"total_count":3,"data":[` + row(2) + `]}`, sdk.OutcomeDone, false, "", true},
		"another page":     {"2/3/1", `{"current_page":1,"items_per_page":1,"total_count":3,"data":[` + row(1) + `]}`, sdk.OutcomeNotNow, false, "", false},
		"no count":         {"", `{"current_page":1,"items_per_page":1,"data":[` + row(1) + `]}`, sdk.OutcomeNotNow, false, "", false},
		"the old shape":    {"", `{"count":1,"data":[` + row(1) + `]}`, sdk.OutcomeNotNow, false, "", false},
		"no data":          {"", `{"current_page":1,"items_per_page":1,"total_count":1}`, sdk.OutcomeNotNow, false, "", false},
		"a binary float":   {"", `{"current_page":1,"items_per_page":1,"total_count":1,"data":[{"id":1,"state":"pending","amount":1e3}]}`, sdk.OutcomeNotNow, false, "", false},
		"a strange cursor": {"x", ``, sdk.OutcomeRefused, false, "", false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(c.answer)) }))
		t.Cleanup(server.Close)
		p, err := cardDebitRequests.Page(newClient(t, server.URL), t.Context(), cardDebitFilter{}, c.cursor)
		if got, _ := outcome(err); got != c.want || p.Complete != c.complete || p.Next != c.next || (p.Reason != "") != c.reason {
			t.Errorf("%s: %v, %+v", name, err, p)
		}
	}
}

func TestFilterCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		f  debitFilter
		ok bool
	}{
		"nothing":     {debitFilter{}, true},
		"no such day": {debitFilter{filters: filters{CreatedFrom: "2026-02-30"}}, false},
		"nor this":    {debitFilter{DueTo: "2026-13-01"}, false},
		"page size":   {debitFilter{filters: filters{PageSize: -1}}, false},
	} {
		if err := debitRequests.Check(c.f); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkListPage(b *testing.B) {
	s := newSimulation(configuration{APIKey: secret}).(*simulation)
	if err := s.Set("generate", strconv.Itoa(10_000)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s.list(s.Fate(""), request{resource: cardDebits, query: url.Values{"page": {"250"}}}, s.Now())
	}
}
