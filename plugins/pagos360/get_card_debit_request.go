package main

import (
	"context"
	"encoding/json"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

type cardDebitArgs struct {
	ID             string `json:"id" runner:"required,pattern=[1-9][0-9]{0,18}" doc:"The debit request's id."`
	CardAdhesionID string `json:"card_adhesion_id" runner:"pattern=([1-9][0-9]{0,18})?" doc:"The adhesion that it must belong to, if the list knows it: adhesions and debits have ids of the same form, and one for the other names somebody else's."`
}

// A cardDebit is what the API shows of a card's debit request. The payer's
// name and address stay at the API.
type cardDebit struct {
	ID                string          `json:"id" doc:"The debit request's id."`
	Type              string          `json:"type" doc:"As the API writes it."`
	State             string          `json:"state" runner:"role=status" doc:"pending, in_process (in whatever spelling it came), paid, rejected, canceled, reverted or refunded."`
	Amount            sdk.Decimal     `json:"amount" runner:"role=amount" doc:"In pesos."`
	Month             int64           `json:"month" doc:"The month in which the card is debited. The API doesn't show the day."`
	Year              int64           `json:"year" doc:"The year in which the card is debited."`
	Description       string          `json:"description" doc:"What it is for."`
	StateComment      string          `json:"state_comment" doc:"Why it was cancelled."`
	CreatedAt         string          `json:"created_at" doc:"ISO, with the API's own offset."`
	CardAdhesionID    string          `json:"card_adhesion_id" doc:"The adhesion that it belongs to."`
	ExternalReference string          `json:"external_reference" doc:"The adhesion's, which is the customer's: many debits share it."`
	AdhesionState     string          `json:"adhesion_state" doc:"The adhesion's state."`
	Card              string          `json:"card" doc:"The card's brand."`
	LastFourDigits    string          `json:"last_four_digits" doc:"Of the card."`
	Metadata          json.RawMessage `json:"metadata" doc:"What whoever made it left with it."`
}

var getCardDebitRequest = sdk.Query[*client, cardDebitArgs, cardDebit]{
	Name:    "get_card_debit_request",
	Doc:     "Reads a card's debit request.",
	Execute: (*client).readCardDebit,
}

// readCardDebit asks for a debit request as it is now.
func (c *client) readCardDebit(ctx context.Context, a cardDebitArgs) (cardDebit, error) {
	data, err := c.read(ctx, cardDebits, a.ID)
	if err != nil {
		return cardDebit{}, err
	}
	d, err := decodeCardDebit(data)
	if err == nil {
		err = confirmRead(a.ID, d.ID, d.State, a.CardAdhesionID, d.CardAdhesionID)
	}
	if err != nil {
		return cardDebit{}, err
	}
	return d, nil
}

func decodeCardDebit(data apiclient.Object) (cardDebit, error) {
	amount, err := data.Decimal("amount")
	if err != nil {
		return cardDebit{}, errAmount
	}
	adhesion := data.Object("card_adhesion")
	return cardDebit{
		ID:                data.Whole("id"),
		Type:              data.Text("type"),
		State:             stateOf(data.Text("state")),
		Amount:            amount,
		Month:             data.Number("month"),
		Year:              data.Number("year"),
		Description:       data.Text("description"),
		StateComment:      data.Text("state_comment"),
		CreatedAt:         data.Text("created_at"),
		CardAdhesionID:    adhesion.Whole("id"),
		ExternalReference: adhesion.Text("external_reference"),
		AdhesionState:     adhesion.Text("state"),
		Card:              adhesion.Text("card"),
		LastFourDigits:    adhesion.Text("last_four_digits"),
		Metadata:          data.Raw("metadata"),
	}, nil
}

var errAmount = sdk.NotNow("bad_amount", "the API showed an amount that is not a decimal number", 0)
