package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

// A place is where a list stands between two pages: the page to come, and what
// the first page said of the whole. The API has no cursor but a page's number,
// and its pages move with what is made and changed meanwhile; that the count
// stays the same is what can be seen of it.
type place struct{ page, total, size int64 }

func (p place) String() string { return fmt.Sprintf("%d/%d/%d", p.page, p.total, p.size) }

func parsePlace(cursor string) (p place, err error) {
	if cursor == "" {
		return place{page: 1}, nil
	}
	if n, err := fmt.Sscanf(cursor, "%d/%d/%d", &p.page, &p.total, &p.size); n != 3 || err != nil || p.page < 2 || p.size < 1 {
		return p, sdk.Refused("bad_cursor", "the runner sent a cursor that this provider doesn't write")
	}
	return p, nil
}

// page asks for one page of a list. The rows that the envelope announces must
// be there: a page that is short before the last one, or an envelope that
// counts otherwise than the first one's, ends the list as incomplete.
func page[Row any](ctx context.Context, c *client, r resource, query url.Values, size int64, cursor string, decode func(apiclient.Object) (Row, error)) (sdk.Page[Row], error) {
	var none sdk.Page[Row]
	at, err := parsePlace(cursor)
	if err != nil {
		return none, err
	}
	query.Set("page", strconv.FormatInt(at.page, 10))
	query.Set("limit", strconv.FormatInt(size, 10))
	data, err := c.list(ctx, r, query.Encode())
	if err != nil {
		return none, err
	}
	current, total, items := data.Whole("current_page"), data.Whole("total_count"), data.Whole("items_per_page")
	rows, err := data.Objects("data")
	switch {
	case err != nil || rows == nil || current == "" || total == "" || items == "" || items == "0":
		return none, sdk.NotNow("no_page", "the answer is not the page that it should be", 0)
	case current != strconv.FormatInt(at.page, 10):
		return none, sdk.NotNow("other_page", "the API answered with another page than the one it was asked for", 0)
	}
	now := place{page: at.page + 1, total: data.Number("total_count"), size: data.Number("items_per_page")}
	p := sdk.Page[Row]{Total: now.total}
	for _, row := range rows {
		decoded, err := decode(row)
		if err != nil {
			return none, err
		}
		p.Rows = append(p.Rows, decoded)
	}
	before := (at.page - 1) * now.size
	expected := min(now.size, max(0, now.total-before))
	switch {
	case cursor != "" && now.total != at.total:
		p.Reason = fmt.Sprintf("the API counted %d at the first page and %d at page %d, so the list moved while it was read", at.total, now.total, at.page)
	case cursor != "" && now.size != at.size:
		p.Reason = "the API changed the size of its pages between two of them"
	case int64(len(rows)) != expected:
		p.Reason = fmt.Sprintf("page %d has %d rows, and %d belong there", at.page, len(rows), expected)
	case before+now.size < now.total:
		p.Next = now.String()
	default:
		p.Complete = true
	}
	return p, nil
}

// filters are what both lists have in common.
type filters struct {
	State             string `json:"state" runner:"oneof=pending|paid|rejected|canceled|reverted|refunded|expired" doc:"In process can't be asked for, since the API's spelling of it isn't known."`
	ExternalReference string `json:"external_reference" runner:"max=255" doc:"The adhesion's."`
	CreatedFrom       string `json:"created_at_gte" runner:"pattern=([0-9]{4}-[0-9]{2}-[0-9]{2})?" doc:"Made on this day or later, as 2026-12-31."`
	CreatedTo         string `json:"created_at_lte" runner:"pattern=([0-9]{4}-[0-9]{2}-[0-9]{2})?" doc:"Made on this day or earlier."`
	PageSize          int64  `json:"page_size" runner:"default=20" doc:"Rows a page. The most that the API allows isn't documented; 20 is what it gives by itself."`
}

func (f filters) check() error {
	if f.PageSize < 0 || f.PageSize > 1000 {
		return fmt.Errorf("page_size is %d: write 1 to 1000", f.PageSize)
	}
	if err := checkDate("created_at_gte", f.CreatedFrom); err != nil {
		return err
	}
	return checkDate("created_at_lte", f.CreatedTo)
}

func (f filters) size() int64 {
	if f.PageSize == 0 {
		return 20
	}
	return f.PageSize
}

func (f filters) query() url.Values {
	q := url.Values{}
	set(q, "state", f.State)
	set(q, "external_reference", f.ExternalReference)
	set(q, "created_at_gte", onWire(f.CreatedFrom))
	set(q, "created_at_lte", onWire(f.CreatedTo))
	return q
}

// match holds a row against the filter: the API ignores what it doesn't know
// of a query, and lists everything.
func (f filters) match(state, reference, createdAt string) bool {
	return (f.State == "" || f.State == state) &&
		(f.ExternalReference == "" || f.ExternalReference == reference) &&
		within(dayOf(createdAt), f.CreatedFrom, f.CreatedTo)
}

func within(day, from, to string) bool {
	return (from == "" || day != "" && day >= from) && (to == "" || day != "" && day <= to)
}

func set(q url.Values, name, value string) {
	if strings.TrimSpace(value) != "" {
		q.Set(name, value)
	}
}
