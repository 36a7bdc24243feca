package host

import (
	"context"
	"encoding/json"
	"time"

	"github.com/bulkrunner/runner/sdk"
	pb "github.com/bulkrunner/runner/sdk/internal/providerv1"
	"github.com/bulkrunner/runner/sdk/internal/wire"
)

// A PageCall asks for one page of a list with one request.
type PageCall struct {
	List        string          // without the provider's prefix
	Filter      json.RawMessage // a JSON object
	Cursor      string          // "" for the first page
	Deadline    time.Time
	LeaveBefore time.Time // the request must be written before it, or not at all; zero is no bound
}

// A Page is what a provider answered; its rows mean something only where the
// answer beside it is done.
type Page struct {
	Rows     []json.RawMessage // JSON objects
	Next     string            // "" on the last page
	Complete bool
	Reason   string
	Total    int64
}

// maxCursor bounds what a provider may have us send back to it.
const maxCursor = 4 << 10

// List asks for a page. Like [Stream.Receive] it believes no more than it
// must: an answer that can't be understood is unknown.
func (c *Client) List(ctx context.Context, call PageCall) (Page, Answer, error) {
	r, err := c.rpc.List(ctx, &pb.ListRequest{
		List: call.List, Filter: call.Filter, Cursor: call.Cursor,
		Deadline: nanos(call.Deadline), LeaveBefore: nanos(call.LeaveBefore),
	}, limits...)
	if err != nil {
		return Page{}, Answer{}, broken(ctx, "read a page", err)
	}
	page, a := readPage(r)
	return page, a, nil
}

func readPage(r *pb.ListResponse) (Page, Answer) {
	a := read(r.GetAnswer())
	if a.Outcome != sdk.OutcomeDone {
		return Page{}, a
	}
	p := Page{
		Next: r.GetNextCursor(), Complete: r.GetComplete(), Reason: wire.Clip(r.GetReason(), wire.MaxReason),
		Total: r.GetTotal(), Rows: make([]json.RawMessage, 0, len(r.GetRows())),
	}
	for _, row := range r.GetRows() {
		if len(row) == 0 || !object(row) {
			return Page{}, malformedPage(a, "a row that is not a JSON object")
		}
		p.Rows = append(p.Rows, row)
	}
	switch {
	case len(p.Next) > maxCursor:
		return Page{}, malformedPage(a, "a cursor of more than 4 KiB")
	case p.Next != "" && p.Complete:
		return Page{}, malformedPage(a, "a next page after the one that it calls the last")
	}
	return p, a
}

// malformedPage refuses an answer that would come again.
func malformedPage(a Answer, what string) Answer {
	a.Outcome, a.Code, a.Reason = sdk.OutcomeRefused, "malformed_page", "the provider answered with "+what+". This is a bug in the provider"
	return a
}
