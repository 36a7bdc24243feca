package main

import (
	"context"
	"encoding/json"

	"github.com/bulkrunner/runner/sdk"
	"github.com/bulkrunner/runner/sdk/apiclient"
)

type adhesionArgs struct {
	ID                string `json:"id" runner:"required,pattern=[1-9][0-9]{0,18}" doc:"The adhesion's id. Adhesions of cards and of bank accounts have ids of the same form."`
	ExternalReference string `json:"external_reference" runner:"max=255" doc:"The reference that it must have, if the list knows it: the id of something else names somebody else's adhesion."`
}

// An adhesionState is what the API shows of an adhesion, of a card or of a bank
// account. The holder's name, address and account stay at the API.
type adhesionState struct {
	ID                string          `json:"id" doc:"The adhesion's id."`
	State             string          `json:"state" runner:"role=status" doc:"pending_to_sign, signed or canceled."`
	ExternalReference string          `json:"external_reference" doc:"What the merchant calls the customer."`
	Description       string          `json:"description" doc:"What it is for."`
	StateComment      string          `json:"state_comment" doc:"Why it was cancelled."`
	CreatedAt         string          `json:"created_at" doc:"ISO, with the API's own offset."`
	CanceledAt        string          `json:"canceled_at" doc:"ISO, with the API's own offset."`
	Metadata          json.RawMessage `json:"metadata" doc:"What whoever made it left with it."`
}

var getAdhesion = sdk.Query[*client, adhesionArgs, adhesionState]{
	Name:    "get_adhesion",
	Doc:     "Reads an adhesion of a bank account (CBU).",
	Execute: (*client).readAdhesion,
}

func (c *client) readAdhesion(ctx context.Context, a adhesionArgs) (adhesionState, error) {
	return c.readAdhesionOf(ctx, adhesions, a)
}

func (c *client) readAdhesionOf(ctx context.Context, r resource, a adhesionArgs) (adhesionState, error) {
	data, err := c.read(ctx, r, a.ID)
	if err != nil {
		return adhesionState{}, err
	}
	s := decodeAdhesion(data)
	if err := confirmRead(a.ID, s.ID, s.State, a.ExternalReference, s.ExternalReference); err != nil {
		return adhesionState{}, err
	}
	return s, nil
}

func decodeAdhesion(data apiclient.Object) adhesionState {
	return adhesionState{
		ID:                data.Whole("id"),
		State:             data.Text("state"),
		ExternalReference: data.Text("external_reference"),
		Description:       data.Text("description"),
		StateComment:      data.Text("state_comment"),
		CreatedAt:         data.Text("created_at"),
		CanceledAt:        data.Text("canceled_at"),
		Metadata:          data.Raw("metadata"),
	}
}
