package main

import (
	"context"

	"github.com/bulkrunner/runner/sdk"
)

type debitFilter struct {
	filters
	DueFrom string `json:"first_due_date_gte" runner:"pattern=([0-9]{4}-[0-9]{2}-[0-9]{2})?" doc:"First due on this day or later, as 2026-12-31."`
	DueTo   string `json:"first_due_date_lte" runner:"pattern=([0-9]{4}-[0-9]{2}-[0-9]{2})?" doc:"First due on this day or earlier."`
}

// debitRequests lists bank accounts' debit requests.
var debitRequests = sdk.List[*client, debitFilter, debit]{
	Name: "debit_requests",
	Doc:  "Bank accounts' (CBU) debit requests.",
	Key:  "id",
	Check: func(f debitFilter) error {
		if err := checkDate("first_due_date_gte", f.DueFrom); err != nil {
			return err
		}
		if err := checkDate("first_due_date_lte", f.DueTo); err != nil {
			return err
		}
		return f.check()
	},
	Matches: func(f debitFilter, d debit) bool {
		return f.match(d.State, d.ExternalReference, d.CreatedAt) && within(dayOf(d.FirstDueDate), f.DueFrom, f.DueTo)
	},
	Page: func(c *client, ctx context.Context, f debitFilter, cursor string) (sdk.Page[debit], error) {
		q := f.query()
		set(q, "first_due_date_gte", onWire(f.DueFrom))
		set(q, "first_due_date_lte", onWire(f.DueTo))
		return page(ctx, c, debits, q, f.size(), cursor, decodeDebit)
	},
}
