package main

import (
	"context"

	"github.com/bulkrunner/runner/sdk"
)

// reverseCharge is never sent again by the runner. What a second deletion does
// to a charge whose first one is late to be seen isn't documented, and this one
// moves money: a person decides.
var reverseCharge = sdk.Mutation[*client, chargeArgs, charge, deletion]{
	Name: "reverse_charge",
	Doc: "Reverses a charge that has been paid: AUTORIZADO becomes EXTORNADO and the payer gets all of the money back; no part of it can be named. " +
		"There is no way back. A charge that is LIQUIDADO or DEPOSITADO needs a refund of another kind. " +
		"The same request cancels an unpaid charge: so each charge is read just before, and one that comes back CANCELADO is an incident.",
	Check:        checkCharge,
	Read:         (*client).readCharge,
	Execute:      (*client).reverseCharge,
	Settled:      reversalSettled,
	SettleAfter:  settleAfter,
	DefaultGuard: &sdk.DefaultGuard{Attribute: "states", Allowed: paid},
}

// reverseCharge asks for the deletion and believes only an answer that shows
// the charge reversed.
func (c *client) reverseCharge(ctx context.Context, a chargeArgs) (deletion, error) {
	answer, err := c.remove(ctx, a.MerchantOperationNumber)
	if err != nil {
		return deletion{}, err
	}
	return confirmDeletion(a, extornado, answer)
}

// reversalSettled judges by all states that a read shows. An unpaid charge
// tells nothing: it may yet be paid.
func reversalSettled(_ chargeArgs, c charge) sdk.Settled {
	switch {
	case some(c.States, cancelado):
		return sdk.SettledOtherwise
	case c.State == extornado && all(c.States, append(lapsed, extornado)...):
		return sdk.SettledYes
	case c.State == autorizado && all(c.States, append(lapsed, autorizado)...):
		return sdk.SettledNo
	case some(c.States, liquidado, depositado), all(c.States, over...):
		return sdk.SettledImpossible
	}
	return sdk.SettledCantTell
}
