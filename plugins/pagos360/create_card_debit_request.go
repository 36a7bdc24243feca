package main

import (
	"context"
	"encoding/json"

	"github.com/bulkrunner/runner/sdk"
)

type createCardDebitArgs struct {
	CardAdhesionID string            `json:"card_adhesion_id" runner:"required,pattern=[1-9][0-9]{0,18}" doc:"The adhesion whose card is debited."`
	Month          int64             `json:"month" runner:"required" doc:"1 to 12."`
	Year           int64             `json:"year" runner:"required" doc:"Four digits."`
	Amount         sdk.Decimal       `json:"amount" runner:"required,role=amount" doc:"In pesos: at most eight digits before the point and two after it."`
	Description    string            `json:"description" runner:"max=255" doc:"What it is for."`
	Metadata       map[string]string `json:"metadata" doc:"Whatever is to be found with it later. The runner adds its own key for the item as runner_idempotency_key."`
}

// createCardDebitRequest can't be read: what the API shows a debit by is the
// id that only its answer tells, and no list is known to be searched by
// metadata. The API takes no idempotency key either. So a request whose answer
// was lost is never sent again without a person, who finds it, if it is there,
// by the item's key in its metadata.
var createCardDebitRequest = sdk.Mutation[*client, createCardDebitArgs, struct{}, cardDebit]{
	Name: "create_card_debit_request",
	Doc: "Makes a debit request for a card. The API knows no idempotency key: where an answer is lost, a person looks for the " +
		"item's key in the metadata of the adhesion's debits and settles it by hand.",
	GuardedByAPI: true,
	Check:        checkCardDebit,
	Execute:      (*client).createCardDebit,
}

// A cardDebitRequest is the body, within its root key.
type cardDebitRequest struct {
	CardAdhesionID json.Number       `json:"card_adhesion_id"`
	Month          int64             `json:"month"`
	Year           int64             `json:"year"`
	Amount         json.RawMessage   `json:"amount"`
	Description    string            `json:"description,omitempty"`
	Metadata       map[string]string `json:"metadata,omitempty"`
}

// createCardDebit believes only an answer that shows a pending debit of the
// adhesion and the amount that were asked for. An answer that shows others is
// an incident: something was made that nobody asked for.
func (c *client) createCardDebit(ctx context.Context, a createCardDebitArgs) (cardDebit, error) {
	data, err := c.create(ctx, cardDebits, cardDebitRequest{
		CardAdhesionID: json.Number(a.CardAdhesionID), Month: a.Month, Year: a.Year, Amount: bare(a.Amount),
		Description: a.Description, Metadata: withKey(a.Metadata, sdk.IdempotencyKey(ctx)),
	})
	if err != nil {
		return cardDebit{}, err
	}
	d, err := decodeCardDebit(data)
	switch {
	case err != nil || d.ID == "" || d.State == "" || d.Amount == "" || d.CardAdhesionID == "":
		return cardDebit{}, sdk.Unknown("unconfirmed", "the answer names no id, state, amount or adhesion")
	case d.CardAdhesionID != a.CardAdhesionID || d.Amount.Cmp(a.Amount) != 0 || d.Month != a.Month || d.Year != a.Year:
		return cardDebit{}, sdk.Incident(d, "the API made another debit than the one it was asked for")
	case d.State != pending && d.State != inProcess:
		return cardDebit{}, sdk.Unknown("unconfirmed", "the answer doesn't say that the debit is pending")
	}
	return d, nil
}
