package fakeprovider

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/simulator"
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

// page asks for one page. The cursor is the page's number and how many things
// the API counted at the first one: where it counts otherwise at the last, the
// list moved meanwhile, and rows may have been stepped over.
func (c *client) page(ctx context.Context, f filter, cursor string) (sdk.Page[thing], error) {
	var none sdk.Page[thing]
	number, first := "1", int64(-1)
	if cursor != "" {
		if _, err := fmt.Sscanf(strings.ReplaceAll(cursor, "/", " "), "%s %d", &number, &first); err != nil {
			return none, sdk.Refused("bad_cursor", "the runner sent a cursor that this provider doesn't write")
		}
	}
	q := url.Values{"page": {number}}
	for name, value := range map[string]string{"state": f.State, "prefix": f.Prefix} {
		if value != "" {
			q.Set(name, value)
		}
	}
	r, err := c.api.Do(ctx, c.request(http.MethodGet, "/things", q.Encode()))
	if err != nil {
		return none, err
	}
	answer, err := understand[pageAnswer](r)
	if err != nil {
		return none, err
	}
	if first < 0 {
		first = answer.Total
	}
	p := sdk.Page[thing]{Rows: answer.Data}
	switch {
	case answer.Next != "":
		p.Next = fmt.Sprintf("%s/%d", answer.Next, first)
	case answer.Cut:
		p.Reason = "the API gives no more than its first pages"
	case answer.Silent:
	case answer.Total != first:
		p.Reason = fmt.Sprintf("the API counted %d things at the first page and %d at the last", first, answer.Total)
	default:
		p.Complete, p.Total = true, answer.Total
	}
	return p, nil
}

// generate makes n things, whose states take turns.
func (s *simulation) generate(n int) {
	for i := range n {
		id := fmt.Sprintf("G-%04d", i+1)
		s.things[id] = &thing{id, states[i%len(states)], sdk.Decimal(fmt.Sprintf("%d.50", i+1)), "EUR"}
	}
}

// list answers GET /things.
func (s *simulation) list(f *simulator.Fate, q url.Values) simulator.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pageFails > 0 {
		s.pageFails--
		return resting()
	}
	wrong := simulator.List.In(f)
	var all []thing
	for _, id := range slices.Sorted(maps.Keys(s.things)) {
		t := *s.things[id]
		if wrong == simulator.Unfiltered || things.Matches(filter{q.Get("state"), q.Get("prefix")}, t) {
			all = append(all, t)
		}
	}
	number, err := strconv.Atoi(q.Get("page"))
	if err != nil || number < 1 {
		return simulator.JSON(http.StatusUnprocessableEntity, refusal{"page", "there is no such page"})
	}
	p := simulator.Pages(f, len(all), number, pageSize.In(f))
	a := pageAnswer{Data: all[p.From:p.To], Total: int64(p.Total), Cut: wrong == "cut", Silent: wrong == simulator.Silent}
	if p.Next > 0 {
		a.Next = strconv.Itoa(p.Next)
	}
	return simulator.JSON(http.StatusOK, a)
}
