package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// list answers GET without an id: an offset into what there is at this moment,
// so that pages move. Filters that the API doesn't know are ignored. The lock
// is held.
func (s *simulation) list(f *faults, d dice, q request, now time.Time) (int, []byte) {
	var all []*thing
	for _, t := range s.things.order {
		if t.resource != q.resource {
			continue
		}
		t.age(f, now)
		if f.ignoreFilters || t.matches(f, q.query) {
			all = append(all, t)
		}
	}
	number, size := 1, 20
	if n, err := strconv.Atoi(first(q.query, "page")); err == nil && n > 0 {
		number = n
	}
	if n, err := strconv.Atoi(first(q.query, "limit")); err == nil && n > 0 {
		size = min(n, f.maxLimit)
	}
	from := min(len(all), (number-1)*size)
	to := min(len(all), number*size)
	data := make([]map[string]any, 0, to-from)
	for _, t := range all[from:to] {
		data = append(data, t.members(f, dice{faults: f, still: true}))
	}
	for i, t := range all[from:to] {
		if i < f.drift && t.state == pending {
			t.become(inProcess)
		}
	}
	b, _ := json.Marshal(struct {
		Page  int              `json:"current_page"`
		Size  int              `json:"items_per_page"`
		Total int              `json:"total_count"`
		Data  []map[string]any `json:"data"`
	}{number, size, len(all), data})
	return http.StatusOK, b
}

// matches holds a thing against the filters that the API knows.
func (t *thing) matches(f *faults, query map[string][]string) bool {
	reference := t.reference
	if t.adhesion != nil {
		reference = t.adhesion.reference
	}
	for name, shown := range map[string]string{"id": t.id, "state": spelled(t.state, f), "external_reference": reference} {
		if wanted := first(query, name); wanted != "" && wanted != shown {
			return false
		}
	}
	dates := map[string]time.Time{"created_at": t.created}
	if t.resource == debits {
		dates["first_due_date"] = t.dueDate()
	}
	for name, shown := range dates {
		on := shown.In(buenosAires).Format(fileDate)
		if from, err := day(first(query, name+"_gte")); err == nil && on < from.Format(fileDate) {
			return false
		}
		if to, err := day(first(query, name+"_lte")); err == nil && on > to.Format(fileDate) {
			return false
		}
	}
	return true
}

func first(query map[string][]string, name string) string {
	if values := query[name]; len(values) > 0 {
		return strings.TrimSpace(values[0])
	}
	return ""
}
