package main

import (
	"context"

	"github.com/bulkrunner/runner/sdk"
)

var cancelCardAdhesion = sdk.Mutation[*client, adhesionArgs, adhesionState, adhesionState]{
	Name: "cancel_card_adhesion",
	Doc: "Cancels a signed adhesion of a card. What becomes of its pending debits isn't documented: cancel them first if they " +
		"are not to be collected. There is no way back.",
	DefaultGuard: &sdk.DefaultGuard{Attribute: "state", Allowed: []string{signed}},
	Read:         (*client).readCardAdhesion,
	Execute:      (*client).cancelCardAdhesion,
	Settled:      func(_ adhesionArgs, s adhesionState) sdk.Settled { return adhesionSettled(s.State) },
	SettleAfter:  settleAfter,
	Resend:       sdk.ResendAuto,
}

func (c *client) cancelCardAdhesion(ctx context.Context, a adhesionArgs) (adhesionState, error) {
	return c.cancelAdhesionOf(ctx, cardAdhesions, a)
}
