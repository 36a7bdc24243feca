package providertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

type carelessFilter struct {
	State string `json:"state" doc:"Only things in this state."`
}

type carelessRow struct {
	ID    string `json:"id" doc:"The thing."`
	State string `json:"state" doc:"What it is."`
}

// A strangeRow has a member that isn't of its type.
type strangeRow struct {
	ID    string  `json:"id" doc:"The thing."`
	State strange `json:"state" doc:"What it is."`
}

type strange string

func (strange) MarshalJSON() ([]byte, error) { return []byte("7"), nil }

// A place is where a list stands between two pages: the number of the page to
// come, how many things the first page counted, and how many came.
type place struct{ page, total, came int64 }

// things is a list without a sin, or with one.
func things(sin string) sdk.Listing[*carelessClient] {
	if sin == "strange rows" {
		return listOf(sin, func(r carelessRow) strangeRow { return strangeRow{r.ID, strange(r.State)} }, func(r strangeRow) string { return string(r.State) })
	}
	return listOf(sin, func(r carelessRow) carelessRow { return r }, func(r carelessRow) string { return r.State })
}

func listOf[Row any](sin string, as func(carelessRow) Row, state func(Row) string) sdk.Listing[*carelessClient] {
	return sdk.List[*carelessClient, carelessFilter, Row]{
		Name: "things", Doc: "The things there are.", Key: "id",
		Matches: func(f carelessFilter, r Row) bool {
			return f.State == "" || state(r) == f.State || sin == "matches everything"
		},
		Page: func(c *carelessClient, ctx context.Context, f carelessFilter, cursor string) (sdk.Page[Row], error) {
			p, err := c.things(ctx, f, cursor)
			out := sdk.Page[Row]{Next: p.Next, Complete: p.Complete, Reason: p.Reason, Total: p.Total}
			for _, r := range p.Rows {
				out.Rows = append(out.Rows, as(r))
			}
			return out, err
		},
	}
}

func (c *carelessClient) things(ctx context.Context, f carelessFilter, cursor string) (p sdk.Page[carelessRow], err error) {
	at := place{page: 1}
	if cursor != "" {
		if _, err := fmt.Sscanf(cursor, "%d/%d/%d", &at.page, &at.total, &at.came); err != nil {
			return p, sdk.Refused("bad_cursor", "no such cursor")
		}
	}
	var answer struct {
		Data  []carelessRow
		Next  string
		Total int64
		Cut   bool
	}
	if c.sin == "two pages at once" {
		_ = c.listed(ctx, f, at.page+1, &answer)
	}
	if err := c.listed(ctx, f, at.page, &answer); err != nil {
		return p, err
	}
	if cursor == "" {
		at.total, c.known = answer.Total, map[string]bool{}
	}
	for i, r := range answer.Data {
		switch {
		case c.sin == "nameless rows":
			r.ID = ""
		case c.sin == "names by the page":
			r.ID += fmt.Sprintf("@%d", at.page)
		case c.sin == "rows twice" && i > 0:
			r.ID = answer.Data[0].ID
		case c.sin == "drops repeats" && c.known[r.ID]:
			continue
		}
		c.known[r.ID] = true
		p.Rows = append(p.Rows, r)
	}
	at.came += int64(len(p.Rows))
	at.page++
	switch {
	case answer.Next != "" || c.sin == "pages without end":
		if c.sin != "names by the page" && c.sin != "pages without end" {
			_, _ = fmt.Sscan(answer.Next, &at.page)
			at.came = 0 // so that a page that comes again has the cursor that it had
		}
		if c.sin == "counts itself" || c.sin == "drops repeats" {
			at.came = int64(len(c.known))
		}
		p.Next = fmt.Sprintf("%d/%d/%d", at.page, at.total, at.came)
	case c.sin == "says nothing":
	case c.sin == "counts itself", c.sin == "drops repeats":
		p.Complete, p.Total = true, int64(len(c.known))
	case c.sin == "counts the last":
		p.Complete, p.Total = true, int64(len(p.Rows))
	case answer.Cut || answer.Total != at.total:
		p.Reason = "it isn't all there is"
	default:
		p.Complete, p.Total = true, answer.Total
	}
	return p, nil
}

func (c *carelessClient) listed(ctx context.Context, f carelessFilter, page int64, answer any) error {
	q := url.Values{"page": {fmt.Sprint(page)}}
	if f.State != "" && c.sin != "forgets the filter" {
		q.Set("state", f.State)
	}
	r, err := c.api.Do(ctx, apiclient.Request{
		Method: http.MethodGet, Path: "/things", Query: q.Encode(), Header: http.Header{"Authorization": {"Bearer " + c.Token}},
	})
	switch {
	case err != nil:
		return err
	case r.Status != http.StatusOK || json.Unmarshal(r.Body, answer) != nil:
		return r.Unexpected()
	}
	return nil
}
