package main

import (
	"context"

	"github.com/bulkrunner/runner/sdk"
)

// cancelDebitRequest is read before it is sent. That the API refuses a debit
// in execution is documented; that it refuses every other that isn't pending
// is likely, and no more.
var cancelDebitRequest = sdk.Mutation[*client, debitArgs, debit, debit]{
	Name: "cancel_debit_request",
	Doc: "Cancels a bank account's debit request that is pending. The API refuses it in execution; every other state is " +
		"kept away by the default guard. There is no way back, and it is no refund.",
	DefaultGuard: &sdk.DefaultGuard{Attribute: "state", Allowed: []string{pending}},
	Read:         (*client).readDebit,
	Execute:      (*client).cancelDebit,
	Settled:      func(_ debitArgs, d debit) sdk.Settled { return cancellationSettled(d.State) },
	SettleAfter:  settleAfter,
	Resend:       sdk.ResendAuto,
}

// cancelDebit believes only an answer that shows the same id as canceled. An
// amount in it that isn't a number is left out: it is not what confirms.
func (c *client) cancelDebit(ctx context.Context, a debitArgs) (debit, error) {
	data, err := c.cancel(ctx, debits, a.ID)
	if err != nil {
		return debit{}, err
	}
	d, err := decodeDebit(data)
	if err != nil {
		delete(data, "first_total")
		delete(data, "second_total")
		d, _ = decodeDebit(data)
	}
	if err := confirmCanceled(a.ID, d.ID, d.State, a.AdhesionID, d.AdhesionID, d); err != nil {
		return debit{}, err
	}
	return d, nil
}
