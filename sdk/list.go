package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
)

// A Listing is a [List].
type Listing[Client any] interface {
	schema() (ListSchema, error)
	check(filter json.RawMessage) error
	page(ctx context.Context, c Client, filter json.RawMessage, cursor string) (rawPage, error)
}

// A List is things at the API that an operation file can take its rows from.
//
// Filter and Row are plain structs like the arguments and results of
// operations. A filter's values are stored nowhere, so none of them may be
// sensitive; rows are stored, so none of them should be.
type List[Client, Filter, Row any] struct {
	Name string
	Doc  string
	Key  string // the attribute of Row that names one; it never comes twice

	// Page asks for one page with one request. The cursor is "" for the first
	// page, then whatever the page before said. A provider keeps no state
	// between pages, so what it has to remember goes into the cursor.
	Page func(Client, context.Context, Filter, string) (Page[Row], error)

	// Matches tells whether a row is one that the filter asks for. Many APIs
	// ignore a filter that they don't know and list everything, which would
	// then be cancelled: a row that doesn't match refuses the list.
	Matches func(Filter, Row) bool

	// Check judges a filter beyond what its types say. It uses no network.
	Check func(Filter) error
}

// A Page is a part of a list.
type Page[Row any] struct {
	Rows []Row
	Next string // the next page's cursor; "" on the last page

	// Complete says of the last page that its rows and those before it are
	// all there were. The zero value is the safe one: a list that isn't
	// complete gives a plan that can be looked at and never applied.
	Complete bool
	Reason   string // of a last page that isn't complete: why
	Total    int64  // of the last page: how many rows there are, as the API says it
}

// A rawPage is a page without its types.
type rawPage struct {
	rows     []json.RawMessage
	next     string
	complete bool
	reason   string
	total    int64
}

func (l List[Client, Filter, Row]) schema() (ListSchema, error) {
	s := ListSchema{Name: l.Name, Doc: l.Doc, Key: l.Key}
	if l.Page == nil || l.Matches == nil {
		return s, fmt.Errorf("list %q has no Page or no Matches", l.Name)
	}
	var err error
	if s.Filter, err = attributesOf(reflect.TypeFor[Filter](), false); err != nil {
		return s, fmt.Errorf("filter of list %q: %w", l.Name, err)
	}
	if s.Row, err = attributesOf(reflect.TypeFor[Row](), true); err != nil {
		return s, fmt.Errorf("rows of list %q: %w", l.Name, err)
	}
	return s, nil
}

func (l List[Client, Filter, Row]) check(filter json.RawMessage) error {
	return checkWith(l.Check, filter)
}

func (l List[Client, Filter, Row]) page(ctx context.Context, c Client, filter json.RawMessage, cursor string) (rawPage, error) {
	if err := l.check(filter); err != nil {
		return rawPage{}, Refused("invalid_filter", problemText(err))
	}
	f, err := decodeStrict[Filter](filter)
	if err != nil {
		return rawPage{}, Refused("invalid_filter", err.Error())
	}
	p, err := l.Page(c, ctx, f, cursor)
	if err != nil {
		return rawPage{}, err
	}
	out := rawPage{next: p.Next, complete: p.Complete, reason: p.Reason, total: p.Total, rows: make([]json.RawMessage, len(p.Rows))}
	for i, row := range p.Rows {
		if !l.Matches(f, row) {
			return rawPage{}, Refused("outside_filter", "the API lists rows that the filter doesn't ask for, as if it had ignored a part of it")
		}
		if out.rows[i], err = encode(row); err != nil {
			return rawPage{}, err
		}
	}
	return out, nil
}
