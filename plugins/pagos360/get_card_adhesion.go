package main

import (
	"context"

	"github.com/bulkrunner/runner/sdk"
)

var getCardAdhesion = sdk.Query[*client, adhesionArgs, adhesionState]{
	Name:    "get_card_adhesion",
	Doc:     "Reads an adhesion of a card.",
	Execute: (*client).readCardAdhesion,
}

func (c *client) readCardAdhesion(ctx context.Context, a adhesionArgs) (adhesionState, error) {
	return c.readAdhesionOf(ctx, cardAdhesions, a)
}
