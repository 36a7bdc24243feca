package main

import (
	"context"

	"github.com/bulkrunner/runner/sdk"
)

// cancelAdhesion is read before it is sent: signed to canceled is the one way
// that is documented. It may be sent again by the runner itself, since what is
// canceled once stays so.
var cancelAdhesion = sdk.Mutation[*client, adhesionArgs, adhesionState, adhesionState]{
	Name: "cancel_adhesion",
	Doc: "Cancels a signed adhesion of a bank account (CBU). What becomes of its pending debits isn't documented: cancel them " +
		"first if they are not to be collected. There is no way back.",
	DefaultGuard: &sdk.DefaultGuard{Attribute: "state", Allowed: []string{signed}},
	Read:         (*client).readAdhesion,
	Execute:      (*client).cancelAdhesion,
	Settled:      func(_ adhesionArgs, s adhesionState) sdk.Settled { return adhesionSettled(s.State) },
	SettleAfter:  settleAfter,
	Resend:       sdk.ResendAuto,
}

func (c *client) cancelAdhesion(ctx context.Context, a adhesionArgs) (adhesionState, error) {
	return c.cancelAdhesionOf(ctx, adhesions, a)
}

func (c *client) cancelAdhesionOf(ctx context.Context, r resource, a adhesionArgs) (adhesionState, error) {
	data, err := c.cancel(ctx, r, a.ID)
	if err != nil {
		return adhesionState{}, err
	}
	s := decodeAdhesion(data)
	if err := confirmCanceled(a.ID, s.ID, s.State, a.ExternalReference, s.ExternalReference, s); err != nil {
		return adhesionState{}, err
	}
	return s, nil
}
