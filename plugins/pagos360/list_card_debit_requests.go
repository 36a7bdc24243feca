package main

import (
	"context"

	"github.com/bulkrunner/runner/sdk"
)

type cardDebitFilter struct{ filters }

// cardDebitRequests lists cards' debit requests. Month and year are no filters
// of the API: choose by them with where.
var cardDebitRequests = sdk.List[*client, cardDebitFilter, cardDebit]{
	Name:    "card_debit_requests",
	Doc:     "Cards' debit requests. The API can't be asked for a month: choose it with where, by each.value.year and each.value.month.",
	Key:     "id",
	Check:   func(f cardDebitFilter) error { return f.check() },
	Matches: func(f cardDebitFilter, d cardDebit) bool { return f.match(d.State, d.ExternalReference, d.CreatedAt) },
	Page: func(c *client, ctx context.Context, f cardDebitFilter, cursor string) (sdk.Page[cardDebit], error) {
		return page(ctx, c, cardDebits, f.query(), f.size(), cursor, decodeCardDebit)
	},
}
