package main

import (
	"context"
	"encoding/json"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

type debitArgs struct {
	ID         string `json:"id" runner:"required,pattern=[1-9][0-9]{0,18}" doc:"The debit request's id."`
	AdhesionID string `json:"adhesion_id" runner:"pattern=([1-9][0-9]{0,18})?" doc:"The adhesion that it must belong to, if the list knows it: adhesions and debits have ids of the same form, and one for the other names somebody else's."`
}

// A debit is what the API shows of a bank account's debit request. The account
// itself and its holder stay at the API.
type debit struct {
	ID                string          `json:"id" doc:"The debit request's id."`
	Type              string          `json:"type" doc:"As the API writes it."`
	State             string          `json:"state" runner:"role=status" doc:"pending, in_process (in whatever spelling it came), paid, rejected, expired, canceled or reverted."`
	FirstTotal        sdk.Decimal     `json:"first_total" runner:"role=amount" doc:"In pesos, until the first due date."`
	FirstDueDate      string          `json:"first_due_date" doc:"ISO, with the API's own offset."`
	SecondTotal       sdk.Decimal     `json:"second_total" doc:"In pesos, after the first due date."`
	SecondDueDate     string          `json:"second_due_date" doc:"ISO, with the API's own offset."`
	Description       string          `json:"description" doc:"What it is for."`
	StateComment      string          `json:"state_comment" doc:"Why it was cancelled."`
	CreatedAt         string          `json:"created_at" doc:"ISO, with the API's own offset."`
	AdhesionID        string          `json:"adhesion_id" doc:"The adhesion that it belongs to."`
	ExternalReference string          `json:"external_reference" doc:"The adhesion's, which is the customer's: many debits share it."`
	AdhesionState     string          `json:"adhesion_state" doc:"The adhesion's state."`
	Metadata          json.RawMessage `json:"metadata" doc:"What whoever made it left with it."`
}

var getDebitRequest = sdk.Query[*client, debitArgs, debit]{
	Name:    "get_debit_request",
	Doc:     "Reads a bank account's debit request.",
	Execute: (*client).readDebit,
}

// readDebit asks for a debit request as it is now.
func (c *client) readDebit(ctx context.Context, a debitArgs) (debit, error) {
	data, err := c.read(ctx, debits, a.ID)
	if err != nil {
		return debit{}, err
	}
	d, err := decodeDebit(data)
	if err == nil {
		err = confirmRead(a.ID, d.ID, d.State, a.AdhesionID, d.AdhesionID)
	}
	if err != nil {
		return debit{}, err
	}
	return d, nil
}

func decodeDebit(data apiclient.Object) (debit, error) {
	first, err := data.Decimal("first_total")
	if err != nil {
		return debit{}, errAmount
	}
	second, err := data.Decimal("second_total")
	if err != nil {
		return debit{}, errAmount
	}
	adhesion := data.Object("adhesion")
	return debit{
		ID:                data.Whole("id"),
		Type:              data.Text("type"),
		State:             stateOf(data.Text("state")),
		FirstTotal:        first,
		FirstDueDate:      data.Text("first_due_date"),
		SecondTotal:       second,
		SecondDueDate:     data.Text("second_due_date"),
		Description:       data.Text("description"),
		StateComment:      data.Text("state_comment"),
		CreatedAt:         data.Text("created_at"),
		AdhesionID:        adhesion.Whole("id"),
		ExternalReference: adhesion.Text("external_reference"),
		AdhesionState:     adhesion.Text("state"),
		Metadata:          data.Raw("metadata"),
	}, nil
}
