package main

import (
	"context"
	"time"

	"github.com/bulkrunner/runner/sdk"
)

// cancelCardDebitRequest may be sent again by the runner itself, although
// doubt comes first to a read: the API cancels while a debit is pending and
// only then, so that a second cancellation changes nothing.
var cancelCardDebitRequest = sdk.Mutation[*client, cardDebitArgs, cardDebit, cardDebit]{
	Name: "cancel_card_debit_request",
	Doc: "Cancels a card's debit request that is pending. The API refuses once it is in process, which is 48 business hours " +
		"before the card is debited, on a day that isn't shown: run it well before the cut day. There is no way back, and it is no refund.",
	GuardedByAPI: true,
	Read:         (*client).readCardDebit,
	Execute:      (*client).cancelCardDebit,
	Settled:      func(_ cardDebitArgs, d cardDebit) sdk.Settled { return cancellationSettled(d.State) },
	SettleAfter:  settleAfter,
	Resend:       sdk.ResendAuto,
}

// settleAfter is a guess on the safe side. Nobody documents that reads lag
// behind writes, and nobody that they don't.
const settleAfter = 10 * time.Second

// cancelCardDebit believes only an answer that shows the same id as canceled.
// An amount in it that isn't a number is left out: it is not what confirms.
func (c *client) cancelCardDebit(ctx context.Context, a cardDebitArgs) (cardDebit, error) {
	data, err := c.cancel(ctx, cardDebits, a.ID)
	if err != nil {
		return cardDebit{}, err
	}
	d, err := decodeCardDebit(data)
	if err != nil {
		delete(data, "amount")
		d, _ = decodeCardDebit(data)
	}
	if err := confirmCanceled(a.ID, d.ID, d.State, a.CardAdhesionID, d.CardAdhesionID, d); err != nil {
		return cardDebit{}, err
	}
	return d, nil
}
