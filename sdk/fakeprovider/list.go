package fakeprovider

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/bulkrunner/runner/sdk"
)

type filter struct {
	State  string `json:"state" doc:"Only things in this state."`
	Prefix string `json:"prefix" doc:"Only things whose id begins so."`
}

// things lists what there is at the API, in the order of the ids.
var things = sdk.List[*client, filter, thing]{
	Name: "things",
	Doc:  "The things there are.",
	Key:  "id",
	Page: (*client).page,
	Matches: func(f filter, t thing) bool {
		return (f.State == "" || f.State == t.State) && strings.HasPrefix(t.ID, f.Prefix)
	},
}

// A pageAnswer is a page as the API has it.
type pageAnswer struct {
	Data   []thing `json:"data"`
	Next   string  `json:"next"`
	Total  int64   `json:"total"`
	Cut    bool    `json:"cut"`    // the API doesn't give more, although there is more
	Silent bool    `json:"silent"` // the API doesn't say whether there is more
}

func (c *client) page(ctx context.Context, f filter, cursor string) (sdk.Page[thing], error) {
	q := url.Values{"page": {cmp.Or(cursor, "1")}}
	for name, value := range map[string]string{"state": f.State, "prefix": f.Prefix} {
		if value != "" {
			q.Set(name, value)
		}
	}
	r, err := c.api.Do(ctx, c.request(http.MethodGet, "/things", q.Encode()))
	if err != nil {
		return sdk.Page[thing]{}, err
	}
	answer, err := understand[pageAnswer](r)
	if err != nil {
		return sdk.Page[thing]{}, err
	}
	p := sdk.Page[thing]{Rows: answer.Data, Next: answer.Next}
	if p.Next == "" {
		p.Complete, p.Total = !answer.Cut && !answer.Silent, answer.Total
		if answer.Cut {
			p.Reason = "the API gives no more than its first pages"
		}
	}
	return p, nil
}

// listFaults are what can be wrong with a list, by the value of the fault
// list.
var listFaults = []string{"", "repeat", "total", "cut", "silent", "circle", "unfiltered"}

// generate makes n things, whose states take turns.
func (s *simulation) generate(n int) {
	for i := range n {
		id := fmt.Sprintf("G-%04d", i+1)
		s.things[id] = &thing{id, states[i%len(states)], sdk.Decimal(fmt.Sprintf("%d.50", i+1)), "EUR"}
	}
}

// list answers GET /things. It is called with the lock held.
func (s *simulation) list(q url.Values) (int, any) {
	if s.switches.pageFails > 0 {
		s.switches.pageFails--
		return http.StatusServiceUnavailable, refusal{"resting", "later"}
	}
	wrong := s.switches.list
	var all []thing
	for _, id := range slices.Sorted(maps.Keys(s.things)) {
		t := *s.things[id]
		f := filter{q.Get("state"), q.Get("prefix")}
		if wrong == "unfiltered" || things.Matches(f, t) {
			all = append(all, t)
		}
	}
	size := s.switches.pageSize
	page, err := strconv.Atoi(q.Get("page"))
	if err != nil || page < 1 {
		return http.StatusUnprocessableEntity, refusal{"page", "there is no such page"}
	}
	from, to := min(len(all), (page-1)*size), min(len(all), page*size)
	if wrong == "repeat" && page > 1 {
		from--
	}
	a := pageAnswer{Data: all[from:to], Total: int64(len(all)), Cut: wrong == "cut", Silent: wrong == "silent"}
	switch {
	case wrong == "circle": // the second page is followed by itself
		a.Next = "2"
	case to < len(all) && !(wrong == "cut" && page == 2):
		a.Next = strconv.Itoa(page + 1)
	}
	if wrong == "total" {
		a.Total++
	}
	return http.StatusOK, a
}

// setList turns the switches that are about lists; ok is false for others.
func (s *simulation) setList(name, value string) (ok bool, err error) {
	n, number := strconv.Atoi(value)
	switch name {
	case "generate":
		if err = number; err == nil && n >= 0 && n <= 1_000_000 {
			s.generate(n)
			return true, nil
		}
	case "page_size":
		if number == nil && n > 0 {
			s.switches.pageSize = n
			return true, nil
		}
	case "page_fails":
		if number == nil && n >= 0 {
			s.switches.pageFails = n
			return true, nil
		}
	case "list":
		if slices.Contains(listFaults, value) {
			s.switches.list = value
			return true, nil
		}
	default:
		return false, nil
	}
	return true, fmt.Errorf("fault %s can't be %q", name, value)
}
