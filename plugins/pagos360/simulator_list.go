package main

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/simulator"
)

// list answers GET without an id: an offset into what there is at this moment,
// so that pages move. Filters that the API doesn't know are ignored. The lock
// is held.
func (s *simulation) list(f *simulator.Fate, q request, now time.Time) simulator.Answer {
	var all []*thing
	open := ignoreFilters.In(f) == yes || simulator.List.In(f) == simulator.Unfiltered
	for _, t := range s.things.order {
		if t.resource != q.resource {
			continue
		}
		s.age(t, f, now)
		if t.within(f, q.query, now) && (open || t.matches(f, q.query, now)) {
			all = append(all, t)
		}
	}
	if listOrder.In(f) == newestFirst {
		slices.Reverse(all)
	}
	number, size := 1, 20
	if n, err := strconv.Atoi(first(q.query, "page")); err == nil && n > 0 {
		number = n
	}
	if n, err := strconv.Atoi(first(q.query, "limit")); err == nil && n > 0 {
		size = min(n, maxLimit.In(f))
	}
	page := simulator.Pages(f, len(all), number, size)
	shown := all[page.From:page.To]
	data := make([]map[string]any, 0, len(shown))
	for _, t := range shown {
		data = append(data, t.members(f.Still(), t.shown(f, now)))
	}
	for i, t := range shown {
		if i < drift.In(f) && t.state == pending {
			s.become(t, inProcess, f, now)
		}
	}
	envelope := struct {
		Page  int              `json:"current_page"`
		Size  int              `json:"items_per_page"`
		Total *int             `json:"total_count,omitempty"`
		Data  []map[string]any `json:"data"`
	}{number, size, &page.Total, data}
	if simulator.List.In(f) == simulator.Silent {
		envelope.Total = nil
	}
	return simulator.JSON(http.StatusOK, envelope)
}

// within tells whether a thing is recent enough for a list that isn't asked
// from when.
func (t *thing) within(f *simulator.Fate, query url.Values, now time.Time) bool {
	reach := window.In(f)
	return reach == 0 || first(query, "created_at_gte") != "" || !t.created.Before(now.Add(-reach))
}

// matches holds a thing against the filters that the API knows.
func (t *thing) matches(f *simulator.Fate, query url.Values, now time.Time) bool {
	adhesion := t
	if t.adhesion != nil {
		adhesion = t.adhesion
	}
	texts := map[string]string{
		"id": t.id, "state": spelled(t.shown(f, now), f), "external_reference": adhesion.reference, "adhesion_holder_name": adhesion.holder,
	}
	dates, totals := map[string]time.Time{"created_at": t.created}, map[string]sdk.Decimal{}
	switch t.resource {
	case debits:
		dates["first_due_date"], totals["first_total"] = t.dueDate(), t.amount
		if t.second != "" {
			dates["second_due_date"], totals["second_total"] = t.secondDue, t.second
		}
	case adhesions:
		texts["cbu_number"], texts["cbu_holder_id_number"], texts["cbu_holder_name"] = t.cbu, t.holderID, t.holder
		texts["description"], texts["short_description"] = t.description, t.short
	}
	for name, shown := range texts {
		if wanted := first(query, name); wanted != "" && wanted != shown {
			return false
		}
	}
	for _, name := range []string{"created_at", "first_due_date", "second_due_date"} {
		on := ""
		if date, there := dates[name]; there {
			on = date.In(buenosAires).Format(fileDate)
		} else if t.resource != debits {
			continue // not a filter that is known of this kind
		}
		if from, err := day(first(query, name+"_gte")); err == nil && on < from.Format(fileDate) {
			return false
		}
		if to, err := day(first(query, name+"_lte")); err == nil && (on == "" || on > to.Format(fileDate)) {
			return false
		}
	}
	for _, name := range []string{"first_total", "second_total"} {
		total, there := totals[name]
		if t.resource != debits {
			break
		}
		if from, err := sdk.ParseDecimal(first(query, name+"_gte")); err == nil && (!there || total.Cmp(from) < 0) {
			return false
		}
		if to, err := sdk.ParseDecimal(first(query, name+"_lte")); err == nil && (!there || total.Cmp(to) > 0) {
			return false
		}
	}
	return true
}

func first(query url.Values, name string) string { return strings.TrimSpace(query.Get(name)) }
